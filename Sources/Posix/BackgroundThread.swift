import Glibc

/// A thread beside the main one, for work that would stall a poll loop.
public enum BackgroundThread {
    private final class Start {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs something on a thread of its own, which ends with it; nobody can wait for it.
    ///
    /// - Throws: when the system has no more threads (pthread_create).
    public static func start(
        _ name: String, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let context = Unmanaged.passRetained(Start(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw SystemError("start", "the thread \(name)", code: code)
        }
        pthread_detach(thread)
    }
}
