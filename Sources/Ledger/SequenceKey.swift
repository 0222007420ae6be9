/// The name of a sequence as a ledger keeps it.
public struct SequenceKey: Hashable, Sendable, Comparable {
    /// 1 = Binance Spot.
    public let venue: UInt8
    /// The template id of its records.
    public let template: UInt16
    /// The interval code of klines, else 0.
    public let series: UInt16
    /// The symbol's 24 bytes as three little-endian words, NUL padded.
    public let symbolWords: (UInt64, UInt64, UInt64)

    /// Names a sequence.
    public init(
        venue: UInt8, template: UInt16, series: UInt16, symbolWords: (UInt64, UInt64, UInt64)
    ) {
        self.venue = venue
        self.template = template
        self.series = series
        self.symbolWords = symbolWords
    }

    /// The symbol without padding.
    public var symbolText: String {
        var bytes: [UInt8] = []
        for word in [symbolWords.0, symbolWords.1, symbolWords.2] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The same sequence.
    public static func == (one: Self, other: Self) -> Bool {
        one.venue == other.venue && one.template == other.template && one.series == other.series
            && one.symbolWords == other.symbolWords
    }

    /// By symbol, then kind, then series.
    public static func < (one: Self, other: Self) -> Bool {
        (one.venue, one.symbolText, one.template, one.series)
            < (other.venue, other.symbolText, other.template, other.series)
    }

    /// Feeds every part.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(venue)
        hasher.combine(template)
        hasher.combine(series)
        hasher.combine(symbolWords.0)
        hasher.combine(symbolWords.1)
        hasher.combine(symbolWords.2)
    }
}

/// What a ledger knows of one sequence.
public struct Coverage: Sendable, Equatable {
    /// Ids whose records are durable.
    public var held = IntervalSet()
    /// Ids that a gap record says will not come: the venue does not serve them, or never had them.
    public var declared = IntervalSet()

    /// Of a sequence without records.
    public init() {}
}
