import Posix
import Records

/// Books that want a snapshot: a hole in the changes of a book, and their beginning. The changes
/// after the hole wait for it, and go on around it: those that it contains before, the others after
/// it. Whoever reads the records in order has the book from the snapshot on; nothing is left out.
///
/// Source: Binance Spot, "How to manage a local order book correctly"; docs/decisions/0013.
struct BookAssembler: ~Copyable {
    private let rules: StreamMerge.Rules
    /// By place; shorter than the list of streams where no book wants one.
    private var books: [BookState] = []
    /// Places of books that are not whole.
    private var places = PlaceList()

    init(_ rules: StreamMerge.Rules) { self.rules = rules }

    /// True for a book that is not whole.
    func isWaiting(_ place: Int) -> Bool { places.contains(place) }

    /// Changes that wait.
    var waiting: Int { places.reduce(0) { $0 + (books[$1].held?.count ?? 0) } }

    private mutating func makeRoom(for place: Int) {
        while books.count <= place { books.append(BookState()) }
    }

    // MARK: - Changes

    /// Notes that a book begins again with the change that has this first id.
    mutating func wantSnapshot(_ place: Int, from first: Int64, at time: Int64) {
        guard rules.takesSnapshots else { return }
        makeRoom(for: place)
        if case .refused = books[place].phase { return }
        let wasRequested = if case .requested = books[place].phase { true } else { false }
        books[place].firstID = first
        books[place].gone = .min
        if !wasRequested { books[place].phase = .wanted(notBefore: time) }
        books[place].held = HeldRecords()
        places.insert(place)
    }

    /// Keeps a change of a book that waits for its snapshot.
    ///
    /// - Returns: false when it does not wait.
    mutating func keep(
        _ record: OrderedRecord, _ output: inout MergeOutput, _ encode: (inout Bytes) -> Void
    ) -> Bool {
        let place = record.place
        guard places.contains(place) else { return false }
        guard let held = books[place].held, held.bytes < rules.heldBytes else {
            release(place, &output)
            books[place].gone = record.last
            return false
        }
        return held.insert(
            record.first, record.last, eventTime: record.eventTime, at: record.time, encode)
    }

    /// Sends the changes that wait for a snapshot on without it.
    mutating func release(_ place: Int, _ output: inout MergeOutput) {
        guard books.indices.contains(place), let held = books[place].held else { return }
        books[place].held = nil
        release(held, through: .max, place, &output)
    }

    /// Sends on what waits of all books.
    mutating func releaseAll(_ output: inout MergeOutput) {
        for place in places { release(place, &output) }
    }

    /// Sends on what waited longer than the rules allow.
    mutating func releaseOld(at time: Int64, _ output: inout MergeOutput) {
        for place in places {
            guard let held = books[place].held, !held.isEmpty,
                time - held.since >= rules.bookWindow
            else { continue }
            release(place, &output)
        }
    }

    private mutating func release(
        _ held: HeldRecords, through last: Int64, _ place: Int, _ output: inout MergeOutput
    ) {
        while let entry = held.entries.first, entry.last <= last {
            if output.isKeeping {
                output.records += 1
            } else {
                output.leaveOut(place, from: entry.first)
            }
            held.removeFirst(passes: output.isKeeping, to: &output.bytes)
            books[place].gone = entry.last
        }
    }

    // MARK: - Snapshots

    /// The first book that wants a snapshot now.
    func wanted(at time: Int64) -> Int? {
        places.first { place in
            if case .wanted(let notBefore) = books[place].phase { return notBefore <= time }
            return false
        }
    }

    /// Notes that a snapshot is asked for: changes wait for it from now on.
    mutating func requested(_ place: Int) {
        makeRoom(for: place)
        books[place].phase = .requested
        if books[place].held == nil { books[place].held = HeldRecords() }
    }

    /// Notes that a snapshot did not come.
    ///
    /// - Parameter later: ns after which to ask again; nil when the venue has none.
    /// - Returns: how often that happened in a row.
    mutating func failed(
        _ place: Int, at time: Int64, later: Int64?, _ output: inout MergeOutput
    ) -> Int {
        makeRoom(for: place)
        books[place].attempts += 1
        if let later {
            books[place].phase = .wanted(notBefore: time + later)
        } else {
            books[place].phase = .refused
            release(place, &output)
            places.remove(place)
        }
        return books[place].attempts
    }

    /// Puts a snapshot among the changes of its book.
    ///
    /// - Parameters:
    ///   - id: the last update that it contains.
    ///   - frame: its record.
    /// - Returns: false when it is older than what it has to reach, so that another one is wanted.
    mutating func arrived(
        _ place: Int, id: Int64, frame: RawSpan, _ output: inout MergeOutput
    ) -> Bool {
        makeRoom(for: place)
        let book = books[place]
        // The first change after it must follow it or overlap with it, and still be here.
        guard id >= book.firstID - 1, id >= book.gone else { return false }
        let held = book.held
        books[place].held = nil
        if let held { release(held, through: id, place, &output) }
        let isKept = output.accept()
        if isKept { output.bytes.append(frame) }
        if let held { release(held, through: .max, place, &output) }
        if isKept {
            books[place] = BookState()
            places.remove(place)
        } else {
            // The book still has to have one, when records are written again.
            books[place].phase = .wanted(notBefore: .min)
            books[place].attempts = 0
        }
        return true
    }
}
