public import Encoding
public import Identity

/// Where a record's object belongs: exchange, kind, instrument, and the hour of its event time, UTC;
/// of klines the interval and the month, since an hour of them is a handful of rows.
///
/// No key of a path has the name of a column in the file: some engines refuse such a table, and
/// others silently take one of the two (docs/decisions/0087).
public struct Partition: Hashable, Sendable {
    /// With its epoch.
    public let sequence: SequenceID
    /// As ``period(of:template:)`` has it; nil for an event time that cannot be right.
    public let period: Int64?

    /// Names a partition.
    public init(_ sequence: SequenceID, period: Int64?) {
        self.sequence = sequence
        self.period = period
    }

    /// The partition's number of an event time: hours since the epoch; for klines months since the
    /// year 0.
    ///
    /// - Parameter eventTime: µs since the epoch.
    @inlinable
    public static func period(of eventTime: Int64, template: UInt16) -> Int64 {
        guard template == RecordKind.kline.rawValue else {
            return Timestamp.floor(eventTime, by: 3600 * Timestamp.second)
        }
        return month(of: eventTime)
    }

    @usableFromInline
    static func month(of eventTime: Int64) -> Int64 {
        let days = Timestamp.floor(eventTime, by: Timestamp.day)
        let date = Timestamp.CivilDate(daysSinceEpoch: days)
        return Int64(date.year) * 12 + Int64(date.month) - 1
    }

    // MARK: - Paths

    /// The number of this layout, as a state directory of s3-put notes it; the one with `venue=` was
    /// the first.
    public static let layout = 2
    /// What Hive calls a partition whose value is not known.
    public static let unknown = "__HIVE_DEFAULT_PARTITION__"
    /// How every key begins.
    public static let keyStart = "exchange="
    /// How the keys began before: `venue=`, with `symbol=` and hours of klines.
    public static let oldKeyStart = "venue="
    /// A key of our form under which no object is ever stored.
    public static let checkKey =
        "exchange=check/kind=check/instrument=check/date=check/hour=check/check"

    /// The names of a path's keys.
    private static let forms = [
        ["exchange", "kind", "instrument", "date", "hour"],
        ["exchange", "kind", "interval", "instrument", "month"],
        // Until 0.1.
        ["venue", "kind", "symbol", "date", "hour"],
    ]

    /// The path below the destination, in Hive form, without slashes at its ends.
    public var path: String {
        let kind = RecordKind.name(template: sequence.template)
        var path = "\(Self.keyStart)\(Self.exchange(sequence.venue))/kind=\(kind)/"
        if sequence.kind == .kline { path += "interval=\(Self.interval(sequence.series))/" }
        path += "instrument=\(Self.escaped(sequence.symbol))/"
        return path + (sequence.kind == .kline ? monthPath : hourPath)
    }

    /// How the keys of a sequence's objects begin, whatever their time.
    public static func prefix(of sequence: SequenceID) -> String {
        let parts = Partition(sequence, period: nil).path.split(separator: "/")
        let times = sequence.kind == .kline ? 1 : 2
        return parts.dropLast(times).joined(separator: "/") + "/"
    }

    /// How the keys of all objects of a kind begin.
    public static func prefix(of kind: RecordKind, venue: UInt8 = 1) -> String {
        "\(keyStart)\(exchange(venue))/kind=\(RecordKind.name(template: kind.rawValue))/"
    }

    /// The partition that a key of a sequence's object is in; nil when the key is not one that this
    /// layout gives.
    public init?(ofKey key: String, _ sequence: SequenceID) {
        let times = Self.times(ofKey: key)
        let period = times.map { Self.period(of: $0.lowerBound, template: sequence.template) }
        self.init(sequence, period: period)
        guard key.hasPrefix(path + "/") else { return nil }
    }

