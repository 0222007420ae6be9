import ArgumentParser
import Configuration
import Posix
import Records
import Stage
import StageAWS

struct Tail: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pass on the last records.",
        discussion: """
            recq tail -5 day.bin | recq json
            recq tail -f growing.bin | recq print
            """)
    @Option(
        name: [.customShort("n"), .customLong("count")], help: "How many; -5 is short for -n 5.")
    var count = 10
    @Flag(
        name: [.customShort("f"), .customLong("follow")],
        help: "Continue with what is appended to the file, until a signal comes.")
    var follows = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    /// The most that is asked for: all of them are in memory.
    private static let most = 10_000_000

    mutating func validate() throws {
        if !(0...Self.most).contains(count) {
            throw ValidationError("--count is 0 to \(Self.most)")
        }
        if follows, inputs.files.count > 1 {
            throw ValidationError("--follow takes exactly one file")
        }
    }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        var writer = try stage.standardOutput()
        var last = LastFrames(count)
        guard follows, let file = inputs.files.first, file != Inputs.standardInput else {
            try inputs.read(reading, in: stage) { frame in
                last.append(frame)
                return true
            }
            try last.write(to: &writer)
            return try writer.flush()
        }
        var growing = try GrowingFile(file)
        try growing.readFrames { last.append($0) }
        try last.write(to: &writer)
        try writer.flush()
        while !stage.waitForStop(seconds: GrowingFile.pause) {
            let name = file
            try growing.readFrames { try writer.append($0) }
            try writer.flush()
            if let change = try growing.change() {
                stage.log.warning("\(name): \(change)")
            }
        }
    }
}

/// The last so many frames of a stream.
struct LastFrames: ~Copyable {
    private let most: Int
    /// Frames one after another; those before ``start`` are out.
    private var bytes = Bytes(capacity: 1 << 16)
    private var lengths: [Int32] = []
    /// How many of ``lengths`` are out.
    private var out = 0
    private var start = 0

    init(_ most: Int) { self.most = most }

    mutating func append(_ frame: borrowing FrameView) {
        guard most > 0 else { return }
        bytes.append(frame.bytes)
        lengths.append(Int32(truncatingIfNeeded: frame.bytes.byteCount))
        if lengths.count - out > most {
            start += Int(lengths[out])
            out += 1
        }
        // Half of it is out: moved once for as many frames as are kept.
        if out > most + 1024 {
            bytes.removeFirst(start)
            lengths.removeFirst(out)
            (out, start) = (0, 0)
        }
    }

    func write(to writer: inout FrameWriter) throws(SystemError) {
        try writer.append(frames: bytes.span(start..<bytes.count), count: lengths.count - out)
    }
}
