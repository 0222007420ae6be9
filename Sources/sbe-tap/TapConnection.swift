import Binance
import Glibc
import Posix
import Transport

/// One connection, and what is known of it. A class, since the two of a slot change places.
final class TapConnection {
    /// For log lines.
    let number: Int
    let group: Int
    let slot: Int
    var transport: WebSocketConnection
    /// Monotonic ns.
    var openedAt: Int64 = 0
    /// When anything came last, monotonic ns.
    var lastHeard: Int64
    /// The venue's time of the last message, µs.
    var lastEvent: Int64 = 0
    /// What came while the stage did not read, until it was read.
    private(set) var backlog: Backlog?
    /// Streams of the group that it has not delivered on, by place in the merge.
    private var silent: Set<Int>
    /// How many these are.
    var lacking: Int { silent.count }
    /// Requests that wait for their turn.
    private var requests: [String] = []
    /// The venue allows 5 a second, pongs included; it counts strictly, and closes.
    var messages = SlidingWindow(limit: 4, window: 1_000_000_000)
    /// True while a ping waits to be answered: one answer may stand for several.
    var owesPong = false
    /// True when a read would bring something, as far as is known.
    var isReadable = true
    /// Where it is in the list that is polled.
    var pollIndex = -1
    /// True while bytes wait for the connection to take them.
    var isCongested = false

    init(
        number: Int, group: Int, slot: Int, streams: [Int],
        transport: consuming WebSocketConnection,
        at now: Int64
    ) {
        self.number = number
        self.group = group
        self.slot = slot
        self.transport = transport
        silent = Set(streams)
        lastHeard = now
    }

    /// Notes what waiting has shown of it.
    func noteReadable(_ watched: [pollfd]) {
        if pollIndex >= 0, watched[pollIndex].revents != 0 { isReadable = true }
    }

    /// Data that was not read in time.
    struct Backlog {
        /// Messages are newer than it from this time on, µs of the venue's clock.
        let until: Int64
        /// When reading went on, monotonic ns.
        let since: Int64
    }

    /// Notes that the stage did not read: what came meanwhile waits here and at the venue.
    ///
    /// - Parameter now: monotonic ns.
    func noteBacklog(at now: Int64) {
        backlog = Backlog(until: Clock.realtimeNanoseconds() / 1000, since: now)
        lastHeard = now
        isReadable = true
    }

    /// Ends a backlog once the connection has delivered what is newer, or nothing for 2 s; or after
    /// ten seconds, since the venue's clock may be wrong.
    func reviewBacklog() {
        guard let backlog else { return }
        let now = Clock.monotonicNanoseconds()
        let isQuiet = !isReadable && now - lastHeard >= 2_000_000_000
        if lastEvent >= backlog.until || isQuiet || now - backlog.since >= 10_000_000_000 {
            self.backlog = nil
        }
    }

    /// Notes that a stream delivered, by its place in the merge.
    func note(_ place: Int) { silent.remove(place) }

    /// Asks for other streams from now on, as soon as the venue's limit of messages lets it.
    func ask(_ texts: [String], removed places: [Int]) {
        requests += texts
        silent.subtract(places)
    }

    /// True while requests wait.
    var owesRequest: Bool { !requests.isEmpty && transport.phase == .open }

    /// Hands the next request to the connection, where another message is allowed now.
    func sendRequest(at now: Int64) {
        guard let next = requests.first, messages.take(at: now) else { return }
        transport.socket.send(text: next)
        requests.removeFirst()
    }
}

extension ConnectionSlot {
    /// Connections of it over which messages come.
    var openConnections: Int {
        (current?.transport.phase == .open ? 1 : 0) + (next?.transport.phase == .open ? 1 : 0)
    }
}