    /// The stretch of time that a key's path names, µs since the epoch; nil when it names none.
    public static func times(ofKey key: String) -> Range<Int64>? {
        var day: Int64?
        var hour: Int64?
        for part in key.split(separator: "/") {
            let words = part.split(separator: "=", maxSplits: 1)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "date": day = Timestamp.parse(String(words[1]))
            case "hour": hour = Int64(words[1])
            case "month":
                guard let start = Timestamp.parse("\(words[1])-01") else { return nil }
                return start..<(KlineInterval.month1.bucket(of: start).upperBound + 1)
            default: break
            }
        }
        guard let day else { return nil }
        guard let hour, (0..<24).contains(hour) else { return day..<(day + Timestamp.day) }
        let start = day + hour * 3600 * Timestamp.second
        return start..<(start + 3600 * Timestamp.second)
    }

    /// False for the key of an object whose records have event times that cannot be right.
    public static func hasTime(key: String) -> Bool {
        !key.contains("/date=\(unknown)/") && !key.contains("/month=\(unknown)/")
    }

    private var hourPath: String {
        guard let period else { return "date=\(Self.unknown)/hour=\(Self.unknown)" }
        let time = period * 3600 * Timestamp.second
        let hour = Timestamp.hour(microseconds: time)
        return "date=\(Timestamp.date(microseconds: time))/hour=\(hour < 10 ? "0" : "")\(hour)"
    }

    private var monthPath: String {
        guard let period else { return "month=\(Self.unknown)" }
        let year = String(Timestamp.floor(period, by: 12))
        let month = Timestamp.remainder(period, by: 12) + 1
        let zeros = String(repeating: "0", count: max(0, 4 - year.count))
        return "month=\(zeros)\(year)-\(month < 10 ? "0" : "")\(month)"
    }

    /// How a venue is called in paths and manifests.
    static func exchange(_ code: UInt8) -> String {
        code == 1 ? "binance" : "venue-\(code)"
    }

    /// The venue of a name; nil when no venue has it.
    static func venue(_ name: String) -> UInt8? {
        if name == "binance" { return 1 }
        guard name.hasPrefix("venue-"), let code = UInt8(name.dropFirst(6)) else { return nil }
        return exchange(code) == name ? code : nil
    }

    private static func interval(_ series: UInt16) -> String {
        KlineInterval(code: series)?.rawValue ?? "series-\(series)"
    }

    /// True for keys of objects that this program may have stored, by this layout or the one before.
    public static func isOfOurForm(_ key: String) -> Bool {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, ObjectName(parsing: String(name)) != nil else { return false }
        return forms.contains { names in
            parts.count == names.count + 1
                && zip(parts, names).allSatisfy {
                    $0.hasPrefix("\($1)=") && $0.utf8.count > $1.utf8.count + 1
                }
        }
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

extension RecordKind {
    /// The template of a name that ``name(template:)`` gave.
    static func template(name: String) -> UInt16? {
        if let kind = RecordKind(name: name) { return kind.rawValue }
        guard name.hasPrefix("template-") else { return nil }
        return UInt16(name.dropFirst(9))
    }
}

extension SymbolName {
    /// Reads the 64 hexadecimal digits of its 32 bytes.
    public init?(hex text: String) {
        let digits = Array(text.utf8)
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        guard digits.count == 2 * MemoryLayout.size(ofValue: words) else { return nil }
        let isGood = withUnsafeMutableBytes(of: &words) { room in
            for index in room.indices {
                let pair = String(decoding: digits[(index * 2)...(index * 2 + 1)], as: UTF8.self)
                guard let byte = UInt8(pair, radix: 16) else { return false }
                room[index] = byte
            }
            return true
        }
        guard isGood else { return nil }
        self.init(words: words)
    }

    /// All bytes but the NULs at the end: also those behind one in the middle.
    fileprivate var paddedBytes: [UInt8] {
        var bytes = withUnsafeBytes(of: words) { Array($0) }
        while bytes.last == 0 { bytes.removeLast() }
        return bytes
    }
}
