import ArgumentParser
import Glibc
import Posix
import Records
import Stage

/// The inputs of a subcommand: files one after another, or standard input.
struct Inputs: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Files of records; - is standard input. (default: -)", valueName: "file"),
        completion: .file())
    var files: [String] = []

    /// What stands for standard input among files.
    static let standardInput = "-"

    /// A file, or standard input for `-`.
    static func open(_ file: String) throws -> Descriptor {
        guard file == standardInput else { return try Descriptor.openInput(file) }
        let input = Descriptor.standardInput()
        if input.isTerminal {
            throw StageFailure(
                .usage, "standard input is a terminal: name a file, or put a program in front")
        }
        return input
    }

    /// Gives every frame of every input to `body` until it returns false.
    ///
    /// - Parameter batch: called when the frames that were there are worked through, before more
    ///   are waited for.
    func read(
        in stage: borrowing Stage, _ body: (borrowing FrameView) throws -> Bool,
        batch: () throws -> Void = {}
    ) throws {
        guard !files.isEmpty else {
            var reader = try stage.standardInput()
            return try Self.read(&reader, in: stage, body, batch)
        }
        for file in files {
            var reader =
                file == Self.standardInput
                ? try stage.standardInput() : try stage.frames(in: file)
            do { try Self.read(&reader, in: stage, body, batch) } catch let error as FrameError {
                throw StageFailure(.badInput, "\(file): \(error)")
            }
        }
    }

    private static func read(
        _ reader: inout FrameReader, in stage: borrowing Stage,
        _ body: (borrowing FrameView) throws -> Bool, _ batch: () throws -> Void
    ) throws {
        while try reader.fill(unless: stage.stopDescriptor) == .frames {
            while let frame = try reader.next() {
                if try body(frame) == false { return try batch() }
            }
            try batch()
        }
    }
}
