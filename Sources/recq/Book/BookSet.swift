import Encoding
import Identity
import Posix
import Records
import Stage

/// The books of all symbols of an input, looked at in intervals of event time.
struct BookSet {
    /// Writes a book as of a time, µs.
    typealias Show = (_ book: OrderBook, _ symbol: SymbolName, _ time: Int64) throws -> Void

    private struct Place {
        var replay: BookReplay
        /// The end of the interval that is under way, µs.
        var due: Int64?
        /// The last update that was shown.
        var shownID: Int64?
        var time: Int64 = 0
    }

    private let interval: Int64
    private let log: Log
    private var places: [SymbolName: Place] = [:]

    /// - Parameter interval: µs; 0 shows every change.
    init(_ interval: Int64, _ log: Log) {
        self.interval = interval
        self.log = log
    }

    /// Takes a record; those of other kinds are passed over.
    mutating func take(_ frame: borrowing FrameView, _ show: Show) throws {
        guard let update = try BookUpdate(frame) else { return }
        let symbol = frame.symbol
        let log = log
        var place =
            places.removeValue(forKey: symbol)
            ?? Place(replay: BookReplay { log.warning("\(symbol): \($0)") })
        defer { places[symbol] = place }
        // The book as it was at the end of the interval, before what came later.
        if interval > 0, let due = place.due, update.time >= due {
            try Self.show(&place, symbol, at: due, show)
        }
        if frame.kind == .depthSnapshot {
            place.replay.take(snapshot: update)
        } else {
            place.replay.take(changes: update)
        }
        place.time = max(place.time, update.time)
        if interval == 0 {
            try Self.show(&place, symbol, at: update.time, show)
        } else if place.due.map({ update.time >= $0 }) ?? true {
            place.due = (Timestamp.floor(update.time, by: interval) + 1) * interval
        }
    }

    /// Shows each book once more, as it is at the end of the input.
    mutating func end(_ show: Show) throws {
        for symbol in places.keys.sorted() {
            guard var place = places[symbol] else { continue }
            place.replay.end()
            try Self.show(&place, symbol, at: place.time, show)
            places[symbol] = place
        }
    }

    /// Says what was found.
    ///
    /// - Throws: `StageFailure` with 1 when a snapshot differed, or there was never a book.
    func conclude() throws {
        var differences = 0
        var snapshots = 0
        for (symbol, place) in places.sorted(by: { $0.key < $1.key }) {
            let found = place.replay.findings
            differences += found.differences
            snapshots += found.snapshots
            log.info(
                "\(symbol): \(Spoken.count(found.snapshots, "snapshot")), \(found.proven) proven, "
                    + "\(found.differences) different, \(found.unproven) not comparable, "
                    + "\(Spoken.count(found.holes, "hole")), \(found.crossed) crossed")
        }
        if differences > 0 {
            throw StageFailure(
                .no,
                "\(Spoken.count(differences, "snapshot")) \(differences == 1 ? "is" : "are") not the "
                    + "book that the changes made")
        }
        guard snapshots > 0 else {
            throw StageFailure(
                .no,
                places.isEmpty
                    ? "there are no records of books" : "there is no snapshot to start from")
        }
    }

    private static func show(
        _ place: inout Place, _ symbol: SymbolName, at time: Int64, _ show: Show
    ) throws {
        guard let book = place.replay.book, book.lastID != place.shownID else { return }
        place.shownID = book.lastID
        try show(book, symbol, time)
    }
}
