import Glibc

/// The two clocks of the system, as plain integers.
public enum Clock {
    /// Wall clock, nanoseconds since the epoch, UTC.
    public static func realtimeNanoseconds() -> Int64 { read(CLOCK_REALTIME) }

    /// Time that never goes back, nanoseconds since an arbitrary start.
    public static func monotonicNanoseconds() -> Int64 { read(CLOCK_MONOTONIC) }

    /// Time since this system started, ns: the same for all its processes, it goes on while the system
    /// is suspended, and cannot be set.
    public static func bootNanoseconds() -> Int64 { read(CLOCK_BOOTTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
