import Glibc
import Posix

/// What the programs of one host know together of the venue's limits, which count per address: the
/// weight of the current window and how long the address is barred. A small file in the runtime
/// directory, one for each host of the venue, locked for the moment of each exchange.
///
/// The file is advice. One that is missing, damaged, someone else's or locked by a process that
/// hangs is done without: then each program counts by itself, as the venue's own count corrects.
///
/// ```
/// bytes  0 magic   8 window start, ms   16 window length, ms   24 used weight
///       32 barred until, ms since the start of the system   40 a live stage wants room until, ms
///       48 which start of the system that was   56 checksum
/// ```
///
/// How long a ban is left cannot be told by the clock of the day, which may be set meanwhile.
struct SharedWeight: Sendable {
    /// What is in the file.
    struct State: Equatable {
        /// Of the venue's clock, ms.
        var windowStart: Int64 = 0
        var window: Int64 = 0
        var used: Int64 = 0
        /// Since the start of the system, ms.
        var barredUntil: Int64 = 0
        /// Since the start of the system, ms: a live stage leaves and wants room until then.
        var liveUntil: Int64 = 0
    }

    /// What ``take(_:limit:window:venueTime:isLive:)`` decides.
    enum Decision: Equatable {
        /// The request may be sent; its weight is counted.
        case passes
        /// Milliseconds until the window ends.
        case waits(Int64)
        /// Milliseconds until the venue lets this address in again, as another program was told.
        case barred(Int64)
    }

