import Encoding
import Identity
import Stage

/// Where a record's object belongs: venue, kind, symbol, and the hour of its event time, UTC.
struct Partition: Hashable, Sendable {
    /// With its epoch.
    let sequence: SequenceID
    /// Hours since the epoch; nil for an event time that cannot be right.
    let hour: Int64?

    /// What Hive calls a partition whose value is not known.
    private static let unknown = "__HIVE_DEFAULT_PARTITION__"
    /// How every key begins.
    static let keyStart = "venue="
    /// A key of our form under which no object is ever stored.
    static let checkKey = "venue=check/kind=check/symbol=check/date=check/hour=check/check"

    /// The path below the destination, in Hive form, without slashes at its ends.
    var path: String {
        let kind = RecordKind.name(template: sequence.template)
        let date = hour.map { Timestamp.date(microseconds: $0 * 3600 * Timestamp.second) }
        let clock = hour.map { hour in
            let value = Timestamp.hour(microseconds: hour * 3600 * Timestamp.second)
            return value < 10 ? "0\(value)" : "\(value)"
        }
        return
            "venue=\(Self.venue(sequence.venue))/kind=\(kind)/symbol=\(Self.escaped(sequence.symbol))"
            + "/date=\(date ?? Self.unknown)/hour=\(clock ?? Self.unknown)"
    }

    private static func venue(_ code: UInt8) -> String { code == 1 ? "binance" : "venue-\(code)" }

    /// True for keys of objects that this program may have stored.
    static func isOfOurForm(_ key: String) -> Bool {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        let names = ["venue=", "kind=", "symbol=", "date=", "hour="]
        return parts.count == names.count + 1
            && zip(parts, names).allSatisfy { $0.hasPrefix($1) && $0.count > $1.count }
            && ObjectName(parsing: String(parts[names.count])) != nil
    }

    /// A symbol comes from outside: what could leave its directory, or what keys do not like, is
    /// percent-encoded, as Hive does. Each byte counts, so that symbols that are shown alike, or
    /// have something behind a NUL, stay apart.
    private static func escaped(_ symbol: SymbolName) -> String {
        var escaped = ""
        for byte in symbol.paddedBytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"):
                escaped.unicodeScalars.append(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return escaped
    }
}

extension SymbolName {
    /// All bytes but the NULs at the end: also those behind one in the middle.
    fileprivate var paddedBytes: [UInt8] {
        var bytes = withUnsafeBytes(of: words) { Array($0) }
        while bytes.last == 0 { bytes.removeLast() }
        return bytes
    }
}
