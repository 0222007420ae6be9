import Encoding

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
        }.map(\.element.escapingControls)
        warnings = sources.warnings.map(\.text.escapingControls)
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
