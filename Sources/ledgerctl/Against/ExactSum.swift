import Encoding

/// A sum of exact numbers of whatever exponents; nothing is rounded.
struct ExactSum {
    private var total = ExactDecimal(mantissa: 0, exponent: 0)
    private var isOverflowed = false

    /// The sum; nil when 128 bits did not suffice.
    var value: ExactDecimal? { isOverflowed ? nil : total.trimmed }

    /// Adds a number; nil is one that is not known, and then nothing is known of the sum.
    mutating func add(_ number: ExactDecimal?) {
        guard let number else {
            isOverflowed = true
            return
        }
        let exponent = min(number.exponent, total.exponent)
        guard let one = total.rescaled(to: exponent), let other = number.rescaled(to: exponent)
        else {
            isOverflowed = true
            return
        }
        let (sum, overflow) = one.addingReportingOverflow(other)
        isOverflowed = isOverflowed || overflow
        total = ExactDecimal(mantissa: sum, exponent: exponent)
    }

    /// True when it is that number, or not farther from it than a few units of its eighth digit.
    ///
    /// - Parameter units: of 10⁻⁸.
    func isNear(_ number: ExactDecimal, units: Int64) -> Bool {
        guard let value else { return false }
        let exponent = min(value.exponent, number.exponent, -8)
        guard let one = value.rescaled(to: exponent), let other = number.rescaled(to: exponent),
            let slack = ExactDecimal(mantissa: Int128(units), exponent: -8).rescaled(to: exponent)
        else { return false }
        let (difference, overflow) = one.subtractingReportingOverflow(other)
        return !overflow && difference.magnitude <= slack.magnitude
    }
}
