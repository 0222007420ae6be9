/// A value in a log line: a number where it is one, so that JSON has a number, else text.
///
/// Written as text with an interpolation, as everywhere: `"\(records)"` of a number alone is that
/// number, anything else (`"\(seconds) s"`, `"\(name)"`) is text.
public struct LogValue: Sendable, ExpressibleByStringInterpolation {
    /// What a reader sees.
    let text: String
    /// True when `text` is a number in JSON's notation.
    let isNumber: Bool

    /// Text.
    public init(stringLiteral text: String) {
        self.text = text
        isNumber = false
    }

    /// Text and numbers.
    public init(stringInterpolation parts: StringInterpolation) {
        text = parts.text
        isNumber = parts.isNumber && parts.count == 1
    }

    init(text: String, isNumber: Bool) {
        self.text = text
        self.isNumber = isNumber
    }

    /// Collects the parts of a value.
    public struct StringInterpolation: StringInterpolationProtocol {
        var text = ""
        var isNumber = false
        var count = 0

        /// For the compiler.
        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 8 * interpolationCount)
        }

        /// Text between values.
        public mutating func appendLiteral(_ literal: String) {
            guard !literal.isEmpty else { return }
            text += literal
            count += 1
        }

        /// A whole number.
        public mutating func appendInterpolation(_ value: some BinaryInteger) {
            text += "\(value)"
            isNumber = true
            count += 1
        }

        /// A number, with three decimals at most: durations and shares need no more.
        public mutating func appendInterpolation(_ value: Double) {
            let isFinite = value.isFinite && abs(value) < 1e12
            text += isFinite ? Self.rounded(value) : "\(value)"
            isNumber = isFinite
            count += 1
        }

        /// Anything else, as text.
        public mutating func appendInterpolation<Value>(_ value: Value) {
            text += "\(value)"
            count += 1
        }

        private static func rounded(_ value: Double) -> String {
            let rounded = (value * 1000).rounded() / 1000
            return rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
        }
    }
}
