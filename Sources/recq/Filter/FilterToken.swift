/// A word of an expression.
struct FilterToken: Equatable {
    enum Kind: Equatable {
        /// A field, a word or a keyword.
        case name(String)
        /// Text between quotes.
        case quoted(String)
        /// A number, a time, or anything else that begins with a digit, a sign or a point.
        case literal(String)
        case comparison(Comparison)
        case open
        case close
        case comma
        case and
        case or
        case not
        case end
    }

    let kind: Kind
    /// Characters from the start of the expression.
    let place: Int
}

/// How two values are compared.
enum Comparison: UInt8 {
    case equal
    case notEqual
    case less
    case lessOrEqual
    case greater
    case greaterOrEqual
    /// A text against a pattern.
    case matches

    var text: String {
        switch self {
        case .equal: "=="
        case .notEqual: "!="
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        case .matches: "~"
        }
    }
}

/// Cuts an expression into words.
struct FilterScanner {
    private let text: String
    private let characters: [Character]
    private var place = 0

    init(_ text: String) {
        self.text = text
        characters = Array(text)
    }

    /// All words, an end behind them.
    static func tokens(_ text: String) throws(FilterError) -> [FilterToken] {
        var scanner = FilterScanner(text)
        var tokens: [FilterToken] = []
        while true {
            let token = try scanner.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private mutating func next() throws(FilterError) -> FilterToken {
        while place < characters.count, characters[place].isWhitespace { place += 1 }
        let start = place
        guard start < characters.count else { return FilterToken(kind: .end, place: start) }
        let character = characters[start]
        if let kind = try sign(character, start) { return FilterToken(kind: kind, place: start) }
        if character == "\"" || character == "'" {
            return FilterToken(kind: .quoted(try quoted(character)), place: start)
        }
        guard Self.isWord(character) || "-+.".contains(character) else {
            throw failure(start, "\"\(character)\" is not part of an expression")
        }
        place += 1
        while place < characters.count, Self.isWord(characters[place]) || isInside(place, start) {
            place += 1
        }
        let word = String(characters[start..<place])
        if character.isNumber && !Self.isIntervalOrName(word) || "-+.".contains(character) {
            return FilterToken(kind: .literal(word), place: start)
        }
        let kind: FilterToken.Kind =
            switch word.lowercased() {
            case "and": .and
            case "or": .or
            case "not": .not
            default: .name(word)
            }
        return FilterToken(kind: kind, place: start)
    }

    /// Times have colons, points and signs inside, numbers too.
    private func isInside(_ place: Int, _ start: Int) -> Bool {
        let character = characters[place]
        guard ":.-+".contains(character),
            characters[start].isNumber || "-+.".contains(characters[start])
        else {
            return character == "-" && place + 1 < characters.count
                && Self.isWord(characters[place + 1])
        }
        return true
    }

    /// `1m` and `1000SATSUSDT` begin with a digit, and are not numbers.
    private static func isIntervalOrName(_ word: String) -> Bool {
        guard let letter = word.first(where: { !$0.isNumber }) else { return false }
        guard letter.isLetter, letter != "e", letter != "E", letter != "T" else { return false }
        return word.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
    }

    private static func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private mutating func sign(
        _ character: Character, _ start: Int
    ) throws(FilterError) -> FilterToken.Kind? {
        let following = start + 1 < characters.count ? characters[start + 1] : " "
        func take(_ count: Int, _ kind: FilterToken.Kind) -> FilterToken.Kind {
            place = start + count
            return kind
        }
        switch (character, following) {
        case ("(", _): return take(1, .open)
        case (")", _): return take(1, .close)
        case (",", _): return take(1, .comma)
        case ("=", "="): return take(2, .comparison(.equal))
        case ("=", "~"): return take(2, .comparison(.matches))
        case ("=", _): return take(1, .comparison(.equal))
        case ("!", "="): return take(2, .comparison(.notEqual))
        case ("!", _): return take(1, .not)
        case ("<", "="): return take(2, .comparison(.lessOrEqual))
        case ("<", ">"): return take(2, .comparison(.notEqual))
        case ("<", _): return take(1, .comparison(.less))
        case (">", "="): return take(2, .comparison(.greaterOrEqual))
        case (">", _): return take(1, .comparison(.greater))
        case ("~", _): return take(1, .comparison(.matches))
        case ("&", "&"): return take(2, .and)
        case ("|", "|"): return take(2, .or)
        case ("&", _), ("|", _):
            throw failure(start, "use \(character == "&" ? "and" : "or") between two conditions")
        default: return nil
        }
    }

    private mutating func quoted(_ quote: Character) throws(FilterError) -> String {
        let start = place
        place += 1
        var content = ""
        while place < characters.count {
            let character = characters[place]
            place += 1
            if character == quote { return content }
            content.append(character)
        }
        throw failure(start, "a text without its closing \(quote)")
    }

    private func failure(_ place: Int, _ reason: String) -> FilterError {
        FilterError(expression: text, place: place, reason: reason)
    }
}
