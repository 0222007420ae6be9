import Glibc
import Posix
public import Records

/// One process of a pipeline while it runs: its log, its stop signal, its input and output.
public struct Stage: ~Copyable {
    /// The tool's name, such as `dedup`.
    public let name: String
    /// Where its log lines go.
    public let log: Log
    /// Readable once SIGTERM or SIGINT came; for poll loops.
    public let stopDescriptor: Int32

    init(name: String, instance: String, statsDirectory: String?, log: Log) throws(SystemError) {
        self.name = name
        self.log = log
        stopDescriptor = try Signals.watch()
    }

    /// True once SIGTERM or SIGINT came.
    public var isStopping: Bool { Signals.isRaised(stopDescriptor) }

    /// Frames from standard input.
    public func standardInput() throws(StageFailure) -> FrameReader {
        let input = Descriptor.standardInput()
        guard !input.isTerminal else {
            throw StageFailure(
                .usage, "standard input is a terminal and records are binary: "
                    + "name a file, or put a source such as rest-pull in front of the pipe")
        }
        return FrameReader(input)
    }

    /// Frames from a file.
    public func frames(in path: String) throws -> FrameReader {
        FrameReader(try Descriptor.open(path, O_RDONLY))
    }

    /// Frames to standard output.
    public func standardOutput() throws -> FrameWriter {
        try FrameWriter(Descriptor.standardOutput())
    }

    /// Runs the tool and records how it ended.
    func finish(_ body: () throws -> Void) throws {
        try body()
    }
}
