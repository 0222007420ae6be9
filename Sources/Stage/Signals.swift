import Glibc
import Posix
import Synchronization

/// SIGTERM, SIGINT and SIGUSR1 as a descriptor that becomes readable, so that a poll loop sees them;
/// SIGHUP as a flag of its own.
///
/// The first one asks the stage to end in order. A second SIGTERM or SIGINT ends the process at
/// once, wherever it waits: what was spooled stays in the spool. SIGUSR1 is for scripts that have
/// to stop one stage of several which hear all other signals together.
///
/// ^C at a terminal reaches every stage of a pipeline at once. A stage that stopped reading then would
/// lose what is still in the pipe before it, so one that reads from a shell's pipe reads on to its end:
/// the stage before it ends, too.
public enum Signals {
    /// Signals that are nearer to each other than this are one: timeout(1) sends its signal to the
    /// process and to its group, and so may a script that passes on what the terminal sent to all.
    static let sameSignal: Int64 = 200_000_000

    /// The longest time after SIGINT, in seconds, that a stage reads on from a shell's pipe whose
    /// writer does not end.
    static let inputDrain: UInt32 = 10

    /// Starts to watch; called once, before the stage reads anything.
    ///
    /// - Returns: a descriptor that is readable once a signal came, and stays so.
    static func watch() throws(SystemError) -> Int32 {
        stopFlag = try WakeupFlag().descriptor
        StopRequest.watch(stopFlag)
        firstStop.store(0, ordering: .relaxed)
        // What whoever started this ignores stays ignored: so a script keeps ^C for its source.
        for number in [SIGTERM, SIGINT, SIGUSR1] where !isIgnored(number) {
            signal(number) { number in
                // Only async-signal-safe calls in here.
                if number == SIGINT, Signals.drainsInput.load(ordering: .relaxed) {
                    alarm(Signals.inputDrain)
                } else {
                    WakeupFlag.raise(Signals.stopFlag)
                }
                guard number != SIGUSR1 else { return }
                let now = Clock.monotonicNanoseconds()
                let first = Signals.firstStop.load(ordering: .relaxed)
                if first == 0 {
                    Signals.firstStop.store(now, ordering: .relaxed)
                } else if Signals.isSecond(now, after: first) {
                    // Delivered when the handler returns.
                    signal(number, SIG_DFL)
                    raise(number)
                }
            }
        }
        signal(SIGALRM) { _ in WakeupFlag.raise(Signals.stopFlag) }
        return stopFlag
    }

    /// Lets the input end before SIGINT stops the stage: for one that reads from a shell's pipe.
    static func drainInput() { drainsInput.store(true, ordering: .relaxed) }

    /// True for a signal that is not the same as the first one.
    static func isSecond(_ now: Int64, after first: Int64) -> Bool { now - first > sameSignal }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Asks the stage to end in order, as SIGTERM does.
    static func stop() { WakeupFlag.raise(stopFlag) }

    /// Starts to watch SIGHUP, which otherwise ends the process.
    ///
    /// - Returns: a flag that is up when one came, and true when it was ignored before, as under
    ///   nohup(1).
    static func watchHangup() throws(SystemError) -> (flag: WakeupFlag, wasIgnored: Bool) {
        let wasIgnored = isIgnored(SIGHUP)
        let flag = try WakeupFlag()
        hangupFlag = flag.descriptor
        signal(SIGHUP) { _ in WakeupFlag.raise(Signals.hangupFlag) }
        return (flag, wasIgnored)
    }

    // Written before the handlers are installed, read by them only.
    nonisolated(unsafe) private static var stopFlag: Int32 = -1
    nonisolated(unsafe) private static var hangupFlag: Int32 = -1
    /// When the first signal to stop came, monotonic ns; 0 before.
    private static let firstStop = Atomic<Int64>(0)
    /// True when SIGINT waits for the end of the input.
    private static let drainsInput = Atomic<Bool>(false)
}
