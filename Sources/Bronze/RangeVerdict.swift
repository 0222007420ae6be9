import Encoding
public import Identity
public import Ledger

/// What is asked about.
public enum ProofRange: Sendable, Equatable {
    /// First to last id that is known.
    case all
    /// Ids; of klines times, µs.
    case ids(ClosedRange<Int64>)
    /// Event times, µs since the epoch.
    case times(Range<Int64>)
}

/// Ids, or a stretch of time, that objects do not hold.
public struct ProofHole: Sendable, Equatable {
    /// The ids; nil where only times are known.
    public let ids: ClosedRange<Int64>?
    /// Event time of the record before it, µs; nil when there is none.
    public let after: Int64?
    /// Event time of the record after it, µs; nil when there is none.
    public let before: Int64?
    /// Why, as far as anybody said.
    public let reason: String
    /// True for ids that will not come, as a gap record says.
    public let isDeclared: Bool
    /// True for ids whose records came and were put aside by a sink.
    public var isQuarantined = false
}

/// The answer about a range of one sequence.
public struct RangeVerdict: Sendable {
    /// Whose.
    public let sequence: SequenceID
    /// The ids that were looked at; nil when nothing is known of them.
    public internal(set) var ids: ClosedRange<Int64>?
    /// How many of them are held.
    public internal(set) var held: UInt64 = 0
    /// How many of those were fetched to fill a hole.
    public internal(set) var repaired: UInt64 = 0
    /// How many of those are in more than one object.
    public internal(set) var twice: UInt64 = 0
    /// How many of those are in objects of more than one chain.
    public internal(set) var shared: UInt64 = 0
    /// What is not held.
    public internal(set) var holes: [ProofHole] = []
    /// What nothing is known of.
    public internal(set) var unknown: [ProofHole] = []
    /// Of an increasing sequence: what was seen without interruption.
    public internal(set) var runs: [Run] = []

    /// Of the ids that were looked at those that are missing, and those that are declared absent.
    public var absent: (missing: UInt64, declared: UInt64) {
        var counts: (missing: UInt64, declared: UInt64) = (0, 0)
        for hole in holes {
            guard let ids = hole.ids else { continue }
            let count = UInt64(bitPattern: ids.upperBound &- ids.lowerBound) &+ 1
            if hole.isDeclared {
                counts.declared &+= count
            } else {
                counts.missing &+= count
            }
        }
        return counts
    }

    /// True when nothing is missing, as far as can be claimed; declared ids may count as there.
    public func isWhole(allowingDeclared: Bool) -> Bool {
        unknown.isEmpty && !holes.contains { !($0.isDeclared && allowingDeclared) }
    }
}

extension SequenceProof {
    /// How far from an edge of a stretch of time the first and the last record may be when nothing is
    /// known beyond them, µs: an hour, which is how objects are cut.
    static let edge: Int64 = 3_600_000_000

    /// Answers about a range.
    public func verdict(_ range: ProofRange) -> RangeVerdict {
        sequence.numbering == .increasing ? observed(range) : contiguous(range)
    }

    // MARK: - Contiguous

    private func contiguous(_ range: ProofRange) -> RangeVerdict {
        var verdict = RangeVerdict(sequence: sequence)
        var span: ClosedRange<Int64>?
        switch range {
        case .ids(let ids): span = ids
        case .all: span = known
        case .times(let times):
            if sequence.kind == .kline {
                span = times.isEmpty ? nil : times.lowerBound...(times.upperBound - 1)
            } else {
                span = ids(in: times, &verdict)
                guard span != nil else { return verdict }
            }
        }
        guard let span else {
            verdict.unknown.append(
                ProofHole(
                    ids: nil, after: nil, before: nil, reason: "no manifest covers it",
                    isDeclared: false))
            return verdict
        }
        verdict.ids = span
        verdict.held = count(held, span)
        verdict.repaired = count(repaired, span)
        verdict.twice = count(twice, span)
        verdict.shared = count(shared, span)
        for missing in held.missing(in: span) { explain(missing, &verdict.holes) }
        return verdict
    }

    private func count(_ set: IDSet, _ span: ClosedRange<Int64>) -> UInt64 {
        set.covered(in: span).reduce(0) {
            $0 &+ UInt64(bitPattern: $1.upperBound &- $1.lowerBound) &+ 1
        }
    }

    /// From the first to the last id of which something is known.
    private var known: ClosedRange<Int64>? {
        var first = pieces.first?.ids.lowerBound
        var last = pieces.map(\.ids.upperBound).max()
        // What only gap records speak of is missing, also before and behind all that is held.
        for ids in gaps.lazy.flatMap(\.ids) {
            first = min(first ?? ids.lowerBound, ids.lowerBound)
            last = max(last ?? ids.upperBound, ids.upperBound)
        }
        return first.flatMap { first in last.map { first...$0 } }
    }

