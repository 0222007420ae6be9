import ArgumentParser
import Bronze
import BronzeAccess
import BronzeProof
import Configuration
import Encoding
import Identity
import Ledger
import Posix
import Stage
import StageAWS

struct Where: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Name the object that holds an id, and the manifest that says so.",
        discussion: """
            EXAMPLES:
              ledgerctl where s3://bucket/bronze BTCUSDT trade 3350000001
              ledgerctl where file:///data BTCUSDT kline 2024-01-31T12:00 --interval 1m

            Exit status: 0 an object holds it; 1 none does, and why.
            """)
    @Argument(help: "What a sink stored: s3://, https:// or file://.", completion: .directory)
    var url: String
    @Argument(help: "The symbol.") var symbol: String
    @Argument(help: "The kind: trade, aggTrade, kline, ...") var kind: String
    @Argument(help: "The id; of klines a time.") var id: String
    @Option(help: "Only klines of this interval.") var interval: String?
    @Option(help: "Only this epoch.") var epoch: UInt16?
    @OptionGroup var bucket: BucketReadingOptions
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws -> BucketReading {
        guard RecordKind(typed: kind) != nil else {
            let names = RecordKind.allCases.map(\.name).joined(separator: ", ")
            throw StageFailure(.usage, "\"\(kind)\" is not a kind; kinds are \(names)")
        }
        guard SymbolName(asTyped: symbol) != nil else {
            throw StageFailure(.usage, "\"\(symbol)\" is not a symbol: \(SymbolName.rule)")
        }
        return try bucket.reading(&settings)
    }

    private func number(isTime: Bool) throws(StageFailure) -> Int64 {
        switch try RangeEnd(id, option: "the id", numbersAreTimes: isTime) {
        case .time(let number) where isTime: return number
        case .id(let number) where !isTime: return number
        default: throw StageFailure(.usage, "\"\(id)\" is not an id; times are for klines")
        }
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let wanted = RecordKind(typed: kind)
        let isTime = wanted == .kline
        let number = try number(isTime: isTime)
        let source = try reading.source(url, stage.log)
        let proof = try BucketProof.load(source)
        let sequences = proof.sequences.filter { sequence in
            ("\(sequence.symbol)" == symbol || sequence.symbol == SymbolName(asTyped: symbol))
                && sequence.kind == wanted
                && (interval == nil || KlineInterval(code: sequence.series)?.rawValue == interval)
                && (epoch == nil || sequence.epoch == epoch)
        }
        var report = ""
        var isHeld = false
        for object in proof.objects where sequences.contains(object.sequence) {
            let holds = object.ids.contains { $0.contains(number) }
            let mayHold = object.run.map { $0.span.contains(number) } ?? false
            guard holds || mayHold else { continue }
            let fault = proof.faults[object.key]
            isHeld = isHeld || (holds && fault == nil)
            let times = IDText.times(object.firstTime...object.lastTime)
            report += "\(object.sequence.title)  \(object.key.escapingControls)\n  \(times)\n"
            if mayHold, !holds { report += "  may hold it: ids of this kind only grow\n" }
            if let manifest = proof.manifest(of: object.key) {
                let written = Timestamp.text(nanoseconds: manifest.time)
                report +=
                    "  listed in \(manifest.key.escapingControls), \(written), by "
                    + "\(manifest.tool.escapingControls)\n"
            }
            report += "  SHA-256 \(object.sha256), \(object.bytes) bytes\n"
            if let fault { report += "  problem   \(fault.text)\n" }
        }
        if report.isEmpty {
            for sequence in proof.proofs(of: sequences) {
                for hole in sequence.verdict(.ids(number...number)).holes {
                    report += "\(sequence.sequence.title)  \(id)  \(hole.reason)\n"
                }
            }
        }
        guard !report.isEmpty else {
            let words =
                proof.chains.isEmpty
                ? "has no manifests: name what a sink stored, not its state directory"
                : "has no records of \(symbol) \(kind)"
            throw StageFailure(.no, "\(source.url) \(words)")
        }
        try stage.print(report)
        if !isHeld { throw StageFailure(.no, "") }
    }
}
