import Glibc
public import Posix

/// Reads frames from a descriptor in batches that size themselves: one read takes what is there.
///
/// ```swift
/// while try reader.fill() == .frames {
///     while let frame = try reader.next() { … }
/// }
/// ```
@safe
public struct FrameReader: ~Copyable {
    /// What a call of ``fill(unless:)`` found.
    public enum Outcome {
        /// New bytes; ``next()`` may have frames.
        case frames
        /// End of input, between two frames.
        case end
        /// The stop descriptor became readable first.
        case stopped
    }

    private let descriptor: Descriptor
    /// Shows that its owner's loop turns, also while it waits here; nil shows nothing.
    public var heartbeat: Heartbeat?
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var start = 0
    private var end = 0
    /// Offset of `start` in the stream.
    private var offset: Int64 = 0

    /// Length of the frame that was handed out last; 0 once the buffer moved.
    private var lastLength = 0

    /// The times of the frame that was handed out last; nil when it is gone.
    public var lastTimes: RecordTimes? {
        guard lastLength > 0 else { return nil }
        let first = unsafe UnsafeRawPointer(base + start - lastLength)
        let frame = unsafe FrameView(
            checked: RawSpan(_unsafeStart: first, byteCount: lastLength))
        return RecordTimes(frame)
    }

    /// Bytes read so far.
    public var bytesRead: Int64 { offset + Int64(end - start) }
    /// For poll(2).
    public var descriptorNumber: Int32 { descriptor.raw }
    /// What is read, for messages.
    public var name: String { descriptor.name }

    /// Reads from a descriptor.
    ///
    /// - Parameter batch: bytes that one read takes at most; the buffer grows to the frame limit
    ///   when a longer frame comes.
    public init(_ descriptor: consuming Descriptor, batch: Int = 256 << 10) {
        descriptor.enlargePipe()
        self.descriptor = descriptor
        capacity = batch
        unsafe base = .allocate(byteCount: batch, alignment: 16)
    }

    deinit { unsafe base.deallocate() }

    /// Waits for input and reads once.
    ///
    /// - Parameter stop: a descriptor that ends the wait when it becomes readable, such as
    ///   a signal descriptor; -1 for none.
    /// - Throws: ``FrameError/truncated(offset:have:need:)`` when input ends inside a frame;
    ///   `SystemError` when reading fails.
    public mutating func fill(unless stop: Int32 = -1) throws -> Outcome {
        if stop >= 0 || heartbeat != nil, try waitForInput(unless: stop) { return .stopped }
        makeRoom()
        let room = unsafe UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end)
        guard let count = unsafe try descriptor.read(into: room) else { return .frames }
        if count == 0 {
            if start == end { return .end }
            let need = try FrameView.length(waiting, at: offset) ?? Frame.headerLength
            throw FrameError.truncated(offset: offset, have: end - start, need: need)
        }
        end += count
        return .frames
    }

    /// The next whole frame that was read, lent until the next call; nil when more must be read.
    ///
    /// - Throws: ``FrameError`` when the bytes are not a frame. The stream has no marks to find
    ///   the next frame by, so the reader stays where it is.
    @_lifetime(&self)
    public mutating func next() throws(FrameError) -> FrameView? {
        let first = unsafe UnsafeRawPointer(base + start)
        let bytes = unsafe RawSpan(_unsafeStart: first, byteCount: end - start)
        guard let length = try FrameView.length(bytes, at: offset), length <= bytes.byteCount else {
            return nil
        }
        start += length
        lastLength = length
        offset += Int64(length)
        let frame = unsafe RawSpan(_unsafeStart: first, byteCount: length)
        return FrameView(checked: unsafe _overrideLifetime(frame, mutating: &self))
    }

    /// Gives every whole frame that was read to `body`, for a reader that is a part of an object
    /// and so cannot lend frames beyond one access.
    public mutating func drain(_ body: (borrowing FrameView) throws -> Void) throws {
        while let frame = try next() { try body(frame) }
    }

    // MARK: - Buffer

    /// Bytes read but not yet handed out.
    private var waiting: RawSpan {
        @_lifetime(borrow self)
        get {
            let bytes = unsafe RawSpan(_unsafeStart: base + start, byteCount: end - start)
            return unsafe _overrideLifetime(bytes, borrowing: self)
        }
    }

    /// Moves a cut frame to the front, and grows to the frame limit if it fills the buffer.
    private mutating func makeRoom() {
        lastLength = 0
        if start > 0 {
            unsafe base.copyMemory(from: base + start, byteCount: end - start)
            end -= start
            start = 0
        }
        guard end == capacity else { return }
        capacity = max(capacity * 2, Frame.maximumLength)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe larger.copyMemory(from: base, byteCount: end)
        unsafe base.deallocate()
        unsafe base = larger
    }

    private func waitForInput(unless stop: Int32) throws -> Bool {
        heartbeat?.waits(for: .input)
        defer {
            heartbeat?.waits(for: .nothing)
            heartbeat?.beat()
        }
        while true {
            heartbeat?.beat()
            var watched = [
                pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            ]
            let limit = heartbeat == nil ? -1 : Heartbeat.longestWait
            let ready = unsafe poll(&watched, 2, limit)
            if ready > 0 { return watched[1].revents != 0 }
            if ready < 0 && errno != EINTR { throw SystemError("wait for", descriptor.name) }
        }
    }
}