    /// The ids that belong to a stretch of time: those of its records, and all between them and the
    /// records before and after.
    ///
    /// - Parameter verdict: gets what nothing is known of.
    private func ids(
        in times: Range<Int64>, _ verdict: inout RangeVerdict
    ) -> ClosedRange<Int64>? {
        var (first, last): (Piece?, Piece?)
        for piece in pieces where piece.times?.overlaps(times) ?? false {
            if first == nil { first = piece }
            if piece.ids.upperBound > (last?.ids.upperBound ?? .min) { last = piece }
        }
        let (before, after) = surroundings(of: times, first, last)
        if before == nil {
            let known = first ?? after
            if known?.times.map({ $0.lowerBound >= times.lowerBound + Self.edge }) ?? true {
                noteUnknown(before: known, after: nil, times, &verdict)
                if first == nil { return nil }
            }
        }
        if after == nil, let known = last ?? before,
            known.times.map({ $0.upperBound < times.upperBound - Self.edge }) ?? true
        {
            noteUnknown(before: nil, after: known, times, &verdict)
            if last == nil { return nil }
        }
        var start = before.map { $0.ids.upperBound &+ 1 } ?? first?.ids.lowerBound
        var end = after.map { $0.ids.lowerBound &- 1 } ?? last?.ids.upperBound
        // Ids of that time of which there are only gap records, at an edge of all that is known.
        for (gap, own) in zip(gaps, gapTimes) where own?.overlaps(times) ?? false {
            guard let low = gap.ids.first?.lowerBound, let high = gap.ids.last?.upperBound else {
                continue
            }
            if before == nil { start = min(start ?? low, low) }
            if after == nil { end = max(end ?? high, high) }
        }
        guard let start, let end else { return nil }
        guard start <= end else {
            // No record in this time, and none missing; or a wrong time, and nothing is known.
            if start > end + 1 { noteUnknown(before: nil, after: nil, times, &verdict) }
            return nil
        }
        return start...end
    }

    /// The nearest records on either side of a stretch of time.
    ///
    /// Ids tell which they are, not times alone: a record with a wrong time would have the ids
    /// between it and its place left out of the stretch, and whatever is missing there with them.
    private func surroundings(
        of times: Range<Int64>, _ first: Piece?, _ last: Piece?
    ) -> (before: Piece?, after: Piece?) {
        var (before, after): (Piece?, Piece?)
        for piece in pieces {
            guard let own = piece.times else { continue }
            if own.upperBound < times.lowerBound {
                if piece.ids.upperBound < first?.ids.lowerBound ?? .max,
                    piece.ids.upperBound > before?.ids.upperBound ?? .min
                {
                    before = piece
                }
            } else if own.lowerBound >= times.upperBound,
                piece.ids.lowerBound > last?.ids.upperBound ?? .min,
                piece.ids.lowerBound < after?.ids.lowerBound ?? .max
            {
                after = piece
            }
        }
        return (before, after)
    }

    private func noteUnknown(
        before: Piece?, after: Piece?, _ times: Range<Int64>, _ verdict: inout RangeVerdict
    ) {
        let words: String
        if let before {
            words = "no manifest covers ids before \(before.ids.lowerBound)"
        } else if let after {
            words = "no manifest covers ids after \(after.ids.upperBound)"
        } else {
            words = "no manifest covers this sequence"
        }
        verdict.unknown.append(
            ProofHole(
                ids: nil, after: after?.times?.upperBound ?? times.lowerBound,
                before: before?.times?.lowerBound ?? times.upperBound, reason: words,
                isDeclared: false))
    }

