/// What is wrong with a schema, and in which line of its file.
public struct SchemaError: Error, Equatable, CustomStringConvertible {
    /// Line of the XML file, from 1.
    public let line: Int
    /// What is wrong there.
    public let reason: String

    /// An error at a line.
    public init(line: Int, _ reason: String) {
        self.line = line
        self.reason = reason
    }

    /// `line 12: …`
    public var description: String { "line \(line): \(reason)" }
}
