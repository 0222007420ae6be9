import Identity
public import Journal
import Posix
public import Records

extension Log {
    /// Says what could not be read of a file, and which ids were there as far as its bytes tell.
    ///
    /// - Parameter what: the file's part in the program: `spool` or `ledger`.
    public func report(_ damages: [Damage], of what: String) {
        for damage in damages {
            let lost = Self.records(damage)
            let details: KeyValuePairs<String, LogValue> = [
                "file": "\(damage.path)", "offset": "\(damage.offset)",
                "length": "\(damage.length)",
                "copy": "\(damage.copy ?? "none")",
                "records": lost.isEmpty ? "not readable" : "\(lost.joined(separator: ", "))",
            ]
            if damage.isUnsyncedTail {
                warning(
                    "the \(what) ended with bytes that were not on the disk yet when it stopped; "
                        + "they were cut off", details)
            } else if damage.isNew {
                error(
                    "the \(what) is damaged: the entries in these bytes cannot be read and were "
                        + "skipped; check the disk", details)
            } else {
                warning("the \(what) still has damage that was reported before", details)
            }
        }
    }

    /// Sequences whose records are readable in some bytes, each with its ids; the first few.
    private static func records(_ damage: Damage) -> [String] {
        var order: [SequenceID] = []
        var ids: [SequenceID: ClosedRange<Int64>] = [:]
        damage.forEachFrame { frame in
            let sequence = frame.sequence
            if let known = ids[sequence] {
                ids[sequence] =
                    min(known.lowerBound, frame.firstID)...max(known.upperBound, frame.firstID)
            } else {
                order.append(sequence)
                ids[sequence] = frame.firstID...frame.firstID
            }
        }
        let named = order.prefix(10).map { sequence in
            let range = ids[sequence] ?? 0...0
            return "\(sequence.title) \(range.lowerBound) to \(range.upperBound)"
        }
        return order.count > 10 ? named + ["\(order.count - 10) more sequences"] : named
    }
}

extension Damage {
    /// Gives each record to `body` that is readable in the copy of the bytes, whatever damage did to it.
    public func forEachFrame(_ body: (borrowing FrameView) -> Void) {
        guard let copy, let bytes = try? Files.read(copy, limit: 64 << 20) else { return }
        var place = 0
        let span = bytes.span.bytes
        while place + Frame.headerLength < bytes.count {
            // A frame's third and fourth byte of length come before its encoding type, EB 50.
            guard bytes[place + 4] == 0xEB, bytes[place + 5] == 0x50,
                let frame = try? FrameView(firstIn: span.extracting(place..<bytes.count))
            else {
                place += 1
                continue
            }
            body(frame)
            place += frame.bytes.byteCount
        }
    }
}
