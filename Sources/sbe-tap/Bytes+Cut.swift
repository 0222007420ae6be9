import Posix

extension Bytes {
    /// Takes frames away from the end.
    ///
    /// - Parameters:
    ///   - surplus: how many.
    ///   - start: where a frame begins, before which nothing is taken away.
    mutating func removeLastFrames(_ surplus: Int, from start: Int) {
        var frames: [Int] = []
        var place = start
        while place < count {
            frames.append(place)
            let length = span.unsafeLoadUnaligned(fromByteOffset: place, as: UInt32.self)
            place += Int(UInt32(bigEndian: length))
        }
        guard surplus > 0, !frames.isEmpty else { return }
        truncate(to: frames[max(0, frames.count - surplus)])
    }
}
