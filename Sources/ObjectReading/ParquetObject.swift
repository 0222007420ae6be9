import Parquet
import Posix
import Records

/// The records of a Parquet file.
struct ParquetObject: ~Copyable {
    /// Longest file that is taken from a pipe, where it has to be in memory: the columns of a file are
    /// found from its end.
    private static let longestPiped = 1 << 30

    private var frames: ColumnFrames

    /// Reads the footer.
    ///
    /// - Parameter begun: the bytes that were read to find out what it is.
    init(_ input: any ObjectInput, begun: borrowing Bytes) throws(ObjectError) {
        let name = input.name
        do {
            let reader: ParquetReader
            if let length = input.length {
                reader = try ParquetReader(length: length) { offset, count, bytes in
                    try Self.read(input, at: offset, count: count, into: &bytes)
                }
            } else {
                reader = try ParquetReader(bytes: try Self.all(input, begun: begun))
            }
            frames = try ColumnFrames(reader)
        } catch { throw Self.error(error, name) }
    }

    /// Appends some more frames.
    mutating func read(into bytes: inout Bytes, _ name: String) throws(ObjectError) -> Bool {
        do throws(ParquetError) { return try frames.read(into: &bytes) } catch {
            throw Self.error(error, name)
        }
    }

    /// A part of the file, all of it.
    private static func read(
        _ input: any ObjectInput, at offset: Int64, count: Int, into bytes: inout Bytes
    ) throws {
        var done = 0
        while done < count {
            let read = try input.read(
                at: offset + Int64(done), count: count - done, appendingTo: &bytes)
            if read == 0 { throw ObjectError(.cut, input.name, "it ends at byte \(offset)") }
            // An input may give more than was asked for.
            done += read
        }
        if done > count { bytes.truncate(to: bytes.count - (done - count)) }
    }

    private static func all(
        _ input: any ObjectInput, begun: borrowing Bytes
    ) throws -> [UInt8] {
        var bytes = Bytes(capacity: 1 << 20)
        bytes.append(begun.span)
        while try input.read(at: Int64(bytes.count), count: 1 << 20, appendingTo: &bytes) > 0 {
            guard bytes.count <= longestPiped else {
                throw ObjectError(
                    .unsupported, input.name,
                    "a Parquet file of over 1 GiB from a pipe; name the file instead")
            }
        }
        return bytes.array
    }

    private static func error(_ error: any Error, _ name: String) -> ObjectError {
        switch error {
        case let error as ObjectError: error
        case ParquetError.notParquet(let words): ObjectError(.cut, name, words)
        case ParquetError.unsupported(let words): ObjectError(.unsupported, name, words)
        case ParquetError.failed(let words): ObjectError(.unreadable, name, words)
        default: ObjectError(.damaged, name, "\(error)")
        }
    }
}
