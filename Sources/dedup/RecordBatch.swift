import Identity
import Posix
import Records

/// Records that wait for the word of the other hosts; all of them came with one read.
final class RecordBatch {
    /// What is done with a record.
    enum Role: UInt8 {
        /// It passes: it has no ids that another host could have passed.
        case plain
        /// It passes, and its ids are claimed: a repair has to reach the ledger that lacks it.
        case forced
        /// It passes unless its ids are claimed, and is claimed.
        case claim
        /// It passes unless its ids are claimed: a gap record.
        case absence
    }

    /// One record.
    struct Entry {
        let offset: Int
        let length: Int32
        let role: Role
        var isOpen = true
        /// The turn in which the server last said what it has of its ids.
        var answered: Int64 = 0
        /// Of its sequence; -1 for none.
        let place: Int32
        /// Of its event time, since the epoch.
        let day: Int32
        let first: Int64
        let last: Int64
    }

    private(set) var bytes = Bytes()
    var entries: [Entry] = []
    /// Those that are still here.
    var open = 0
    /// Monotonic ns.
    let arrived: Int64

    init(arrived: Int64) { self.arrived = arrived }

    /// Bytes that it takes up.
    var size: Int { bytes.count }

    /// Appends a record that `write` appends to the bytes.
    func append(
        _ role: Role, place: Int32, day: Int32, _ ids: ClosedRange<Int64>,
        _ write: (inout Bytes) -> Void
    ) {
        let offset = bytes.count
        write(&bytes)
        entries.append(
            Entry(
                offset: offset, length: Int32(bytes.count - offset), role: role, place: place,
                day: day, first: ids.lowerBound, last: ids.upperBound))
        open += 1
    }

    /// Writes a record, which is not here any more then.
    func pass(_ index: Int, to writer: inout FrameWriter) throws {
        let entry = entries[index]
        // A class lends no spans of what it owns.
        try bytes.withUnsafeBytes(entry.offset..<entry.offset + Int(entry.length)) { frame in
            try writer.append(frames: RawSpan(_unsafeBytes: frame), count: 1)
        }
        drop(index)
    }

    /// Forgets a record.
    func drop(_ index: Int) {
        entries[index].isOpen = false
        open -= 1
    }
}
