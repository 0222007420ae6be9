import Glibc

extension FileOperation {
    /// Gives every operation of this process below a directory to a file, for a test to read.
    ///
    /// - Throws: when the file cannot be made.
    public static func record(below prefix: String, to path: String) throws(SystemError) {
        let raw = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard raw >= 0 else { throw SystemError("create", path) }
        FileRecorder.start(below: prefix) { operation in
            var bytes = Bytes(capacity: 256)
            operation.append(to: &bytes)
            // Not by `Descriptor`, which would be recorded in turn.
            bytes.span.withUnsafeBytes { _ = Glibc.write(raw, $0.baseAddress, $0.count) }
        }
    }

    /// The operations in such a file; one that was cut short is left out.
    public static func recorded(in path: String) throws(SystemError) -> [FileOperation] {
        let bytes = try Files.read(path, limit: 1 << 30)
        var operations: [FileOperation] = []
        var offset = 0
        while let operation = FileOperation(bytes, &offset) { operations.append(operation) }
        return operations
    }

    // MARK: - The bytes

    // uint8 kind, int64 number, then two texts or byte strings, each with a uint32 length before it.

    private func append(to bytes: inout Bytes) {
        func put(
            _ kind: UInt8, _ number: Int64, _ first: String, _ second: [UInt8],
            to bytes: inout Bytes
        ) {
            bytes.append(kind)
            bytes.append(bits: number)
            bytes.append(bits: UInt32(first.utf8.count))
            bytes.append(utf8: first)
            bytes.append(bits: UInt32(second.count))
            bytes.append(second.span.bytes)
        }
        switch self {
        case .write(let path, let offset, let content): put(1, offset, path, content, to: &bytes)
        case .truncate(let path, let length): put(2, length, path, [], to: &bytes)
        case .allocate(let path, let length): put(3, length, path, [], to: &bytes)
        case .create(let path, let isEmptied): put(4, isEmptied ? 1 : 0, path, [], to: &bytes)
        case .sync(let path): put(5, 0, path, [], to: &bytes)
        case .syncDirectory(let path): put(6, 0, path, [], to: &bytes)
        case .makeDirectory(let path): put(7, 0, path, [], to: &bytes)
        case .remove(let path): put(8, 0, path, [], to: &bytes)
        case .rename(let from, let to): put(9, 0, from, Array(to.utf8), to: &bytes)
        case .link(let from, let to): put(10, 0, from, Array(to.utf8), to: &bytes)
        case .syncFileSystem(let path): put(12, 0, path, [], to: &bytes)
        case .note(let text): put(11, 0, text, [], to: &bytes)
        }
    }

    private init?(_ bytes: [UInt8], _ offset: inout Int) {
        func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= bytes.count - offset else { return nil }
            defer { offset += count }
            return bytes[offset..<(offset + count)]
        }
        func number(_ width: Int) -> Int64? {
            take(width)?.reversed().reduce(0) { $0 << 8 | Int64($1) }
        }
        guard let kind = take(1)?.first, let number = number(8), let firstLength = number32(),
            let first = take(firstLength), let secondLength = number32(),
            let second = take(secondLength)
        else { return nil }
        func number32() -> Int? { take(4).map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } } }
        let path = String(decoding: first, as: UTF8.self)
        let other = String(decoding: second, as: UTF8.self)
        switch kind {
        case 1: self = .write(path: path, offset: number, bytes: Array(second))
        case 2: self = .truncate(path: path, length: number)
        case 3: self = .allocate(path: path, length: number)
        case 4: self = .create(path: path, isEmptied: number != 0)
        case 5: self = .sync(path: path)
        case 6: self = .syncDirectory(path: path)
        case 7: self = .makeDirectory(path: path)
        case 8: self = .remove(path: path)
        case 9: self = .rename(from: path, to: other)
        case 10: self = .link(from: path, to: other)
        case 11: self = .note(path)
        case 12: self = .syncFileSystem(path: path)
        default: return nil
        }
    }
}
