import AWS
import Identity
import Posix
import Records

/// What a capture needs of Kinesis, worked out from its own records: rates, shards, cost.
///
/// Time is the records' event time, so that a backfill tells the same as a live capture. The peak is the
/// busiest second.
struct CapacityPlan: ~Copyable {
    /// What one stream gets.
    fileprivate struct Load {
        var records = 0
        var bytes = 0
        var units = 0
        /// Of the seconds that are not yet closed.
        var seconds: [Int64: (records: Int, bytes: Int)] = [:]
        var peak = (records: 0, bytes: 0)
        var keys: [String: KeyLoad] = [:]

        /// Folds seconds into the peak; all of them at the end, the older half when there are many.
        mutating func close(all: Bool) {
            let limit =
                all ? Int64.max : seconds.keys.sorted()[seconds.count / 2]
            for (second, sums) in seconds where second < limit || all {
                peak.records = max(peak.records, sums.records)
                peak.bytes = max(peak.bytes, sums.bytes)
            }
            seconds = all ? [:] : seconds.filter { $0.key >= limit }
        }
    }

    /// What one partition key gets: the newest second and the busiest one.
    fileprivate struct KeyLoad {
        var second = Int64.min
        var records = 0
        var bytes = 0
        var peakRecords = 0
        var peakBytes = 0
    }

    /// Figures that a plan rests on.
    ///
    /// Shard limits and units: Kinesis Data Streams quotas. Prices: AWS's list for us-east-1, 2026; they change.
    fileprivate enum Tariff {
        static let shardBytes = 1_048_576.0
        static let shardRecords = 1000.0
        static let shardHour = 0.015
        static let millionUnits = 0.014
        static let onDemandStreamHour = 0.04
        static let onDemandGigabyte = 0.08
        static let hoursAMonth = 730.0
        /// Room above the peak.
        static let headroom = 1.25
        static let mostOpenSeconds = 4096
        static let mostKeys = 10_000
    }

    private let options: KinesisOptions
    private var form: PayloadForm
    private var scratch = Bytes(capacity: 4096)
    private var loads: [Int: Load] = [:]
    private var firstTime = Int64.max
    private var lastTime = Int64.min
    private var records = 0

    init(_ options: KinesisOptions) throws {
        self.options = options
        form = try PayloadForm(options.format, isCompressed: options.isCompressed)
    }

    private var isAggregated: Bool { options.rules.order == .aggregated }

    /// Counts a record.
    mutating func add(_ frame: borrowing FrameView) throws {
        scratch.removeAll()
        try form.append(frame, to: &scratch)
        let key = options.keys.name(frame)
        // In a container a record has tags, an index of its key and its length around it.
        let length =
            isAggregated ? scratch.count + 10 : scratch.count + key.utf8.count
        let time = frame.eventTime
        firstTime = min(firstTime, time)
        lastTime = max(lastTime, time)
        records += 1
        let index = options.streams.index(template: frame.template)
        loads[index, default: Load()].add(
            key, length: length, second: time / 1_000_000,
            units: (length + CallBuilder.payloadUnit - 1) / CallBuilder.payloadUnit)
    }

    /// The report, a table and what follows from it.
    consuming func report() -> String {
        guard records > 0 else { return "no records, so there is nothing to plan\n" }
        for index in loads.keys { loads[index]?.close(all: true) }
        let span = max(1, Double(lastTime - firstTime) / 1e6)
        var rows = [
            ["STREAM", "RECORDS/S", "PEAK", "KIB/S", "PEAK", "SHARDS", "USD A MONTH", "ON DEMAND"]
        ]
        var totals = (shards: 0, provisioned: 0.0, onDemand: 0.0)
        var advice: [String] = []
        for (index, load) in loads.sorted(by: { $0.key < $1.key }) {
            let shards = self.shards(load)
            let cost = self.cost(load, shards: shards, span: span)
            totals.shards += shards
            totals.provisioned += cost.provisioned
            totals.onDemand += cost.onDemand
            let name = options.streams.byTemplate[index].description
            rows.append([
                name, Self.decimal(Double(load.records) / span, 1), "\(load.peak.records)",
                Self.decimal(Double(load.bytes) / span / 1024, 1),
                Self.decimal(Double(load.peak.bytes) / 1024, 1), "\(shards)",
                Self.decimal(cost.provisioned, 2), Self.decimal(cost.onDemand, 2),
            ])
            advice += hotKeys(of: load, in: name)
        }
        rows.append([
            "all", "", "", "", "", "\(totals.shards)", Self.decimal(totals.provisioned, 2),
            Self.decimal(totals.onDemand, 2),
        ])
        let form =
            isAggregated ? "containers of the KPL" : "single records"
        var text =
            "\(records) \(records == 1 ? "record" : "records") in \(Self.decimal(span, 0)) s of event time, as \(form)\n\n"
        text += Self.table(rows)
        text +=
            "\nShards hold the busiest second and a quarter more. USD A MONTH: provisioned shards and payload units;\n"
        text +=
            "ON DEMAND: the stream and its data. List prices of us-east-1 in 2026, without reading and retention.\n"
        for line in advice { text += line + "\n" }
        return text
    }

