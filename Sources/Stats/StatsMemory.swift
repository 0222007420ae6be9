import Glibc
import Posix
import Synchronization

/// The mapped bytes of a stats file, and the two things that several threads write: the last
/// error and the state.
final class StatsMemory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    /// Where metrics go that found no room; nobody reads it.
    let spare: Slot
    private let errorLock = Mutex(())

    /// Maps a file that is as long as the layout says.
    init(mapping file: borrowing Descriptor) throws(SystemError) {
        base = try Self.map(MAP_SHARED, file.raw, file.name)
        spare = Self.makeSpare()
    }

    /// Memory that only this process sees.
    init() throws(SystemError) {
        base = try Self.map(MAP_PRIVATE | MAP_ANONYMOUS, -1, "memory for figures")
        spare = Self.makeSpare()
    }

    deinit {
        munmap(base, StatsLayout.fileLength)
        spare.deallocate()
    }

    private static func map(
        _ flags: Int32, _ file: Int32, _ name: String
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        let base = mmap(nil, StatsLayout.fileLength, PROT_READ | PROT_WRITE, flags, file, 0)
        guard let base, base != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw SystemError("map", name)
        }
        return base
    }

    private static func makeSpare() -> Slot {
        let count = StatsLayout.histogramSlots
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 8 * count, alignment: 8)
        bytes.initializeMemory(as: UInt64.self, repeating: 0, count: count)
        return bytes.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    // MARK: - Words

    func word(_ offset: Int) -> Slot {
        (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    func halfWord(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    func signedWord(_ offset: Int) -> UnsafeMutablePointer<Atomic<Int64>> {
        (base + offset).assumingMemoryBound(to: Atomic<Int64>.self)
    }

    /// Writes a text where no reader looks yet, cut between two characters.
    func store(_ text: String, at offset: Int, _ length: Int) {
        for (index, byte) in text.cut(to: length).utf8.enumerated() {
            base.storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self)
        }
    }

    // MARK: - The last error

    /// Notes an error. The new text goes where the one before the last stood, and its number is
    /// stored after it; a checksum shows a reader that it met a text while it was written.
    func setError(_ text: String) {
        errorLock.withLock { _ in
            let sequence = word(StatsLayout.Header.errors).pointee.load(ordering: .relaxed) + 1
            let offset =
                StatsLayout.Header.errorSlots + Int(sequence % 2) * StatsLayout.errorSlotLength
            var slot = [UInt8](repeating: 0, count: StatsLayout.errorSlotLength)
            let bytes = Array(text.cut(to: StatsLayout.errorTextLength).utf8)
            slot.withUnsafeMutableBytes { slot in
                slot.storeBytes(of: sequence, as: UInt64.self)
                slot.storeBytes(
                    of: Clock.realtimeNanoseconds(), toByteOffset: StatsLayout.ErrorSlot.time,
                    as: Int64.self)
                slot.storeBytes(
                    of: UInt32(bytes.count), toByteOffset: StatsLayout.ErrorSlot.length,
                    as: UInt32.self)
                UnsafeMutableRawBufferPointer(rebasing: slot[StatsLayout.ErrorSlot.text...])
                    .copyBytes(from: bytes)
            }
            let checksum = CRC32C.of(slot.span.bytes)
            slot.withUnsafeMutableBytes {
                $0.storeBytes(
                    of: checksum, toByteOffset: StatsLayout.ErrorSlot.checksum, as: UInt32.self)
                for index in stride(from: 0, to: $0.count, by: 8) {
                    word(offset + index).pointee.store(
                        $0.load(fromByteOffset: index, as: UInt64.self), ordering: .relaxed)
                }
            }
            word(StatsLayout.Header.errors).pointee.store(sequence, ordering: .releasing)
        }
    }
}

extension String {
    /// The text, or as many of its characters as fit into so many bytes.
    func cut(to length: Int) -> String {
        if utf8.count <= length { return self }
        var end = utf8.index(startIndex, offsetBy: length)
        while end > startIndex, String.Index(end, within: unicodeScalars) == nil {
            end = utf8.index(before: end)
        }
        return String(self[..<end])
    }
}

/// The last error of a stage, for a log that notes each line it writes: any thread may.
public struct LastError: Sendable {
    let memory: StatsMemory

    /// Notes an error or warning: what was attempted, on what, why it failed.
    public func set(_ text: String) { memory.setError(text) }
}
