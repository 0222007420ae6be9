import ArgumentParser
import Records
import Stage

/// The inputs of a subcommand: files one after another, or standard input.
struct Inputs: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Files of records. (default: standard input)", valueName: "file"),
        completion: .file())
    var files: [String] = []

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
            var reader = try stage.frames(in: file)
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
