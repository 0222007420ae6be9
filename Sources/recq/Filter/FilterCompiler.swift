import Configuration
import Encoding
import Identity
import Posix
import Records
import Stage

/// Makes the steps of an expression.
///
/// ```
/// either  = both { or both }
/// both    = one { and one }
/// one     = not one | ( either ) | test
/// test    = field | field compare value | field [not] in ( value {, value} )
/// compare = == | = | != | <> | < | <= | > | >= | ~
/// ```
struct FilterCompiler {
    /// Deepest nesting: each level keeps two bits of the program's stack.
    private static let deepest = 30

    private let text: String
    private let tokens: [FilterToken]
    private var next = 0
    private var depth = 0
    private var program = FilterProgram()

    /// The program of an expression.
    ///
    /// - Throws: ``FilterError``, which says where and what would be right.
    static func compile(_ text: String) throws(FilterError) -> FilterProgram {
        var compiler = FilterCompiler(text, try FilterScanner.tokens(text))
        if compiler.token.kind == .end {
            throw compiler.failure(
                "the expression is empty; an example: qty > 0.5 and kind == trade")
        }
        try compiler.either()
        guard compiler.token.kind == .end else {
            throw compiler.failure("expected and, or, or the end")
        }
        return compiler.program
    }

    private init(_ text: String, _ tokens: [FilterToken]) {
        self.text = text
        self.tokens = tokens
    }

    private var token: FilterToken { tokens[next] }

    private func failure(_ reason: String, at place: Int? = nil) -> FilterError {
        FilterError(expression: text, place: place ?? token.place, reason: reason)
    }

    // MARK: - Logic

    private mutating func either() throws(FilterError) {
        try both()
        while token.kind == .or {
            next += 1
            try both()
            program.steps.append(FilterProgram.Step(operation: .or))
        }
    }

    private mutating func both() throws(FilterError) {
        try one()
        while token.kind == .and {
            next += 1
            try one()
            program.steps.append(FilterProgram.Step(operation: .and))
        }
    }

    private mutating func one() throws(FilterError) {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.deepest else { throw failure("the expression is nested too deep") }
        switch token.kind {
        case .not:
            next += 1
            try one()
            program.steps.append(FilterProgram.Step(operation: .not))
        case .open:
            next += 1
            try either()
            guard token.kind == .close else { throw failure("expected )") }
            next += 1
        default: try test()
        }
    }

    // MARK: - Tests

    private mutating func test() throws(FilterError) {
        guard case .name(let name) = token.kind else {
            throw failure("expected a field, such as price, qty, kind, symbol or time")
        }
        guard let field = RecordField(name: name) else {
            let names = Set(RecordField.allCases.map(\.rawValue))
            let near = Spelling.nearest(to: name, among: names)
            throw failure(
                "\(name) is not a field"
                    + (near.map { "; did you mean \($0)?" }
                        ?? "; `recq where --help` lists the fields"))
        }
        next += 1
        switch token.kind {
        case .comparison(let comparison):
            let place = token.place
            next += 1
            try compare(field, comparison, place)
        case .not:
            next += 1
            guard token.kind == .name("in") || token.kind == .name("IN") else {
                throw failure("expected in")
            }
            try list(field)
            program.steps.append(FilterProgram.Step(operation: .not))
        case .name("in"), .name("IN"): try list(field)
        default:
            guard field.type == .boolean else {
                throw failure(
                    "\(name) is not true or false: compare it with ==, !=, <, <=, >, >= or in")
            }
            program.steps.append(FilterProgram.Step(operation: .isTrue, field: field))
        }
    }

