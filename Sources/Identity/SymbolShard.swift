/// One of several parts of a set of symbols: what one host of several collects.
///
/// Each symbol is in exactly one part, whatever the other symbols are and in whatever order they
/// were named; one part more or less moves only the symbols of that part. This is rendezvous
/// hashing (Thaler and Ravishankar, 1998): a symbol is in the part with the highest score.
///
/// The hash is part of the contract, since hosts of different versions must agree:
/// `score(symbol, part)` is the part-th number (from 1) of SplitMix64 seeded with FNV-1a (64 bits)
/// of the symbol's UTF-8 bytes. Test vectors: `SymbolShardTests`.
public struct SymbolShard: Sendable, Hashable, CustomStringConvertible {
    /// Most parts.
    public static let maximumCount = 4096

    /// Which part, from 1.
    public let index: Int
    /// How many parts there are.
    public let count: Int

    /// Takes a part.
    ///
    /// - Returns: nil unless `1 <= index <= count <= maximumCount`.
    public init?(index: Int, of count: Int) {
        guard count >= 1, count <= Self.maximumCount, index >= 1, index <= count else { return nil }
        self.index = index
        self.count = count
    }

    /// As it is typed: `2/8`.
    public var description: String { "\(index)/\(count)" }

    /// True when a symbol is in this part.
    public func contains(_ symbol: SymbolName) -> Bool {
        Self.part(of: symbol, count: count) == index
    }

    /// The part that a symbol is in, from 1.
    ///
    /// - Parameter count: how many parts there are, at least 1.
    public static func part(of symbol: SymbolName, count: Int) -> Int {
        let seed = fingerprint(of: symbol)
        var state = seed
        var best = (part: 1, score: UInt64(0))
        for part in 1...max(1, count) {
            state &+= 0x9E37_79B9_7F4A_7C15
            let score = mixed(state)
            // No two are equal: the states differ, and mixing loses nothing.
            if score > best.score { best = (part, score) }
        }
        return best.part
    }

    /// FNV-1a of the bytes, without padding.
    private static func fingerprint(of symbol: SymbolName) -> UInt64 {
        symbol.bytes.reduce(0xCBF2_9CE4_8422_2325) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
    }

    /// What SplitMix64 makes of its state (Steele, Lea and Flood, 2014).
    private static func mixed(_ state: UInt64) -> UInt64 {
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

extension SymbolShard {
    /// What is wrong with a text that is not a part.
    public struct Refusal: Error, Equatable, CustomStringConvertible {
        /// In words, with what is expected.
        public let description: String
    }

    /// Takes a part as a person or an orchestrator writes it: `2/8`, counted from 1; or
    /// `ordinal:1/8`, counted from 0, where a name may precede the number (`ordinal:tap-1/8`), as in
    /// the host names of a Kubernetes StatefulSet.
    public init(typed text: String) throws(Refusal) {
        let shape =
            "\"\(text.prefix(80))\" is not a part of the symbols: write I/N, such as 2/8, counted from 1"
        let ordinal = "ordinal:"
        let isOrdinal = text.hasPrefix(ordinal)
        let rest = isOrdinal ? text.dropFirst(ordinal.count) : text[...]
        guard let slash = rest.lastIndex(of: "/") else { throw Refusal(description: shape) }
        var first = rest[..<slash]
        if isOrdinal { first = first[first.trailingDigits...] }
        guard let count = Self.number(rest[rest.index(after: slash)...]),
            let number = Self.number(first)
        else {
            throw Refusal(
                description: isOrdinal
                    ? "\"\(text.prefix(80))\" is not a part of the symbols: write ordinal:O/N or "
                        + "ordinal:NAME-O/N, such as ordinal:tap-1/8, counted from 0" : shape)
        }
        guard (1...Self.maximumCount).contains(count) else {
            throw Refusal(
                description: "\"\(text)\": the symbols can be divided among 1 to "
                    + "\(Self.maximumCount) hosts, not \(count)")
        }
        let (lowest, highest) = isOrdinal ? (0, count - 1) : (1, count)
        guard let shard = Self(index: isOrdinal ? number + 1 : number, of: count) else {
            throw Refusal(
                description:
                    "\"\(text)\": there is no part \(number) of \(count); parts are numbered "
                    + "\(lowest) to \(highest)")
        }
        self = shard
    }

    /// Decimal digits and nothing else; at most nine, so that no sum can overflow.
    private static func number(_ text: Substring) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int(text)
    }
}

extension Substring {
    /// Where the digits at its end begin.
    fileprivate var trailingDigits: Index {
        var start = endIndex
        while start > startIndex {
            let before = index(before: start)
            guard self[before].isASCII, self[before].isNumber else { break }
            start = before
        }
        return start
    }
}
