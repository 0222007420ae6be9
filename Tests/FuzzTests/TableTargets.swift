import Parquet
import Posix
import Records

/// Tables that anybody may have written.
let tableTargets = [
    FuzzTarget(name: "parquet", seeds: tableSeeds) { input in
        guard let reader = try? ParquetReader(bytes: input) else { return }
        for group in reader.groups.indices {
            for column in reader.columns.indices {
                guard let values = try? reader.read(group: group, column: column) else { continue }
                if Int64(values.count) != reader.groups[group].rows {
                    broken(
                        "a column of \(values.count) values in \(reader.groups[group].rows) rows")
                }
            }
        }
    },
    FuzzTarget(name: "columns", seeds: tableSeeds) { input in
        guard let reader = try? ParquetReader(bytes: input), var rows = try? ColumnFrames(reader)
        else { return }
        var frames = Bytes()
        while (try? rows.read(into: &frames)) == true {
            // What is given out are whole frames.
            var offset = 0
            while offset < frames.count {
                guard let frame = try? FrameView(firstIn: frames.span(offset..<frames.count)) else {
                    broken("a row made something that is not a frame at byte \(offset)")
                }
                offset += frame.bytes.byteCount
            }
            frames.removeAll()
        }
    },
]

/// A file of each kind that there is a sample of, without page checksums in the way: a mutation behind
/// one would hardly ever get further.
private let tableSeeds: [[UInt8]] = sampleFrames().compactMap { frame in
    guard let frame, let view = try? FrameView(frame.span.bytes),
        var writer = try? ColumnWriter(
            template: view.template, codec: .none, createdBy: "fuzz version 1 (build 1)")
    else { return nil }
    var output = Bytes()
    for _ in 0..<3 {
        let again = try? FrameView(frame.span.bytes)
        guard let again, (try? writer.append(again, to: &output)) != nil else { return nil }
    }
    guard (try? writer.finish(to: &output)) != nil else { return nil }
    return output.array
}
