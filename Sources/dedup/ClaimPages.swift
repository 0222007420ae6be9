import Encoding
import Identity
import Posix
import Redis

/// Which bits of the server belong to which ids: a bit an id, in pages.
///
/// A page is a string value of 4 KiB, whose key names the sequence, the day (UTC) of the records'
/// event time, and which 32 768 ids these are. The day keeps apart ids that began again.
struct ClaimPages {
    /// Ids of a page.
    static let bits: Int64 = 1 << 15
    /// Bits of one operation: BITFIELD's unsigned integers have at most 63.
    static let widest = 63
    /// Most ids of a record that are looked at one by one; of a wider one nothing is claimed.
    static let widestRecord: Int64 = 4096

    /// A page.
    struct Page: Hashable {
        /// Of the sequence, in the filter's table.
        let place: Int32
        /// Since the epoch.
        let day: Int32
        /// The first id through ``bits``.
        let number: Int64
    }

    /// Adjacent ids of one page.
    struct Run {
        let page: Page
        /// The first one's bit.
        let start: Int32
        var width: Int32
        /// What the server has of them, the first id's bit being the highest.
        var value: Int64 = 0
    }

    /// The ids of one record within a run.
    struct Piece {
        let run: Int32
        let offset: Int16
        let width: Int16
    }

    private(set) var runs: [Run] = []
    private(set) var pieces: [Piece] = []
    /// The newest run of each sequence, by its place; -1 for none.
    private var newest: [Int32] = []

    mutating func removeAll() {
        for run in runs { newest[Int(run.page.place)] = -1 }
        runs.removeAll(keepingCapacity: true)
        pieces.removeAll(keepingCapacity: true)
    }

    /// Adds the ids of a record, at most ``widestRecord``.
    ///
    /// - Returns: its pieces.
    mutating func add(_ ids: ClosedRange<Int64>, day: Int32, place: Int32) -> Range<Int32> {
        let first = Int32(pieces.count)
        while newest.count <= Int(place) { newest.append(-1) }
        var next = ids.lowerBound
        while true {
            let page = Page(place: place, day: day, number: next >> 15)
            let start = Int32(next & (Self.bits - 1))
            let room = min(Self.bits - Int64(start), ids.upperBound - next + 1)
            var run = Int(newest[Int(place)])
            let isNext =
                run >= 0 && runs[run].page == page && runs[run].start + runs[run].width == start
                && runs[run].width < Self.widest
            if !isNext {
                run = runs.count
                runs.append(Run(page: page, start: start, width: 0))
                newest[Int(place)] = Int32(run)
            }
            let offset = runs[run].width
            let width = Int32(min(room, Int64(Int32(Self.widest) - offset)))
            runs[run].width += width
            pieces.append(Piece(run: Int32(run), offset: Int16(offset), width: Int16(width)))
            next += Int64(width)
            if next > ids.upperBound { return first..<Int32(pieces.count) }
        }
    }

    /// Notes what the server has of a run.
    mutating func note(_ value: Int64, of run: Int) { runs[run].value = value }

    /// True when the server has every id of some pieces.
    func hasAll(_ range: Range<Int32>) -> Bool {
        for index in range {
            let piece = pieces[Int(index)]
            let run = runs[Int(piece.run)]
            let mask = Int64(bitPattern: UInt64(1) << UInt64(piece.width) - 1)
            let shift = Int64(run.width) - Int64(piece.offset) - Int64(piece.width)
            if (run.value >> shift) & mask != mask { return false }
        }
        return true
    }
}
