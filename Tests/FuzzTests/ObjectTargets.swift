import Avro
import Identity
import ObjectReading
import Parquet
import Posix
import Records

/// Objects of every format, which anybody may have changed.
let objectTargets = [
    FuzzTarget(name: "object", seeds: sampleObjects()) { input in
        var reader = ObjectReader(MemoryInput(input, name: "fuzz"))
        var frames = Bytes()
        while true {
            frames.removeAll()
            guard let isMore = try? reader.read(into: &frames) else { return }
            // Whatever is given is frames.
            var place = 0
            while place < frames.count {
                guard
                    let length = try? FrameView.wholeLength(
                        frames.span(place..<frames.count), at: 0)
                else { broken("an object gave bytes that are not frames") }
                place += length
            }
            if !isMore { return }
        }
    },
    FuzzTarget(
        name: "avro-schema",
        seeds: [RecordKind.trade, .depthDiff, .kline].map {
            bytes(AvroForm.schema(template: $0.rawValue).json)
        }
    ) { input in
        guard let type = try? AvroType(schema: input) else { return }
        // A value of whatever type it is can be stepped over.
        var values = AvroInput(input.span.bytes)
        try? values.skip(type)
    },
]

/// One object of each format: plain ones, so that a mutation reaches the records.
private func sampleObjects() -> [[UInt8]] {
    var objects: [[UInt8]] = []
    for (index, frame) in sampleFrames().compactMap({ $0 }).enumerated() {
        objects.append(frame)
        guard let view = try? FrameView(firstIn: frame.span.bytes) else { continue }
        var block = Bytes()
        guard (try? view.appendAvro(to: &block)) != nil else { continue }
        var object = Bytes()
        let container = AvroContainer(
            AvroForm.schema(template: view.template), compression: .none, sync: Array(0..<16),
            to: &object)
        var scratch = Bytes()
        if let compressor = try? StreamCompressor(.none),
            (try? container.append(
                block.span, records: 1, compressor, scratch: &scratch, to: &object)) != nil
        {
            objects.append(object.array)
        }
        var table = Bytes()
        if var writer = try? ColumnWriter(
            template: view.template, codec: .none, createdBy: "fuzz version 1"),
            (try? writer.append(view, to: &table)) != nil, (try? writer.finish(to: &table)) != nil
        {
            objects.append(table.array)
        }
        for compression in [Compression.gzip, .zstd] where index == 0 {
            var packed = Bytes()
            if let compressor = try? StreamCompressor(compression),
                (try? compressor.compress(frame.span.bytes, ends: true, to: &packed)) != nil
            {
                objects.append(packed.array)
            }
        }
    }
    return objects + sampleLines
}
