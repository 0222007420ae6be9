@testable import Binance
import Identity
import Posix
import Records

/// The venue's replies and stream messages.
let venueTargets: [FuzzTarget] =
    Endpoint.allCases.filter { ![.time, .exchangeInfo].contains($0) }.flatMap { endpoint in
        [true, false].map { isSBE in
            FuzzTarget(
                name: "page-\(endpoint)-\(isSBE ? "sbe" : "json")", seeds: isSBE ? sbePages : pages
            ) { input in
                guard let symbol = SymbolName("BTCUSDT") else { return }
                let subject = PageSubject(
                    symbol: symbol, interval: endpoint == .klines ? .minute1 : nil, source: .rest,
                    ingestTime: 1)
                guard
                    let page = try? Page.read(
                        input.span.bytes, isSBE: isSBE, of: endpoint, about: subject)
                else { return }
                guard zip(page.ids, page.ids.dropFirst()).allSatisfy(<) else {
                    broken("the ids of a page do not ascend: \(page.ids)")
                }
            }
        }
    } + [
        FuzzTarget(name: "stream-json", seeds: texts.map(bytes)) { input in
            var merge = StreamMerge([])
            var output = MergeOutput()
            let taken = try? merge.take(
                json: input.span.bytes, from: .init(), at: 1_785_888_001_000_000_000, into: &output)
            let fresh = taken.flatMap { $0 }?.fresh ?? 0
            guard fresh == output.records, fresh <= 1 else {
                broken("\(fresh) of \(output.records) records are fresh")
            }
            guard fresh == 1 else { return }
            guard let frame = try? FrameView(firstIn: output.bytes.span),
                (try? frame.validate()) != nil, frame.bytes.byteCount == output.bytes.count
            else { broken("a record that cannot be read") }
        },
        FuzzTarget(
            name: "stream", seeds: sbeMessages + [sbeMessages.flatMap { $0 }]
        ) { input in
            // Messages with their lengths: two bytes each.
            var merge = StreamMerge([])
            var output = MergeOutput()
            var rest = input[...]
            while rest.count > 2 {
                let length = Int(rest[rest.startIndex]) | Int(rest[rest.startIndex + 1]) << 8
                rest = rest.dropFirst(2)
                let message = Array(rest.prefix(length))
                rest = rest.dropFirst(message.count)
                _ = try? merge.take(message.span.bytes, from: .init(), at: 1, into: &output)
            }
        },
    ]

private let pages = [
    #"[{"a":1,"p":"1.5","q":"2.5","f":1,"l":2,"T":1704067200000,"m":true,"M":true}]"#,
    #"[{"id":41,"price":"0.00000410","qty":"0.00041","quoteQty":"1","time":1700000000123,"isBuyerMaker":false,"isBestMatch":true}]"#,
    #"[[1704067200000,"1","2","0.5","1.5","100",1704067259999,"150",10,"50","75","0"]]"#,
    #"{"lastUpdateId":5,"bids":[["1.0","2.0"]],"asks":[["1.1","120000000000.00000000"]]}"#,
].map(bytes)

private let texts = [
    #"{"stream":"btcusdt@trade","data":{"e":"trade","E":1785888000124356,"s":"BTCUSDT","t":5,"p":"65432.10000000","q":"0.12345000","T":1785888000123456,"m":true,"M":true}}"#,
    #"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1785888000124400,"s":"BTCUSDT","a":4,"p":"65432.1","q":"0.12345","f":1,"l":3,"T":1785888000123456,"m":true,"M":true}}"#,
    #"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1785888060012345,"s":"BTCUSDT","k":{"t":1785888000000000,"T":1785888059999999,"s":"BTCUSDT","i":"1m","f":1,"L":7,"o":"65432.1","c":"65455.0","h":"65500","l":"65400","v":"21.6","n":617,"x":true,"q":"1313200.001","V":"12.2","Q":"745719.4","B":"0"}}}"#,
    #"{"u":70000000123,"s":"BTCUSDT","b":"65432.10000000","B":"1.50000000","a":"65432.11000000","A":"0.00002000"}"#,
    #"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1785888000193456,"s":"BTCUSDT","U":201,"u":205,"b":[["65432.10000000","0.00000000"],["65432.09","0.3"]],"a":[]}}"#,
    #"{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":200,"bids":[["65432.1","1.5"]],"asks":[["65432.11","120000000000.00000000"]]}}"#,
]
