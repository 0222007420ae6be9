public import ArgumentParser
import Posix

extension Option {
    /// The option of a setting: optional, because the environment and the file come after it.
    ///
    /// A list that is given more than once is one list: `--symbol A --symbol B` is `--symbol A,B`.
    ///
    /// - Parameter words: values that a shell completes, where the setting's type does not say them.
    public init<Parsed>(
        _ setting: Setting<Parsed>, completing words: [String] = []
    ) where Value == Parsed? {
        var names: NameSpecification = .customLong(setting.flag ?? setting.key)
        if let other = setting.otherFlag {
            names = [.customLong(setting.flag ?? setting.key), .customLong(other)]
        }
        let earlier = Parsed.self is any ListOfValues.Type ? EarlierValues() : nil
        self.init(
            name: names, help: setting.argumentHelp,
            completion: words.isEmpty ? setting.completion : .list(words),
            transform: { text in
                let text = earlier?.adding(text) ?? text
                do throws(SettingError) { return try setting.parse(text) } catch {
                    throw ValidationError(error.description)
                }
            })
    }
}

extension Setting {
    /// The help with default and unit.
    var argumentHelp: ArgumentHelp {
        let shown = fallback.map { $0.isEmpty ? "" : " (default: \($0))" } ?? ""
        return ArgumentHelp(stringLiteral: help + shown).with(valueName: valueName.lowercased())
    }

    /// What a shell completes: the words of a choice, files, directories.
    var completion: CompletionKind {
        if let words = Self.words(of: Value.self) { return .list(words) }
        if Value.self == Bool.self { return .list(["true", "false"]) }
        switch valueName {
        case "DIR": return .directory
        case "FILE", "PATH": return .file()
        default: return .default
        }
    }

    /// The words of a choice, or of a list of choices; nil for any other type.
    private static func words(of type: Any.Type) -> [String]? {
        if let list = type as? any ListOfChoices.Type { return list.words }
        guard let choice = type as? any CaseIterable.Type else { return nil }
        return allWords(choice)
    }
}

/// The words of a type whose cases have them.
private func allWords<Choice: CaseIterable>(_ type: Choice.Type) -> [String]? {
    let words = Choice.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
    return words.isEmpty ? nil : words
}

/// A setting's type that has several values, written with commas between them.
private protocol ListOfValues {}

extension Array: ListOfValues {}
extension Dictionary: ListOfValues {}

/// What an option was given so far.
private final class EarlierValues: Sendable {
    private let text = Locked("")

    /// The list with more at its end.
    func adding(_ more: String) -> String {
        text.withLock { text in
            text = text.isEmpty ? more : "\(text),\(more)"
            return text
        }
    }
}

/// An array of choices, such as intervals.
private protocol ListOfChoices {
    static var words: [String]? { get }
}

extension Array: ListOfChoices {
    fileprivate static var words: [String]? {
        (Element.self as? any CaseIterable.Type).flatMap { allWords($0) }
    }
}

extension ArgumentHelp {
    fileprivate func with(valueName: String) -> Self {
        var help = self
        help.valueName = valueName
        return help
    }
}
