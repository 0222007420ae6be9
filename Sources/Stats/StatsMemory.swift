import Glibc
import Posix
import Synchronization

/// The mapped bytes of a stats file, and the two things that several threads write: the last
/// error and the state.
///
/// The file is as long as the layout says from the start, but takes room on its disk only for what
/// is used of it: ``reserve(_:_:)`` comes before the first store to a page.
final class StatsMemory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    /// The file, locked while the stage runs; nil for memory that only this process sees, and once
    /// the stage has ended.
    private var file: Descriptor?
    private let hasFile: Bool
    /// Ends of what has room, of the table and of the slots.
    private var tableEnd = StatsLayout.tableOffset
    private var slotsEnd = StatsLayout.slotsOffset
    /// Where metrics go that did not fit; it is never read.
    let spare: Slot
    private let errorLock = Locked(())

    /// Gives an empty file its length and the room of its header, and maps it.
    init(mapping file: consuming Descriptor) throws(SystemError) {
        try file.truncate(to: Int64(StatsLayout.fileLength))
        let code = posix_fallocate(file.raw, 0, StatsLayout.tableOffset)
        guard code == 0 else { throw SystemError("allocate", file.name, code: code) }
        base = try Self.map(MAP_SHARED, file.raw, file.name)
        spare = Self.makeSpare()
        hasFile = true
        self.file = consume file
    }

    /// Memory that only this process sees.
    init() throws(SystemError) {
        base = try Self.map(MAP_PRIVATE | MAP_ANONYMOUS, -1, "memory for figures")
        spare = Self.makeSpare()
        hasFile = false
        file = nil
    }

    /// Gives the lock on the file up: the stage has ended, and a successor may take its name.
    func release() { file = nil }

    /// Takes room for the table and the slots up to two offsets, so that a full disk shows here and
    /// not as a signal in the middle of an update.
    ///
    /// - Returns: false when there is none.
    func reserve(table: Int, slots: Int) -> Bool {
        guard hasFile else { return true }
        return reserve(&tableEnd, table) && reserve(&slotsEnd, slots)
    }

    private func reserve(_ end: inout Int, _ wanted: Int) -> Bool {
        guard wanted > end else { return true }
        let step = StatsLayout.reserveStep
        let next = min(StatsLayout.fileLength, (wanted + step - 1) / step * step)
        guard let raw = file?.raw, posix_fallocate(raw, end, next - end) == 0 else { return false }
        end = next
        return true
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
    /// The text, or as many of its characters as fit into that many bytes.
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
