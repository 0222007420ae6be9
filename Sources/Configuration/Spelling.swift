/// Finds what somebody may have meant.
package enum Spelling {
    /// The nearest of some names; nil when none is near.
    package static func nearest(to name: String, among names: Set<String>) -> String? {
        let ranked = names.sorted().map { ($0, distance(name, $0)) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }) else { return nil }
        return best.1 <= max(3, name.count / 3) ? best.0 : nil
    }

    /// Levenshtein's distance: insertions, deletions and replacements.
    package static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (index, left) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in 0..<other.count {
                let above = row[column + 1]
                let replaced = diagonal + (left == other[column] ? 0 : 1)
                row[column + 1] = min(above + 1, row[column] + 1, replaced)
                diagonal = above
            }
        }
        return row[other.count]
    }
}
