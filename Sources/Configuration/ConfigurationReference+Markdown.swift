extension ConfigurationReference {
    /// docs/configuration.md.
    static var markdown: String {
        var text = """
            # Configuration

            Made by `make generate` from the declarations of the settings (`Sources/Configuration/Catalog`); \
            `man bitcoin-ingestor.conf` has the same, and `docs/schemas/configuration.json` is a JSON Schema for editors:
            `# yaml-language-server: $schema=…/configuration.json` as a file's first line.


            """
        for rule in rules { text += "## \(rule.title)\n\n\(rule.text)\n\n" }
        text += "## Settings\n\n"
        for section in sections where !section.entries.isEmpty {
            text += "### \(section.title)\n\n"
            text +=
                "| key | option | variable | default | value | read by |\n|---|---|---|---|---|---|\n"
            for entry in section.entries {
                let cells = [
                    "**\(code(entry.key))**: \(cell(entry.meaning))",
                    entry.flags.map(code).joined(separator: " "),
                    entry.variables.map(code).joined(separator: " "),
                    entry.fallback.isEmpty ? "" : code(entry.fallback), cell(entry.values),
                    entry.programs.joined(separator: ", "),
                ]
                text += "| " + cells.joined(separator: " | ") + " |\n"
            }
            text += "\n"
        }
        text += """
            ## Keys of the service that this replaces

            Its files load as they are. Its other keys are settings above, under the same names; these have \
            another name or no effect, and the programs that would have read them say so once at the start:

            | key | what becomes of it | said by |
            |---|---|---|

            """
        for old in LegacyKey.all {
            let fate =
                old.successor.map { "renamed \(code($0)): \(cell(old.reason))" } ?? cell(old.reason)
            let silent =
                old.silentValues.isEmpty
                ? ""
                : "; no word for \(old.silentValues.sorted().map(code).joined(separator: ", "))"
            let programs = Program.allCases.filter(old.programs.contains).map(\.rawValue)
            text +=
                "| \(code(old.key)) | \(fate)\(silent) | \(programs.joined(separator: ", ")) |\n"
        }
        return text
    }

    private static func code(_ text: String) -> String { "`\(cell(text))`" }

    /// A text in a table.
    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }
}
