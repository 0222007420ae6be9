import Binance
import Posix
import Stage

/// Log lines of what the venue does, a few a minute of each cause: a venue that spoils each second
/// reply would fill a disk otherwise. A class, since the client and the loop write to the same one.
final class NoticeLog {
    private let log: Log
    private var limits: [VenueClient.Cause: LogLimit] = [:]

    init(_ log: Log) { self.log = log }

    /// Writes a notice, unless there were many of its cause.
    func write(_ notice: VenueClient.Notice) {
        write(notice.text, isWarning: notice.isWarning, notice.cause)
    }

    /// Writes a line, unless there were many of its cause.
    func write(_ text: String, isWarning: Bool = true, _ cause: VenueClient.Cause) {
        guard limits[cause, default: LogLimit()].allows(at: Clock.monotonicNanoseconds()) else {
            return
        }
        let leftOut = limits[cause]?.told() ?? 0
        let more = leftOut > 0 ? " (\(leftOut) of this kind were left out)" : ""
        if isWarning { log.warning(text + more) } else { log.info(text + more) }
    }
}
