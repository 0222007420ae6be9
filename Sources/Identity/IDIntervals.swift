/// Closed intervals of ids, ascending, that neither overlap nor touch: what an ``IDSet`` is made of.
///
/// They are kept in pieces of at most ``pieceLength``, so that one that comes or goes in the middle
/// moves a few KiB and not all that are above it: with a million holes, filled in any order, that is
/// the difference between a second and an hour.
@usableFromInline
struct IDIntervals: Sendable {
    @usableFromInline
    struct Interval: Sendable, Equatable {
        @usableFromInline var first: Int64
        @usableFromInline var last: Int64

        @usableFromInline init(_ range: ClosedRange<Int64>) {
            (first, last) = (range.lowerBound, range.upperBound)
        }

        @usableFromInline var range: ClosedRange<Int64> { first...last }
    }

    /// Where an interval is, or would be; the end is the first place of a piece that does not exist.
    struct Place: Equatable {
        var piece: Int
        var index: Int
    }

    /// Longest piece: 8 KiB.
    static let pieceLength = 512

    /// None is empty.
    @usableFromInline var pieces: [[Interval]] = []
    @usableFromInline private(set) var count = 0

    @usableFromInline init() {}

    var start: Place { Place(piece: 0, index: 0) }
    var first: Interval? { pieces.first?.first }
    @usableFromInline var last: Interval? { pieces.last?.last }

    // MARK: - Looking

    /// The interval at a place; nil at the end.
    subscript(place: Place) -> Interval? {
        place.piece < pieces.count ? pieces[place.piece][place.index] : nil
    }

    /// Takes the interval at a place, and goes to the next one.
    func take(_ place: inout Place) -> Interval? {
        guard let interval = self[place] else { return nil }
        place = after(place)
        return interval
    }

    func after(_ place: Place) -> Place {
        place.index + 1 < pieces[place.piece].count
            ? Place(piece: place.piece, index: place.index + 1)
            : Place(piece: place.piece + 1, index: 0)
    }

    /// The place before another one; nil before the first.
    func before(_ place: Place) -> Place? {
        if place.index > 0 { return Place(piece: place.piece, index: place.index - 1) }
        guard place.piece > 0 else { return nil }
        return Place(piece: place.piece - 1, index: pieces[place.piece - 1].count - 1)
    }

    /// The first interval whose last id is `id` or above.
    func firstEnding(atOrAfter id: Int64) -> Place {
        let piece = Self.search(pieces.count) { pieces[$0][pieces[$0].count - 1].last < id }
        guard piece < pieces.count else { return Place(piece: piece, index: 0) }
        let index = Self.search(pieces[piece].count) { pieces[piece][$0].last < id }
        return Place(piece: piece, index: index)
    }

    /// The first of some places for which something is not true any more.
    @inline(__always)
    static func search(_ count: Int, _ isBelow: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBelow(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: - Changing

    /// Makes the last interval, if there is one, longer.
    @usableFromInline
    @inline(__always)
    mutating func extendLast(to id: Int64) {
        let piece = pieces.count - 1
        pieces[piece][pieces[piece].count - 1].last = id
    }

    /// Adds an interval above all others.
    @usableFromInline
    mutating func append(_ range: ClosedRange<Int64>) {
        count += 1
        if let piece = pieces.indices.last, pieces[piece].count < Self.pieceLength {
            pieces[piece].append(Interval(range))
        } else {
            pieces.append([Interval(range)])
        }
    }

    /// Puts intervals where others were.
    ///
    /// - Parameters:
    ///   - from: the first one that goes.
    ///   - end: the one after the last that goes.
    mutating func replace(
        _ from: Place, _ end: Place, with new: some Collection<Interval>
    ) {
        guard from.piece < pieces.count else {
            for interval in new { append(interval.range) }
            return
        }
        let piece = from.piece
        count += new.count
        if end.piece == piece {
            count -= end.index - from.index
            pieces[piece].replaceSubrange(from.index..<end.index, with: new)
        } else {
            count -= pieces[piece].count - from.index
            for between in (piece + 1)..<end.piece { count -= pieces[between].count }
            if end.piece < pieces.count {
                count -= end.index
                pieces[end.piece].removeFirst(end.index)
            }
            pieces[piece].replaceSubrange(from.index..., with: new)
            pieces.removeSubrange((piece + 1)..<end.piece)
        }
        if pieces[piece].isEmpty {
            pieces.remove(at: piece)
        } else if pieces[piece].count > Self.pieceLength {
            let half = pieces[piece].count / 2
            pieces.insert(Array(pieces[piece][half...]), at: piece + 1)
            pieces[piece].removeSubrange(half...)
        }
    }
}

extension IDIntervals: Equatable {
    /// True when both have the same intervals, in whatever pieces.
    @usableFromInline
    static func == (one: Self, other: Self) -> Bool {
        one.count == other.count && one.pieces.joined().elementsEqual(other.pieces.joined())
    }
}
