import Foundation
import SchemaModel
import Testing

/// A message that both the generated code and the walker can decode.
struct Subject: Sendable, CustomTestStringConvertible {
    let name: String
    let schema: Schema
    let message: Message
    let generated: @Sendable ([UInt8]) throws -> [String]

    var testDescription: String { name }

    func walked(_ bytes: [UInt8]) throws -> [String] {
        try SchemaWalker.values(bytes, schema, message)
    }

    /// All of them.
    static let all: [Subject] = stream + rest + odd

    static let stream = subjects(
        "Sources/Binance/Schema/spot-stream.xml",
        [
            "TradesStreamEvent": GeneratedValues.tradesStreamEvent,
            "BestBidAskStreamEvent": GeneratedValues.bestBidAskStreamEvent,
            "DepthSnapshotStreamEvent": GeneratedValues.depthSnapshotStreamEvent,
            "DepthDiffStreamEvent": GeneratedValues.depthDiffStreamEvent,
        ])

    static let rest = subjects(
        "Sources/Binance/Schema/spot-rest.xml",
        [
            "ErrorResponse": GeneratedValues.errorResponse,
            "PingResponse": GeneratedValues.pingResponse,
            "ServerTimeResponse": GeneratedValues.serverTimeResponse,
            "DepthResponse": GeneratedValues.depthResponse,
            "TradesResponse": GeneratedValues.tradesResponse,
            "AggTradesResponse": GeneratedValues.aggTradesResponse,
            "KlinesResponse": GeneratedValues.klinesResponse,
        ])

    static let odd = subjects(
        "Tests/SBETests/Schema/odd.xml",
        ["Everything": OddValues.everything, "Tree": OddValues.tree])

    private static func subjects(
        _ path: String, _ decoders: [String: @Sendable ([UInt8]) throws -> [String]]
    ) -> [Subject] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        guard let xml = try? Data(contentsOf: root.appendingPathComponent(path)),
            let schema = try? Schema(xml: xml)
        else { return [] }
        return schema.messages.compactMap { message in
            guard let decoder = decoders[message.name] else { return nil }
            return Subject(
                name: "\(schema.package).\(message.name)", schema: schema, message: message,
                generated: decoder)
        }
    }
}