    private func shards(_ load: borrowing Load) -> Int {
        let byBytes = Double(load.peak.bytes) * Tariff.headroom / Tariff.shardBytes
        let byRecords =
            isAggregated ? 0 : Double(load.peak.records) * Tariff.headroom / Tariff.shardRecords
        return max(1, Int(max(byBytes, byRecords).rounded(.up)))
    }

    private func cost(
        _ load: borrowing Load, shards: Int, span: Double
    ) -> (provisioned: Double, onDemand: Double) {
        let seconds = Tariff.hoursAMonth * 3600
        var units = Double(load.units) / span
        var billed = Double(load.bytes) / span
        if isAggregated {
            // A container goes when a unit is full, or when its first record has waited for --linger.
            let linger = max(Double(options.rules.linger) / 1e9, 0.001)
            let calls = min(Double(load.records) / span, Double(shards) / linger)
            units = max(Double(load.bytes) / span / Double(CallBuilder.payloadUnit), calls)
            billed = max(billed, units * 1024)
        } else {
            billed = max(billed, Double(load.records) / span * 1024)
        }
        let provisioned =
            Double(shards) * Tariff.shardHour * Tariff.hoursAMonth
            + units * seconds / 1e6 * Tariff.millionUnits
        let onDemand =
            Tariff.onDemandStreamHour * Tariff.hoursAMonth
            + billed * seconds / 1_073_741_824 * Tariff.onDemandGigabyte
        return (provisioned, onDemand)
    }

    private func hotKeys(of load: borrowing Load, in stream: String) -> [String] {
        var lines: [String] = []
        for (key, sums) in load.keys.sorted(by: { $0.key < $1.key }) {
            let need = max(
                Double(sums.peakBytes) / Tariff.shardBytes,
                isAggregated ? 0 : Double(sums.peakRecords) / Tariff.shardRecords)
            guard need > 1, lines.count < 10 else { continue }
            lines.append(
                "\(stream): key \(key) needs \(Self.decimal(need, 1)) shards in its busiest second and a key goes to one shard: "
                    + "--partition-key id-block --sub-keys \(Int((need * Tariff.headroom).rounded(.up)))"
            )
        }
        return lines
    }

    private static func decimal(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled < 1e15 else { return "\(value)" }
        let whole = Int(scaled) / Int(scale)
        guard digits > 0 else { return "\(whole)" }
        let rest = String(Int(scaled) % Int(scale))
        return "\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
    }

    /// The first column to the left, the others to the right.
    private static func table(_ rows: [[String]]) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for row in rows {
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                text += column == 0 ? cell + padding : "  " + padding + cell
            }
            text += "\n"
        }
        return text
    }
}

extension CapacityPlan.Load {
    fileprivate mutating func add(_ key: String, length: Int, second: Int64, units: Int) {
        records += 1
        bytes += length
        self.units += units
        let sums = seconds[second] ?? (0, 0)
        seconds[second] = (sums.records + 1, sums.bytes + length)
        if seconds.count > CapacityPlan.Tariff.mostOpenSeconds { close(all: false) }
        guard keys[key] != nil || keys.count < CapacityPlan.Tariff.mostKeys else { return }
        keys[key, default: CapacityPlan.KeyLoad()].add(length, second)
    }
}

extension CapacityPlan.KeyLoad {
    fileprivate mutating func add(_ length: Int, _ now: Int64) {
        if now != second { (second, records, bytes) = (now, 0, 0) }
        records += 1
        bytes += length
        peakRecords = max(peakRecords, records)
        peakBytes = max(peakBytes, bytes)
    }
}
