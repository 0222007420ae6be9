import Identity
import Records

/// Keeps the book of one symbol by its snapshots and changes, and proves it against each snapshot
/// that follows: a snapshot, brought up to date by the same changes, has to be the same book.
///
/// Source: Binance Spot API, "How to manage a local order book correctly": changes up to the
/// snapshot's id are dropped, the next one begins at most one id behind it, and each one continues
/// the one before.
struct BookReplay {
    /// Changes that are kept for snapshots which come late.
    private static let remembered = 4096

    /// What was found out so far.
    struct Findings {
        var snapshots = 0
        /// Snapshots that were the same book.
        var proven = 0
        /// Snapshots that could not be compared, since changes around them are not there.
        var unproven = 0
        var differences = 0
        var holes = 0
        var crossed = 0
    }

    /// The book; nil before the first snapshot, and from a hole to the next one.
    private(set) var book: OrderBook?
    private(set) var findings = Findings()
    /// The last changes, without a hole among them.
    private var history: [BookUpdate] = []
    /// A snapshot from behind the last change.
    private var waiting: OrderBook?
    /// Told what is wrong.
    private let report: (String) -> Void

    init(report: @escaping (String) -> Void) { self.report = report }

    /// Takes a snapshot.
    mutating func take(snapshot update: BookUpdate) {
        findings.snapshots += 1
        guard let snapshot = OrderBook(update) else {
            findings.unproven += 1
            return
        }
        if let last = history.last, snapshot.lastID > last.ids.upperBound {
            // Its changes are still to come; meanwhile the later one of two is enough.
            if waiting != nil { findings.unproven += 1 }
            waiting = snapshot
            if book == nil { settle() }
            return
        }
        compare(snapshot)
    }

    /// Takes changes.
    mutating func take(changes update: BookUpdate) {
        if let last = history.last, update.ids.lowerBound > last.ids.upperBound &+ 1 {
            findings.holes += 1
            report(
                "changes \(last.ids.upperBound + 1) to \(update.ids.lowerBound - 1) are missing; "
                    + "the book is not known until the next snapshot")
            history.removeAll()
            book = nil
        } else if let last = history.last, update.ids.upperBound <= last.ids.upperBound {
            return
        }
        history.append(update)
        if history.count > 2 * Self.remembered { history.removeFirst(Self.remembered) }
        if book != nil {
            guard book?.exponents == update.exponents else {
                report(
                    "prices or quantities have other exponents from id \(update.ids.lowerBound) on")
                book = nil
                return
            }
            if let known = book?.lastID, update.ids.upperBound > known {
                guard update.ids.lowerBound <= known + 1 else {
                    book = nil
                    return
                }
                book?.apply(update)
                if book?.isCrossed == true {
                    findings.crossed += 1
                    report(
                        "the best bid is at or above the best ask at id \(update.ids.upperBound)")
                }
            }
        }
        if let snapshot = waiting, snapshot.lastID <= update.ids.upperBound { settle() }
    }

    /// Counts what will not be compared any more.
    mutating func end() {
        if waiting != nil { findings.unproven += 1 }
        waiting = nil
    }

    private mutating func settle() {
        guard let snapshot = waiting else { return }
        waiting = nil
        compare(snapshot)
    }

    /// Brings a snapshot up to the last change, and compares.
    private mutating func compare(_ snapshot: OrderBook) {
        var later = snapshot
        let first = history.firstIndex { $0.ids.upperBound > snapshot.lastID } ?? history.count
        if first < history.count {
            guard history[first].ids.lowerBound <= snapshot.lastID + 1 else {
                // Changes between are gone, or never came.
                findings.unproven += 1
                return
            }
            for update in history[first...] {
                guard update.exponents == later.exponents else {
                    findings.unproven += 1
                    return
                }
                later.apply(update)
            }
        }
        guard let own = book, own.lastID == later.lastID, own.exponents == later.exponents else {
            if book == nil || later.lastID >= book?.lastID ?? .min { book = later }
            findings.unproven += 1
            return
        }
        if let difference = own.difference(from: later) {
            findings.differences += 1
            report("the snapshot of id \(snapshot.lastID) is another book: \(difference)")
            book = later
            return
        }
        findings.proven += 1
        // A snapshot of few levels does not replace a book that knows more.
        if own.isWithin(later) { book = later }
    }
}
