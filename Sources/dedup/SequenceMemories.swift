/// The memories of all sequences, by place, changed where they are.
///
/// An array asks at each change who else has its storage: a call for every record. This one
/// has a single owner.
@safe
struct SequenceMemories: ~Copyable {
    private var base: UnsafeMutablePointer<SequenceMemory>
    private var capacity = 16
    private(set) var count = 0

    init() { unsafe base = .allocate(capacity: capacity) }

    deinit {
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    var indices: Range<Int> { 0..<count }

    mutating func append(_ memory: SequenceMemory) {
        if count == capacity {
            capacity *= 2
            let larger = UnsafeMutablePointer<SequenceMemory>.allocate(capacity: capacity)
            unsafe larger.moveInitialize(from: base, count: count)
            unsafe base.deallocate()
            unsafe base = larger
        }
        unsafe (base + count).initialize(to: memory)
        count += 1
    }

    subscript(place: Int) -> SequenceMemory {
        // Addresses: what is lent by a coroutine was copied, all 392 bytes of it, for each record.
        @inline(__always)
        unsafeAddress {
            precondition(indices.contains(place))
            return unsafe UnsafePointer(base + place)
        }
        @inline(__always)
        unsafeMutableAddress {
            precondition(indices.contains(place))
            return unsafe base + place
        }
    }
}
