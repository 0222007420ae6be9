import ArgumentParser
import Configuration
import Encoding
import Identity
import Posix
import Records
import Stage
import StageAWS

struct Book: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Rebuild and prove order books.",
        discussion: """
            recq book --levels 5 --every 1s book.bin
            sbe-tap --symbols BTCUSDT --streams depth | recq book --every 500ms
            recq cat data/ --kind depthDiff,depthSnapshot | recq book --every 1m > top.txt

            Shows the best levels as of each interval of event time. Each snapshot behind
            the first is compared with the book that the changes made; what was found is
            written at the end.

            Exit status: 1 a snapshot is another book, or there was no book to show.
            """)
    @Option(name: [.customShort("n"), .long], help: "Levels per side.") var levels = 10
    @Option(
        help: ArgumentHelp(
            "Event time between two books: 500ms, 1s, 1m, 1h; 0 for every change.",
            valueName: "time"))
    var every = "1s"
    @Option(help: "text, json (one object per line) or csv (one level per row).")
    var format = BookFormat.text
    @Option(help: ArgumentHelp("Only this symbol.", valueName: "symbol")) var symbol: String?
    @Flag(name: .customLong("prove"), help: "Only prove; write no books.") var onlyProves = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if !(1...100_000).contains(levels) { throw ValidationError("--levels is 1 to 100000") }
        _ = try interval()
    }

    /// µs.
    private func interval() throws -> Int64 {
        let digits = every.prefix { $0.isNumber }
        let units: [String: Int64] = [
            "": 0, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000,
        ]
        guard let number = Int64(digits), number < 1_000_000,
            let unit = units[String(every.dropFirst(digits.count))], unit > 0 || number == 0
        else {
            throw ValidationError("--every is a time such as 500ms, 1s, 1m or 1h, or 0")
        }
        return number * unit
    }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let only = symbol.flatMap { SymbolName($0) }
        var books = BookSet(try interval(), stage.log)
        var output = BookOutput(format, levels: levels)
        let isQuiet = onlyProves
        try inputs.read(reading, in: stage) { frame in
            if let only, frame.symbol != only { return true }
            try books.take(frame) { book, symbol, time in
                if !isQuiet { try output.write(book, symbol, at: time) }
            }
            return true
        } batch: {
            try output.text.flush()
        }
        try books.end { book, symbol, time in
            if !isQuiet { try output.write(book, symbol, at: time) }
        }
        try output.text.flush()
        try books.conclude()
    }
}
