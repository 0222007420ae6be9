import Posix

/// Passing frames on where they are, many with one call.
///
/// Nearly all frames go on as they came, so runs of them go to the system from the buffer that they
/// were read into: none of them is copied, and there is one call for many.
extension FrameReader {
    /// What becomes of a frame in ``pass(to:_:instead:)``.
    public enum Passage: Sendable {
        /// It goes on as it is.
        case pass
        /// It does not.
        case drop
        /// Something else is written for it.
        case replace
    }

    /// Passes on the frames that were read, in runs: those that go on as they are cost nothing each.
    ///
    /// - Parameter instead: writes what goes out for a frame that is replaced.
    /// - Throws: what they throw, ``FrameError``, or `SystemError` when writing fails. The frames
    ///   before were handed to the writer then.
    public mutating func pass(
        to writer: inout FrameWriter, _ judge: (borrowing FrameView) throws -> Passage,
        instead: (borrowing FrameView, inout FrameWriter) throws -> Void
    ) throws {
        var (runStart, runEnd, count) = (start, start, 0)
        do {
            while let passage = try judgeNext(judge) {
                let frameStart = start - lastLength
                // A FIFO's reader may have passed over bytes.
                if passage == .pass, frameStart == runEnd {
                    runEnd = start
                    count += 1
                    continue
                }
                try append(runStart..<runEnd, count, to: &writer)
                (runStart, runEnd, count) = (start, start, 0)
                switch passage {
                case .pass: (runStart, count) = (frameStart, 1)
                case .drop: break
                case .replace:
                    let first = unsafe UnsafeRawPointer(base + frameStart)
                    let bytes = unsafe RawSpan(_unsafeStart: first, byteCount: start - frameStart)
                    try instead(FrameView(checked: bytes), &writer)
                }
            }
        } catch let error as SystemError { throw error } catch {
            try append(runStart..<runEnd, count, to: &writer)
            throw error
        }
        try append(runStart..<runEnd, count, to: &writer)
    }

    private mutating func judgeNext(
        _ judge: (borrowing FrameView) throws -> Passage
    ) throws -> Passage? {
        guard let frame = try next() else { return nil }
        return try judge(frame)
    }

    private func append(
        _ range: Range<Int>, _ count: Int, to writer: inout FrameWriter
    ) throws(SystemError) {
        if range.isEmpty { return }
        let first = unsafe UnsafeRawPointer(base + range.lowerBound)
        let bytes = unsafe RawSpan(_unsafeStart: first, byteCount: range.count)
        try writer.append(frames: bytes, count: count)
    }
}
