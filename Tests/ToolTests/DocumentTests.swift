import Foundation
import TestSupport
import Testing

/// The commands that documents print, run as a reader would.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct DocumentTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let documents: [String] = {
        let guides =
            (try? FileManager.default.contentsOfDirectory(
                atPath: root.appendingPathComponent("docs/guides").path)) ?? []
        return ["README.md"]
            + guides.filter { $0.hasSuffix(".md") }.sorted().map { "docs/guides/" + $0 }
    }()

    @Test func `every command that README and the guides print does as printed`() throws {
        try #require(Self.documents.count > 5, "no guides in docs/guides: \(Self.documents)")
        let outcome = try Program.run(
            try #require(Python.path),
            [script("documents.py"), "--tools", Program.directory.path]
                + Self.documents.map { Self.root.appendingPathComponent($0).path })
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }

    @Test func `links between documents lead somewhere`() throws {
        let outcome = try Program.run(
            try #require(Python.path), [script("links.py"), Self.root.path])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }
}
