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
            without either, no file is read. One file serves all programs: each takes its own settings from it. \
            Secrets have no flags.
            """
        ),
        (
            "Variables",
            """
            The variable of a key is the key in capitals with `__` for each dot: `binance.symbols` is \
            `BINANCE__SYMBOLS`. The table has the short names that work as well; the long one wins. A \
            name with `__` may be in lower case. An unknown variable with one of our prefixes \
            (`BINANCE__SYMBOL`), or one that looks like a typo of ours, is reported. White space \
            and one pair of quotes around a value are removed. An empty value counts as \
            not set, except that for a secret it is an error. A secret may be in a file of its own: one \
            that the variable with `_FILE` appended names, or a credential of the unit \
            (`LoadCredential=`) with the variable's name in lower case and dashes.
            """
        ),
        (
            "The file of variables",
            """
            `.env` next to the configuration file, or the file of --env-file, sets variables that the \
            environment does not have, including those of AWS. Lines are `NAME=value`, with or without \
            `export`. Outside quotes ` #` begins a comment. Single-quoted values are literal; \
            in double quotes `\\n`, `\\t`, `\\"`, `\\\\` and `\\$` are escapes as in a shell; both may span several \
            lines. `${NAME}` and `${NAME:-default}` are replaced, except in single quotes; a `$` without a \
            brace is literal. CR LF and a byte order mark are accepted.
            """
        ),
        (
            "The configuration file",
            """
            YAML 1.1 in UTF-8, one document. In values `${NAME}` is replaced from the environment and \
            must be set; `${NAME:-default}` (or `${NAME:default}`) has a default, `${NAME:?message}` a message; between `[ ]` or `{ }` it needs quotes. A list is written \
            `[A, B]`, one element per line, or `"A,B"`. `null`, `~` and an empty value mean not set. \
            Anchors, aliases and `<<` work; keys `x-…` at the top are not settings, but a place for anchors. Unknown keys, keys that are set twice and bad values \
            are errors with file and line. Times may have the units ms, s, m, h, d; bytes k, M, G \
            (powers of 1024). `--check-config` checks the whole file for all programs and lists every error; \
            `--explain-config` prints each setting of a program with its value and origin.
            """
        ),
        (
            "Changing it while a stage runs",
            """
            SIGHUP makes a stage read its configuration again. It applies and logs the changes that are possible \
            at run time, and names those that need a restart; it never ends because of it. Every stage applies \
            the log level; sbe-tap its symbols and streams, by subscribing and unsubscribing without a new \
            connection; kinesis-put its batches, rates and credentials; s3-put its rules for finishing objects, \
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
