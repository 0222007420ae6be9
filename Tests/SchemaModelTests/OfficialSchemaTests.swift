import Foundation
import SchemaModel
import Testing

/// The venue's own schemas, which are not part of this package.
@Suite(
    .enabled(
        if: Folders.shared != nil, "the folder shared is not beside the package: nothing to read"))
struct OfficialSchemaTests {
    private func official(_ name: String) throws -> Schema {
        let shared = try #require(Folders.shared)
        return try Schema(
            xml: Data(contentsOf: shared.appendingPathComponent("data/binance/\(name)")))
    }

    private func ours(_ name: String) throws -> Schema {
        try Schema(
            xml: Data(
                contentsOf: Folders.root.appendingPathComponent("Sources/Binance/Schema/\(name)")))
    }

    @Test(arguments: [("stream_1_0.xml", "spot-stream.xml"), ("spot_3_5.xml", "spot-rest.xml")])
    func `our schemas lay messages out as the official ones`(theirs: String, own: String) throws {
        let (official, ours) = (try official(theirs), try ours(own))
        #expect(ours.id == official.id)
        #expect(ours.version == official.version)
        for message in ours.messages {
            let other = try #require(official.messages.first { $0.id == message.id })
            #expect(message.name == other.name)
            #expect(layout(message.body) == layout(other.body), "\(message.name)")
        }
    }

    /// Everything that decides where bytes are; names of types do not.
    private func layout(_ body: Body) -> [String] {
        ["block \(body.blockLength)"]
            + body.fields.map { field in
                "\(field.name) \(field.presence) \(field.offset) \(field.length) \(field.since)"
            }
            + body.groups.flatMap { group in
                ["group \(group.name) \(group.dimension)"] + layout(group.body)
            }
            + body.data.map { "data \($0.name) \($0.primitive) \($0.limit)" }
    }

    @Test(arguments: ["stream_1_0.xml", "spot_3_5.xml"])
    func `all of an official schema is generated and compiles`(name: String) throws {
        let schema = try official(name)
        var options = SwiftEmitter.Options()
        options.namespace = "Venue"
        let files = try SwiftEmitter(schema, options: options).files()
        #expect(files.count > schema.messages.count * 2)

        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("official-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for file in files {
            try file.text.write(
                to: folder.appendingPathComponent(file.name), atomically: true, encoding: .utf8)
        }
        let result = try compile(
            files.map { folder.appendingPathComponent($0.name).path },
            to: folder.appendingPathComponent("official.o").path)
        #expect(result.status == 0, "\(result.words)")
        #expect(!result.words.contains("warning:"), "\(result.words)")
    }

    /// Runs swiftc over files and the SBE module that this test was built with.
    private func compile(_ files: [String], to object: String) throws -> (
        status: Int32, words: String
    ) {
        let built = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                "swiftc", "-c", "-wmo", "-module-name", "Official", "-o", object, "-swift-version",
                "6", "-strict-memory-safety",
                "-enable-experimental-feature", "Lifetimes",
                "-enable-upcoming-feature", "InternalImportsByDefault",
                "-enable-upcoming-feature", "MemberImportVisibility",
                "-I", built.deletingLastPathComponent().appendingPathComponent("Modules").path,
            ] + files
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        let words = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: words.prefix(4000), as: UTF8.self))
    }
}
