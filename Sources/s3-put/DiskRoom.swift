import Journal
import ObjectWriting
import Posix
import Stage

/// Whether the disk of a state has room: while it has none nothing is read, and what is open is
/// finished, since delivering is what frees it.
struct DiskRoom {
    /// True from a write that did not fit until ``isThereAgain()``.
    private(set) var isShort = false
    /// What is kept for the files without which nothing can be freed.
    let reserve: Reserve
    private let directory: String
    private let log: Log

    init(_ reserve: Reserve, of directory: String, _ log: Log) {
        self.reserve = reserve
        self.directory = directory
        self.log = log
    }

    /// Notes that a write did not fit.
    mutating func runShort(spoolBytes: Int64) {
        guard !isShort else { return }
        isShort = true
        log.warning(
            "the disk of \(directory) is full: reading stops until something is delivered or "
                + "space is freed",
            ["spool_bytes": "\(spoolBytes)"])
    }

    /// Notes that there is room again.
    mutating func recover() {
        guard isShort else { return }
        isShort = false
        log.info("the disk of \(directory) has space again")
    }
}
