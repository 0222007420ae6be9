// The work of Benchmarks/peers.c, done by the libraries in one process, for `make bench`:
//
//   bench-core copy                    frames from stdin to stdout
//   bench-core avro FILE PASSES        frames as Avro, in memory
//   bench-core parquet FILE PASSES     trades as a Parquet file, in memory: parquet-peer
//   bench-core decode FILE PASSES      venue messages, every field touched
//   bench-core page FILE PASSES        one aggTrades reply in JSON
//   bench-core texts FILE PASSES       trades of the JSON streams, made into records
//   bench-core frames FILE PASSES      WebSocket frames of a server's, in memory
//   bench-core websocket URL [CA]      the same from a server, until it closes
//   bench-core kinesis FILE PASSES     frames as PutRecords bodies, signed: kinesis-peer build
//
// And, without a peer:
//
//   bench-core figures DIRECTORY BATCHES   what a batch's figures cost
//   bench-core stages DIRECTORY COUNT      stages for healthd, until stdin ends
//   bench-core ledger FILE INTERVALS BATCHES   a ledger for ledgerctl to read
//
// What it prints has to be what `peers` prints.
import Binance
import Glibc
import Identity
import Posix
import Records
import SBE
import Transport

func copyFrames() throws {
    var reader = FrameReader(Descriptor.standardInput())
    var writer = try FrameWriter(Descriptor.standardOutput())
    while try reader.fill() == .frames {
        try reader.pass(to: &writer) { _ in
            .pass
        } instead: { _, _ in
        }
        try writer.flush()
    }
}

func encodeAvro(_ file: borrowing Bytes, passes: Int) throws -> String {
    var total = 0
    var out = Bytes(capacity: 2 << 20)
    for _ in 0..<passes {
        var offset = 0
        while offset < file.count {
            let frame = try FrameView(firstIn: file.span(offset..<file.count))
            offset += frame.bytes.byteCount
            try frame.appendAvro(to: &out)
            if out.count > 1 << 20 {
                total += out.count
                out.removeAll()
            }
        }
    }
    return "\(total + out.count) bytes"
}

func encodeParquet(_ file: borrowing Bytes, passes: Int) throws -> String {
    var total = 0
    var out = Bytes(capacity: 2 << 20)
    var writer = try ColumnWriter(
        template: RecordKind.trade.rawValue, createdBy: "bench version 1 (build 1)")
    for _ in 0..<passes {
        var offset = 0
        while offset < file.count {
            let frame = try FrameView(firstIn: file.span(offset..<file.count))
            offset += frame.bytes.byteCount
            try writer.append(frame, to: &out)
            if out.count > 1 << 20 {
                total += out.count
                out.removeAll()
            }
        }
        try writer.finish(to: &out)
    }
    return "\(total + out.count) bytes"
}

func decode(_ file: borrowing Bytes, passes: Int) throws -> String {
    var sums = FieldSums()
    for _ in 0..<passes {
        var offset = 0
        while offset < file.count {
            let length = Int(
                file.span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let message = file.span(offset + 4..<offset + 4 + length)
            offset += 4 + length
            switch message.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt16.self) {
            case Stream.TradesStreamEventDecoder.templateID: try sums.add(trades: message)
            case Stream.BestBidAskStreamEventDecoder.templateID: try sums.add(quote: message)
            default: try sums.add(depth: message)
            }
        }
    }
    return "sum \(sums.sum &+ sums.quantities)"
}

/// What the fields of messages are, added up. A kind has a function of its own, as in sbe-tap: into one
/// function for all of them the compiler inlines the first two decoders only.
private struct FieldSums {
    // Two sums, as in the C program: of one the additions would wait for each other.
    var sum: UInt64 = 0
    var quantities: UInt64 = 0

    @inline(__always)
    private mutating func add(_ value: Int64) { sum &+= UInt64(bitPattern: value) }
    @inline(__always)
    private mutating func add(exponent: Int8) { sum &+= UInt64(UInt8(bitPattern: exponent)) }
    @inline(__always)
    private mutating func add(symbol: RawSpan) throws {
        guard let name = SymbolName(symbol) else { throw BenchError.badSymbol }
        sum &+= name.words.0 &+ name.words.1 &+ name.words.2
    }

    @inline(never)
    mutating func add(trades message: RawSpan) throws {
        let event = try Stream.TradesStreamEventDecoder(message)
        add(event.eventTime)
        add(event.transactTime)
        add(exponent: event.priceExponent)
        add(exponent: event.qtyExponent)
        for index in 0..<event.trades.count {
            let trade = event.trades[index]
            add(trade.id)
            add(trade.price)
            add(trade.qty)
            sum &+= UInt64(trade.isBuyerMakerRaw)
        }
        try add(symbol: event.symbol)
    }

    @inline(never)
    mutating func add(quote message: RawSpan) throws {
        let event = try Stream.BestBidAskStreamEventDecoder(message)
        add(event.eventTime)
        add(event.bookUpdateId)
        add(exponent: event.priceExponent)
        add(exponent: event.qtyExponent)
        add(event.bidPrice)
        add(event.bidQty)
        add(event.askPrice)
        add(event.askQty)
        try add(symbol: event.symbol)
    }

    @inline(never)
    mutating func add(depth message: RawSpan) throws {
        let event = try Stream.DepthDiffStreamEventDecoder(message)
        add(event.eventTime)
        add(event.firstBookUpdateId)
        add(event.lastBookUpdateId)
        add(exponent: event.priceExponent)
        add(exponent: event.qtyExponent)
        for index in 0..<event.bids.count {
            let level = event.bids[index]
            add(level.price)
            quantities &+= UInt64(bitPattern: level.qty)
        }
        for index in 0..<event.asks.count {
            let level = event.asks[index]
            add(level.price)
            quantities &+= UInt64(bitPattern: level.qty)
        }
        try add(symbol: event.symbol)
    }
}

