import ArgumentParser
import Posix
import Records
import Stage
import StageAWS

/// The inputs of a subcommand: files, directories and URLs of objects one after another, or standard
/// input. Their format is told by their bytes.
struct Inputs: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Files, directories, s3:// or https:// URLs of records: frames, JSON lines, Avro or "
                + "Parquet, plain or compressed; - is standard input. (default: -)",
            valueName: "input"),
        completion: .file())
    var files: [String] = []
    @OptionGroup(title: "Buckets") var bucket: BucketReadingOptions

    /// What stands for standard input among files.
    static let standardInput = "-"

    /// A file, or standard input for `-`, as bytes.
    static func open(_ file: String) throws -> Descriptor {
        guard file == standardInput else { return try Descriptor.openInput(file) }
        let input = Descriptor.standardInput()
        if input.isTerminal {
            throw StageFailure(
                .usage, "standard input is a terminal: name a file, or pipe records into it")
        }
        return input
    }

    /// Gives every frame of every input to `body` until it returns false.
    ///
    /// - Parameter batch: called when the frames that were there are worked through, before more
    ///   are waited for.
    func read(
        _ reading: BucketReading, in stage: borrowing Stage,
        _ body: (borrowing FrameView) throws -> Bool, batch: () throws -> Void = {}
    ) throws {
        for input in files.isEmpty ? [Self.standardInput] : files {
            let source = try RecordSource(input, reading, in: stage)
            guard try source.read(in: stage, body, batch: batch) else { return }
        }
    }

    /// Writes text for every record to standard output.
    ///
    /// - Parameter body: appends the text of a record.
    func write(
        _ reading: BucketReading, in stage: borrowing Stage,
        _ body: (borrowing FrameView, inout Bytes) throws -> Void
    ) throws {
        var output = TextOutput()
        do {
            try read(reading, in: stage) { frame in
                try body(frame, &output.bytes)
                try output.flushIfFull()
                return true
            } batch: {
                try output.flush()
            }
        } catch {
            // The good records before a bad one are written.
            if !(error is SystemError) { try output.flush() }
            throw error
        }
    }
}
