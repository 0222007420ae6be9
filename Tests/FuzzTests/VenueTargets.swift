@testable import Binance
import Identity
import Posix
import Records

/// The venue's replies and stream messages.
let venueTargets: [FuzzTarget] =
    Endpoint.allCases.filter { ![.time, .exchangeInfo].contains($0) }.flatMap { endpoint in
        [true, false].map { isSBE in
            FuzzTarget(
                name: "page-\(endpoint)-\(isSBE ? "sbe" : "json")", seeds: isSBE ? [] : pages
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
        FuzzTarget(name: "stream", seeds: []) { input in
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
        }
    ]

private let pages = [
    #"[{"a":1,"p":"1.5","q":"2.5","f":1,"l":2,"T":1704067200000,"m":true,"M":true}]"#,
    #"[{"id":41,"price":"0.00000410","qty":"0.00041","quoteQty":"1","time":1700000000123,"isBuyerMaker":false,"isBestMatch":true}]"#,
    #"[[1704067200000,"1","2","0.5","1.5","100",1704067259999,"150",10,"50","75","0"]]"#,
    #"{"lastUpdateId":5,"bids":[["1.0","2.0"]],"asks":[["1.1","120000000000.00000000"]]}"#,
].map(bytes)
