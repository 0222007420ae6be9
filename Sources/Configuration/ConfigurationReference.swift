/// What there is to know of the configuration, made of the declarations: for docs/configuration.md,
/// bitcoin-ingestor.conf(5) and editors.
package enum ConfigurationReference {
    /// The forms in which it is written.
    package enum Form: String, CaseIterable, Sendable {
        case markdown
        case manual
        case schema
    }

    /// The reference in a form.
    package static func text(_ form: Form) -> String {
        switch form {
        case .markdown: markdown
        case .manual: manual
        case .schema: schema
        }
    }

    /// A key with all its declarations.
    struct Entry {
        let key: String
        let declarations: [SettingDeclaration]

        var first: SettingDeclaration { declarations[0] }
        /// Each option and the programs that have it.
        var flags: [String] {
            unique(
                declarations.flatMap { [$0.flag, $0.otherFlag] }.compactMap { $0.map { "--\($0)" } }
            )
        }
        var variables: [String] { unique([first.variable] + declarations.flatMap(\.aliases)) }
        var programs: [String] {
            let all = declarations.reduce(into: Set<Program>()) { $0.formUnion($1.programs) }
            if all == Program.all { return ["every program"] }
            return Program.allCases.filter(all.contains).map(\.rawValue)
        }
        var meaning: String {
            // What a flag's absence means is said in the column of defaults.
            unique(declarations.map(\.help)).joined(separator: " ")
        }
        /// The default; empty where there is none.
        var fallback: String { declarations.lazy.compactMap(\.fallback).first ?? "" }
        /// What a value may be, in words.
        var values: String { first.shape.words }

        private func unique(_ texts: [String]) -> [String] {
            var seen: Set<String> = []
            return texts.filter { seen.insert($0).inserted }
        }
    }

    /// The themes with their keys, each key once.
    static var sections: [(title: String, entries: [Entry])] {
        var seen: Set<String> = []
        return SettingCatalog.themes.map { theme in
            let keys = theme.declarations.map(\.key).filter { seen.insert($0).inserted }
            return (
                type(of: theme).title,
                keys.map { Entry(key: $0, declarations: SettingCatalog.byKey[$0] ?? []) }
            )
        }
    }

    /// How settings are found, for both documents: a heading and paragraphs.
    static let rules: [(title: String, text: String)] = [
        (
            "Where a value comes from",
            """
            A flag wins over an environment variable, that over a variable in the file of variables, \
            that over the configuration file, and that over the default. \
            The configuration file is the one of --config, else that of the variable CONFIG_FILE; \
            without either none is read. One file serves all programs: each takes its own settings from it. \
            Secrets have no flags.
            """
        ),
        (
            "Variables",
            """
            The variable of a key is the key in capitals with `__` for each dot: `binance.symbols` is \
            `BINANCE__SYMBOLS`. The table has the short names that work as well; the long one wins. A \
            name with `__` may be in small letters. A variable that begins like ours and is none \
            (`BINANCE__SYMBOL`), or looks like one of ours with a typo, is reported. White space \
            and one pair of quotation marks around a value are taken off. An empty value counts as \
            not set, but for a secret, where it is an error. A secret may be in a file that holds \
            nothing else: the one that the variable's name with `_FILE` names, or a credential of the unit \
            (`LoadCredential=`) named as the variable in small letters with dashes.
            """
        ),
        (
            "The file of variables",
            """
            `.env` beside the configuration file, or the file of --env-file, sets variables that the \
            environment does not have, also those of AWS. Lines are `NAME=value`, with or without \
            `export`. Without quotation marks ` #` begins a comment. In single quotes a value is as it is, \
            in double quotes `\\n`, `\\t`, `\\"`, `\\\\` and `\\$` are what they are in a shell; both may run over several \
            lines. `${NAME}` and `${NAME:-default}` are replaced, but in single quotes; a `$` without a \
            brace is itself. CR LF and a byte order mark do no harm.
            """
        ),
        (
            "The configuration file",
            """
            YAML 1.1 in UTF-8, one document. In values `${NAME}` is replaced from the environment and \
            must be set; `${NAME:-default}` (or `${NAME:default}`) has a default, `${NAME:?message}` a message. A list is written \
            `[A, B]`, one element a line, or `"A,B"`. `null`, `~` and nothing mean that the setting is not set. \
            Anchors, aliases and `<<` work. Unknown keys, keys that are set twice and bad values \
            are errors with file and line. Times may have the units ms, s, m, h, d; bytes k, M, G \
            (powers of 1024). `--check-config` judges the whole file for all programs and lists each error; \
            `--explain-config` prints each setting of a program with its value and where it came from.
            """
        ),
        (
            "Changing it while a stage runs",
            """
            SIGHUP makes a stage read its configuration again. It takes over what it can while it runs, \
            says so, and names what needs a new start; it never ends because of it. Every stage takes \
            the log level; sbe-tap its symbols and streams, by subscribing and unsubscribing without a new \
            connection; kinesis-put its batches, rates and credentials; s3-put when objects are finished, \
            and credentials; healthd its rules. \
            `--explain-config --pid PID` prints the settings of a running stage, and healthd answers \
            /stages/NAME/settings.
            """
        ),
    ]
}

extension SettingShape {
    /// What a value may be, in words.
    var words: String {
        switch self {
        case .text: "text"
        case .url(let schemes): "URL (\(schemes.joined(separator: ", ")))"
        case .integer(let range): "whole number\(Self.words(range.lowerBound, range.upperBound))"
        case .seconds(let range):
            "seconds, \(Self.number(range.lowerBound)) to \(Self.number(range.upperBound))"
        case .bytes(let range):
            "bytes, \(Self.size(range.lowerBound)) to \(Self.size(range.upperBound))"
        case .percent: "percentage, 0 to 100"
        case .boolean: "true or false"
        case .word(let words): words.joined(separator: ", ")
        case .list(let words): words.isEmpty ? "list" : "list of \(words.joined(separator: ", "))"
        }
    }

    private static func words(_ low: Int, _ high: Int) -> String {
        high == .max ? ", \(low) or more" : ", \(low) to \(high)"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }

    private static func size(_ bytes: Int) -> String {
        for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")]
        where bytes >= 1 << shift && bytes & (1 << shift - 1) == 0 {
            return "\(bytes >> shift) \(unit)"
        }
        return "\(bytes)"
    }
}
