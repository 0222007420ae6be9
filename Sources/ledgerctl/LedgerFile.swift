import Encoding
import Glibc
import Identity
import Ledger
import Posix
import Records
import Stage

/// Opens a ledger for a look, whatever name its owner gave.
enum LedgerFile {
    static func open(_ path: String, log: Log) throws -> Ledger {
        let status = try Files.status(path)
        let isDirectory = (status?.st_mode ?? 0) & S_IFMT == S_IFDIR
        do throws(LedgerError) {
            let ledger = try Ledger(reading: isDirectory ? path + "/ledger" : path)
            if ledger.tornBytes > 0 {
                log.warning(
                    "\(path) ends in \(ledger.tornBytes) bytes of a torn entry, which do not count")
            }
            return ledger
        } catch {
            if case .system(let error) = error { throw error }
            throw StageFailure(.badInput, "\(error)")
        }
    }
}

/// Ids as text: numbers, or times for klines.
struct IDText {
    let isTime: Bool

    func text(_ range: ClosedRange<Int64>) -> String {
        guard isTime else { return "\(range.lowerBound) to \(range.upperBound)" }
        return Timestamp.text(microseconds: range.lowerBound) + " to "
            + Timestamp.text(microseconds: range.upperBound)
    }

    func count(_ set: IDSet) -> String {
        isTime ? "\(set.intervalCount) stretches" : "\(set.total) ids"
    }

    func parse(_ text: String, isEnd: Bool) throws -> Int64 {
        if !isTime {
            guard let id = Int64(text) else {
                throw StageFailure(.usage, "\"\(text)\" is no id; times are for klines")
            }
            return id
        }
        guard let time = Timestamp.parse(text) ?? Int64(text) else {
            throw StageFailure(.usage, "\"\(text)\" is no UTC time")
        }
        return isEnd ? time - 1 : time
    }
}

extension Coverage {
    /// Holes between what is held, those that were declared left out.
    var holes: [ClosedRange<Int64>] {
        var counted = held
        counted.formUnion(declared)
        return counted.holes
    }
}
