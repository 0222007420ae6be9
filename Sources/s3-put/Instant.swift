import Posix

/// A moment on both clocks.
struct Instant {
    /// µs since the epoch.
    let real = Clock.realtimeNanoseconds() / 1000
    /// ns since some start.
    let monotonic = Clock.monotonicNanoseconds()
}
