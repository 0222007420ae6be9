import Glibc
public import Identity
public import Posix

/// Collects frames and writes them in batches.
///
/// Under load a batch goes out when it has 64 KiB; a stage calls ``flush()`` when it has worked
/// through what there was to read, so that nothing waits while the input is idle.
public struct FrameWriter: ~Copyable {
    /// Bytes after which a batch is written without being asked: see the pipe measurements in
    /// docs/performance.md.
    public static let batchLength = 64 << 10

    private let output: FrameOutput
    /// Ends the wait for a reader of a FIFO some time after it became readable; -1 for none.
    public var stop: Int32 = -1
    /// How long that is, in seconds.
    public var drainTimeout: Double = 10
    /// Shows that its owner waits for the reader, which it may do for long; nil shows nothing.
    public var heartbeat: Heartbeat?
    private var buffer = Bytes(capacity: batchLength + (16 << 10))
    /// Frames written or waiting to be.
    public private(set) var frames: Int64 = 0
    /// Bytes handed to the system so far.
    public private(set) var bytesWritten: Int64 = 0

    /// Writes to a descriptor.
    ///
    /// - Throws: ``TerminalRefused`` when it is a terminal: records are not for reading.
    public init(_ descriptor: consuming Descriptor) throws(TerminalRefused) {
        if descriptor.isTerminal { throw TerminalRefused() }
        output = FrameOutput(descriptor)
    }

    /// Bytes of frames that wait to be written.
    public var waiting: Int { buffer.count }

    /// Passes a frame on as it is.
    public mutating func append(_ frame: borrowing FrameView) throws(SystemError) {
        buffer.append(frame.bytes)
        frames += 1
        if buffer.count >= Self.batchLength { try flush() }
    }

    /// Passes whole frames on, one after another in `bytes`: many of them without a copy.
    ///
    /// - Parameter count: how many they are.
    public mutating func append(frames bytes: RawSpan, count: Int) throws(SystemError) {
        if bytes.byteCount >= Self.batchLength {
            try flush()
            frames += Int64(count)
            var written = 0
            defer { bytesWritten += Int64(written) }
            do { try write(bytes, &written) } catch {
                // As after flush(): what was not taken is still here to be written.
                if error.code == ETIMEDOUT { buffer.append(bytes.extracting(written...)) }
                throw error
            }
            return
        }
        buffer.append(bytes)
        frames += Int64(count)
        if buffer.count >= Self.batchLength { try flush() }
    }

    /// Appends a gap record.
    ///
    /// - Parameters:
    ///   - ingestTime: ns, when it was noticed; nil for now.
    ///   - evidence: what shows that the ids cannot be had.
    public mutating func append(
        gap ids: ClosedRange<Int64>, of sequence: SequenceID, reason: GapReason,
        source: SourceCode, eventTime: Int64, ingestTime: Int64? = nil, evidence: String = ""
    ) throws(SystemError) {
        buffer.append(
            gap: ids, of: sequence, reason: reason, source: source, eventTime: eventTime,
            ingestTime: ingestTime ?? Clock.realtimeNanoseconds(), evidence: evidence)
        frames += 1
        if buffer.count >= Self.batchLength { try flush() }
    }

    /// Appends the record of a JSON line; ``flush()`` writes.
    public mutating func append(
        json line: RawSpan, _ reader: inout JSONRecord
    ) throws(FieldFailure) {
        try reader.appendFrame(of: line, to: &buffer)
        frames += 1
    }

    /// Writes what waits, also when `body` fails for another reason than writing: the good records
    /// before a bad one are written.
    public mutating func flush(after body: (inout FrameWriter) throws -> Void) throws {
        do { try body(&self) } catch {
            if !(error is SystemError) { try flush() }
            throw error
        }
        try flush()
    }

    /// Writes what waits.
    ///
    /// - Throws: `SystemError`; with `EPIPE` when the reader is gone, with `ETIMEDOUT` when the stage
    ///   is to stop and the reader of a FIFO takes nothing.
    public mutating func flush() throws(SystemError) {
        guard !buffer.isEmpty else { return }
        var written = 0
        defer { bytesWritten += Int64(written) }
        do { try write(buffer.span(0..<buffer.count), &written) } catch {
            if error.code == ETIMEDOUT { buffer.removeFirst(written) }
            throw error
        }
        buffer.removeAll()
    }

    /// Writes all bytes, and says how many of them even when it fails.
    private func write(_ bytes: RawSpan, _ written: inout Int) throws(SystemError) {
        heartbeat?.waits(for: .output)
        defer {
            heartbeat?.waits(for: .nothing)
            heartbeat?.beat()
        }
        var deadline: Int64?
        while written < bytes.byteCount {
            let count = try output.write(bytes.extracting(written..<bytes.byteCount))
            written += count
            if count > 0 { continue }
            if let deadline {
                guard Clock.monotonicNanoseconds() < deadline else {
                    throw SystemError("write to", output.name, code: ETIMEDOUT)
                }
            } else if Descriptor.isReadable(stop) {
                deadline = Clock.monotonicNanoseconds() + Int64(drainTimeout * 1e9)
            }
            output.wait(unless: deadline == nil ? stop : -1)
            heartbeat?.stillWaits()
        }
    }
}
