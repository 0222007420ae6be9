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

    /// Of one venue; the other table takes ten times as long.
    @Test func `the table of docs/scaling.md is what the simulation prints`() throws {
        let python = try #require(Python.path)
        let program = Self.root.appendingPathComponent("Scripts/scaling").path
        let outcome = try Program.run(python, [program, "--venues", "1"])
        try #require(outcome.status == 0 && outcome.text.count > 500, "\(outcome.errors)")
        let document = try String(
            contentsOf: Self.root.appendingPathComponent("docs/scaling.md"), encoding: .utf8)
        #expect(
            document.contains(outcome.text), "docs/scaling.md is not up to date: \(outcome.text)")
    }

    /// What a reader puts in place of what was assumed is used, and a slip is refused.
    @Test func `prices of the simulation are the reader's`() throws {
        let python = try #require(Python.path)
        let program = Self.root.appendingPathComponent("Scripts/scaling").path
        func run(_ more: [String]) throws -> Program.Outcome {
            try Program.run(python, [program, "--venues", "1", "--hosts", "1"] + more)
        }
        let free = try run(["--price", "host-hour=0", "--price", "redis-hour=0"])
        #expect(free.text.contains("given: host-hour 0, redis-hour 0"), "\(free.errors)")
        #expect(free.text.contains("and Redis 0\n"), "\(free.text)")
        #expect(try run(["--price", "shard-hour=0.03"]).text.contains("given: shard-hour 0.03"))
        for slip in ["hosthour=1", "host-hour=x", "host-hour=-1", "host-hour"] {
            let outcome = try run(["--price", slip])
            #expect(outcome.status == 2 && outcome.errors.contains("argument --price"))
        }
    }

    @Test func `links between documents lead somewhere`() throws {
        let outcome = try Program.run(
            try #require(Python.path), [script("links.py"), Self.root.path])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }
}
