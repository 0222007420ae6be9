import Posix
import Records

/// Frames and the JSON lines that stand for them.
let recordTargets = [
    FuzzTarget(name: "frames", seeds: sampleFrames().compactMap { $0 }) { input in
        var rest = input.span.bytes
        while rest.byteCount > 0 {
            guard let frame = try? FrameView(firstIn: rest) else { return }
            var line = Bytes(capacity: 4096)
            // Ids that run backwards are refused by recq pack on purpose.
            if frame.firstID <= frame.lastID, (try? frame.appendJSON(to: &line)) != nil {
                var packed = Bytes(capacity: 4096)
                do {
                    try JSONRecord.appendFrame(of: line.span, to: &packed)
                } catch {
                    let text = String(decoding: array(line), as: UTF8.self)
                    broken("recq pack refuses what recq json wrote: \(error): \(text)")
                }
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
    FuzzTarget(name: "json-lines", seeds: sampleLines) { input in
        var frame = Bytes(capacity: 4096)
        guard (try? JSONRecord.appendFrame(of: input.span.bytes, to: &frame)) != nil else { return }
        guard let view = try? FrameView(firstIn: frame.span) else {
            broken("recq pack wrote bytes that are not a frame")
        }
        var line = Bytes(capacity: 4096)
        try? view.appendJSON(to: &line)
    },
]
