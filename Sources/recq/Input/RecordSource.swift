import BronzeAccess
import Glibc
import ObjectReading
import Posix
import Records
import Stage
import StageAWS

/// One input: frames as they come, or objects of any format.
struct RecordSource {
    private let input: String
    private let reading: BucketReading

    init(_ input: String, _ reading: BucketReading, in stage: borrowing Stage) throws {
        self.input = input
        self.reading = reading
    }

    /// Gives every frame to `body` until it returns false.
    ///
    /// - Returns: false when `body` did.
    func read(
        in stage: borrowing Stage, _ body: (borrowing FrameView) throws -> Bool,
        batch: () throws -> Void
    ) throws -> Bool {
        if input != Inputs.standardInput, try ObjectURL.isURL(input) || Self.isDirectory(input) {
            return try readObjects(in: stage, body, batch)
        }
        do {
            if input == Inputs.standardInput {
                return try read(try stage.standardInput(), "standard input", in: stage, body, batch)
            }
            return try read(try stage.frames(in: input), input, in: stage, body, batch)
        } catch let error as FrameError {
            throw StageFailure(
                .badInput, input == Inputs.standardInput ? "\(error)" : "\(input): \(error)")
        }
    }

    static func isDirectory(_ path: String) throws -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    // MARK: - Frames, or one object, from a descriptor

    private func read(
        _ frames: consuming FrameReader, _ name: String, in stage: borrowing Stage,
        _ body: (borrowing FrameView) throws -> Bool, _ batch: () throws -> Void
    ) throws -> Bool {
        var reader = frames
        do {
            while try reader.fill(unless: stage.stopDescriptor) == .frames {
                while let frame = try reader.next() {
                    if try body(frame) == false {
                        try batch()
                        return false
                    }
                }
                try batch()
            }
            return true
        } catch FrameError.otherFormat {
            // What was read so far was the beginning of an object.
        }
        let object = DescriptorInput(reader, name: name, stop: stage.stopDescriptor)
        return try Self.read(object, in: stage, body, batch)
    }

    // MARK: - Objects

    /// The objects that the input is, for whoever reads several side by side.
    func objects(in stage: borrowing Stage) throws -> [any ObjectInput] {
        if input != Inputs.standardInput, try ObjectURL.isURL(input) || Self.isDirectory(input) {
            return try StoredObjects(input, reading, stage.log).all().map { $0.input() }
        }
        let reader =
            input == Inputs.standardInput
            ? try stage.standardInput() : try stage.frames(in: input)
        return [
            DescriptorInput(
                reader, name: input == Inputs.standardInput ? "standard input" : input,
                stop: stage.stopDescriptor)
        ]
    }

    private func readObjects(
        in stage: borrowing Stage, _ body: (borrowing FrameView) throws -> Bool,
        _ batch: () throws -> Void
    ) throws -> Bool {
        for object in try StoredObjects(input, reading, stage.log).all() {
            if stage.isStopping { return false }
            if try !Self.read(object.input(), in: stage, body, batch) { return false }
        }
        return true
    }

    private static func read(
        _ object: any ObjectInput, in stage: borrowing Stage,
        _ body: (borrowing FrameView) throws -> Bool, _ batch: () throws -> Void
    ) throws -> Bool {
        var reader = ObjectReader(object)
        var frames = Bytes(capacity: 320 << 10)
        while !stage.isStopping {
            frames.removeAll()
            let isMore: Bool
            var failure: ObjectError?
            do throws(ObjectError) { isMore = try reader.read(into: &frames) } catch {
                (isMore, failure) = (false, error)
            }
            // The good records before a bad one count.
            if try !frames.forEachFrame(body) {
                try batch()
                return false
            }
            try batch()
            if let failure { throw failure }
            if !isMore { return true }
        }
        return false
    }
}

extension Bytes {
    /// Gives each of the frames that the bytes are to `body` until it returns false.
    func forEachFrame(_ body: (borrowing FrameView) throws -> Bool) throws -> Bool {
        var place = 0
        while place < count {
            let frame = try FrameView(firstIn: span(place..<count))
            if try body(frame) == false { return false }
            place += frame.bytes.byteCount
        }
        return true
    }
}
