import AWS
import Glibc
import Posix
import Records
import Spool
import Stage

/// Spools that an earlier version named by a stream's name alone, although the stream was given by
/// its ARN. What they hold belongs to the stream of that ARN.
enum NamedSpools {
    /// Bytes that are copied before the copy is made durable and the original released.
    private static let copyBytes: Int64 = 1 << 20

    /// Gives the spools of streams that are now known by their ARNs their new names.
    static func adopt(_ options: KinesisOptions, _ log: Log) throws {
        let folder = options.state + "/spool"
        let streams = Set(options.streams.byTemplate)
        for directory in try Files.list(folder) {
            guard let named = StreamReference(directoryName: directory), named.place == nil,
                !streams.contains(named)
            else { continue }
            let heirs = streams.filter { $0.name == named.name }
            guard let heir = heirs.first else { continue }
            let target = "\(folder)/\(heir.directoryName)"
            log.info(
                "an earlier version left records of this stream under its name alone",
                ["stream": "\(heir)", "directory": "\(folder)/\(directory)"])
            if heirs.count == 1, !Files.exists(target) {
                try Files.rename("\(folder)/\(directory)", to: target)
                try Files.syncDirectory(folder)
            } else {
                // Several streams of one name shared a spool: each record goes to that of its kind.
                try share("\(folder)/\(directory)", heir, options)
            }
        }
    }

    /// Moves records into the spools of their kinds' streams, a MiB at a time, so that the disk
    /// needs room for no more than a segment. A crash on the way repeats some of them.
    private static func share(
        _ directory: String, _ other: StreamReference, _ options: KinesisOptions
    ) throws {
        var source = try Spool(directory: directory, damaged: options.state + "/damaged")
        var targets: [StreamReference: SharedSpool] = [:]
        var position = source.first
        let end = source.next
        while position < end {
            var batches: [StreamReference: [UInt8]] = [:]
            position = try source.read(from: position, atLeast: copyBytes) { _, entry in
                var rest = entry
                while rest.byteCount > 0 {
                    let frame = try FrameView(firstIn: rest)
                    rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
                    let index = options.streams.index(template: frame.template)
                    let stream = options.streams.byTemplate[index]
                    let target = stream.name == other.name ? stream : other
                    frame.bytes.withUnsafeBytes {
                        batches[target, default: []].append(contentsOf: $0)
                    }
                }
            }
            for (stream, batch) in batches {
                let target =
                    try targets[stream]
                    ?? SharedSpool(
                        "\(options.state)/spool/\(stream.directoryName)",
                        damaged: options.state + "/damaged")
                targets[stream] = target
                try target.append(batch)
            }
            try source.release(before: position)
        }
        // Else it would count as the spool of a stream that was not asked for.
        try Files.remove(directory + "/lock")
        _ = rmdir(directory)
    }

    private final class SharedSpool {
        private var spool: Spool

        init(_ directory: String, damaged: String) throws {
            spool = try Spool(directory: directory, damaged: damaged)
        }

        func append(_ frames: [UInt8]) throws {
            // An entry holds whole frames, and at most what a spool takes.
            var entry: [UInt8] = []
            var rest = frames.span.bytes
            while rest.byteCount > 0 {
                let frame = try FrameView(firstIn: rest)
                if entry.count + frame.bytes.byteCount > 1 << 20, !entry.isEmpty {
                    try spool.append(entry.span.bytes)
                    entry = []
                }
                frame.bytes.withUnsafeBytes { entry.append(contentsOf: $0) }
                rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
            }
            if !entry.isEmpty { try spool.append(entry.span.bytes) }
            try spool.sync()
        }
    }
}
