import Glibc
public import Posix

/// Bytes of a file that are not the entries they should be.
public struct Damage: Sendable, Equatable {
    /// The file.
    public let path: String
    /// Where the wrong bytes begin.
    public let offset: Int64
    /// How many there are.
    public let length: Int64
    /// Where a copy of them is kept; nil when there is none.
    public let copy: String?
    /// False when there was no room for a copy; bytes that are all zero need none.
    public let isKept: Bool
    /// True when the bytes were never known to be on the device: a power failure took them, and
    /// they were never reported as durable.
    public let isUnsyncedTail: Bool
    /// False when an earlier start found them already.
    public let isNew: Bool

    init(
        path: String, offset: Int64, length: Int64, copy: String?, isKept: Bool,
        isUnsyncedTail: Bool, isNew: Bool
    ) {
        self.path = path
        self.offset = offset
        self.length = length
        self.copy = copy
        self.isKept = isKept
        self.isUnsyncedTail = isUnsyncedTail
        self.isNew = isNew
    }

    /// Damage that someone sees who only looks at a file, and keeps no copies.
    public init(reading range: Range<Int64>, of path: String) {
        self.init(
            path: path, offset: range.lowerBound, length: range.upperBound - range.lowerBound,
            copy: nil, isKept: false, isUnsyncedTail: false, isNew: true)
    }
}

/// Keeps bytes that could not be read, for a person to look at: `damaged/` beside the files.
///
/// Nothing in it is ever removed by this program; what does not fit is not copied.
public struct DamageKeeper: Sendable {
    /// Where the copies are.
    public let directory: String
    /// Most bytes of all copies together.
    public let maximumBytes: Int64

    /// Keeps copies in a directory, which is made when the first one comes.
    public init(directory: String, maximumBytes: Int64 = 256 << 20) {
        self.directory = directory
        self.maximumBytes = maximumBytes
    }

    /// Copies a part of a file, and makes the copy durable.
    ///
    /// - Parameter name: what the copy is called after; the place is added.
    public func keep(
        _ range: Range<Int64>, of path: String, as name: String, isUnsyncedTail: Bool
    ) -> Damage {
        let kept = (try? copy(range, of: path, as: name)) ?? nil
        return Damage(
            path: path, offset: range.lowerBound, length: range.upperBound - range.lowerBound,
            copy: kept?.path, isKept: kept != nil, isUnsyncedTail: isUnsyncedTail,
            isNew: kept?.isNew ?? true)
    }

    /// Takes a whole file over that has bytes of which there is no copy.
    ///
    /// - Returns: false when there would be too many bytes; the file is where it was then.
    public func adopt(_ path: String, as name: String) throws(SystemError) -> Bool {
        try Files.makeDurableDirectories(directory)
        let length = Int64(try Files.status(path)?.st_size ?? 0)
        guard try used() + length <= maximumBytes else { return false }
        var target = "\(directory)/\(name).whole"
        var number = 1
        while try Files.status(target) != nil {
            number += 1
            target = "\(directory)/\(name).\(number).whole"
        }
        try Files.rename(path, to: target)
        try Files.syncDirectory(directory)
        return true
    }

    /// - Returns: nil when there is no room for a copy; no path when all bytes are zero.
    private func copy(
        _ range: Range<Int64>, of path: String, as name: String
    ) throws(SystemError) -> (path: String?, isNew: Bool)? {
        let length = range.upperBound - range.lowerBound
        try Files.makeDurableDirectories(directory)
        let source = try Descriptor.open(path, O_RDONLY)
        let base = "\(directory)/\(name)-\(range.lowerBound)-\(length)"
        var target = base + ".bytes"
        var number = 1
        while let there = try Files.status(target) {
            if there.st_size == Int(length), try Self.isSame(target, source, range) {
                return (target, false)
            }
            number += 1
            guard number < 100 else { return nil }
            target = "\(base).\(number).bytes"
        }
        guard try used() + length <= maximumBytes else { return nil }
        let partial = target + ".new"
        let hasBytes: Bool
        do throws(SystemError) {
            hasBytes = try Self.copy(source, range, to: partial)
        } catch {
            try? Files.remove(partial)
            throw error
        }
        guard hasBytes else {
            try Files.remove(partial)
            return (nil, true)
        }
        try Files.rename(partial, to: target)
        try Files.syncDirectory(directory)
        return (target, true)
    }

    /// Bytes of the copies so far.
    private func used() throws(SystemError) -> Int64 {
        var total: Int64 = 0
        for name in try Files.list(directory) {
            total += Int64(try Files.status("\(directory)/\(name)")?.st_size ?? 0)
        }
        return total
    }

    /// - Returns: false when all bytes are zero: there is nothing to look at.
    private static func copy(
        _ source: borrowing Descriptor, _ range: Range<Int64>, to path: String
    ) throws(SystemError) -> Bool {
        let target = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        var hasBytes = false
        var piece = Bytes(capacity: 256 << 10)
        var left = range.upperBound - range.lowerBound
        try source.seek(to: range.lowerBound)
        while left > 0 {
            piece.removeAll()
            let count = try source.read(appendingTo: &piece, room: 256 << 10)
            if count == 0 { break }
            let used = Int(min(left, Int64(count)))
            let bytes = piece.span(0..<used)
            hasBytes = hasBytes || bytes.withUnsafeBytes { $0.contains { $0 != 0 } }
            try target.writeAll(bytes)
            left -= Int64(used)
        }
        try target.sync()
        return hasBytes
    }

    private static func isSame(
        _ path: String, _ source: borrowing Descriptor, _ range: Range<Int64>
    ) throws(SystemError) -> Bool {
        let there = try Files.read(path, limit: Int(range.upperBound - range.lowerBound))
        var piece = Bytes(capacity: 256 << 10)
        try source.seek(to: range.lowerBound)
        while piece.count < there.count {
            if try source.read(appendingTo: &piece, room: 256 << 10) == 0 { return false }
        }
        piece.truncate(to: there.count)
        return piece.array == there
    }
}
