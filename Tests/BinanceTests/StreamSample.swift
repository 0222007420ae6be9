import Binance
import Identity
import Posix
import Records
import TestSupport
import Testing

/// Stream messages and what came of them.
enum StreamSample {
    /// A message of trades with these ids; price and quantity are the id.
    static func trades(
        _ ids: [Int64], symbol: String = "BTCUSDT", transactTime: Int64 = 2_000_000
    ) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64 + 32 * ids.count + 300)
        var span = buffer.mutableSpan
        var encoder = try Stream.TradesStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = transactTime + 500
        encoder.transactTime = transactTime
        encoder.priceExponent = -8
        encoder.qtyExponent = -5
        try encoder.trades(count: ids.count)
        for (index, id) in ids.enumerated() {
            encoder.setTrades(index, id: id, price: id &* 10, qty: id, isBuyerMaker: id % 2 == 0)
        }
        try encoder.symbol(symbol.utf8Span.span.bytes)
        let length = encoder.encodedLength
        return Array(buffer[..<length])
    }

    static func quote(_ id: Int64, symbol: String = "BTCUSDT") throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 400)
        var span = buffer.mutableSpan
        var encoder = try Stream.BestBidAskStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = 3_000_000
        encoder.bookUpdateId = id
        encoder.priceExponent = -2
        encoder.qtyExponent = -5
        encoder.bidPrice = 100
        encoder.bidQty = 1
        encoder.askPrice = 101
        encoder.askQty = 2
        try encoder.symbol(symbol.utf8Span.span.bytes)
        let length = encoder.encodedLength
        return Array(buffer[..<length])
    }

    static func diff(
        _ ids: ClosedRange<Int64>, symbol: String = "BTCUSDT", bids: Int = 2, asks: Int = 1
    ) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 400 + 16 * (bids + asks))
        var span = buffer.mutableSpan
        var encoder = try Stream.DepthDiffStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = 4_000_000
        encoder.firstBookUpdateId = ids.lowerBound
        encoder.lastBookUpdateId = ids.upperBound
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.bids(count: bids)
        for index in 0..<bids { encoder.setBids(index, price: Int64(1000 - index), qty: 7) }
        try encoder.asks(count: asks)
        for index in 0..<asks { encoder.setAsks(index, price: Int64(1001 + index), qty: 0) }
        try encoder.symbol(symbol.utf8Span.span.bytes)
        let length = encoder.encodedLength
        return Array(buffer[..<length])
    }

    static func book(_ id: Int64, levels: Int = 20, symbol: String = "BTCUSDT") throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 400 + 32 * levels)
        var span = buffer.mutableSpan
        var encoder = try Stream.DepthSnapshotStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = 5_000_000
        encoder.bookUpdateId = id
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.bids(count: levels)
        for index in 0..<levels { encoder.setBids(index, price: Int64(1000 - index), qty: 5) }
        try encoder.asks(count: levels)
        for index in 0..<levels { encoder.setAsks(index, price: Int64(1001 + index), qty: 6) }
        try encoder.symbol(symbol.utf8Span.span.bytes)
        let length = encoder.encodedLength
        return Array(buffer[..<length])
    }

    /// The record of a whole book, as REST gives it.
    static func snapshot(_ id: Int64) throws -> [UInt8] {
        let body = #"{"lastUpdateId":\#(id),"bids":[["1.0","2.0"]],"asks":[["3.0","4.0"]]}"#
        let symbol = try #require(SymbolName("BTCUSDT"))
        let page = try Page.read(
            Array(body.utf8).span.bytes, isSBE: false, of: .depth,
            about: PageSubject(symbol: symbol, ingestTime: 1))
        return page.frames(of: 0..<1).withUnsafeBytes { Array($0) }
    }

    /// What records there are, in words: `trade 7`, `depthDiff 3-5`, `gap 8-9 missed`.
    static func words(_ bytes: [UInt8]) throws -> [String] {
        var words: [String] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let array = Array(rest)
            let frame = try FrameView(firstIn: array.span.bytes)
            var word = RecordKind.name(template: frame.template) + " \(frame.firstID)"
            if frame.lastID != frame.firstID { word += "-\(frame.lastID)" }
            if frame.template == RecordKind.gap.rawValue {
                word += " reason \(try GapDecoder(frame.message).reason.rawValue)"
            }
            if frame.series != 0 { word += " of \(frame.series)" }
            words.append(word)
            rest = rest.dropFirst(frame.bytes.byteCount)
        }
        return words
    }
}

/// A merge with the output that it writes into.
struct MergeBench: ~Copyable {
    var merge: StreamMerge
    var output = MergeOutput()

    init(_ plan: [StreamPlan.Subscription], rules: StreamMerge.Rules = StreamMerge.Rules()) {
        merge = StreamMerge(plan, rules: rules)
    }

    var counts: StreamMerge.Counts { merge.counts }
    var rules: StreamMerge.Rules { merge.rules }
    var waiting: Int { merge.waiting }
    /// What is known of the first stream.
    var first: StreamSequence { merge.streams[0].sequence }

    mutating func take(
        _ message: RawSpan, from origin: StreamMerge.Origin, at time: Int64
    ) throws(StreamError) -> StreamMerge.Taken {
        try merge.take(message, from: origin, at: time, into: &output)
    }

    mutating func tick(at time: Int64, _ origin: (Int) -> StreamMerge.Origin) {
        merge.tick(at: time, into: &output, origin)
    }

    mutating func finish(at time: Int64, _ origin: (Int) -> StreamMerge.Origin) {
        merge.finish(at: time, into: &output, origin)
    }

    mutating func setDropping(_ drops: Bool, at time: Int64) {
        if drops { output.leaveOut() } else { merge.keepAgain(in: &output, at: time) }
    }

    func snapshotWanted(at time: Int64) -> Int? { merge.snapshotWanted(at: time, for: output) }
    mutating func snapshotRequested(_ place: Int) { merge.snapshotRequested(place) }

    mutating func snapshotFailed(_ place: Int, at time: Int64, later: Int64?) {
        merge.snapshotFailed(place, at: time, later: later, into: &output)
    }

    /// Takes a message; the words of what it put out.
    mutating func feed(
        _ message: [UInt8], copies: Int = 1, losses: UInt32 = 0, at time: Int64 = 1000
    ) throws -> [String] {
        _ = try take(
            message.span.bytes, from: .init(copies: copies, losses: losses), at: time)
        return try drainWords()
    }

    /// Gives the first stream a snapshot.
    mutating func arrive(_ id: Int64) throws -> Bool {
        let frame = try StreamSample.snapshot(id)
        return merge.snapshotArrived(0, id: id, frame: frame.span.bytes, into: &output)
    }

    /// Takes a message; the frames that came of it.
    mutating func bytes(of message: [UInt8], at time: Int64 = 1) throws -> [UInt8] {
        _ = try take(message.span.bytes, from: .init(), at: time)
        let bytes = output.bytes.array
        output.bytes.removeAll()
        return bytes
    }

    /// The words of what is in the output, which is empty then.
    mutating func drainWords() throws -> [String] {
        let words = try StreamSample.words(output.bytes.array)
        output.bytes.removeAll()
        return words
    }
}
