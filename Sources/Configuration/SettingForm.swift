/// How a setting's text is read and what it may be: for the parser, for documentation and for
/// editors.
public struct SettingForm<Value: Sendable>: Sendable {
    /// What the text looks like.
    let shape: SettingShape
    private let parse: @Sendable (String) throws(SettingError) -> Value

    /// A form.
    ///
    /// - Parameters:
    ///   - shape: what the text looks like.
    ///   - parse: text to value.
    public init(
        _ shape: SettingShape = .text,
        _ parse: @escaping @Sendable (String) throws(SettingError) -> Value
    ) {
        self.shape = shape
        self.parse = parse
    }

    /// Text to value.
    public func callAsFunction(_ text: String) throws(SettingError) -> Value { try parse(text) }
}

/// What the text of a setting looks like.
public enum SettingShape: Sendable, Equatable {
    case text
    /// A URL with one of these schemes.
    case url([String])
    case integer(ClosedRange<Int>)
    /// Seconds, with decimals and units.
    case seconds(ClosedRange<Double>)
    case bytes(ClosedRange<Int>)
    case percent
    case boolean
    /// One of these words, whatever their case.
    case word([String])
    /// Texts with commas between them, or a list in YAML; of these words, where there are any.
    case list([String])

    var isList: Bool { if case .list = self { true } else { false } }
}
