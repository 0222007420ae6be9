/// Fields that are not a record of ours.
public struct FieldFailure: Error, Equatable, CustomStringConvertible {
    /// What is wrong, with the byte or the field.
    public let description: String

    init(_ description: String) { self.description = description }
}
