import Identity
@testable import Journal
@testable import Ledger
import Posix
@testable import Spool
@testable import Stats

/// Files as the programs write them, so that mutations start from what is read.
enum FileSamples {
    /// A ledger with claims of every sort, in several batches.
    static let ledger: [UInt8] = made("ledger") { path in
        guard let symbol = SymbolName("BTCUSDT") else { return }
        let trades = SequenceID(template: 1, series: 0, symbol: symbol)
        let quotes = SequenceID(template: 4, series: 0, symbol: symbol)
        var ledger = try Ledger(writing: path)
        ledger.add(trades, held: [1...5, 9...9], declared: [6...7])
        try ledger.commit()
        ledger.add(trades, reported: [8...8])
        ledger.observe(
            quotes, Run(first: 1, last: 9, firstTime: 1, lastTime: 2, count: 3), ids: [1, 5, 9])
        ledger.confirm(ProgressKey(sequence: quotes, bucket: 7), from: 1, through: 90, in: 3)
        try ledger.commit()
        _ = ledger.remove(trades, 2...3)
        try ledger.commit()
    }

    /// The ledger with another batch, whose header is right.
    static func ledger(withBatch batch: [UInt8]) -> [UInt8] {
        guard case .guarded(let number) = LedgerFile.format else { return ledger }
        var header = Bytes()
        EntryFormat.append(
            headerOf: batch.span.bytes, file: number, offset: Int64(ledger.count), to: &header)
        return ledger + header.array + batch
    }

    /// A batch that the ledger wrote: what follows the header of its last entry.
    static let batch: [UInt8] = {
        let length = EntryFormat.guarded(file: 0).headerLength
        let magic = withUnsafeBytes(of: EntryFormat.magic.littleEndian) { Array($0) }
        let starts = ledger.indices.filter { ledger[$0...].starts(with: magic) }
        return starts.last.map { Array(ledger[($0 + length)...]) } ?? []
    }()

    /// A segment of a spool with entries of several lengths.
    static let segment: [UInt8] = made("spool/00000000000000000001.spool") { path in
        var spool = try Spool(directory: Files.directory(of: path))
        for length in [1, 100, 3000] {
            try spool.append([UInt8](repeating: 7, count: length).span.bytes)
        }
        try spool.sync()
    }

    /// A stage's figures: counters, gauges, a histogram, an error.
    static let stats: [UInt8] = made("dedup.a.stats") { path in
        let stats = try StatsWriter(
            directory: Files.directory(of: path), stage: "dedup", instance: "a")
        stats.counter("records_in", help: "Records.").add(7)
        stats.gauge("waiting", labels: "symbol=\"A\"", help: "Records that wait.").set(-1)
        stats.enter(.running)
    }

    /// The stats file with eight bytes changed wherever the input says so: it has a length that
    /// libFuzzer would not try, and most of it is empty.
    static func stats(changedBy input: [UInt8]) -> [UInt8] {
        var bytes = stats
        var rest = input[...]
        while rest.count >= 12 {
            let place = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) } % (bytes.count - 8)
            bytes.replaceSubrange(place..<(place + 8), with: rest.dropFirst(4).prefix(8))
            rest = rest.dropFirst(12)
        }
        return bytes
    }

    private static func made(_ name: String, _ body: (String) throws -> Void) -> [UInt8] {
        let directory = ScratchDirectory()
        do { try body("\(directory.path)/\(name)") } catch { broken("no sample \(name): \(error)") }
        return directory.read(name)
    }
}
