import Glibc

/// A growable run of bytes for encoders: appended at the end, taken off at the front.
///
/// Grows by doubling and never shrinks, so that a stage's buffers are allocated once.
@safe
public struct Bytes: ~Copyable {
    @usableFromInline internal var base: UnsafeMutableRawPointer
    @usableFromInline internal var room: Int
    @usableFromInline internal var used = 0

    /// Bytes that fit without growing.
    @inlinable public var capacity: Int { room }
    /// Bytes in use.
    @inlinable public var count: Int { used }

    /// An empty buffer.
    ///
    /// - Parameter capacity: bytes to reserve, at least 1.
    public init(capacity: Int = 4096) {
        room = max(capacity, 1)
        base = .allocate(byteCount: room, alignment: 16)
    }

    deinit { base.deallocate() }

    /// True when nothing is in it.
    @inlinable public var isEmpty: Bool { count == 0 }

    /// Its bytes, lent.
    public var span: RawSpan {
        @_lifetime(borrow self)
        get {
            let bytes = RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
            return _overrideLifetime(bytes, borrowing: self)
        }
    }

    /// A part of its bytes, lent.
    @_lifetime(borrow self)
    public func span(_ range: Range<Int>) -> RawSpan {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        let bytes = RawSpan(
            _unsafeStart: UnsafeRawPointer(base + range.lowerBound), byteCount: range.count)
        return _overrideLifetime(bytes, borrowing: self)
    }

    /// Lends a part of its bytes as memory, for loops over numbers and for C.
    @inlinable
    public func withUnsafeBytes<Result, Failure: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return try body(
            UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    }

    /// The place of the first such byte from a place on; nil when there is none.
    public func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        precondition(start >= 0 && start <= count)
        guard let found = memchr(base + start, Int32(byte), count - start) else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// A copy of its bytes.
    public var array: [UInt8] {
        Array(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Makes room for `extra` more bytes.
    @inlinable @inline(__always)
    public mutating func reserve(_ extra: Int) {
        if capacity - count < extra { grow(extra) }
    }

    /// Appends one byte.
    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        used += 1
    }

    /// Appends a number in the machine's byte order, which is little-endian on every platform
    /// that this package builds for.
    @inlinable @inline(__always)
    public mutating func append<Value: BitwiseCopyable>(bits value: Value) {
        reserve(MemoryLayout<Value>.size)
        base.storeBytes(of: value, toByteOffset: count, as: Value.self)
        used += MemoryLayout<Value>.size
    }

    /// Appends a copy of some bytes.
    @inlinable @inline(__always)
    public mutating func append(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends a copy of some bytes.
    @inlinable @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        used += bytes.count
    }

    /// Appends a text's UTF-8.
    @inlinable @inline(__always)
    public mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends again what a range of it has.
    public mutating func append(again range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        reserve(range.count)
        (base + count).copyMemory(from: base + range.lowerBound, byteCount: range.count)
        used += range.count
    }

    /// Appends a text's UTF-8.
    public mutating func append(utf8 text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends what `body` writes into the free space.
    ///
    /// - Parameters:
    ///   - room: bytes to make free first.
    ///   - body: gets the free space, at least `room` bytes, and returns how many it filled.
    /// - Returns: what `body` returned.
    @discardableResult
    @inlinable @inline(__always)
    public mutating func append<Failure: Error>(
        room: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        reserve(room)
        let filled = try body(
            UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count))
        precondition(filled >= 0 && filled <= capacity - count)
        used += filled
        return filled
    }

    /// Overwrites bytes that are in use.
    public mutating func store<Value: BitwiseCopyable>(bits value: Value, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count)
        base.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    }

    /// Forgets the content, keeps the memory.
    @inlinable @inline(__always)
    public mutating func removeAll() { used = 0 }

    /// Drops bytes from the end until `length` are left.
    public mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= count)
        used = length
    }

    /// Drops bytes from the front.
    public mutating func removeFirst(_ length: Int) {
        precondition(length >= 0 && length <= count)
        memmove(base, base + length, count - length)
        used -= length
    }

    /// Moves bytes to another place in use, over what is there; the two may overlap.
    public mutating func move(_ range: Range<Int>, to offset: Int) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        precondition(offset >= 0 && offset + range.count <= count)
        memmove(base + offset, base + range.lowerBound, range.count)
    }

    @inline(never) @usableFromInline
    internal mutating func grow(_ extra: Int) {
        room = max(room * 2, used + extra)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = larger
    }
}
