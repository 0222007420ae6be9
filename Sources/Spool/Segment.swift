import Journal
import Posix

/// One file of a spool.
struct Segment: Sendable {
    /// The highest number: positions are one number of 64 bits.
    static let highestNumber: UInt64 = 1 << 31 - 1
    static let magic: StaticString = "BISPOOL2"
    /// Of the program's first format, which is read and not written.
    static let oldMagic: StaticString = "BISPOOL1"

    let number: UInt64
    let path: String
    var format: EntryFormat
    /// Bytes of entries and header that it has.
    var length: Int64
    /// Bytes known to be on the device.
    var synced: Int64
    /// Where wrong bytes begin that were reported, and whether a copy of them is kept.
    var wrong: [Int64: Bool] = [:]

    /// Where its first entry begins.
    var start: Int64 { format == .unguarded ? 8 : Int64(SyncedMark.headerLength) }
    /// True when wrong bytes in it have no copy.
    var hasUnkeptBytes: Bool { wrong.values.contains(false) }

    /// Gives each whole entry from an offset on to `entry`, and runs of wrong bytes to `wrong`.
    ///
    /// - Parameter limit: no entry is begun from here on.
    /// - Returns: where the next entry would begin.
    func read(
        from start: Int64, before limit: Int64 = .max, entry: (Int64, RawSpan) throws -> Void,
        wrong: (Range<Int64>) throws -> Void
    ) throws -> Int64 {
        var scanner = try EntryScanner(
            path, format: format, from: start, to: length, maximumEntry: Spool.maximumEntry)
        return try scanner.read(before: limit, entry: entry, wrong: wrong)
    }

    /// The name of a segment's file.
    static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".spool"
    }

    /// The number in a file's name; nil for another file.
    static func number(of name: String) -> UInt64? {
        guard name.utf8.count == 26, name.hasSuffix(".spool"),
            let number = UInt64(name.dropLast(6)), number > 0, number < highestNumber
        else { return nil }
        return number
    }
}
