import Foundation
import Testing

/// The built sbe-gen, as `make generate` runs it.
struct CommandLineTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("sbe-gen-\(UUID().uuidString)")

    private func run(_ arguments: String...) throws -> (status: Int32, words: String) {
        let built = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let process = Process()
        process.executableURL = built.deletingLastPathComponent().appendingPathComponent("sbe-gen")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let words = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: words, as: UTF8.self))
    }

    private var records: String {
        Folders.root.appendingPathComponent("Sources/Records/Schema/records.xml").path
    }

    @Test func `files appear, a second run changes none, and a narrower run removes the rest`()
        throws
    {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try run(records, "--output", folder.path)
        #expect(first.status == 0 && first.words.isEmpty, "\(first.status)")
        let all = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(all.contains("TradeDecoder.swift") && all.contains("KlineEncoder.swift"))

        let own = folder.appendingPathComponent("Own.swift")
        try "// by hand\n".write(to: own, atomically: true, encoding: .utf8)
        let trade = folder.appendingPathComponent("TradeDecoder.swift").path
        let written = try FileManager.default.attributesOfItem(atPath: trade)[.systemFileNumber]
        _ = try run(records, "--output", folder.path)
        let again = try FileManager.default.attributesOfItem(atPath: trade)[.systemFileNumber]
        #expect(written as? Int == again as? Int)

        _ = try run(records, "--output", folder.path, "--message", "Gap")
        let few = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(
            few == [
                "GapDecoder.swift", "GapEncoder.swift", "GapReason.swift", "Own.swift",
                "RecordFlags.swift", "SourceCode.swift", "VenueCode.swift",
            ])
    }

    @Test func `a bad schema ends with 65 and names file and line`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let bad = folder.appendingPathComponent("bad.xml")
        try "<messageSchema\n id='x'/>".write(to: bad, atomically: true, encoding: .utf8)
        let result = try run(bad.path, "--output", folder.path)
        #expect(result.status == 65)
        #expect(result.words.hasPrefix("sbe-gen: \(bad.path):"))
        #expect(result.words.hasSuffix("id=\"x\" is not a number from 0 to 65535\n"))
    }

    @Test func `wrong usage, an unknown message and a missing file have their exit codes`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try run("--output", folder.path).status == 64)
        #expect(try run(records, "--output", folder.path, "--access", "open").status == 64)
        let unknown = try run(records, "--output", folder.path, "--message", "Trad")
        #expect(unknown.status == 65)
        #expect(unknown.words.hasSuffix("the schema has no message Trad\n"))
        let missing = try run("/nonexistent.xml", "--output", folder.path)
        #expect(missing.status == 74)
        #expect(missing.words.hasPrefix("sbe-gen: /nonexistent.xml: "))
    }
}
