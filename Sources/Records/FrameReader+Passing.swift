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
        var run = Run(at: start)
        do {
            while let passage = try judgeRun(&run, judge) ?? judgeNext(judge) {
                let frameStart = start - lastLength
                // A FIFO's reader may have passed over bytes.
                if passage == .pass, frameStart == run.end {
                    run.end = start
                    run.count += 1
                    continue
                }
                try append(run, to: &writer)
                run = Run(at: start)
                switch passage {
                case .pass: (run.start, run.count) = (frameStart, 1)
                case .drop: break
                case .replace:
                    let first = unsafe UnsafeRawPointer(base + frameStart)
                    let bytes = unsafe RawSpan(_unsafeStart: first, byteCount: start - frameStart)
                    try instead(FrameView(checked: bytes), &writer)
                }
            }
        } catch let error as SystemError { throw error } catch {
            try append(run, to: &writer)
            throw error
        }
        try append(run, to: &writer)
    }

    /// Frames beside each other that go on as they are.
    private struct Run {
        var start: Int
        var end: Int
        var count = 0

        init(at start: Int) { (self.start, end) = (start, start) }
    }

    /// Makes a run longer as long as frames have the usual headers and pass. What changes for each of
    /// them is in registers; the reader itself is changed once a run.
    ///
    /// - Returns: what becomes of the first one that does not pass; nil where ``next()`` has to look.
    private mutating func judgeRun(
        _ run: inout Run, _ judge: (borrowing FrameView) throws -> Passage
    ) throws -> Passage? {
        guard !fifo.isFIFO else { return nil }
        let (first, base, end) = unsafe (start, UnsafeRawPointer(self.base), self.end)
        var (place, length, passed, passedEnd) = (first, 0, 0, first)
        defer {
            start = place
            offset += Int64(place - first)
            if length > 0 { lastLength = length }
            run.count += passed
            run.end = passedEnd
        }
        while true {
            let waiting = unsafe RawSpan(_unsafeStart: base + place, byteCount: end &- place)
            guard let next = FrameView.usualLength(waiting), next <= waiting.byteCount else {
                return nil
            }
            let frame = unsafe RawSpan(_unsafeStart: base + place, byteCount: next)
            length = next
            place &+= next
            let passage = try judge(FrameView(checked: frame))
            guard passage == .pass else { return passage }
            passed &+= 1
            passedEnd = place
        }
    }

    private mutating func judgeNext(
        _ judge: (borrowing FrameView) throws -> Passage
    ) throws -> Passage? {
        guard let frame = try next() else { return nil }
        return try judge(frame)
    }

    private func append(
        _ run: Run, to writer: inout FrameWriter
    ) throws(SystemError) {
        if run.count == 0 { return }
        let first = unsafe UnsafeRawPointer(base + run.start)
        let bytes = unsafe RawSpan(_unsafeStart: first, byteCount: run.end - run.start)
        try writer.append(frames: bytes, count: run.count)
    }
}
