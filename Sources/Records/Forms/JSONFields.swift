import Encoding
import Identity

/// The members of one JSON object, found by name; values stay where they lie in the line.
struct JSONFields: ~Escapable {
    private let line: RawSpan
    private var members: [(key: Range<Int>, value: Int)] = []
    /// True when a member is the exact form of another one.
    private var hasExact = false

    /// Finds the members of an object that fills the line.
    @_lifetime(copy line)
    init(_ line: RawSpan) throws(JSONScanner.Failure) {
        self.line = line
        var scanner = JSONScanner(line)
        try scanner.take(UInt8(ascii: "{"))
        var isFirst = true
        while try scanner.more(&isFirst, until: UInt8(ascii: "}")) {
            let key = try scanner.key()
            members.append((key, scanner.position))
            if key.count > 6, scanner.equals((key.upperBound - 6)..<key.upperBound, "_exact") {
                hasExact = true
            }
            try scanner.skip()
        }
        try scanner.end()
    }

    // MARK: - Members

    func text(_ name: StaticString) throws -> String {
        var scanner = try scanner(name)
        return try named(name) { try scanner.text() }
    }

    /// A whole number; the string beside it wins when both say the same to a double.
    func integer(_ name: StaticString) throws -> Int64 {
        guard hasExact, let place = place(of: name, "_exact") else {
            var scanner = try scanner(name)
            if let value = try? scanner.integer() { return value }
            return try wholeDecimal(name)
        }
        var beside = self.scanner(at: place)
        let exact = try named(name) { try beside.integer() }
        try requireSame(name, Double(exact))
        return exact
    }

    /// A whole number as some filters write it: `7.0`, `1.7e15`.
    private func wholeDecimal(_ name: StaticString) throws -> Int64 {
        var scanner = try scanner(name)
        if let whole = (try? scanner.decimal())?.rescaled(to: 0), let value = Int64(exactly: whole)
        {
            return value
        }
        // Says what is wrong with it.
        scanner = try self.scanner(name)
        return try named(name) { try scanner.integer() }
    }

    /// A whole number that few records have; nil when there is no such member.
    func optionalInteger(_ name: StaticString) throws -> Int64? {
        has(name) ? try integer(name) : nil
    }

    func boolean(_ name: StaticString) throws -> Bool {
        var scanner = try scanner(name)
        return try named(name) { try scanner.boolean() }
    }

    /// True when there is such a member.
    func has(_ name: StaticString) -> Bool { place(of: name) != nil }

    /// Null, or no such member, is nil.
    func optionalBoolean(_ name: StaticString) throws -> Bool? {
        guard let place = place(of: name) else { return nil }
        var scanner = scanner(at: place)
        return try named(name) { try scanner.null() ? nil : try scanner.boolean() }
    }

    func small<Value: FixedWidthInteger>(
        _ name: StaticString, _ type: Value.Type
    ) throws -> Value {
        let value = try integer(name)
        guard let small = Value(exactly: value) else {
            throw JSONRecord.Failure("\(name): \(value) is out of range")
        }
        return small
    }

    /// A decimal's digits under an exponent.
    func mantissa(_ name: StaticString, _ exponent: Int8) throws -> Int64 {
        guard let narrow = Int64(exactly: try wideMantissa(name, exponent)) else {
            throw JSONRecord.Failure("\(name): over 64 bits under exponent \(exponent)")
        }
        return narrow
    }

    /// A decimal's digits under an exponent; the string beside it wins when both say the same to
    /// a double, which is what a filter leaves of the number.
    func wideMantissa(_ name: StaticString, _ exponent: Int8) throws -> Int128 {
        let decimal: ExactDecimal
        if hasExact, let place = place(of: name, "_exact") {
            var beside = self.scanner(at: place)
            decimal = try named(name) { try beside.decimal() }
            try requireSame(name, decimal.double)
        } else {
            var scanner = try scanner(name)
            decimal = try named(name) { try scanner.decimal() }
        }
        guard let mantissa = decimal.rescaled(to: exponent) else {
            throw JSONRecord.Failure("\(name): has digits that exponent \(exponent) does not hold")
        }
        return mantissa
    }

    /// The number of a member has to be the one that is beside it, as far as a double tells.
    private func requireSame(_ name: StaticString, _ exact: Double) throws {
        var scanner = try scanner(name)
        let range = try named(name) { try scanner.number() }
        let text = unsafe line.extracting(range).withUnsafeBytes {
            unsafe String(decoding: $0, as: UTF8.self)
        }
        guard let number = Double(text) else {
            throw JSONRecord.Failure("\(name): is not a number")
        }
        guard number == exact else {
            throw JSONRecord.Failure(
                "\(name): differs from \(name)_exact; remove that to change it")
        }
    }

