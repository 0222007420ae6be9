import ArgumentParser
import Avro
import Configuration
import Identity
import Records
import Stage

struct Schema: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the Avro schema of a kind of record.")
    @Argument(
        help: "trade, aggTrade, kline, bestBidAsk, depthDiff, depthSnapshot, gap or raw.",
        completion: .list(RecordKind.allCases.map(\.name)))
    var kind: String
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard RecordKind(typed: kind) != nil else {
            let names = RecordKind.allCases.map(\.name).joined(separator: ", ")
            throw ValidationError("\"\(kind)\" is not a kind; kinds are \(names)")
        }
    }

    func plan(_ settings: inout Settings) throws {}

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        guard let kind = RecordKind(typed: kind) else { return }
        try stage.print(AvroForm.schema(template: kind.rawValue).prettyJSON)
    }
}
