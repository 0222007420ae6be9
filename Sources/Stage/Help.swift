import ArgumentParser

/// The help of a program or subcommand: all of it (`--help`), or one screen (`-h`).
///
/// Options, arguments and their texts are those that ArgumentParser knows. The layout is ours:
/// what a user needs first comes first, examples keep their lines so that they can be pasted, and
/// the options that every program has come last.
struct Help {
    struct Entry {
        let label: String
        let text: String
        /// The long options without dashes, `aggregate` and `no-aggregate` of a pair; empty for
        /// an argument or a subcommand.
        var names: [String] {
            label.split { $0 == " " || $0 == "," || $0 == "/" }
                .filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) }
        }
    }

    struct Section {
        let title: String
        var entries: [Entry] = []
    }

    /// Options of every program.
    static let common: Set<String> = [
        "config", "env-file", "check-config", "explain-config", "log-level", "log-format", "quiet",
        "verbose", "stats-dir", "instance", "version", "help", "pid",
    ]

    let abstract: String
    let discussion: String
    private(set) var usage = ""
    private(set) var sections: [Section] = []
    private let name: String
    private let essentials: [String]
    private let isForPeople: Bool

    init(of command: any ParsableCommand.Type, under root: any ParsableCommand.Type) {
        abstract = command.configuration.abstract
        discussion = command.configuration.discussion
        let rootName = root._commandName
        name = command == root ? rootName : "\(rootName) \(command._commandName)"
        essentials = (command as? any Tool.Type)?.essentials ?? []
        isForPeople = command is any InspectionCommand.Type
        // Wide enough for every text to be on one line: they are wrapped here.
        let text = root.helpMessage(for: command, columns: 20_000)
        parse(text)
    }

    /// All long options, with their dashes.
    var options: Set<String> {
        Set(sections.flatMap(\.entries).flatMap(\.names).map { "--" + $0 })
    }

    // MARK: - Reading what ArgumentParser wrote

    /// Lines of the smallest terminal.
    private static let screen = 24
    /// The column at which texts begin.
    private static let column = 26

    private mutating func parse(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.firstIndex(where: { $0.hasPrefix("USAGE: ") }) else { return }
        usage = Self.compact(lines[first].dropFirst("USAGE: ".count))
        for line in lines[(first + 1)...] where !line.isEmpty {
            if !line.hasPrefix(" "), line.hasSuffix(":") {
                sections.append(Section(title: String(line.dropLast())))
            } else if !sections.isEmpty {
                add(line)
            }
        }
        sections.removeAll(where: \.entries.isEmpty)
    }

    private mutating func add(_ line: Substring) {
        let last = sections.count - 1
        let indent = line.prefix { $0 == " " }.count
        let content = line.drop { $0 == " " }
        // The text of a label that left no room on its line.
        if indent >= Self.column, let entry = sections[last].entries.last {
            sections[last].entries[sections[last].entries.count - 1] = Entry(
                label: entry.label,
                text: entry.text.isEmpty ? String(content) : entry.text + " " + content)
            return
        }
        guard indent == 2, !content.hasPrefix("See '") else { return }
        var label = content
        var text: Substring = ""
        if let gap = content.firstRange(of: "  ") {
            label = content[..<gap.lowerBound]
            text = content[gap.lowerBound...].drop { $0 == " " }
        } else if let place = line.index(
            line.startIndex, offsetBy: Self.column, limitedBy: line.index(before: line.endIndex)),
            line[line.index(before: place)] == " ", line[place] != "<"
        {
            // A label that leaves room for one space.
            label = line[..<place].drop { $0 == " " }.dropLast()
            text = line[place...]
        }
        sections[last].entries.append(
            Entry(label: Self.complete(label), text: Self.withoutRepetition(text)))
    }

    /// ArgumentParser does not know that `-V` is answered, too.
    private static func complete(_ label: Substring) -> String {
        label == "--version" ? "-V, --version" : String(label)
    }

    /// Leaves out a list of values that the text has named already.
    private static func withoutRepetition(_ text: Substring) -> String {
        guard let list = text.firstRange(of: " (values: ") else { return String(text) }
        let values = text[list.upperBound...].prefix { $0 != ";" && $0 != ")" }
        let names = values.split(separator: ",").map { $0.drop { $0 == " " } }
        let said = text[..<list.lowerBound]
        return names.allSatisfy(said.contains) ? String(said) : String(text)
    }

    /// With many options in it a usage line says nothing: they are listed below.
    private static func compact(_ usage: Substring) -> String {
        let parts = usage.split(separator: "[-", omittingEmptySubsequences: false)
        guard parts.count > 4 else { return String(usage) }
        let rest = parts.dropFirst().compactMap { part -> String? in
            let end = part.firstIndex(of: "]").map { part[part.index(after: $0)...] } ?? ""
            let word = end.drop { $0 == " " }
            return word.isEmpty ? nil : String(word)
        }
        let begin = parts[0].split(separator: " ").map(String.init)
        return (begin + ["[<options>]"] + rest).joined(separator: " ")
    }

    // MARK: - Writing

    /// Every option, and the examples as they are typed.
    func full(width: Int) -> String {
        var text = abstract + "\n\nUSAGE: \(usage)\n"
        let (own, common) = split()
        for section in own {
            text += "\n\(section.title):\n"
            for entry in section.entries { text += Self.rendered(entry, width) }
        }
        if !common.isEmpty {
            text += "\nOPTIONS OF EVERY PROGRAM:\n"
            if isForPeople {
                let names = common.flatMap(\.names).map { "--" + $0 }.joined(separator: " ")
                text += "  " + Self.wrapped(names, to: width, indent: 2) + "\n"
            } else {
                for entry in common { text += Self.rendered(entry, width) }
            }
        }
        if !discussion.isEmpty { text += "\n\(discussion)\n" }
        return text
    }

    /// What is typed daily: one screen, one line an option.
    func short(width: Int) -> String {
        var text = abstract + "\n\nUSAGE: \(usage)\n"
        let (own, _) = split()
        var left = 0
        for (number, section) in own.enumerated() {
            let isOfOptions = section.entries.contains { !$0.names.isEmpty }
            let shown = section.entries.filter { entry in
                guard isOfOptions, !essentials.isEmpty else { return true }
                return entry.names.contains(where: essentials.contains)
            }
            left += section.entries.count - shown.count
            guard !shown.isEmpty else { continue }
            // One list of subcommands: their groups are in the long help.
            let isGroup = section.title.hasSuffix("SUBCOMMANDS")
            if isGroup, number > 0, own[number - 1].title.hasSuffix("SUBCOMMANDS") {
                for entry in shown { text += Self.line(entry, width) }
                continue
            }
            text += "\n\(isGroup ? "SUBCOMMANDS" : section.title):\n"
            for entry in shown { text += Self.line(entry, width) }
        }
        let example = discussion.split(separator: "\n").first { $0.contains("\(name) ") }
        // Of a program with many subcommands their list is all that fits.
        if let example, text.count(where: { $0 == "\n" }) <= Self.screen - 5 {
            text += "\nEXAMPLE:\n  \(example.drop { $0 == " " })\n"
        }
        let rest = left > 0 ? "all options and examples" : "more, with examples"
        text += "\n\(name) --help shows \(rest).\n"
        return text
    }

    /// Own sections, what a user needs first at the beginning; and the options of every program.
    private func split() -> (own: [Section], common: [Entry]) {
        var own: [Section] = []
        var common: [Entry] = []
        for section in sections {
            var rest = section
            rest.entries.removeAll { $0.names.contains(where: Self.common.contains) }
            common += section.entries.filter { $0.names.contains(where: Self.common.contains) }
            if !rest.entries.isEmpty { own.append(rest) }
        }
        func rank(_ title: String) -> Int {
            title == "ARGUMENTS"
                ? 0 : title.hasSuffix("SUBCOMMANDS") ? 1 : title == "OPTIONS" ? 2 : 3
        }
        // Groups of one rank keep their order.
        let sorted = (0...3).flatMap { wanted in own.filter { rank($0.title) == wanted } }
        return (sorted, common)
    }

    private static func rendered(_ entry: Entry, _ width: Int) -> String {
        let label = "  " + entry.label
        guard !entry.text.isEmpty else { return label + "\n" }
        let text = wrapped(entry.text, to: width, indent: column)
        guard label.count < column - 1 else {
            return label + "\n" + String(repeating: " ", count: column) + text + "\n"
        }
        return label + String(repeating: " ", count: column - label.count) + text + "\n"
    }

    /// An entry on one line: of its text the first sentence, cut where the line ends.
    private static func line(_ entry: Entry, _ width: Int) -> String {
        let label = "  " + entry.label
        let column = max(Self.column, label.count + 2)
        var text = entry.text
        if let end = text.firstRange(of: ". ") ?? text.firstRange(of: ": ")
            ?? text.firstRange(of: "; ")
        {
            text = String(text[..<end.lowerBound])
        }
        if text.hasSuffix(".") { text.removeLast() }
        if column + text.count > width {
            text = String(text.prefix(max(8, width - column - 1))) + "…"
        }
        return label + String(repeating: " ", count: column - label.count) + text + "\n"
    }

    /// Words on lines of a width, all but the first indented.
    static func wrapped(_ text: String, to width: Int, indent: Int) -> String {
        let room = max(20, width - indent)
        var lines: [String] = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if !last.isEmpty, last.count + 1 + word.count > room {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = last.isEmpty ? String(word) : last + " " + word
            }
        }
        return lines.joined(separator: "\n" + String(repeating: " ", count: indent))
    }
}
