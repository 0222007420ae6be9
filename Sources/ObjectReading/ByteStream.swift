import Avro
import Posix

/// An object's bytes from front to end, decompressed where they are compressed.
///
/// Memory: what its user has not taken, and a buffer of compressed bytes.
struct ByteStream: ~Copyable {
    /// Bytes that are read at a time.
    private static let batch = 256 << 10

    private let input: any ObjectInput
    private var offset: Int64 = 0
    /// Bytes as they are in the object.
    private var packed = Bytes(capacity: 64)
    private var decompressor: StreamDecompressor?
    private var isAtEnd = false

    /// What was not taken yet, decompressed.
    private(set) var bytes = Bytes(capacity: batch)
    /// Where ``bytes`` begin in the decompressed stream.
    private(set) var place: Int64 = 0
    /// True when more bytes came after ``decompressor`` was set.
    private(set) var isCompressed = false

    init(_ input: any ObjectInput) { self.input = input }

    /// Reads until so many bytes are there, or the end came.
    ///
    /// - Returns: whether they are there.
    mutating func fill(_ count: Int) throws(ObjectError) -> Bool {
        while bytes.count < count {
            if try !more(max(Self.batch, count - bytes.count)) { return false }
        }
        return true
    }

    /// Reads once.
    ///
    /// - Returns: false at the end.
    mutating func more(_ count: Int = batch) throws(ObjectError) -> Bool {
        guard isCompressed else {
            if isAtEnd { return false }
            isAtEnd = try Self.read(input, count, &offset, into: &bytes) == 0
            return !isAtEnd
        }
        while true {
            let before = bytes.count
            let taken = try Self.decompress(&decompressor, packed, input.name, into: &bytes)
            packed.removeFirst(taken)
            if bytes.count > before { return true }
            if taken > 0 { continue }
            if isAtEnd {
                guard packed.isEmpty, decompressor?.isInside != true else {
                    throw ObjectError(
                        .cut, input.name,
                        "it ends inside its compressed data, after \(offset) bytes")
                }
                return false
            }
            isAtEnd = try Self.read(input, Self.batch, &offset, into: &packed) == 0
        }
    }

    /// Goes on with what the bytes, from the first that was not taken, decompress to.
    mutating func decompress(_ compression: Compression) throws(ObjectError) {
        do throws(DecompressionError) {
            decompressor = try StreamDecompressor(compression)
        } catch { throw ObjectError(.unreadable, input.name, error.description) }
        isCompressed = true
        swap(&packed, &bytes)
        bytes.removeAll()
        place = 0
    }

    /// Drops bytes that were dealt with.
    mutating func take(_ count: Int) {
        bytes.removeFirst(count)
        place += Int64(count)
    }

    private static func decompress(
        _ decompressor: inout StreamDecompressor?, _ packed: borrowing Bytes, _ name: String,
        into bytes: inout Bytes
    ) throws(ObjectError) -> Int {
        do throws(DecompressionError) {
            return try decompressor?.decompress(packed.span, to: &bytes) ?? 0
        } catch { throw ObjectError(.damaged, name, error.description) }
    }

    private static func read(
        _ input: any ObjectInput, _ count: Int, _ offset: inout Int64, into bytes: inout Bytes
    ) throws(ObjectError) -> Int {
        do {
            let read = try input.read(at: offset, count: count, appendingTo: &bytes)
            offset += Int64(read)
            return read
        } catch let error as ObjectError { throw error } catch {
            throw ObjectError(input.name, unreadable: error)
        }
    }
}