    /// `BVWEIGH2`; the first form had the clock of the day.
    private static let magic: Int64 = 0x4256_5745_4947_4832
    private static let length = 64
    /// Tells this start of the system from others, after which its clock starts again.
    private static let boot: Int64 = {
        let id = (try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        return id.reduce(0) { ($0 &* 31) &+ Int64($1) }
    }()
    /// How long the lock of the file is waited for, ns: on a busy machine, who holds it may wait for
    /// a processor.
    private static let longestLock: Int64 = 100_000_000
    /// The longest ban of the venue, ms; what claims more is no ban.
    private static let longestBan: Int64 = 3 * 86_400_000
    /// Part of the limit that is kept free for live stages while one runs: snapshots of two books.
    private static let liveShare = 10

    /// Where the file is.
    let path: String

    /// The file of a base URL's host.
    ///
    /// - Parameter directory: where stats files are, too.
    init?(directory: String, baseURL: String) {
        guard let host = Self.host(of: baseURL), !host.isEmpty else { return nil }
        path = "\(directory)/venue-\(host).weight"
    }

    /// Host and port as a part of a file name.
    static func host(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        let host = authority.split(separator: "@").last ?? ""
        return String(
            host.lowercased().prefix(200).map { character in
                character.isASCII && (character.isLetter || character.isNumber)
                    || character == "." || character == "-" ? character : "_"
            })
    }

    // MARK: - Exchanging

    /// Counts a request before it is sent, if the window has room for it.
    ///
    /// - Parameters:
    ///   - limit: weight of a window that this program keeps to.
    ///   - venueTime: ms of the venue's clock.
    ///   - isLive: true for a stage that is part of a running pipeline.
    /// - Returns: nil when there is no file to agree in.
    func take(
        _ weight: Int, limit: Int, window: Int64, venueTime: Int64, isLive: Bool
    ) -> Decision? {
        var decision = Decision.passes
        let isShared = update { state, now in
            if state.barredUntil > now {
                decision = .barred(state.barredUntil - now)
                return
            }
            Self.roll(&state, to: venueTime, window)
            if isLive { state.liveUntil = now + 120_000 }
            let isCrowded = !isLive && state.liveUntil > now
            let limit = Int64(isCrowded ? limit - limit / Self.liveShare : limit)
            guard state.used == 0 || state.used + Int64(weight) <= limit else {
                decision = .waits(max(1, state.windowStart + state.window - venueTime))
                return
            }
            state.used += Int64(weight)
        }
        return isShared ? decision : nil
    }

    /// Notes what the venue says of the current window: its count is the truth.
    func note(used: Int, window: Int64, venueTime: Int64) {
        _ = update { state, _ in
            Self.roll(&state, to: venueTime, window)
            state.used = max(state.used, Int64(used))
        }
    }

    /// Notes that the venue bars this address.
    func note(barredFor seconds: Double) {
        _ = update { state, now in
            let milliseconds = Int64(min(max(0, seconds) * 1000, Double(Self.longestBan)))
            state.barredUntil = max(state.barredUntil, now + milliseconds)
        }
    }

    /// What is in the file; nil when there is nothing that can be believed.
    func look() -> State? {
        var found: State?
        _ = update { state, _ in found = state }
        return found
    }

    private static func roll(_ state: inout State, to time: Int64, _ window: Int64) {
        let start = time - (time % window + window) % window
        // A clock that is a little behind another program's must not open a window again.
        let isCurrent =
            state.window == window && state.windowStart >= start
            && state.windowStart - start <= window
        if isCurrent { return }
        (state.windowStart, state.window, state.used) = (start, window, 0)
    }

    // MARK: - The file

    /// Changes the file's content under its lock.
    ///
    /// - Returns: false when there is none that can be used.
    private func update(_ change: (inout State, _ now: Int64) -> Void) -> Bool {
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard file >= 0 else { return false }
        // Closing gives the lock back, whatever happens to the process.
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_uid == geteuid() || status.st_uid == 0, Self.lock(file)
        else { return false }
        let now = Clock.bootNanoseconds() / 1_000_000
        let before = Self.read(file, now)
        var after = before ?? State()
        change(&after, now)
        guard after != before else { return true }
        return Self.write(after, file)
    }

    /// Other programs hold the lock for microseconds, in which they get the processor here; one that
    /// holds it for longer hangs, and is not waited for.
    private static func lock(_ file: Int32) -> Bool {
        let end = Clock.monotonicNanoseconds() + longestLock
        repeat {
            if flock(file, LOCK_EX | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK || errno == EINTR else { return false }
            sched_yield()
        } while Clock.monotonicNanoseconds() < end
        return false
    }

    private static func read(_ file: Int32, _ now: Int64) -> State? {
        var words = [Int64](repeating: 0, count: length / 8)
        let count = words.withUnsafeMutableBytes { pread(file, $0.baseAddress, length, 0) }
        guard count == length, words[0] == magic, words[7] == checksum(words) else { return nil }
        var state = State(
            windowStart: words[1], window: words[2], used: words[3], barredUntil: words[4],
            liveUntil: words[5])
        // The checksum shows that it was written whole, not that who wrote it was right.
        let plausible = 0...VenueTime.plausible.upperBound / 1000
        guard plausible.contains(state.windowStart), (0...86_400_000_000).contains(state.window),
            (0...1_000_000_000).contains(state.used), plausible.contains(state.barredUntil),
            plausible.contains(state.liveUntil)
        else { return nil }
        let isOfBefore = words[6] != boot
        if isOfBefore || state.barredUntil > now + longestBan { state.barredUntil = 0 }
        if isOfBefore || state.liveUntil > now + 600_000 { state.liveUntil = 0 }
        return state
    }

    private static func write(_ state: State, _ file: Int32) -> Bool {
        var words = [
            magic, state.windowStart, state.window, state.used, state.barredUntil, state.liveUntil,
            boot, 0,
        ]
        words[7] = checksum(words)
        return words.withUnsafeBytes { pwrite(file, $0.baseAddress, length, 0) } == length
    }

    /// FNV-1a over the words before it.
    private static func checksum(_ words: [Int64]) -> Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for word in words.prefix(7) {
            hash = (hash ^ UInt64(bitPattern: word)) &* 0x100_0000_01b3
        }
        return Int64(bitPattern: hash)
    }
}
