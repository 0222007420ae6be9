import Foundation
import TestSupport
import Testing

/// The retired words of docs/glossary.md against every source, document and help text.
struct WordTests {
    private struct Retired {
        /// Identifiers, in their exact case.
        var code: [String] = []
        /// Words and phrases, in any case.
        var prose: [String] = []
    }

    private static let glossary = "docs/glossary.md"

    /// Reads the two tables of the glossary's section.
    private static func retired() throws -> Retired {
        let text = try String(
            contentsOf: packageRoot.appendingPathComponent(glossary), encoding: .utf8)
        let parts = text.components(separatedBy: "## Retired words")
        guard parts.count == 2 else { return Retired() }
        var retired = Retired()
        var isCode = false
        for line in parts[1].split(separator: "\n") {
            if line.hasPrefix("### ") { isCode = line.hasSuffix("code") }
            guard line.hasPrefix("| "), !line.hasPrefix("| retired"),
                let cell = line.split(separator: "|").first
            else { continue }
            let words = cell.split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if isCode { retired.code += words } else { retired.prose += words }
        }
        return retired
    }

    /// Files that people read or that become programs, by their paths below the package.
    ///
    /// Left out: what is generated from other files or standards, decision notes and the change
    /// log, which tell of the past, and the glossary itself.
    private static func files() throws -> [(path: String, text: String)] {
        var found: [(String, String)] = []
        let kinds: Set<String> = ["swift", "md", "1", "5", "7", "h", "c", "yaml", "yml", "html"]
        for folder in ["Sources", "docs", "config", "pipelines", "deploy", "systemd"] {
            let root = packageRoot.appendingPathComponent(folder)
            let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
            while let file = files?.nextObject() as? URL {
                let path = String(file.path.dropFirst(packageRoot.path.count + 1))
                guard kinds.contains(file.pathExtension) || file.pathExtension.isEmpty,
                    !path.contains("/Generated/"), !path.hasPrefix("docs/decisions/"),
                    path != glossary,
                    let text = try? String(contentsOf: file, encoding: .utf8)
                else { continue }
                found.append((path, text))
            }
        }
        for path in ["README.md", "CONTRIBUTING.md"] {
            let file = packageRoot.appendingPathComponent(path)
            found.append((path, try String(contentsOf: file, encoding: .utf8)))
        }
        return found
    }

    /// A pattern of whole words; the white space of a phrase may be a line break in a comment.
    private static func pattern(_ words: [String], ignoresCase: Bool) throws -> NSRegularExpression
    {
        let phrases = words.map {
            $0.split(separator: " ").map { NSRegularExpression.escapedPattern(for: String($0)) }
                .joined(separator: #"\s+(?:///?\s+)?"#)
        }
        return try NSRegularExpression(
            pattern: #"(?<![\p{L}\d_])(?:"# + phrases.joined(separator: "|") + #")(?![\p{L}\d_])"#,
            options: ignoresCase ? [.caseInsensitive] : [])
    }

    /// Of each line what is before `//`: a sentence may begin with a word that code may not use.
    private static func withoutComments(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.range(of: "//").map { line[..<$0.lowerBound] } ?? line
        }.joined(separator: "\n")
    }

    private static func hits(_ pattern: NSRegularExpression, _ text: String) -> [String] {
        let whole = NSRange(text.startIndex..., in: text)
        return pattern.matches(in: text, range: whole).compactMap { match in
            guard let range = Range(match.range, in: text) else { return nil }
            let line = text[..<range.lowerBound].count { $0 == "\n" } + 1
            return "\(line): \(text[range])"
        }
    }

    @Test func `retired words are in no source, document or help text`() throws {
        let retired = try Self.retired()
        #expect(retired.code.count > 20 && retired.prose.count > 8)
        let code = try Self.pattern(retired.code, ignoresCase: false)
        let prose = try Self.pattern(retired.prose, ignoresCase: true)
        let files = try Self.files()
        #expect(files.count > 300)
        for (path, text) in files {
            for hit in Self.hits(prose, text) {
                Issue.record("\(path):\(hit) is retired; docs/glossary.md says what to write")
            }
            guard path.hasSuffix(".swift") else { continue }
            for hit in Self.hits(code, Self.withoutComments(text)) {
                Issue.record("\(path):\(hit) is retired; docs/glossary.md says what to write")
            }
        }
    }

    @Test func `a retired word is found wherever it is, and only as a whole`() throws {
        let code = try Self.pattern(["Lane", "pour"], ignoresCase: false)
        let prose = try Self.pattern(["nobody", "without a word"], ignoresCase: true)
        #expect(Self.hits(code, "let lane = Lane()\n// pour\n") == ["1: Lane", "2: pour"])
        #expect(Self.hits(code, "ShardLane.poured(Lanes, lane)") == [])
        #expect(Self.hits(prose, "a\n/// Nobody knows.") == ["2: Nobody"])
        #expect(
            Self.hits(prose, "it goes without a\n    /// word, and without a wording").count == 1)
        #expect(Self.hits(prose, "somebody") == [])
    }
}
