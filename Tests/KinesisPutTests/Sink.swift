import Foundation
import Identity
import Posix
import Records
import TestSupport

/// Records to deliver, and what came of them.
enum Trades {
    /// One trade.
    static func frame(_ symbol: String, _ id: Int64, kind: RecordKind = .trade) throws -> [UInt8] {
        var bytes = Bytes(capacity: 256)
        let prefix = RecordPrefix(
            sequence: SequenceID(
                template: kind.rawValue, symbol: try SymbolName(symbol).unwrapped),
            eventTime: 1_704_067_200_000_000 + id, ingestTime: Clock.realtimeNanoseconds(),
            ids: id...id, source: .sbe, exponents: (-8, -8))
        try bytes.appendFrame(upTo: 256, prefix: prefix) { room throws(SBEFailure) in
            do {
                if kind == .bestBidAsk {
                    var quote = try BestBidAskEncoder(room)
                    quote.bidPrice = id
                    return quote.encodedLength
                }
                var trade = try TradeEncoder(room)
                trade.price = 6_500_000_000_000 + id
                trade.quantity = 100
                trade.isBuyerMaker = id % 2 == 0
                return trade.encodedLength
            } catch { throw SBEFailure() }
        }
        return bytes.array
    }

    struct SBEFailure: Error {}

    /// Trades of some symbols by turns, ids from one on.
    static func frames(
        _ ids: ClosedRange<Int64>, symbols: [String] = ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    ) throws -> [UInt8] {
        try ids.flatMap { id in try symbols.flatMap { try frame($0, id) } }
    }

    /// The symbol and id of a record that was sent with `--format sbe`.
    static func identity(_ bytes: [UInt8]) throws -> (symbol: String, id: Int64) {
        let frame = try FrameView(bytes.span.bytes)
        return (frame.symbol.description, frame.firstID)
    }

    /// What is wrong with what was stored; nil when each id came, in the order of its key.
    ///
    /// - Parameter repeats: records that may have come a second time.
    static func problem(
        _ entries: [KinesisServer.Entry], ids: ClosedRange<Int64>,
        symbols: [String] = ["BTCUSDT", "ETHUSDT", "BNBUSDT"], repeats: Bool = false
    ) throws -> String? {
        var last: [String: Int64] = [:]
        var seen: Set<String> = []
        for entry in entries {
            let (symbol, id) = try identity(entry.data)
            guard entry.key == symbol else { return "\(symbol) under the key \(entry.key)" }
            guard seen.insert("\(symbol) \(id)").inserted else {
                if repeats { continue }
                return "\(symbol) \(id) came twice"
            }
            let before = last[symbol] ?? ids.lowerBound - 1
            guard id == before + 1 else { return "\(symbol) \(id) after \(before)" }
            last[symbol] = id
        }
        for symbol in symbols where last[symbol] != ids.upperBound {
            return "\(symbol) ends at \(last[symbol] ?? 0), not at \(ids.upperBound)"
        }
        return nil
    }
}

extension Optional {
    /// The value.
    var unwrapped: Wrapped {
        get throws {
            guard let self else { throw CocoaError(.coderValueNotFound) }
            return self
        }
    }
}

/// kinesis-put against a scripted server.
struct Sink {
    let server: KinesisServer
    let place: TemporaryDirectory

    init(streams: [String: Int] = ["market-sbe-trade": 3]) throws {
        server = KinesisServer(streams: streams)
        place = try TemporaryDirectory()
    }

    static let credentials = [
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    ]

    func arguments(_ options: [String]) -> [String] {
        [
            "--endpoint-url", server.url, "--state-dir", place.path("state"), "--format", "sbe",
            "--stats-dir", place.path("stats"), "--instance", "test", "--linger", "1ms",
        ] + options
    }

    /// Runs it to its end.
    func put(
        _ input: [UInt8], _ options: [String] = [], environment: [String: String] = credentials
    ) throws -> Program.Outcome {
        try Program.run("kinesis-put", arguments(options), input: input, environment: environment)
    }

    /// Starts it.
    func start(
        _ options: [String] = [], environment: [String: String] = credentials
    ) throws -> LiveProgram {
        try LiveProgram("kinesis-put", arguments(options), environment: environment)
    }
}
