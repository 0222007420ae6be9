import Identity
import TestSupport
import Testing

/// Symbols come from outside: no line that people read may be made by one.
struct HostileSymbolTests {
    private static let forged = "X\nBTCUSDT trade  1 to 9  whole"
    private static let symbols = [forged, "\u{1B}[31mX", "A\r\tB", "币安人生USDT", "A B"]

    @Test func `a symbol with line ends or escapes makes no line and no colour`() throws {
        let run = try S3PutRun()
        var records: [UInt8] = []
        for symbol in Self.symbols {
            records += try Sample.trades(1...3, symbol: symbol, from: Sample.start)
        }
        #expect(try run.put(records).status == 0)
        let calls: [(String, [String], [UInt8])] = [
            ("ledgerctl", ["verify", "file://" + run.data], []),
            ("ledgerctl", ["show", run.state], []),
            ("ledgerctl", ["report", "file://" + run.data], []),
            ("recq", ["count"], records), ("recq", ["count", "--by", "symbol"], records),
            ("recq", ["print"], records), ("recq", ["print", "-f", "%s %i\\n"], records),
            ("recq", ["check"], records),
        ]
        for (program, arguments, input) in calls {
            let outcome = try Program.run(program, arguments, input: input)
            #expect(outcome.status == 0, "\(program) \(arguments): \(outcome.errors)")
            #expect(!outcome.text.contains("\nBTCUSDT"), "\(program) \(arguments): \(outcome.text)")
            #expect(
                outcome.text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 },
                "\(program) \(arguments): \(outcome.text)")
            #expect(outcome.text.contains("X\\nBTCUSDT trade  1 to 9  whole"), "\(outcome.text)")
            #expect(outcome.text.contains("币安人生USDT"), "\(outcome.text)")
        }
        // Data stays as it is.
        let back = try Program.run("recq", ["json"], input: records)
        let again = try Program.run("recq", ["pack"], input: back.output)
        #expect(again.output == records)
    }
}
