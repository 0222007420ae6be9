import Bronze
import Ledger

/// Of a partition whose ids only grow: the stretches that uninterrupted readings cover together.
///
/// A manifest claims one run of an object. Readings that overlap, or of which one goes on where
/// another was, saw everything from the first id to the last; between stretches nothing is known.
struct ObservedStretches {
    /// First and last id, and the id that was read right before; nil where a reading began.
    private(set) var all: [(ids: ClosedRange<Int64>, previous: Int64?)] = []

    /// - Parameter objects: of one sequence.
    init(_ objects: [StoredObject]) {
        let runs = objects.compactMap(\.run).sorted {
            ($0.span.lowerBound, $0.previous ?? .min) < ($1.span.lowerBound, $1.previous ?? .min)
        }
        for run in runs {
            guard let last = all.last else {
                all.append((run.span, run.previous))
                continue
            }
            let goesOn = run.previous.map { last.ids.contains($0) } ?? false
            if goesOn || last.ids.contains(run.span.lowerBound) {
                let end = max(last.ids.upperBound, run.span.upperBound)
                // Of two readings that begin together one may know what was before.
                let isSameStart = run.span.lowerBound == last.ids.lowerBound
                all[all.count - 1] = (
                    last.ids.lowerBound...end,
                    isSameStart ? last.previous ?? run.previous : last.previous
                )
            } else {
                all.append((run.span, run.previous))
            }
        }
    }
}
