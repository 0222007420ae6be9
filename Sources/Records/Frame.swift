public import Posix

/// The numbers of a frame: a Simple Open Framing Header, then one SBE message of our schema whose
/// root block starts with the 72-byte prefix of every record.
///
/// ```
///  0       4       6               14                         14 + block length
///  +-------+-------+---------------+--------------------------+----------------
///  | length| EB 50 | message header| prefix (72), own fields  | groups, data
///  +-------+-------+---------------+--------------------------+----------------
///   big-endian      little-endian from here on
/// ```
///
/// Source: FIX Simple Open Framing Header 1.0; docs/design.md, section 2.
public enum Frame {
    /// Bytes of the framing header: uint32 length (itself included) and uint16 encoding type.
    public static let headerLength = 6
    /// Little-endian SBE 1.0, in the framing header's big-endian order.
    public static let encodingType: UInt16 = 0xEB50
    /// A longer frame is refused before anything is allocated for it.
    public static let maximumLength = 1 << 20
    /// Where the root block starts in a frame.
    public static let blockOffset = headerLength + 8
    /// Bytes that every root block starts with.
    @inlinable public static var prefixLength: Int { PrefixView.length }
    /// No frame is shorter: both headers and the prefix.
    @inlinable public static var minimumLength: Int { blockOffset + prefixLength }
    /// The id of records.xml.
    @inlinable public static var schemaID: UInt16 { PrefixView.schemaID }
    /// No frame of this schema or the one before is shorter: what is known before the schema is.
    @inlinable static var shortestOldLength: Int { blockOffset + OldFrame.prefixLength }

    /// The length that a frame's header says, whatever it is.
    ///
    /// - Parameter place: where the frame begins; four bytes of it have to be there.
    static func length(in bytes: RawSpan, at place: Int = 0) -> Int {
        Int(
            UInt32(
                bigEndian: unsafe bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: place, as: UInt32.self)))
    }

    /// How many of some bytes are whole frames, by their headers alone: without the frame that they end
    /// inside of.
    public static func wholeLength(of bytes: RawSpan) -> Int {
        var whole = 0
        while whole + headerLength <= bytes.byteCount {
            let next = length(in: bytes, at: whole)
            guard next >= minimumLength, next <= bytes.byteCount - whole else { break }
            whole += next
        }
        return whole
    }
}

/// Why bytes are not frames of ours. Offsets are in bytes from the start of the stream.
public enum FrameError: Error, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// The framing header names another encoding: most likely these are not frames at all.
    case notAFrame(offset: Int64, encodingType: UInt16)
    /// The input is a file of another kind.
    case otherFormat(FileFormat)
    /// A length below the smallest record or above the limit.
    case badLength(offset: Int64, length: UInt32)
    /// A message of another schema than records.xml.
    case foreignSchema(offset: Int64, schemaID: UInt16)
    /// A message of records.xml before symbols had 32 bytes.
    case oldSchema(offset: Int64)
    /// A root block without room for the prefix, or one that leaves its frame.
    case badBlock(offset: Int64, blockLength: UInt16)
    /// The input ended inside a frame.
    case truncated(offset: Int64, have: Int, need: Int)
    /// A message that breaks its own template; the words come from the decoder.
    case badMessage(String)

    /// Always that of bad input.
    public var exitStatus: ExitStatus { .badInput }

    /// True for bytes that may be well, and are records of another schema or a file of another kind.
    public var isForeign: Bool {
        switch self {
        case .otherFormat, .foreignSchema, .oldSchema: true
        case .notAFrame, .badLength, .badBlock, .truncated, .badMessage: false
        }
    }

    /// What is wrong and where.
    public var description: String {
        switch self {
        case .notAFrame(let offset, let type):
            "byte \(offset) does not start a frame: encoding type \(hex(type)) instead of 0xeb50"
        case .otherFormat(let format): "the input is not records but \(format.words)"
        case .badLength(let offset, let length):
            "the frame at byte \(offset) claims \(length) bytes; a frame has "
                + "\(Frame.minimumLength) to \(Frame.maximumLength)"
        case .foreignSchema(let offset, let id):
            "the message at byte \(offset) is of schema \(id), not \(Frame.schemaID) (records.xml)"
        case .oldSchema(let offset):
            "the record at byte \(offset) is of schema \(OldFrame.schemaID), which an earlier version "
                + "wrote: convert it with `recq upgrade`"
        case .badBlock(let offset, let length):
            "the record at byte \(offset) has a root block of \(length) bytes, which is shorter "
                + "than the \(Frame.prefixLength)-byte prefix or longer than its frame"
        case .truncated(let offset, let have, let need):
            "input ends inside the frame at byte \(offset): \(have) of \(need) bytes are there"
        case .badMessage(let reason):
            reason
        }
    }

    private func hex(_ value: UInt16) -> String { "0x" + String(value, radix: 16) }
}
