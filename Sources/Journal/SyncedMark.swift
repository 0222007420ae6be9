import Glibc
public import Posix

/// The first bytes of a file of entries: what it is, and how far it was surely synced.
///
/// ```
/// header  8 bytes magic, two slots of 16 bytes, 24 bytes zero
/// slot    uint64 length that was synced, uint32 counter, uint32 CRC-32C of these 12 bytes
/// ```
///
/// After each sync the other slot is written, so that one is always whole. The mark is not synced
/// itself: it may lag behind, and then a part of what was synced counts as a tail, which is kept as
/// well; it never runs ahead.
public struct SyncedMark: Sendable {
    /// Bytes before the first entry.
    public static let headerLength = 64

    private var counter: UInt32

    /// What the header of a file says.
    public enum Reading: Sendable, Equatable {
        /// It is this file's, and so many bytes were synced, as far as is known.
        case synced(Int64)
        /// Nothing of the file was ever synced: its header is cut short, or zero in parts.
        case unwritten
        /// The bytes are something else: the file is damaged, or of another kind.
        case unknown
    }

    /// For a file that is being made.
    public init() { counter = 1 }

    /// The header of a new file.
    public static func header(magic: StaticString) -> [UInt8] {
        var bytes = Bytes(capacity: headerLength)
        bytes.append(magic)
        appendSlot(Int64(headerLength), 1, to: &bytes)
        while bytes.count < headerLength { bytes.append(0) }
        return bytes.array
    }

    /// What has to be written, and where, once the first bytes of a file are on the device.
    public mutating func next(_ synced: Int64) -> (bytes: [UInt8], offset: Int64) {
        counter &+= 1
        var slot = Bytes(capacity: 16)
        Self.appendSlot(synced, counter, to: &slot)
        return (slot.array, 8 + Int64((counter &+ 1) & 1) * 16)
    }

    /// Reads the header of a file; further marks follow it.
    public mutating func read(
        _ file: borrowing Descriptor, magic: StaticString
    ) throws(SystemError) -> Reading {
        var header = Bytes(capacity: Self.headerLength)
        try file.seek(to: 0)
        while header.count < Self.headerLength {
            let room = Self.headerLength - header.count
            if try file.read(appendingTo: &header, room: room) == 0 { break }
        }
        return read(header.span, magic: magic)
    }

    /// Reads a header.
    public mutating func read(_ header: RawSpan, magic: StaticString) -> Reading {
        let wanted = UnsafeBufferPointer(start: magic.utf8Start, count: magic.utf8CodeUnitCount)
        let isMagic = header.withUnsafeBytes { $0.starts(with: wanted) }
        var newest: (counter: UInt32, length: Int64)?
        for place in [8, 24] where header.byteCount >= Self.headerLength {
            let length = header.unsafeLoadUnaligned(fromByteOffset: place, as: Int64.self)
            let counter = header.unsafeLoadUnaligned(fromByteOffset: place + 8, as: UInt32.self)
            let checksum = header.unsafeLoadUnaligned(fromByteOffset: place + 12, as: UInt32.self)
            guard CRC32C.of(header.extracting(place..<(place + 12))) == checksum, length > 0 else {
                continue
            }
            // The counter wraps around after 2^32 syncs.
            if newest.map({ Int32(bitPattern: counter &- $0.counter) > 0 }) ?? true {
                newest = (counter, length)
            }
        }
        guard isMagic, let newest else {
            // Before the first sync the header is what a new file gets, and any part of it may be
            // missing.
            let new = Self.header(magic: magic)
            let isNew = header.withUnsafeBytes { bytes in
                zip(bytes, new).allSatisfy { $0 == 0 || $0 == $1 }
            }
            return isNew ? .unwritten : .unknown
        }
        counter = newest.counter
        return .synced(newest.length)
    }

    private static func appendSlot(_ length: Int64, _ counter: UInt32, to bytes: inout Bytes) {
        let start = bytes.count
        bytes.append(bits: length)
        bytes.append(bits: counter)
        bytes.append(bits: CRC32C.of(bytes.span(start..<(start + 12))))
    }
}
