/// Finds frames among bytes that are not: the end of a frame whose beginning is lost, or the
/// beginning of one whose end is.
enum FrameSearch {
    /// The first place that looks like a frame: a framing header, a length that can be, and a
    /// message header of ours that fits into it.
    ///
    /// - Parameter first: where to begin.
    /// - Returns: nil when there is none among the bytes of which both headers are there.
    static func place(in bytes: RawSpan, from first: Int) -> Int? {
        var place = first
        while place + Frame.blockOffset <= bytes.byteCount {
            let type = UInt16(
                bigEndian: unsafe bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: place + 4, as: UInt16.self))
            if type == Frame.encodingType, isFrame(bytes, at: place) { return place }
            place += 1
        }
        return nil
    }

    /// True when the bytes at a place begin a frame, as far as can be told from those that are there.
    static func isFrame(_ bytes: RawSpan, at place: Int) -> Bool {
        let rest = bytes.extracting(place..<bytes.byteCount)
        do throws(FrameError) {
            _ = try FrameView.length(rest, at: 0)
            return true
        } catch { return false }
    }
}
