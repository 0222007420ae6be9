import Posix
import Records

/// What every line of recq json carries.
private let common = """
    "symbol":"BTCUSDT","source":"rest","price_exponent":-8,"qty_exponent":-8,"venue":1,"flags":0,\
    "event_time_us":1704067200015973,"ingest_time_ns":"1795904558694155611"
    """

private let levels =
    #""bids":[["64968.00000000","0.13559000"]],"asks":[["64969.5","1"],["64970","2"]]"#

/// One line of each kind.
let sampleLines: [[UInt8]] = [
    """
    {"kind":"aggTrade",\(common),"agg_trade_id":1,"price":65003.83000000,"qty":0.27059000,\
    "first_trade_id":1,"last_trade_id":2,"is_buyer_maker":false,"is_best_match":true}
    """,
    """
    {"kind":"trade",\(common),"trade_id":1,"price":65003.83000000,"qty":0.27059000,\
    "is_buyer_maker":false,"is_best_match":true}
    """,
    """
    {"kind":"kline",\(common),"interval":"1m","open_time_us":1704067200000000,\
    "close_time_us":1704067259999999,"open_price":1,"high_price":2,"low_price":0.5,"close_price":1.5,\
    "volume":100,"quote_volume":74723748.05119268,"taker_buy_base_volume":1,\
    "taker_buy_quote_volume":2,"trade_count":10,"is_closed":true}
    """,
    """
    {"kind":"bestBidAsk",\(common),"update_id":7,"bid_px":1,"bid_sz":2,"ask_px":1.5,"ask_sz":3}
    """,
    #"{"kind":"depthDiff",\#(common),"first_update_id":3,"last_update_id":5,\#(levels)}"#,
    #"{"kind":"depthSnapshot",\#(common),"last_update_id":5,"series":20,\#(levels)}"#,
    """
    {"kind":"gap",\(common),"first_id":1,"last_id":9,"missing_template":1,"series":0,\
    "reason":"missed"}
    """,
    #"{"kind":"raw",\#(common),"arrival":1,"message":"AAEC"}"#,
].map(bytes)

/// The lines as frames, one after another; nil where a line is not accepted.
func sampleFrames() -> [[UInt8]?] {
    sampleLines.map { line in
        var frame = Bytes(capacity: 4096)
        do { try JSONRecord.appendFrame(of: line.span.bytes, to: &frame) } catch { return nil }
        return array(frame)
    }
}

/// A copy of bytes.
func array(_ bytes: borrowing Bytes) -> [UInt8] {
    bytes.span.withUnsafeBytes { Array($0) }
}
