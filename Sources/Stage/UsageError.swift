import ArgumentParser
import Configuration
import Encoding

/// What a person reads who called a program wrongly: one line with the program's name, like every
/// other error, that says what is wrong, what may have been meant, and where to look.
enum UsageError {
    /// The form of errors before the settings are known: text, unless JSON is asked for.
    static func format(
        _ arguments: [String], _ environment: [String: String] = Environment.all
    ) -> LogFormat {
        var asked = environment["LOGGING__FORMAT"]
        for (index, word) in arguments.enumerated() {
            if word == "--" { break }
            if word.hasPrefix("--log-format=") { asked = String(word.dropFirst(13)) }
            if word == "--log-format", index + 1 < arguments.count { asked = arguments[index + 1] }
        }
        return asked.flatMap { LogFormat(rawValue: $0.lowercased()) } ?? .text
    }

    /// Puts ArgumentParser's message into our words.
    ///
    /// - Parameter arguments: without the program's name.
    static func words(
        _ message: String, of root: any ParsableCommand.Type, _ arguments: [String]
    ) -> String {
        let subcommands = root.configuration.subcommands
        let first = arguments.first ?? ""
        let command = subcommands.first { $0._commandName == first }
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        var words = lines.dropLast(picture(message).count).filter { !$0.isEmpty }
            .joined(separator: " ")
        // Its suggestions go by a distance that finds `--sse` near `--hlep`.
        if let guess = words.firstRange(of: ". Did you mean ") {
            words = String(words[..<guess.lowerBound])
        }
        var near: String?
        if command == nil, !subcommands.isEmpty, !first.hasPrefix("-"), !first.isEmpty {
            words = "unknown subcommand '\(first)'"
            let names = Set(subcommands.map { $0._commandName })
            near = Spelling.nearest(to: first, among: names).map { "\(root._commandName) \($0)" }
        } else {
            let options = Help(of: command ?? root, under: root).options
            // What is missing matters less than what cannot be right: `rest-pull --hlep`.
            if let unknown = firstUnknown(of: arguments, options) {
                words = "unknown option '\(unknown)'"
                near = Spelling.nearest(to: unknown, among: options)
            }
        }
        let path = command.map { "\(root._commandName) \($0._commandName)" } ?? root._commandName
        if words.hasSuffix(".") { words.removeLast() }
        if words.hasPrefix("Missing value for "), let negative = negativeValue(in: arguments) {
            words +=
                ": \(negative.value) is read as an option; a value with a dash in front is written "
                + "\(negative.option)=\(negative.value)"
        }
        let begin = words.prefix(1).lowercased() + words.dropFirst()
        let end = words.hasSuffix("?") ? "" : "."
        let guess = near.map { ". Did you mean '\($0)'?" } ?? end
        return "\(begin)\(guess) '\(path) -h' shows what there is."
    }

    /// The end of a message that points at a place in what was typed: the text, and below it a `^`.
    /// For text alone; JSON has the sentence, which names the column.
    static func picture(_ message: String) -> [String] {
        let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 2, let mark = lines.last, mark.hasSuffix("^"),
            mark.dropLast().allSatisfy({ $0 == " " })
        else { return [] }
        return lines.suffix(2).map { String($0).escapingControls }
    }

    /// The first option that is followed by a number below zero.
    private static func negativeValue(
        in arguments: [String]
    ) -> (option: String, value: String)? {
        let words = arguments.prefix { $0 != "--" }
        for (option, value) in zip(words, words.dropFirst())
        where option.hasPrefix("--") && !option.contains("=") && value.hasPrefix("-") {
            let isNumber = value.dropFirst().first.map { $0.isASCII && $0.isNumber || $0 == "." }
            if isNumber ?? false { return (option, value) }
        }
        return nil
    }

    /// The first long option that is none of the program's, without its value.
    private static func firstUnknown(of arguments: [String], _ options: Set<String>) -> String? {
        // Completions and the dump for manual pages.
        let hidden = ["--generate-completion-script", "--experimental-dump-help", "--help-hidden"]
        for word in arguments.prefix(while: { $0 != "--" }) where word.hasPrefix("--") {
            let name = String(word.prefix { $0 != "=" })
            if !options.contains(name), !hidden.contains(name) { return name }
        }
        return nil
    }
}
