import ArgumentParser
import Configuration
import Posix
import Records
import Stage

struct Upgrade: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Convert records of an earlier version.",
        discussion: """
            Reads records of schema 8801, whose symbols had 24 bytes, and writes them
            under today's schema. Records of today's schema pass unchanged.

            EXAMPLES:
              recq upgrade old.bin > new.bin
            """)
    @Argument(
        help: ArgumentHelp(
            "Files of records; - is standard input. (default: -)", valueName: "file"),
        completion: .file())
    var files: [String] = []
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws {}

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        var writer = try stage.standardOutput()
        for file in files.isEmpty ? ["-"] : files {
            do { try Self.upgrade(file, to: &writer, in: stage) } catch let error as FrameError {
                try writer.flush()
                throw StageFailure(.badInput, file == "-" ? "\(error)" : "\(file): \(error)")
            }
        }
        try writer.flush()
    }

    private static func upgrade(
        _ file: String, to writer: inout FrameWriter, in stage: borrowing Stage
    ) throws {
        let input = try Inputs.open(file)
        var bytes = Bytes(capacity: 512 << 10)
        var frames = Bytes(capacity: 512 << 10)
        var offset: Int64 = 0
        var isEnd = false
        while !isEnd, Poller.waitUntilReadable(input.raw, unless: stage.stopDescriptor) {
            isEnd = try input.read(appendingTo: &bytes, room: 256 << 10) == 0
            let taken: Int
            let count: Int
            do throws(FrameError) {
                (taken, count) = try OldFrame.upgrade(
                    bytes.span, at: offset, isEnd: isEnd, to: &frames)
            } catch {
                // The good records before a bad one are written.
                try writer.append(frames: frames.span, count: 0)
                throw error
            }
            try writer.append(frames: frames.span, count: count)
            try writer.flush()
            frames.removeAll()
            bytes.removeFirst(taken)
            offset += Int64(taken)
        }
    }
}
