import Glibc
public import Stats

/// How much room the disk of a stage's state has left.
public struct DiskFigures {
    private let free: Gauge
    private let size: Gauge
    private let directory: String
    private var last: Int64 = .min

    /// How often it is looked at, ns.
    private static let interval: Int64 = 2_000_000_000

    /// - Parameter directory: on the disk.
    public init(_ stats: StatsWriter, directory: String) {
        self.directory = directory
        free = stats.gauge(FigureName.diskFree, help: "Bytes free on the disk of the state.")
        size = stats.gauge(FigureName.diskSize, help: "Size of the disk of the state.")
    }

    /// Looks, unless it did so a moment ago.
    ///
    /// - Parameter now: ns of the monotonic clock.
    public mutating func update(now: Int64) {
        guard last == .min || now - last >= Self.interval else { return }
        last = now
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return }
        free.set(Int64(status.f_bavail) &* Int64(status.f_frsize))
        size.set(Int64(status.f_blocks) &* Int64(status.f_frsize))
    }
}