    /// Tells of missing ids why they are, in pieces where reasons differ.
    private func explain(_ missing: ClosedRange<Int64>, _ holes: inout [ProofHole]) {
        var rest = IDSet([missing])
        var found: [ProofHole] = []
        func take(
            _ ids: ClosedRange<Int64>, _ times: ClosedRange<Int64>?, _ reason: String,
            isDeclared: Bool = false, isQuarantined: Bool = false
        ) {
            // Evidence, and all of a manifest, may be anyone's words.
            let reason = reason.escapingControls
            for part in rest.covered(in: ids) {
                let around = times.map { ($0.lowerBound, $0.upperBound) } ?? neighbours(of: part)
                found.append(
                    ProofHole(
                        ids: part, after: around.0, before: around.1, reason: reason,
                        isDeclared: isDeclared, isQuarantined: isQuarantined))
            }
            rest.remove(ids)
        }
        for piece in faultyPieces where piece.ids.overlaps(missing) {
            take(piece.ids, piece.times, piece.fault?.text ?? "")
        }
        for removed in removed where removed.ids.overlaps(missing) {
            take(
                removed.ids, nil,
                "taken out of the ledger at \(Timestamp.text(nanoseconds: removed.time))")
        }
        for entry in gapIndex.entries(overlapping: missing) {
            let gap = gaps[entry.gap]
            take(
                entry.ids, nil, Self.reason(of: gap), isDeclared: gap.isDeclared,
                isQuarantined: gap.reason == ObservedGap.quarantined)
        }
        for ids in rest.ranges { take(ids, nil, "no manifest covers these ids") }
        holes += found.sorted { ($0.ids?.lowerBound ?? 0) < ($1.ids?.lowerBound ?? 0) }
    }

    private static func reason(of gap: ObservedGap) -> String {
        var words = [gap.source, Timestamp.text(nanoseconds: gap.seen.upperBound)]
        var text = gap.reason
        if gap.reason != ObservedGap.quarantined {
            text = gap.isDeclared ? "declared absent" : "a gap record, not filled yet"
            words.insert(gap.reason, at: 0)
        }
        text += " (\(words.joined(separator: ", ")))"
        return gap.evidence.isEmpty ? text : "\(text): \(gap.evidence)"
    }

    /// Event times of the held records around some missing ids.
    private func neighbours(of ids: ClosedRange<Int64>) -> (Int64?, Int64?) {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].ids.lowerBound <= ids.upperBound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let next = pieces[low...].first { $0.fault == nil && $0.times != nil }?.times
        let last = pieces[..<low].last {
            $0.fault == nil && $0.times != nil && $0.ids.upperBound < ids.lowerBound
        }?.times
        // One object has ids on both sides, or times cross: only the outer ones are sure.
        if let last, let next, last.upperBound > next.lowerBound {
            return (min(last.lowerBound, next.lowerBound), max(last.upperBound, next.upperBound))
        }
        return (last?.upperBound, next?.lowerBound)
    }

    // MARK: - Increasing

    private func observed(_ range: ProofRange) -> RangeVerdict {
        var verdict = RangeVerdict(sequence: sequence)
        switch range {
        case .all, .ids:
            let seen = IDSet(runs.all.map(\.span))
            let all = seen.first.flatMap { first in seen.last.map { first...$0 } }
            var span = all
            if case .ids(let ids) = range { span = ids }
            verdict.ids = span
            verdict.runs = runs.all.filter { run in span.map { run.span.overlaps($0) } ?? false }
            for ids in span.map({ seen.missing(in: $0) }) ?? [] { unobserved(ids, &verdict) }
        case .times(let times):
            verdict.runs = runs.all.filter {
                $0.lastTime >= times.lowerBound && $0.firstTime < times.upperBound
            }.sorted { $0.firstTime < $1.firstTime }
            var reached = times.lowerBound
            var isFirst = true
            for run in verdict.runs {
                let slack = isFirst ? Self.edge : 0
                if run.firstTime > reached + slack {
                    unobserved(reached, run.firstTime, &verdict)
                }
                reached = max(reached, run.lastTime)
                isFirst = false
            }
            if isFirst || reached < times.upperBound - Self.edge {
                unobserved(reached, times.upperBound, &verdict)
            }
        }
        if verdict.runs.isEmpty, verdict.unknown.isEmpty, verdict.holes.isEmpty {
            verdict.unknown.append(
                ProofHole(
                    ids: nil, after: nil, before: nil, reason: "no manifest covers it",
                    isDeclared: false))
        }
        return verdict
    }

    private func unobserved(_ ids: ClosedRange<Int64>, _ verdict: inout RangeVerdict) {
        let lost = lostRuns.first { $0.run.span.overlaps(ids) }
        let last = runs.all.last { $0.span.upperBound < ids.lowerBound }
        let next = runs.all.first { $0.span.lowerBound > ids.upperBound }
        verdict.holes.append(
            ProofHole(
                ids: ids, after: last?.lastTime, before: next?.firstTime,
                reason: lost?.fault.text ?? "not observed", isDeclared: false))
    }

    private func unobserved(_ start: Int64, _ end: Int64, _ verdict: inout RangeVerdict) {
        let lost = lostRuns.first { $0.run.lastTime >= start && $0.run.firstTime <= end }
        verdict.holes.append(
            ProofHole(
                ids: nil, after: start, before: end, reason: lost?.fault.text ?? "not observed",
                isDeclared: false))
    }
}
