/// The judgement of a whole configuration, for all programs at once: `--check-config`.
package struct ConfigurationCheck: Sendable {
    /// What is wrong, each with its place.
    package let problems: [String]
    /// What works but should be changed.
    package let warnings: [String]
    /// How many settings have a value from somewhere.
    package let count: Int

    /// Judges every value, whichever program reads it.
    package init(_ sources: ConfigurationSources) {
        var found: [String] = []
        var set: Set<String> = []
        for declaration in SettingCatalog.declarations {
            do throws(ConfigurationError) {
                guard let (text, origin) = try sources.text(of: declaration) else { continue }
                set.insert(declaration.key)
                do throws(SettingError) { try declaration.check(text) } catch {
                    found.append("\(origin): \(declaration.key): \(error)")
                }
            } catch {
                found.append(error.description)
            }
        }
        for rule in ConfigurationRule.all {
            if let reason = rule(sources) { found.append(reason) }
        }
        // A key that several declarations have would be judged as often.
        var seen: Set<String> = []
        let all = (sources.problems + found).filter { seen.insert($0).inserted }
        problems = all.enumerated().sorted {
            (Self.line($0.element), $0.offset) < (Self.line($1.element), $1.offset)
        }.map(\.element)
        warnings = sources.warnings.map(\.text)
        count = set.count
    }

    /// The line of a problem in a file, so that they come in the order of the file.
    private static func line(_ problem: String) -> Int {
        let parts = problem.prefix { $0 != " " }.split(separator: ":")
        return parts.count > 1 ? Int(parts[1]) ?? .max : .max
    }

    /// What is said: each problem and warning in a line, and how it is in all.
    package var report: String {
        var lines = problems.map { "error: \($0)" } + warnings.map { "warning: \($0)" }
        let settings = count == 1 ? "1 setting" : "\(count) settings"
        let errors = problems.count == 1 ? "1 error" : "\(problems.count) errors"
        let words = warnings.count == 1 ? "1 warning" : "\(warnings.count) warnings"
        lines.append("\(settings), \(errors), \(words)")
        return lines.joined(separator: "\n") + "\n"
    }
}

/// What several settings have to agree on.
enum ConfigurationRule {
    typealias Rule = @Sendable (ConfigurationSources) -> String?

    /// All of them: each says what is wrong, or nothing.
    static let all: [Rule] = [
        pair(SettingCatalog.accessKeyID, SettingCatalog.secretAccessKey),
        pair(SettingCatalog.healthCertificate, SettingCatalog.healthKey),
        { sources in
            let uses =
                place(SettingCatalog.kmsKeyID, sources)
                ?? (text(SettingCatalog.bucketKey, sources).map { $0.lowercased() } == "true"
                    ? place(SettingCatalog.bucketKey, sources) : nil)
            guard let uses, text(SettingCatalog.encryption, sources)?.hasPrefix("aws:kms") != true
            else { return nil }
            return "\(uses): a KMS key and a bucket key need s3.server_side_encryption: aws:kms "
                + "or aws:kms:dsse"
        },
        { sources in
            guard let first = value(SettingCatalog.initialBackoff, sources),
                let longest = value(SettingCatalog.maxBackoff, sources), first > longest,
                let place = place(SettingCatalog.initialBackoff, sources)
                    ?? place(SettingCatalog.maxBackoff, sources)
            else { return nil }
            return "\(place): retry.initial_backoff_seconds is over retry.max_backoff_seconds"
        },
    ]

    private static func pair(_ one: Setting<String>, _ other: Setting<String>) -> Rule {
        { sources in
            let (first, second) = (place(one, sources), place(other, sources))
            guard (first == nil) != (second == nil), let place = first ?? second else { return nil }
            let (set, missing) = first == nil ? (other, one) : (one, other)
            return "\(place): \(set.key) needs \(missing.key)"
        }
    }

    private static func text<Value>(
        _ setting: Setting<Value>, _ sources: ConfigurationSources
    ) -> String? {
        guard let found = try? sources.text(of: setting) else { return nil }
        return found.text
    }

    private static func place<Value>(
        _ setting: Setting<Value>, _ sources: ConfigurationSources
    ) -> String? {
        guard let found = try? sources.text(of: setting) else { return nil }
        return "\(found.origin)"
    }

    private static func value<Value>(
        _ setting: Setting<Value>, _ sources: ConfigurationSources
    ) -> Value? {
        (text(setting, sources) ?? setting.fallback).flatMap { try? setting.parse($0) }
    }
}
