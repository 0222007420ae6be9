import Foundation
import Identity
import Posix
import Records
import TestSupport
import Testing

/// Records to deliver, and what came of them.
enum Trades {
    /// One trade.
    static func frame(
        _ symbol: String, _ id: Int64, kind: RecordKind = .trade, daysLater: Int64 = 0
    ) throws -> [UInt8] {
        var bytes = Bytes(capacity: 256)
        let prefix = RecordPrefix(
            sequence: SequenceID(
                template: kind.rawValue, symbol: try SymbolName(symbol).unwrapped),
            eventTime: 1_704_067_200_000_000 + id + daysLater * 86_400_000_000,
            ingestTime: Clock.realtimeNanoseconds(),
            ids: id...id, source: .sbe, exponents: (-8, -8))
        try bytes.appendFrame(upTo: 256, prefix: prefix) { room throws(SBEFailure) in
            do {
                if kind == .bestBidAsk {
                    var quote = try BestBidAskEncoder(room)
                    quote.bidPrice = id
                    return quote.encodedLength
                }
                if kind == .depthDiff { return try DepthDiffEncoder(room).encodedLength }
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

    /// True for the record of an id, and not for a gap record that tells of it.
    static func isRecord(_ bytes: [UInt8], of id: (symbol: String, id: Int64)) -> Bool {
        guard let frame = try? FrameView(bytes.span.bytes), frame.missingSequence == nil else {
            return false
        }
        return (frame.symbol.description, frame.firstID) == id
    }

    /// Checks that each id was stored, in the order of its key; what is wrong is the issue's text.
    ///
    /// - Parameter repeats: records may have come a second time.
    static func check(
        _ entries: [KinesisServer.Entry], ids: ClosedRange<Int64>,
        symbols: [String] = ["BTCUSDT", "ETHUSDT", "BNBUSDT"], repeats: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        guard
            let problem = try problem(entries, ids: ids, symbols: symbols, repeats: repeats)
        else { return }
        let last = entries.suffix(6).compactMap { entry in
            (try? identity(entry.data)).map { "\($0.symbol) \($0.id) of call \(entry.call)" }
        }
        Issue.record(
            "\(problem), of \(entries.count) entries; the last: \(last.joined(separator: ", "))",
            sourceLocation: sourceLocation)
    }

    private static func problem(
        _ entries: [KinesisServer.Entry], ids: ClosedRange<Int64>,
        symbols: [String], repeats: Bool
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

/// What KPL containers hold, taken apart by the format's description and not by our own code.
enum Container {
    /// The records of an entry: those of a container, or the entry itself.
    static func records(_ entry: KinesisServer.Entry) -> [KinesisServer.Entry] {
        let magic: [UInt8] = [0xF3, 0x89, 0x9A, 0xC2]
        guard entry.data.count > 20, entry.data.starts(with: magic) else { return [entry] }
        var keys: [String] = []
        var records: [KinesisServer.Entry] = []
        for (field, bytes) in fields(entry.data[4..<(entry.data.count - 16)]) {
            if field == 1 { keys.append(String(decoding: bytes, as: UTF8.self)) }
            guard field == 3 else { continue }
            var key = 0
            for (inner, value) in fields(bytes) {
                if inner == 1 { key = number(value) }
                if inner == 3 { records.append(entry.with(key: keys[key], data: Array(value))) }
            }
        }
        return records
    }

    /// Numbers and values of a protobuf message; a varint's value is its bytes.
    private static func fields(_ bytes: ArraySlice<UInt8>) -> [(Int, ArraySlice<UInt8>)] {
        var found: [(Int, ArraySlice<UInt8>)] = []
        var rest = bytes
        while !rest.isEmpty {
            let tag = number(varint(&rest))
            if tag & 7 == 0 {
                found.append((tag >> 3, varint(&rest)))
            } else {
                let length = number(varint(&rest))
                found.append((tag >> 3, rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
        }
        return found
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let length = (rest.firstIndex { $0 < 0x80 } ?? rest.startIndex) - rest.startIndex + 1
        defer { rest = rest.dropFirst(length) }
        return rest.prefix(length)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reversed().reduce(0) { $0 << 7 | Int($1 & 0x7F) }
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
            // Single records are easy to look at; what containers do is tested by name.
            "--no-aggregate", "--order", "strict",
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
