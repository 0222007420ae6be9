import Glibc

/// A thread beside the main one, for work that would stall a poll loop.
///
/// A program waits for its threads with ``join(seconds:)`` before it ends: libraries such as OpenSSL
/// take themselves apart in exit(3), under the hands of whoever still uses them.
public final class BackgroundThread: Sendable {
    private final class Start {
        let body: @Sendable () -> Void
        let end: ThreadFlag

        init(_ body: @escaping @Sendable () -> Void, _ end: ThreadFlag) {
            self.body = body
            self.end = end
        }
    }

    private let end: ThreadFlag
    private let thread: UInt

    /// Runs something on a thread of its own, which ends with it.
    ///
    /// - Throws: when the system has no more threads (pthread_create), or the process may open no
    ///   more files.
    public init(
        _ name: String, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        end = try ThreadFlag()
        thread = UInt(try Self.create(name, Start(body, end)))
    }

    /// Runs something on a detached thread of its own.
    ///
    /// - Throws: as ``init(_:_:)``.
    public static func start(
        _ name: String, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        pthread_detach(try create(name, Start(body, try ThreadFlag())))
    }

    private static func create(
        _ name: String, _ start: Start
    ) throws(SystemError) -> pthread_t {
        let context = Unmanaged.passRetained(start)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                start.body()
                start.end.raise()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw SystemError("start", "the thread \(name)", code: code)
        }
        return thread
    }

    /// Waits for its end; called once.
    ///
    /// - Parameter seconds: how long at the most.
    /// - Returns: false when it is still at work; it may go on then, unattended.
    @discardableResult
    public func join(seconds: Double) -> Bool {
        guard end.wait(seconds: seconds) else {
            pthread_detach(pthread_t(thread))
            return false
        }
        pthread_join(pthread_t(thread), nil)
        return true
    }
}
