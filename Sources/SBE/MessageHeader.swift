/// The 8 bytes that every message starts with.
///
/// ```
///  offset 0             2             4             6             8
///         | blockLength | templateId  | schemaId    | version     |
/// ```
///
/// Source: FIX Simple Binary Encoding 1.0, section 3.3 (message header).
@frozen
public struct MessageHeader: Equatable, Sendable {
    /// Bytes on the wire.
    public static var length: Int { @inlinable get { 8 } }

    /// Bytes of the root block on the wire; a decoder steps by it.
    public var blockLength: UInt16
    /// Which message of the schema.
    public var templateID: UInt16
    /// Which schema.
    public var schemaID: UInt16
    /// The schema version that the writer knew: the acting version.
    public var version: UInt16

    /// A header from its values.
    @inlinable
    public init(blockLength: UInt16, templateID: UInt16, schemaID: UInt16, version: UInt16) {
        self.blockLength = blockLength
        self.templateID = templateID
        self.schemaID = schemaID
        self.version = version
    }

    /// Reads the header that a big-endian message starts with.
    ///
    /// - Parameter name: of the message that is expected, for errors.
    /// - Throws: ``SBEError/truncated(message:part:offset:need:have:)`` below 8 bytes.
    @inlinable
    @inline(__always)
    public init(bigEndian message: RawSpan, name: String = "message") throws(SBEError) {
        try self.init(message, name: name)
        blockLength = blockLength.byteSwapped
        templateID = templateID.byteSwapped
        schemaID = schemaID.byteSwapped
        version = version.byteSwapped
    }

    /// Reads the header that a little-endian message starts with.
    ///
    /// - Parameter name: of the message that is expected, for errors.
    /// - Throws: ``SBEError/truncated(message:part:offset:need:have:)`` below 8 bytes.
    @inlinable
    @inline(__always)
    public init(_ message: RawSpan, name: String = "message") throws(SBEError) {
        try message.require(Self.length, at: 0, name, "message header")
        blockLength = unsafe message.little(0, as: UInt16.self)
        templateID = unsafe message.little(2, as: UInt16.self)
        schemaID = unsafe message.little(4, as: UInt16.self)
        version = unsafe message.little(6, as: UInt16.self)
    }

    // MARK: - For generated code

    /// Checks that the header names a message, and that its root block is inside the bytes.
    ///
    /// - Parameters:
    ///   - fieldLength: bytes that the fields of the acting version take.
    ///   - name: of the message, for errors.
    /// - Returns: the offset after the root block.
    @inlinable
    @inline(__always)
    public func check(
        schemaID: UInt16, templateID: UInt16, fieldLength: Int, in message: RawSpan, _ name: String
    ) throws(SBEError) -> Int {
        guard self.schemaID == schemaID else {
            try Failure.foreignSchema(name, schemaID, self.schemaID)
        }
        guard self.templateID == templateID else {
            try Failure.foreignTemplate(name, templateID, self.templateID)
        }
        let length = Int(blockLength)
        guard length >= fieldLength else {
            try Failure.shortBlock(name, "root block", Self.length, fieldLength, length)
        }
        try message.require(length, at: Self.length, name, "root block")
        return Self.length &+ length
    }
}
