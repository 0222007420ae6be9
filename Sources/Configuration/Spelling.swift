/// Finds what someone may have meant.
package enum Spelling {
    /// The nearest of some names: the one that begins with what was typed, or one that is few
    /// slips away; nil when none is near.
    package static func nearest(to name: String, among names: Set<String>) -> String? {
        guard !names.contains(name) else { return name }
        let letters = name.count { $0.isLetter || $0.isNumber }
        let continued = names.filter { $0.hasPrefix(name) }
        if letters >= 3, let shortest = continued.min(by: { $0.count < $1.count }),
            continued.allSatisfy({ $0.hasPrefix(shortest) })
        {
            return shortest
        }
        let ranked = names.sorted().map { ($0, distance(name, $0)) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }) else { return nil }
        // One slip in a short word, two in a word of usual length, three in a long one.
        let limit = letters < 4 ? 1 : letters < 9 ? 2 : 3
        return best.1 <= limit ? best.0 : nil
    }

    /// True when at most one slip is between two texts of ASCII, which is what ``distance(_:_:)``
    /// says too: found in one pass and without an allocation, for names that are compared with
    /// hundreds each time that a program starts.
    package static func isWithinOneSlip(_ one: String, _ other: String) -> Bool {
        let (one, other) = (one.utf8, other.utf8)
        guard abs(one.count - other.count) <= 1 else { return false }
        var (start, otherStart) = (one.startIndex, other.startIndex)
        while start < one.endIndex, otherStart < other.endIndex, one[start] == other[otherStart] {
            one.formIndex(after: &start)
            other.formIndex(after: &otherStart)
        }
        let (rest, otherRest) = (one[start...], other[otherStart...])
        let longest = max(rest.count, otherRest.count)
        if longest <= 1 { return true }
        // Past the slip both must be the same.
        if rest.count > otherRest.count { return rest.dropFirst().elementsEqual(otherRest) }
        if rest.count < otherRest.count { return rest.elementsEqual(otherRest.dropFirst()) }
        return rest.dropFirst().elementsEqual(otherRest.dropFirst())
            || rest.prefix(2).reversed().elementsEqual(otherRest.prefix(2))
                && rest.dropFirst(2).elementsEqual(otherRest.dropFirst(2))
    }

    /// How many slips lead from one text to another: insertions, deletions, replacements, and two
    /// neighbours that changed places (the optimal string alignment distance).
    package static func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one), Array(other))
        var before: [Int] = []
        var row = Array(0...other.count)
        for index in one.indices {
            var next = [index + 1]
            for column in other.indices {
                var best = min(next[column] + 1, row[column + 1] + 1)
                best = min(best, row[column] + (one[index] == other[column] ? 0 : 1))
                if index > 0, column > 0, one[index] == other[column - 1],
                    one[index - 1] == other[column]
                {
                    best = min(best, before[column - 1] + 1)
                }
                next.append(best)
            }
            before = row
            row = next
        }
        return row[other.count]
    }
}
