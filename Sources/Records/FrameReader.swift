import Glibc
public import Posix

/// Reads frames from a descriptor in batches that size themselves: one read takes what is there.
///
/// ```swift
/// while try reader.fill() == .frames {
///     while let frame = try reader.next() { … }
///     // the frames are in a safe place
///     try reader.acknowledge()
/// }
/// ```
///
/// A FIFO that has a path outlives its readers, as under systemd. From one the reader only copies
/// (tee(2)): bytes are taken out of the FIFO once the frames in them were acknowledged, and a frame
/// that has not come whole stays there. So a reader that is stopped, or killed, leaves its successor
/// what it has not dealt with, beginning with a whole frame. And if the bytes begin inside a frame
/// anyway, since the writer was killed, the reader says so and finds the next one. Of this
/// nothing is done, and nothing is spent, on a shell's pipe or a file.
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

    /// What a reader of a FIFO says when it looks for the next frame.
    public enum Skip: Sendable {
        /// It looks for one, because of this.
        case began(FrameError)
        /// It found one after so many bytes.
        case found(after: Int64)
    }

    private let descriptor: Descriptor
    /// Shows that its owner's loop turns, also while it waits here; nil shows nothing.
    public var heartbeat: Heartbeat?
    var base: UnsafeMutableRawPointer
    private var capacity: Int
    /// Of what was not handed out yet, from `base`.
    var start = 0
    var end = 0
    /// Looks into the input where it is a FIFO.
    let fifo: PeekedPipe
    /// Up to here the bytes of the buffer are out of the FIFO.
    private var taken = 0
    /// When a frame at the head of the FIFO was first seen not to be whole, monotonic ns; 0: it is.
    private var cutSince: Int64 = 0
    private var isSkipping = false
    /// Bytes of a FIFO that were passed over, since they are not frames.
    public private(set) var bytesSkipped: Int64 = 0
    /// Hears of bytes of a FIFO that are passed over.
    public var whenSkipping: ((Skip) -> Void)?
    /// Offset of `start` in the stream.
    var offset: Int64 = 0

    /// Length of the frame that was handed out last; 0 once the buffer moved.
    var lastLength = 0

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
        fifo = PeekedPipe(descriptor.raw)
        self.descriptor = descriptor
        capacity = batch
        unsafe base = .allocate(byteCount: batch, alignment: 16)
    }

    deinit { unsafe base.deallocate() }

    /// Waits for input and reads once.
    ///
    /// - Parameter stop: a descriptor that ends the wait when it becomes readable, such as
    ///   a signal descriptor; -1 for none.
    /// - Parameter isReady: the caller has seen that the input is readable: it is not waited for.
    /// - Throws: ``FrameError/truncated(offset:have:need:)`` when input ends inside a frame;
    ///   `SystemError` when reading fails.
    ///
    /// Acknowledges the frames that were lent before.
    public mutating func fill(unless stop: Int32 = -1, isReady: Bool = false) throws -> Outcome {
        if fifo.isFIFO { return try fillFromFIFO(unless: stop) }
        if isReady {
            heartbeat?.beat()
        } else if stop >= 0 || heartbeat != nil, try waitForInput(unless: stop) {
            return .stopped
        }
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
    /// - Throws: ``FrameError`` when the bytes are not a frame. The reader stays where it is; on a
    ///   FIFO it goes on to the next frame instead, and nothing is thrown.
    @_lifetime(&self)
    public mutating func next() throws(FrameError) -> FrameView? {
        if fifo.isFIFO, !isAtFrame() { return nil }
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

    /// Gives up the bytes that were read and not lent, for whoever found that they are not frames and
    /// reads on by ``descriptorNumber``.
    public mutating func takeRest(appendingTo bytes: inout Bytes) {
        bytes.append(waiting)
        start = end
        lastLength = 0
    }

    // MARK: - A FIFO

    /// Longest that ``fill(unless:)`` waits for the rest of a frame, ms: its caller may have other
    /// things to do.
    private static let waitForRest: Int32 = 20
    /// After so long a frame that is not whole, ns, a frame inside it is looked for: its
    /// writer is gone.
    private static let patience: Int64 = 1_000_000_000

    /// True where what was not acknowledged is there for the next process; false where it is gone.
    public var keepsUnacknowledged: Bool { fifo.isFIFO }

    /// Takes the frames that were lent out of the FIFO: they were passed on, or are on disk.
    ///
    /// To be called before the reader waits for more, and when it ends. Does nothing where the input
    /// is not a FIFO.
    public mutating func acknowledge() throws(SystemError) {
        guard fifo.isFIFO, start > taken else { return }
        try fifo.consume(start - taken)
        taken = start
    }

    private mutating func fillFromFIFO(unless stop: Int32) throws -> Outcome {
        let wasAcknowledged = start == taken
        try acknowledge()
        // Until now the FIFO looked readable to whoever polls it before calling this.
        if !wasAcknowledged, fifo.waiting <= end - start { return .frames }
        let have = end - start
        let need = have == 0 ? 0 : (try? FrameView.length(waiting, at: offset)) ?? Frame.blockOffset
        if have > 0, taken == start {
            // A part of a frame, which is still in the FIFO.
            if mustBeTaken(need) {
                try fifo.consume(have)
                taken = end
            } else if fifo.waiting <= have {
                return try waitForRest(unless: stop, have: have, need: need)
            }
        } else if try waitForInput(unless: stop) {
            return .stopped
        }
        return taken > start ? try readRest(need) : try peek(need)
    }

    /// True for a frame that the FIFO, or the copy of it, cannot hold as a whole: each write may have
    /// begun a page of its own that it did not fill.
    private func mustBeTaken(_ need: Int) -> Bool {
        need + 2 * 4096 > fifo.capacity / 2
    }

    /// Copies what the FIFO holds.
    private mutating func peek(_ need: Int) throws -> Outcome {
        let before = end - start
        start = 0
        end = 0
        taken = 0
        lastLength = 0
        makeRoom(for: max(need, 1))
        let room = unsafe UnsafeMutableRawBufferPointer(start: base, count: capacity)
        end = unsafe try fifo.peek(into: room)
        if end == 0 { return fifo.isHungUp && fifo.waiting == 0 ? .end : .frames }
        if end == before { _ = poll(nil, 0, Self.waitForRest) }
        return .frames
    }

    /// Reads the rest of a frame whose beginning was taken out, and no byte more.
    private mutating func readRest(_ need: Int) throws -> Outcome {
        makeRoom(for: need)
        taken = end
        let room = unsafe UnsafeMutableRawBufferPointer(start: base + end, count: need - end)
        guard let count = unsafe try descriptor.read(into: room) else { return .frames }
        if count == 0 { throw FrameError.truncated(offset: offset, have: end, need: need) }
        end += count
        taken = end
        return .frames
    }

    /// Waits a moment for the rest of a frame: the part that is there makes the FIFO look readable.
    private mutating func waitForRest(
        unless stop: Int32, have: Int, need: Int
    ) throws -> Outcome {
        if fifo.isHungUp, fifo.waiting <= have {
            throw FrameError.truncated(offset: offset, have: have, need: need)
        }
        var watched = pollfd(fd: stop, events: Int16(POLLIN), revents: 0)
        heartbeat?.beat()
        return unsafe poll(&watched, 1, Self.waitForRest) > 0 ? .stopped : .frames
    }

    /// Goes to the next frame; false when more must be read.
    private mutating func isAtFrame() -> Bool {
        while true {
            let length: Int?
            do throws(FrameError) { length = try FrameView.length(waiting, at: offset) } catch {
                // A frame it is, and none that the next ones will differ from.
                if case .oldSchema = error { return true }
                guard skip(because: error) else { return false }
                continue
            }
            let have = end - start
            guard let length, length <= have else {
                guard have > 0 else { return false }
                let now = Clock.monotonicNanoseconds()
                if cutSince == 0 { cutSince = now }
                guard now - cutSince > Self.patience,
                    FrameSearch.place(in: waiting, from: 1) != nil
                else { return false }
                _ = skip(
                    because: .truncated(offset: offset, have: have, need: length ?? have + 1))
                continue
            }
            // The beginning of a frame whose writer was killed looks like one that reaches into its
            // neighbours: what follows it is no frame then, but one is inside it.
            if length < have, !FrameSearch.isFrame(waiting, at: length),
                let inside = FrameSearch.place(in: waiting, from: 1), inside < length
            {
                _ = skip(because: .truncated(offset: offset, have: inside, need: length))
                continue
            }
            cutSince = 0
            if isSkipping {
                isSkipping = false
                whenSkipping?(.found(after: bytesSkipped))
            }
            return true
        }
    }

    /// Passes over bytes, up to the next place that looks like a frame.
    ///
    /// - Returns: false when there is none yet.
    private mutating func skip(because error: FrameError) -> Bool {
        if !isSkipping {
            isSkipping = true
            whenSkipping?(.began(error))
        }
        cutSince = 0
        let place = FrameSearch.place(in: waiting, from: 1)
        // The last bytes may be the beginning of one.
        let count = place ?? max(1, end - start - Frame.blockOffset + 1)
        start += count
        offset += Int64(count)
        bytesSkipped += Int64(count)
        lastLength = 0
        return place != nil
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

    /// Moves a cut frame to the front, and grows to the frame limit if it fills the buffer, or is too
    /// small for so many bytes.
    private mutating func makeRoom(for need: Int = 0) {
        lastLength = 0
        if start > 0 {
            unsafe base.copyMemory(from: base + start, byteCount: end - start)
            end -= start
            start = 0
        }
        guard end == capacity || need > capacity else { return }
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
