import Encoding
import Identity
import Records

/// What an expression became: steps that work on a small stack, with nothing in them that is
/// counted or allocated, so that looking at a record costs a few nanoseconds.
///
/// A condition about a field that a record does not have is neither true nor false; `not` leaves it
/// so, `and` and `or` follow Kleene's logic, and only what is true passes.
struct FilterProgram: Sendable {
    /// What one step does.
    enum Operation: UInt8 {
        case compareNumber
        case compareCode
        case isInCodes
        case isSymbol
        case isInSymbols
        case symbolMatches
        case isTrue
        case isInNumbers
        case and
        case or
        case not
    }

    /// One step.
    struct Step: Sendable {
        var operation: Operation
        var field: RecordField = .kind
        var comparison: Comparison = .equal
        /// An index into the table of the operation's operands, or a code.
        var operand = 0
        /// Of a list: how many operands.
        var count = 1
    }

    /// False, true, or neither.
    enum Truth: UInt8 {
        case no
        case yes
        case unknown

        init(_ value: Bool) { self = value ? .yes : .no }
    }

    var steps: [Step] = []
    var numbers: [Operand] = []
    var codes: [Int] = []
    var symbols: [SymbolName] = []
    var patterns: [Glob] = []

    /// A number to compare with, under the exponent that records had last.
    struct Operand: Sendable {
        let number: ExactDecimal
        /// The exponent that the next two are of.
        private(set) var exponent: Int8
        /// The number's digits under that exponent, rounded down.
        private(set) var floor: Int128
        private(set) var isExact: Bool

        init(_ number: ExactDecimal) {
            self.number = number
            exponent = number.exponent
            floor = number.mantissa
            isExact = true
        }

        /// Works it out for another exponent.
        mutating func scale(to target: Int8) {
            exponent = target
            (floor, isExact) = number.floor(under: target)
        }
    }

    /// True when a record passes.
    mutating func passes(_ frame: borrowing FrameView) -> Bool {
        var stack: (UInt64, Int) = (0, 0)
        for step in steps { run(step, frame, &stack) }
        return stack.0 & 3 == UInt64(Truth.yes.rawValue)
    }

    /// Two bits a value; the compiler of expressions allows no more than 32 of them.
    @inline(__always)
    private mutating func run(
        _ step: Step, _ frame: borrowing FrameView, _ stack: inout (UInt64, Int)
    ) {
        switch step.operation {
        case .and, .or:
            let right = Truth(rawValue: UInt8(truncatingIfNeeded: stack.0 & 3)) ?? .unknown
            let left = Truth(rawValue: UInt8(truncatingIfNeeded: stack.0 >> 2 & 3)) ?? .unknown
            let dominant: Truth = step.operation == .and ? .no : .yes
            let result: Truth =
                left == dominant || right == dominant
                ? dominant : left == .unknown || right == .unknown ? .unknown : left
            stack.0 = (stack.0 >> 4) << 2 | UInt64(result.rawValue)
        case .not:
            let value = Truth(rawValue: UInt8(truncatingIfNeeded: stack.0 & 3)) ?? .unknown
            let result: Truth = value == .unknown ? .unknown : value == .yes ? .no : .yes
            stack.0 = (stack.0 >> 2) << 2 | UInt64(result.rawValue)
        default:
            stack.0 = stack.0 << 2 | UInt64(test(step, frame).rawValue)
        }
    }

    @inline(__always)
    private mutating func test(_ step: Step, _ frame: borrowing FrameView) -> Truth {
        switch step.operation {
        case .compareCode:
            guard let code = frame.code(step.field) else { return .unknown }
            return Truth(Self.holds(step.comparison, code < step.operand, code == step.operand))
        case .isSymbol:
            return Truth(
                (frame.symbol == symbols[step.operand]) == (step.comparison == .equal))
        case .compareNumber:
            guard let value = frame.number(step.field) else { return .unknown }
            return Truth(compare(value, step))
        case .isTrue:
            guard let value = frame.boolean(step.field) else { return .unknown }
            return Truth(value)
        default: return testList(step, frame)
        }
    }

    private mutating func testList(_ step: Step, _ frame: borrowing FrameView) -> Truth {
        let range = step.operand..<(step.operand + step.count)
        switch step.operation {
        case .isInCodes:
            guard let code = frame.code(step.field) else { return .unknown }
            return Truth(codes[range].contains(code))
        case .isInSymbols:
            let symbol = frame.symbol
            return Truth(symbols[range].contains(symbol))
        case .symbolMatches: return Truth(patterns[step.operand].matches(frame.symbol))
        case .isInNumbers:
            guard let value = frame.number(step.field) else { return .unknown }
            var one = step
            one.comparison = .equal
            for index in range {
                one.operand = index
                if compare(value, one) { return .yes }
            }
            return .no
        default: return .unknown
        }
    }

    @inline(__always)
    private mutating func compare(_ value: ExactDecimal, _ step: Step) -> Bool {
        if numbers[step.operand].exponent != value.exponent {
            numbers[step.operand].scale(to: value.exponent)
        }
        let (floor, isExact) = (numbers[step.operand].floor, numbers[step.operand].isExact)
        // Between two digits: what is equal to the lower one is less.
        let isEqual = value.mantissa == floor && isExact
        let isLess = value.mantissa < floor || value.mantissa == floor && !isExact
        return Self.holds(step.comparison, isLess, isEqual)
    }

    @inline(__always)
    private static func holds(_ comparison: Comparison, _ isLess: Bool, _ isEqual: Bool) -> Bool {
        switch comparison {
        case .equal, .matches: isEqual
        case .notEqual: !isEqual
        case .less: isLess
        case .lessOrEqual: isLess || isEqual
        case .greater: !isLess && !isEqual
        case .greaterOrEqual: !isLess
        }
    }
}

extension ExactDecimal {
    /// The digits under another exponent, rounded down, and whether nothing was lost.
    ///
    /// A number beyond 128 bits becomes the outermost one, which no record reaches.
    func floor(under target: Int8) -> (digits: Int128, isExact: Bool) {
        if let exact = rescaled(to: target) { return (exact, true) }
        let distance = Int(exponent) - Int(target)
        if distance > 0 { return (mantissa < 0 ? .min : .max, false) }
        var digits = mantissa
        for _ in 0..<(-distance) {
            let (quotient, remainder) = digits.quotientAndRemainder(dividingBy: 10)
            digits = remainder < 0 ? quotient - 1 : quotient
            if digits == 0 || digits == -1 { break }
        }
        return (digits, false)
    }
}

/// A pattern for symbols: `*` is any text, `?` one byte.
struct Glob: Sendable, Equatable {
    private let pattern: [UInt8]

    init(_ text: String) { pattern = Array(text.utf8) }

    func matches(_ symbol: SymbolName) -> Bool {
        let text = symbol.bytes
        var (place, index) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while index < text.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, index)
                place += 1
            } else if place < pattern.count,
                pattern[place] == UInt8(ascii: "?") || pattern[place] == text[index]
            {
                place += 1
                index += 1
            } else if let last = star {
                // The star takes one byte more.
                star = (last.pattern, last.text + 1)
                (place, index) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
