import Avro
public import Posix
import Records

/// Gives the records of one object as frames, whatever its format: told by its first bytes, not by
/// its name. Frames (.sbe), lines of JSON (.ndjson), either plain or compressed with gzip or zstd;
/// Avro containers of any codec of ours; Parquet.
///
/// Memory: one block of the format and what it decompresses to, both within limits.
public struct ObjectReader: ~Copyable {
    /// The formats of objects.
    public enum Format: String, Sendable {
        case frames = "sbe"
        case ndjson
        case avro
        case parquet
    }

    private let input: any ObjectInput
    private var stream: ByteStream
    /// The next line's number is one more.
    private var line = 0
    private var lines: JSONRecord?
    private var avro: AvroBlocks?
    private var parquet: ParquetObject?
    private var isBegun = false
    /// The format; nil until the first bytes were read, and for an object without bytes.
    public private(set) var format: Format?
    /// Frames given so far.
    public private(set) var records: Int64 = 0

    /// Bytes of frames after which a call returns, about.
    private static let batch = 256 << 10
    /// Longest line: a frame is at most 1 MiB, and as JSON about twice that.
    private static let longestLine = 16 << 20

    /// Reads nothing yet.
    public init(_ input: any ObjectInput) {
        self.input = input
        stream = ByteStream(input)
    }

    /// Appends some more frames, whole ones.
    ///
    /// - Returns: false at the end of the object; nothing was appended then.
    /// - Throws: ``ObjectError``; frames before the damage were appended, by this call or earlier
    ///   ones.
    public mutating func read(into frames: inout Bytes) throws(ObjectError) -> Bool {
        let start = frames.count
        defer { records += Int64(Self.count(frames.span(start..<frames.count))) }
        if !isBegun { try begin() }
        switch format {
        case nil: return false
        case .frames: return try readFrames(into: &frames)
        case .ndjson: return try readLines(into: &frames)
        case .avro: return try avro?.read(&stream, input.name, into: &frames) ?? false
        case .parquet: return try parquet?.read(into: &frames, input.name) ?? false
        }
    }

    private static func count(_ frames: RawSpan) -> Int {
        var place = 0
        var count = 0
        while place < frames.byteCount {
            place += Int(
                UInt32(
                    bigEndian: frames.unsafeLoadUnaligned(fromByteOffset: place, as: UInt32.self)))
            count += 1
        }
        return count
    }

    // MARK: - The format

    private mutating func begin() throws(ObjectError) {
        isBegun = true
        _ = try stream.fill(4)
        // Compressed once, as objects are; once more inside would be somebody else's.
        if stream.begins([0x28, 0xB5, 0x2F, 0xFD]) {
            try stream.decompress(.zstd)
        } else if stream.begins([0x1F, 0x8B]) {
            try stream.decompress(.gzip)
        }
        _ = try stream.fill(6)
        // UTF-8's byte order mark, which editors of Windows write before lines of JSON.
        if stream.begins([0xEF, 0xBB, 0xBF]) {
            stream.take(3)
            _ = try stream.fill(6)
        }
        if stream.bytes.isEmpty { return }
        if stream.begins(AvroContainerHeader.magic) {
            avro = try AvroBlocks(&stream, input.name)
            format = .avro
        } else if stream.begins(Array("PAR1".utf8)) {
            guard !stream.isCompressed else {
                throw ObjectError(
                    .unsupported, input.name, "a Parquet file that was compressed as a whole")
            }
            parquet = try ParquetObject(input, begun: stream.bytes)
            format = .parquet
        } else if stream.isAtFrame {
            format = .frames
        } else if stream.isAtObject {
            format = .ndjson
            lines = JSONRecord()
        } else {
            throw ObjectError(
                .foreign, input.name,
                "it is neither Parquet, Avro, lines of JSON nor frames, plain or compressed")
        }
    }

    // MARK: - Frames

    private mutating func readFrames(into frames: inout Bytes) throws(ObjectError) -> Bool {
        let start = frames.count
        while true {
            var taken = 0
            do throws(FrameError) {
                while frames.count - start < Self.batch,
                    let length = try FrameView.wholeLength(
                        stream.bytes.span(taken..<stream.bytes.count),
                        at: stream.place + Int64(taken))
                {
                    frames.append(stream.bytes.span(taken..<(taken + length)))
                    taken += length
                }
            } catch {
                stream.take(taken)
                throw ObjectError(error.isForeign ? .foreign : .damaged, input.name, "\(error)")
            }
            stream.take(taken)
            if frames.count > start { return true }
            if try !stream.more() {
                guard stream.bytes.isEmpty else {
                    throw ObjectError(
                        .cut, input.name, "it ends inside the frame at byte \(stream.place)")
                }
                return false
            }
        }
    }

    // MARK: - Lines

    private mutating func readLines(into frames: inout Bytes) throws(ObjectError) -> Bool {
        let start = frames.count
        var searched = 0
        while true {
            var taken = 0
            while frames.count - start < Self.batch,
                let end = stream.bytes.firstIndex(
                    of: UInt8(ascii: "\n"), from: max(taken, searched))
            {
                try append(line: taken..<end, to: &frames)
                taken = end + 1
            }
            stream.take(taken)
            if frames.count > start { return true }
            searched = stream.bytes.count
            guard searched <= Self.longestLine else {
                throw ObjectError(
                    .damaged, input.name,
                    "line \(line + 1) is longer than \(Self.longestLine) bytes")
            }
            if try !stream.more() {
                let count = stream.bytes.count
                guard count > 0 else { return false }
                // A last line without its end.
                try append(line: 0..<count, to: &frames)
                stream.take(count)
                return frames.count > start
            }
        }
    }

    private mutating func append(
        line range: Range<Int>, to frames: inout Bytes
    ) throws(ObjectError) {
        line += 1
        do throws(FieldFailure) {
            try Self.append(line: range, of: stream.bytes, &lines, to: &frames)
        } catch { throw ObjectError(.damaged, input.name, "line \(line): \(error)") }
    }

    private static func append(
        line range: Range<Int>, of bytes: borrowing Bytes, _ lines: inout JSONRecord?,
        to frames: inout Bytes
    ) throws(FieldFailure) {
        if bytes.span(range).isBlank { return }
        try lines?.appendFrame(of: bytes.span(range), to: &frames)
    }
}

extension ByteStream {
    /// True when the bytes that were not taken begin so.
    func begins(_ magic: [UInt8]) -> Bool {
        guard bytes.count >= magic.count else { return false }
        return bytes.span(0..<magic.count).withUnsafeBytes { $0.elementsEqual(magic) }
    }

    /// True when a frame's head is next.
    var isAtFrame: Bool {
        bytes.count >= 6
            && bytes.span.unsafeLoad(fromByteOffset: 4, as: UInt8.self) == 0xEB
            && bytes.span.unsafeLoad(fromByteOffset: 5, as: UInt8.self) == 0x50
    }

    /// True when an object of JSON is next.
    var isAtObject: Bool {
        for index in 0..<bytes.count {
            let byte = bytes.span.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            if byte == UInt8(ascii: "{") { return true }
            guard [0x20, 0x09, 0x0A, 0x0D].contains(byte) else { return false }
        }
        return false
    }
}

extension RawSpan {
    /// True for white space only.
    fileprivate var isBlank: Bool {
        for index in 0..<byteCount {
            let byte = unsafeLoad(fromByteOffset: index, as: UInt8.self)
            guard byte == 0x20 || byte == 0x09 || byte == 0x0D else { return false }
        }
        return true
    }
}
