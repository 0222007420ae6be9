import Avro
import Identity
import ObjectReading
import Parquet
import Posix
import Records

/// Records of every kind, and objects made of them in each format and codec.
enum SampleObjects {
    private static let common = """
        "symbol":"BTCUSDT","source":"rest","price_exponent":-8,"qty_exponent":-8,"venue":1,"flags":2,\
        "event_time_us":1704067200015973,"ingest_time_ns":"1795904558694155611"
        """

    /// Lines of a kind; the numbers differ from line to line.
    static func line(_ kind: RecordKind, _ id: Int) -> String {
        let levels =
            #""bids":[["64968.00000000","0.13559"],["1.5","\#(id)"]],"asks":[["64969.5","0"]]"#
        let own =
            switch kind {
            case .trade:
                "\"trade_id\":\(id),\"price\":65003.83,\"qty\":0.\(id),\"is_buyer_maker\":false,"
                    + "\"is_best_match\":\(id % 2 == 0 ? "true" : "null")"
            case .aggTrade:
                "\"agg_trade_id\":\(id),\"price\":65003.83,\"qty\":0.27059,\"first_trade_id\":1,"
                    + "\"last_trade_id\":\(id),\"is_buyer_maker\":true,\"is_best_match\":true"
            case .kline:
                "\"interval\":\"1m\",\"open_time_us\":\(1_704_067_200_000_000 + id * 60_000_000),"
                    + "\"close_time_us\":1704067259999999,\"open_price\":1,\"high_price\":2,"
                    + "\"low_price\":-0.5,\"close_price\":1.5,\"volume\":120000000000000000000.5,"
                    + "\"quote_volume\":74723748.05119268,\"taker_buy_base_volume\":-1,"
                    + "\"taker_buy_quote_volume\":2,\"trade_count\":\(id),\"is_closed\":true"
            case .bestBidAsk:
                "\"update_id\":\(id),\"bid_px\":1,\"bid_sz\":2,\"ask_px\":1.5,\"ask_sz\":3"
            case .depthDiff:
                "\"first_update_id\":\(id),\"last_update_id\":\(id + 1),\(levels)"
            case .depthSnapshot: "\"last_update_id\":\(id),\"series\":20,\(levels)"
            case .gap:
                "\"first_id\":\(id),\"last_id\":\(id + 9),\"missing_template\":1,\"series\":0,"
                    + "\"reason\":\"absent\""
            case .raw: "\"arrival\":\(id),\"message\":\"AAEC\""
            }
        return "{\"kind\":\"\(kind.name)\",\(common),\(own)}\n"
    }

    /// Frames of a kind, one after another.
    static func frames(_ kind: RecordKind, count: Int) throws -> [UInt8] {
        var frames = Bytes()
        for id in 1...count {
            let line = Array(line(kind, id).utf8)
            try JSONRecord.appendFrame(of: line.span.bytes, to: &frames)
        }
        return frames.array
    }

    /// An object of these frames.
    static func object(
        _ frames: [UInt8], _ kind: RecordKind, _ format: ObjectReader.Format,
        _ compression: Compression
    ) throws -> [UInt8] {
        if format == .parquet { return try table(frames, kind, compression) }
        var block = Bytes()
        var records: Int64 = 0
        var rest = frames.span.bytes
        while rest.byteCount > 0 {
            let frame = try FrameView(firstIn: rest)
            switch format {
            case .frames: block.append(frame.bytes)
            case .ndjson: try frame.appendJSON(to: &block)
            default: try frame.appendAvro(to: &block)
            }
            records += 1
            rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
        }
        var object = Bytes()
        guard format == .avro else {
            let compressor = try StreamCompressor(compression)
            // In two pieces, as objects of several blocks are.
            let middle = block.count / 2
            try compressor.compress(block.span(0..<middle), ends: true, to: &object)
            try compressor.compress(block.span(middle..<block.count), ends: true, to: &object)
            return object.array
        }
        let container = AvroContainer(
            AvroForm.schema(template: kind.rawValue), compression: compression,
            sync: Array(0..<16), to: &object)
        let compressor = try StreamCompressor(compression, isRaw: true)
        var scratch = Bytes()
        try container.append(
            block.span, records: records, compressor, scratch: &scratch, to: &object)
        try container.append(
            block.span, records: records, compressor, scratch: &scratch, to: &object)
        return object.array
    }

    private static func table(
        _ frames: [UInt8], _ kind: RecordKind, _ compression: Compression
    ) throws -> [UInt8] {
        var object = Bytes()
        var writer = try ColumnWriter(
            template: kind.rawValue, codec: compression == .none ? .none : .zstd,
            createdBy: "test version 1")
        var rest = frames.span.bytes
        while rest.byteCount > 0 {
            let frame = try FrameView(firstIn: rest)
            try writer.append(frame, to: &object)
            rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
        }
        try writer.finish(to: &object)
        return object.array
    }

    /// How often an object has its records.
    static func copies(_ format: ObjectReader.Format) -> Int { format == .avro ? 2 : 1 }
}

/// Gives a few bytes at a time, as a slow pipe does.
final class DripInput: ObjectInput {
    let name = "drip"
    let length: Int64? = nil
    private let content: [UInt8]
    private let step: Int

    init(_ content: [UInt8], step: Int) {
        self.content = content
        self.step = step
    }

    func read(at offset: Int64, count: Int, appendingTo bytes: inout Bytes) -> Int {
        let start = Int(offset)
        let end = min(content.count, start + min(step, count))
        guard start < end else { return 0 }
        content[start..<end].withUnsafeBytes { bytes.append($0) }
        return end - start
    }
}
