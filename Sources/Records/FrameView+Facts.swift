import Encoding
import Posix

extension FrameView {
    /// What a record says of what happened, as text: not how and when it came here. Decimals have
    /// no zeros at their ends. Two records of one id from two sources are to have the same.
    public func facts() throws -> [String: String] {
        var line = Bytes()
        try appendJSON(to: &line)
        var scanner = JSONScanner(line.span)
        var facts: [String: String] = [:]
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            let name = String(decoding: key.map { scanner[$0] }, as: UTF8.self)
            let start = scanner.position
            try scanner.skip()
            var value = String(
                decoding: (start..<scanner.position).map { scanner[$0] }, as: UTF8.self)
            if value.contains("."), !value.hasPrefix("\"") {
                while value.hasSuffix("0") { value.removeLast() }
                if value.hasSuffix(".") { value.removeLast() }
            }
            facts[name] = value
        }
        let own = [
            "source", "ingest_ts", "ingest_time_ns", "event_ts", "price_exponent", "qty_exponent",
        ]
        for name in own + facts.keys.filter({ $0.hasSuffix("_mantissa") }) { facts[name] = nil }
        return facts
    }

    /// The first difference between what two records say of what happened, for people; nil when they
    /// say the same.
    ///
    /// A time that only one of them has, or that one of them has to the millisecond, is not one.
    public func difference(from other: borrowing FrameView) throws -> String? {
        if hasSameFields(as: other) { return nil }
        let (ours, theirs) = (try facts(), try other.facts())
        let hasTimes = !(isReceiveTime || other.isReceiveTime)
        for (name, value) in ours.sorted(by: { $0.key < $1.key }) where theirs[name] != value {
            if name == "flags" { continue }
            if name == "event_time_us" {
                let (one, two) = (eventTime, other.eventTime)
                let isRounded =
                    one / 1000 == two / 1000 && (one % 1000 == 0 || two % 1000 == 0)
                if !hasTimes || isRounded { continue }
            }
            return "\(name) is \(value) in one, \(theirs[name] ?? "nothing") in the other"
        }
        return nil
    }

    /// True for records that are equal byte for byte, but for when they were received and from where.
    private func hasSameFields(as other: borrowing FrameView) -> Bool {
        guard bytes.byteCount == other.bytes.byteCount,
            (eventTime, firstID, lastID) == (other.eventTime, other.firstID, other.lastID),
            (priceExponent, quantityExponent, flags)
                == (other.priceExponent, other.quantityExponent, other.flags)
        else { return false }
        let own = Frame.blockOffset + PrefixView.length
        let (one, two) = (
            bytes.extracting(own..<bytes.byteCount), other.bytes.extracting(own..<bytes.byteCount)
        )
        return unsafe one.withUnsafeBytes { one in
            unsafe two.withUnsafeBytes { two in unsafe one.elementsEqual(two) }
        }
    }

    /// True when the event time is the time of reception: the venue gave none.
    public var isReceiveTime: Bool { RecordFlags(rawValue: flags).contains(.receiveTime) }
}
