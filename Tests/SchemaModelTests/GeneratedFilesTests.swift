import Foundation
import SchemaModel
import Testing

/// The committed code is what the generator writes.
struct GeneratedFilesTests {
    struct Output: Sendable, CustomTestStringConvertible {
        let schema: String
        let folder: String
        var namespace: String?
        var prefix: String?
        var isPublic = true

        var testDescription: String { folder }
    }

    static let outputs = [
        Output(
            schema: "Sources/Records/Schema/records.xml", folder: "Sources/Records/Generated",
            prefix: "PrefixView"),
        Output(
            schema: "Sources/Binance/Schema/spot-stream.xml",
            folder: "Sources/Binance/Generated/Stream", namespace: "Stream"),
        Output(
            schema: "Sources/Binance/Schema/spot-rest.xml",
            folder: "Sources/Binance/Generated/REST", namespace: "REST"),
        Output(
            schema: "Tests/SBETests/Schema/odd.xml", folder: "Tests/SBETests/Generated",
            namespace: "Odd", isPublic: false),
    ]

    @Test(arguments: outputs)
    func `generated files are up to date`(output: Output) throws {
        var options = SwiftEmitter.Options()
        options.namespace = output.namespace
        options.prefix = output.prefix
        options.isPublic = output.isPublic
        let xml = try Data(contentsOf: Folders.root.appendingPathComponent(output.schema))
        let files = try SwiftEmitter(Schema(xml: xml), options: options).files()
        let folder = Folders.root.appendingPathComponent(output.folder)
        let committed = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(committed == files.map(\.name).sorted())
        for file in files {
            let url = folder.appendingPathComponent(file.name)
            let text = try String(contentsOf: url, encoding: .utf8)
            #expect(text == file.text, "\(file.name): run make generate")
        }
    }

    @Test func `only the messages asked for are generated, with the types they need`() throws {
        let path = "Sources/Records/Schema/records.xml"
        let xml = try Data(contentsOf: Folders.root.appendingPathComponent(path))
        var options = SwiftEmitter.Options()
        options.messages = ["Gap"]
        options.imports = ["Posix"]
        let files = try SwiftEmitter(Schema(xml: xml), options: options).files()
        #expect(
            files.map(\.name).sorted() == [
                "GapDecoder.swift", "GapEncoder.swift", "GapReason.swift", "RecordFlags.swift",
                "SourceCode.swift", "VenueCode.swift",
            ])
        #expect(files.allSatisfy { $0.text.contains("public import Posix\n") })
        // One message has nothing in common with others.
        options.prefix = "PrefixView"
        #expect(throws: SwiftEmitter.Refusal.noPrefix) {
            try SwiftEmitter(Schema(xml: xml), options: options)
        }
        options.messages = ["Trad"]
        #expect(throws: SwiftEmitter.Refusal.unknownMessage("Trad")) {
            try SwiftEmitter(Schema(xml: xml), options: options)
        }
    }

    @Test func `names that are one in Swift are refused`() throws {
        let fields =
            "<field name='best_bid' id='1' type='int8'/><field name='bestBid' id='2' type='int8'/>"
        let broken = BrokenSchema(
            name: "same name", message: "<message name='M' id='1'>\(fields)</message>", line: 0,
            reason: "")
        let schema = try Schema(xml: Data(broken.xml.utf8))
        #expect(throws: SwiftEmitter.Refusal.sameName("bestBid", scope: "M")) {
            try SwiftEmitter(schema)
        }
    }
}