func readPage(_ file: borrowing Bytes, passes: Int) throws -> String {
    guard let symbol = SymbolName("BTCUSDT") else { throw BenchError.badSymbol }
    let subject = PageSubject(symbol: symbol, ingestTime: 0)
    var rows = 0
    var sum: UInt64 = 0
    for _ in 0..<passes {
        let page = try Page.read(file.span, isSBE: false, of: .aggTrades, about: subject)
        let frames = page.frames(of: 0..<page.count)
        var offset = 0
        while offset < frames.byteCount {
            let frame = try FrameView(firstIn: frames.extracting(offset..<frames.byteCount))
            offset += frame.bytes.byteCount
            let row = try AggTradeDecoder(frame.message)
            let values = frame.firstID &+ row.price &+ row.quantity &+ frame.eventTime / 1000
            sum &+= UInt64(bitPattern: values)
        }
        rows += page.count
    }
    return "rows \(rows), sum \(sum)"
}

/// Lines of JSON, as records: what sbe-tap does with a text message, copies and all.
func readTexts(_ file: borrowing Bytes, passes: Int) throws -> String {
    var lines: [Range<Int>] = []
    var start = 0
    for index in 0..<file.count
    where file.span.unsafeLoad(fromByteOffset: index, as: UInt8.self) == UInt8(ascii: "\n") {
        lines.append(start..<index)
        start = index + 1
    }
    var (count, sum) = (0, UInt64(0))
    var output = MergeOutput()
    for _ in 0..<passes {
        // Ids begin anew with each pass.
        var merge = StreamMerge([])
        for line in lines {
            _ = try merge.take(json: file.span(line), from: .init(), at: 1, into: &output)
        }
        var offset = 0
        while offset < output.bytes.count {
            let frame = try FrameView(firstIn: output.bytes.span(offset..<output.bytes.count))
            offset += frame.bytes.byteCount
            let trade = try TradeDecoder(frame.message)
            let values = frame.firstID &+ trade.price &+ trade.quantity &+ frame.eventTime
            sum &+= UInt64(bitPattern: values) &+ (trade.isBuyerMaker ? 1 : 0)
            count += 1
        }
        output.bytes.removeAll()
    }
    return "messages \(count), sum \(sum)"
}

/// Adds up the messages that are there; each begins with eight bytes to add.
func take(
    _ socket: inout WebSocket, _ count: inout Int, _ sum: inout UInt64
) throws(WebSocketError) {
    while let event = try socket.next() {
        guard event.kind == .binary, event.payload.byteCount >= 8 else { continue }
        count += 1
        sum &+= event.payload.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
    }
}

func readFrames(_ file: borrowing Bytes, passes: Int) throws -> String {
    let step = 64 << 10
    var (count, sum) = (0, UInt64(0))
    for _ in 0..<passes {
        var socket = WebSocket()
        var offset = 0
        while offset < file.count {
            let end = min(offset + step, file.count)
            socket.receive(file.span(offset..<end))
            try take(&socket, &count, &sum)
            offset = end
        }
    }
    return "messages \(count), sum \(sum)"
}

func readSocket(_ url: String, authorities: String?) throws -> String {
    var connection = try WebSocketConnection(url: url, headers: [], authorities: authorities)
    var (count, sum) = (0, UInt64(0))
    func wait(_ milliseconds: Int32) {
        var watched = pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&watched, 1, milliseconds)
    }
    while connection.phase != .open {
        try connection.open()
        if connection.phase != .open { wait(5) }
    }
    while true {
        try take(&connection.socket, &count, &sum)
        if connection.socket.hasPeerClosed { break }
        if !connection.hasMore { wait(1000) }
        _ = try connection.read()
    }
    _ = try connection.flush()
    return "messages \(count), sum \(sum)"
}

enum BenchError: Error {
    case usage
    case badSymbol
}

func run(_ words: [String]) throws {
    if words.first == "copy" { return try copyFrames() }
    if words.first == "websocket", words.count > 1 {
        return print(try readSocket(words[1], authorities: words.count > 2 ? words[2] : nil))
    }
    if words.count == 4, words[0] == "ledger", let intervals = Int(words[2]),
        let batches = Int(words[3])
    {
        return print(try Ledgers.write(words[1], intervals: intervals, batches: batches))
    }
    guard words.count == 3, let passes = Int(words[2]) else { throw BenchError.usage }
    if words[0] == "figures" {
        return print(try Stages.cost(directory: words[1], batches: passes))
    }
    if words[0] == "stages" { return try Stages.run(directory: words[1], count: passes) }
    var file = Bytes()
    let bytes = try Files.read(words[1], limit: 1 << 30)
    file.append(bytes.span.bytes)
    switch words[0] {
    case "avro": print(try encodeAvro(file, passes: passes))
    case "parquet": print(try encodeParquet(file, passes: passes))
    case "decode": print(try decode(file, passes: passes))
    case "texts": print(try readTexts(file, passes: passes))
    case "frames": print(try readFrames(file, passes: passes))
    case "page": print(try readPage(file, passes: passes))
    case "kinesis": print(try buildCalls(file, passes: passes))
    default: throw BenchError.usage
    }
}

do {
    try run(Array(CommandLine.arguments.dropFirst()))
} catch BenchError.usage {
    print(
        "usage: bench-core copy | avro|parquet|decode|page|texts|frames|kinesis FILE PASSES | websocket URL [CA] | "
            + "figures|stages DIRECTORY COUNT | ledger FILE INTERVALS BATCHES")
    exit(64)
} catch {
    print("bench-core: \(error)")
    exit(74)
}
