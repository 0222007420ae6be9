import NIOCore

/// What one connection has to do later; nothing of it outlives the connection.
final class Timers {
    private let loop: any EventLoop
    private var pending: [Int: Scheduled<Void>] = [:]
    private var last = 0

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Does something after that many seconds, on the loop.
    func after(_ seconds: Double, _ action: @escaping () -> Void) {
        last += 1
        let number = last
        let bound = NIOLoopBound((self, action), eventLoop: loop)
        pending[number] = loop.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) {
            let (timers, action) = bound.value
            if timers.pending.removeValue(forKey: number) != nil { action() }
        }
    }

    /// Forgets all of it.
    func cancel() {
        for timer in pending.values { timer.cancel() }
        pending.removeAll()
    }
}
