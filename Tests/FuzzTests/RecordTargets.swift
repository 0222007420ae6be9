import Posix
import Records

/// A record as `recq json` writes it; nil for one that it refuses.
private func jsonLine(of frame: FrameView) -> [UInt8]? {
    var line = Bytes(capacity: 4096)
    do {
        try frame.appendJSON(to: &line)
        return array(line)
    } catch {
        return nil
    }
}

/// Frames and the JSON lines that stand for them.
let recordTargets = [
    FuzzTarget(name: "frames", seeds: sampleFrames().compactMap { $0 }) { input in
        var rest = input.span.bytes
        while rest.byteCount > 0 {
            guard let frame = try? FrameView(firstIn: rest) else { return }
            // Ids that run backwards are refused by recq pack on purpose.
            if frame.firstID <= frame.lastID, let line = jsonLine(of: frame) {
                var packed = Bytes(capacity: 4096)
                do {
                    try JSONRecord.appendFrame(of: line.span.bytes, to: &packed)
                } catch {
                    let text = String(decoding: line, as: UTF8.self)
                    broken("recq pack refuses what recq json wrote: \(error): \(text)")
                }
                guard let same = try? FrameView(firstIn: packed.span), jsonLine(of: same) == line
                else {
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
