import Encoding

extension SymbolName {
    /// A symbol as a person types it: the venue's are upper case, whatever they were asked for by.
    /// Only ASCII letters have a case there; names in other scripts are taken as they are.
    ///
    /// Fails for texts that ``init(_:)`` does not take.
    public init?(asTyped text: String) {
        self.init(text.asciiUppercased)
    }

    /// A symbol to ask the venue for, as a person types it. Fails also for characters that separate
    /// words of a URL: the venue has no symbol with one, and they would ask for something else.
    public init?(forVenue text: String) {
        guard !text.unicodeScalars.contains(where: Self.isSeparator) else { return nil }
        self.init(asTyped: text)
    }

    /// Why a text is not a symbol, for whoever typed it.
    public static func refusal(of text: String) -> String {
        let start = "\"\(String(text.prefix(80)).escapingControls)\" is not a valid symbol"
        guard let separator = text.unicodeScalars.first(where: isSeparator) else {
            return "\(start): \(rule)"
        }
        let bare = String(String.UnicodeScalarView(text.unicodeScalars.filter { !isSeparator($0) }))
        let hint = Self(asTyped: bare).map { "; did you mean \($0.shown)?" } ?? ""
        let found =
            separator.properties.isWhitespace || separator.value < 0x20
            ? "white space" : "\(Character(separator))"
        return "\(start): the venue's have no \(found)\(hint)"
    }

    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || scalar.value == 0x7F || scalar.properties.isWhitespace
            || "/\\?#&=@:;%\"'<>".unicodeScalars.contains(scalar)
    }
}

extension String {
    /// With upper-case ASCII letters; every other character as it is.
    package var asciiUppercased: String {
        String(
            decoding: utf8.map {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? $0 - 32 : $0
            },
            as: UTF8.self)
    }

    /// With lower-case ASCII letters; every other character as it is.
    package var asciiLowercased: String {
        String(
            decoding: utf8.map {
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0
            },
            as: UTF8.self)
    }
}

extension RecordKind {
    /// A kind as a person types it: in either case, and in the plural of a data set (`aggTrades`).
    public init?(typed text: String) {
        let word = text.asciiLowercased
        let kind = Self.allCases.first { kind in
            let name = kind.name.asciiLowercased
            return word == name || word == name + "s"
        }
        guard let kind else { return nil }
        self = kind
    }
}