    func levels(_ name: StaticString) throws -> [Level] {
        let (price, quantity) = (try priceExponent, try quantityExponent)
        var scanner = try scanner(name)
        var levels: [Level] = []
        try scanner.take(UInt8(ascii: "["))
        var isFirst = true
        while try scanner.more(&isFirst, until: UInt8(ascii: "]")) {
            try scanner.take(UInt8(ascii: "["))
            let first = try scanner.decimal()
            try scanner.take(UInt8(ascii: ","))
            let second = try scanner.decimal()
            try scanner.take(UInt8(ascii: "]"))
            guard let wide = first.rescaled(to: price), let price = Int64(exactly: wide),
                let wide = second.rescaled(to: quantity), let quantity = Int64(exactly: wide)
            else { throw JSONRecord.Failure("\(name): a level that the exponents do not hold") }
            levels.append(Level(price: price, quantity: quantity))
        }
        return levels
    }

    func base64(_ name: StaticString) throws -> [UInt8] {
        guard let bytes = Base64.decode(try text(name)) else {
            throw JSONRecord.Failure("\(name): is not base64")
        }
        return bytes
    }

    // MARK: - The prefix

    var priceExponent: Int8 { get throws { try small("price_exponent", Int8.self) } }
    var quantityExponent: Int8 { get throws { try small("qty_exponent", Int8.self) } }

    /// The ids of a record that begins with one: most have no other.
    func ids(from first: Int64) throws -> ClosedRange<Int64> {
        guard let last = try optionalInteger("last_id") else { return first...first }
        guard first <= last else { throw JSONRecord.Failure("last_id: is below the first id") }
        return first...last
    }

    /// The series of kinds that have none; nothing is 0.
    var series: UInt16 { get throws { has("series") ? try small("series", UInt16.self) : 0 } }

    /// A code that has a name, or is given as a number beside the word "unknown".
    func code(
        _ name: StaticString, number: StaticString, _ known: (String) -> UInt8?
    ) throws -> UInt8 {
        let word = try text(name)
        if word == "unknown", has(number) { return try small(number, UInt8.self) }
        guard let code = known(word) else {
            throw JSONRecord.Failure("\(name): \"\(word)\" is not a valid \(name)")
        }
        return code
    }

    private var symbol: SymbolName {
        get throws {
            let name = try text("symbol")
            guard has("symbol_bytes") else {
                guard let symbol = SymbolName(name) else {
                    throw JSONRecord.Failure("symbol: \"\(name)\" is not valid: \(SymbolName.rule)")
                }
                return symbol
            }
            let bytes = try base64("symbol_bytes")
            guard bytes.count == SymbolName.capacity else {
                throw JSONRecord.Failure("symbol_bytes: are not \(SymbolName.capacity) bytes")
            }
            func word(_ index: Int) -> UInt64 {
                (0..<8).reduce(0) { $0 | UInt64(bytes[index * 8 + $1]) << UInt64($1 * 8) }
            }
            let symbol = SymbolName(words: (word(0), word(1), word(2), word(3)))
            guard symbol.description == name else {
                throw JSONRecord.Failure(
                    "symbol: differs from symbol_bytes; remove that to change it")
            }
            return symbol
        }
    }

    func prefix(
        _ kind: RecordKind, ids: ClosedRange<Int64>, series: UInt16 = 0
    ) throws -> RecordPrefix {
        let source = try code("source", number: "source_code", SourceWord.code)
        return RecordPrefix(
            sequence: SequenceID(
                venue: try small("venue", UInt8.self), template: kind.rawValue, series: series,
                symbol: try symbol),
            eventTime: try integer("event_time_us"), ingestTime: try integer("ingest_time_ns"),
            ids: ids, source: SourceCode(rawValue: source),
            exponents: (try priceExponent, try quantityExponent),
            flags: RecordFlags(rawValue: try small("flags", UInt16.self)))
    }

    // MARK: - Finding

    /// Where a member's value begins; the last one counts when a name stands there twice.
    private func place(of name: StaticString, _ suffix: StaticString = "") -> Int? {
        let scanner = JSONScanner(line)
        let length = name.utf8CodeUnitCount
        for member in members.reversed()
        where member.key.count == length + suffix.utf8CodeUnitCount {
            let middle = member.key.lowerBound + length
            if scanner.equals(member.key.lowerBound..<middle, name),
                scanner.equals(middle..<member.key.upperBound, suffix)
            {
                return member.value
            }
        }
        return nil
    }

    @_lifetime(copy self)
    private func scanner(_ name: StaticString) throws -> JSONScanner {
        guard let place = place(of: name) else {
            throw JSONRecord.Failure("\(name): is missing")
        }
        return scanner(at: place)
    }

    @_lifetime(copy self)
    private func scanner(at place: Int) -> JSONScanner { JSONScanner(line, from: place) }

    private func named<Value>(_ name: StaticString, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let failure as JSONScanner.Failure {
            throw JSONRecord.Failure("\(name): \(failure.reason)")
        }
    }
}