    private mutating func compare(
        _ field: RecordField, _ comparison: Comparison, _ place: Int
    ) throws(FilterError) {
        let isOrder = comparison != .equal && comparison != .notEqual
        if comparison == .matches {
            guard field == .symbol else {
                throw failure("~ is for symbols, as in symbol ~ '*USDT'", at: place)
            }
            program.patterns.append(Glob(try word()))
            return program.steps.append(
                FilterProgram.Step(
                    operation: .symbolMatches, field: field, operand: program.patterns.count - 1))
        }
        switch field.type {
        case .number, .time:
            program.numbers.append(FilterProgram.Operand(try number(field)))
            program.steps.append(
                FilterProgram.Step(
                    operation: .compareNumber, field: field, comparison: comparison,
                    operand: program.numbers.count - 1))
        case .word:
            // The intervals' numbers are in the order of their lengths.
            if isOrder, field != .interval {
                throw failure("a \(field.rawValue) is compared with ==, != or in", at: place)
            }
            program.steps.append(
                FilterProgram.Step(
                    operation: .compareCode, field: field, comparison: comparison,
                    operand: try code(field)))
        case .symbol:
            if isOrder { throw failure("a symbol is compared with ==, !=, in or ~", at: place) }
            program.symbols.append(try symbol())
            program.steps.append(
                FilterProgram.Step(
                    operation: .isSymbol, field: field, comparison: comparison,
                    operand: program.symbols.count - 1))
        case .boolean:
            if isOrder {
                throw failure("\(field.rawValue) is compared with == or !=", at: place)
            }
            let value = try boolean(field)
            program.steps.append(FilterProgram.Step(operation: .isTrue, field: field))
            if value == (comparison == .notEqual) {
                program.steps.append(FilterProgram.Step(operation: .not))
            }
        }
    }

    private mutating func list(_ field: RecordField) throws(FilterError) {
        next += 1
        guard token.kind == .open else { throw failure("expected ( and a list of values") }
        let start = (program.numbers.count, program.codes.count, program.symbols.count)
        var count = 0
        repeat {
            next += 1
            switch field.type {
            case .number, .time: program.numbers.append(FilterProgram.Operand(try number(field)))
            case .word: program.codes.append(try code(field))
            case .symbol: program.symbols.append(try symbol())
            case .boolean: throw failure("\(field.rawValue) is compared with == or !=")
            }
            count += 1
        } while token.kind == .comma
        guard token.kind == .close else { throw failure("expected , or )") }
        next += 1
        var step = FilterProgram.Step(operation: .isInNumbers, field: field, count: count)
        switch field.type {
        case .number, .time: step.operand = start.0
        case .word: (step.operation, step.operand) = (.isInCodes, start.1)
        default: (step.operation, step.operand) = (.isInSymbols, start.2)
        }
        program.steps.append(step)
    }

    // MARK: - Values

    /// A word with or without quotes.
    private mutating func word() throws(FilterError) -> String {
        switch token.kind {
        case .name(let text), .quoted(let text), .literal(let text):
            next += 1
            return text
        default: throw failure("expected a value")
        }
    }

    private mutating func symbol() throws(FilterError) -> SymbolName {
        let place = token.place
        let text = try word()
        guard let symbol = SymbolName(text) else {
            throw failure("\"\(text)\" is not a valid symbol: \(SymbolName.rule)", at: place)
        }
        return symbol
    }

    private mutating func code(_ field: RecordField) throws(FilterError) -> Int {
        let place = token.place
        let text = try word()
        let words = field.words
        if let known = words.first(where: { $0.word == text }) { return known.code }
        let near = Spelling.nearest(to: text, among: Set(words.map(\.word)))
        let list = words.map(\.word).joined(separator: ", ")
        throw failure(
            "\(text) is not a valid \(field.rawValue)"
                + (near.map { "; did you mean \($0)?" } ?? "; there are \(list)"), at: place)
    }

    private mutating func boolean(_ field: RecordField) throws(FilterError) -> Bool {
        let place = token.place
        switch try word() {
        case "true": return true
        case "false": return false
        case let other:
            throw failure("\(field.rawValue) is true or false, not \(other)", at: place)
        }
    }

    private mutating func number(_ field: RecordField) throws(FilterError) -> ExactDecimal {
        let place = token.place
        let text = try word()
        if field.type == .time {
            guard let time = Timestamp.typed(text, now: Clock.realtimeNanoseconds() / 1000) else {
                throw failure(
                    "\(field.rawValue) is compared with a time (UTC) such as 2024-01-31, "
                        + "2024-01-31T12:00:00.5 or yesterday, not with \(text)", at: place)
            }
            return ExactDecimal(mantissa: Int128(time), exponent: 0)
        }
        let bytes = Array((text.hasPrefix("+") ? String(text.dropFirst()) : text).utf8)
        guard !bytes.isEmpty,
            let number = JSONScanner.decimal(bytes.span.bytes, 0..<bytes.count)
        else {
            throw failure(
                "\(field.rawValue) is compared with a number, not with \(text)", at: place)
        }
        return number
    }
}
