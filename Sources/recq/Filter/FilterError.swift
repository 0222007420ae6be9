/// An expression that is not understood, with the place.
struct FilterError: Error, Equatable, CustomStringConvertible {
    /// The whole expression.
    let expression: String
    /// Characters from its start, from 0.
    let place: Int
    let reason: String

    /// The reason with its column, and below it the expression with a mark under the place.
    var description: String {
        // Tabs and line ends would move the mark.
        let shown = expression.map { $0.isWhitespace ? " " : $0 }
        return "column \(place + 1): \(reason)\n  \(String(shown))\n  "
            + String(repeating: " ", count: place) + "^"
    }
}
