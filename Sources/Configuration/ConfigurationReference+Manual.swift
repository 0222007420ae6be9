extension ConfigurationReference {
    /// The manual page bitcoin-ingestor.conf(5), in roff.
    static var manual: String {
        var text = """
            .\\" Made by make generate from Sources/Configuration/Catalog.
            .TH BITCOIN\\-INGESTOR.CONF 5 "" "bitcoin\\-ingestor" "File formats"
            .SH NAME
            bitcoin\\-ingestor.conf \\- settings of the programs of bitcoin\\-ingestor
            .SH DESCRIPTION
            The programs share one configuration file in YAML, which
            .B \\-\\-config
            or the variable CONFIG_FILE names.

            """
        for rule in rules {
            text += ".SS \(rule.title)\n\(roff(rule.text.replacing("`", with: "")))\n"
        }
        text += ".SH SETTINGS\n"
        for section in sections where !section.entries.isEmpty {
            text += ".SS \(roff(section.title))\n"
            for entry in section.entries {
                text += ".TP\n.B \(roff(entry.key))\n\(roff(entry.meaning))\n"
                var facts = ["Value: \(entry.values)."]
                if !entry.fallback.isEmpty { facts.append("Default: \(entry.fallback).") }
                if !entry.flags.isEmpty {
                    facts.append("Option: \(entry.flags.joined(separator: ", ")).")
                }
                facts.append("Variable: \(entry.variables.joined(separator: ", ")).")
                facts.append("Read by \(entry.programs.joined(separator: ", ")).")
                text += ".br\n\(roff(facts.joined(separator: " ")))\n"
            }
        }
        text += ".SH OLD KEYS\n"
        for old in LegacyKey.all {
            let fate =
                old.successor.map { "Now \($0): \(old.reason)." } ?? "No effect: \(old.reason)."
            text += ".TP\n.B \(roff(old.key))\n\(roff(fate))\n"
        }
        text += """
            .SH FILES
            .TP
            .I .env
            Variables, beside the configuration file.
            .SH EXAMPLES
            .nf
            binance:
              symbols: [BTCUSDT, ETHUSDT]
              api_key: ${BINANCE_API_KEY}
            aws:
              region: eu\\-west\\-1
            s3:
              destination: s3://my\\-bucket/bronze
            .fi
            .PP
            .B dedup \\-\\-config FILE \\-\\-check\\-config
            judges the file for all programs.
            .SH SEE ALSO
            .BR sbe\\-tap (1),
            .BR rest\\-pull (1),
            .BR dedup (1),
            .BR fan\\-out (1),
            .BR kinesis\\-put (1),
            .BR s3\\-put (1),
            .BR healthd (1)

            """
        return text
    }

    /// A text for troff: nothing in it is a request or an escape.
    private static func roff(_ text: String) -> String {
        let lines = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            .split(separator: "\n", omittingEmptySubsequences: false)
        return lines.map { $0.hasPrefix(".") || $0.hasPrefix("'") ? "\\&\($0)" : String($0) }
            .joined(separator: "\n")
    }
}
