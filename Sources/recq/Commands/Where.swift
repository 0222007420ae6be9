import ArgumentParser
import Configuration
import Posix
import Records
import Stage
import StageAWS

struct Where: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pass on the records that match an expression.",
        discussion: """
            recq where 'qty > 0.5' day.bin | recq json
            recq where 'kind == trade and symbol in (BTCUSDT, ETHUSDT)' in.bin > out.bin
            recq where 'time >= 2024-01-01T12:00 and price < 42000.01' in.bin | recq csv
            recq where 'side == sell and (quote_qty >= 1e6 or qty > 5)' in.bin > out.bin

            Numbers are compared exactly, times are UTC. Comparisons: == != < <= > >= in
            (…), and ~ for symbols with * and ?; and, or, not and parentheses join them.
            What a kind has no field for is neither true nor false, and does not pass.

            Fields: kind symbol time ingest id last_id price qty quote_qty side source
            interval bid_px bid_sz ask_px ask_sz open_price high_price low_price
            close_price volume quote_volume trade_count is_closed is_buyer_maker
            is_best_match bid_levels ask_levels missing_kind reason series venue flags,
            and the names of `recq json`.

            Exit status: 64 for an expression that is not understood.
            """)
    @Argument(help: "The condition.") var expression: String
    @Flag(name: .customLong("invert"), help: "Pass on the records that do not match.")
    var isInverted = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws { _ = try program() }

    func program() throws -> FilterProgram {
        do throws(FilterError) { return try FilterCompiler.compile(expression) } catch {
            throw ValidationError(error.description)
        }
    }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        var program = try program()
        var writer = try stage.standardOutput()
        let wanted = !isInverted
        try inputs.read(reading, in: stage) { frame in
            if program.passes(frame) == wanted { try writer.append(frame) }
            return true
        } batch: {
            try writer.flush()
        }
    }
}
