import Posix
import Records

/// Frames and the JSON lines that stand for them.
let recordTargets = [
    FuzzTarget(name: "frames", seeds: [sampleFrames()]) { input in
        var rest = input.span.bytes
        while rest.byteCount > 0 {
            guard let frame = try? FrameView(firstIn: rest) else { return }
            var line = Bytes(capacity: 4096)
            if (try? frame.appendJSON(to: &line)) != nil {
                var packed = Bytes(capacity: 4096)
                do {
                    try JSONRecord.appendFrame(of: line.span, to: &packed)
                } catch { broken("recq json wrote a line that recq pack refuses: \(error)") }
                var again = Bytes(capacity: 4096)
                let same = try? FrameView(firstIn: packed.span)
                guard (try? same?.appendJSON(to: &again)) != nil, array(again) == array(line) else {
                    broken("a record changed on its way through recq json and recq pack")
                }
            }
            var avro = Bytes(capacity: 4096)
            try? frame.appendAvro(to: &avro)
            rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
        }
    },
    FuzzTarget(name: "json-lines", seeds: jsonLines) { input in
        var frame = Bytes(capacity: 4096)
        guard (try? JSONRecord.appendFrame(of: input.span.bytes, to: &frame)) != nil else { return }
        guard let view = try? FrameView(firstIn: frame.span) else {
            broken("recq pack wrote bytes that are not a frame")
        }
        var line = Bytes(capacity: 4096)
        try? view.appendJSON(to: &line)
    },
]

private let jsonLines = [
    """
    {"kind":"trade","symbol":"BTCUSDT","trade_id":1,"price":42000.5,"qty":0.25,"event_time":1704067200000000,\
    "ingest_time":1704067200000000000,"is_buyer_maker":true,"is_best_match":true,"price_exponent":-8,"qty_exponent":-8}
    """,
    #"{"kind":"gap","symbol":"BTCUSDT","first_id":1,"last_id":9,"missing":"trade","reason":"missed"}"#,
    #"{"kind":"raw","symbol":"*","first_id":1,"message":"AAEC"}"#,
].map(bytes)

func array(_ bytes: borrowing Bytes) -> [UInt8] {
    bytes.span.withUnsafeBytes { Array($0) }
}

/// One frame of each kind, as recq schema's samples.
func sampleFrames() -> [UInt8] {
    var frames = Bytes(capacity: 4096)
    for line in jsonLines { try? JSONRecord.appendFrame(of: line.span.bytes, to: &frames) }
    return array(frames)
}
