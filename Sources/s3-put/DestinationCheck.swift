import AWS
import Encoding
import Glibc
import ObjectWriting
import Posix
import Stage
import StageAWS
import Stats

/// Asks the destination whether objects could be stored, before anything is read: a bucket that does
/// not exist or a permission that is missing then shows in the first second, and not with the first
/// object.
///
/// It has a thread and a client of its own, so that a destination that does not answer holds up
/// nothing for longer than was said.
final class DestinationCheck: Sendable {
    /// How it ended.
    enum Answer {
        /// Objects can be stored.
        case good
        /// It will not work.
        case bad(StageFailure)
        /// Not known: no answer in time, or one that says nothing about storing objects.
        case unknown(StageFailure)
        /// A stop signal came.
        case stopped
    }

    private let answers: WorkQueue<StageFailure?>
    private let isOver = Locked(false)

    private init() throws { answers = try WorkQueue() }

    /// Asks, and shows meanwhile that the stage is well.
    static func run(
        _ options: S3PutOptions, in stage: borrowing Stage, _ credentials: CredentialsProvider?,
        _ figures: ServiceFigures
    ) throws -> Answer {
        let check = try DestinationCheck()
        let log = stage.log
        let thread = try BackgroundThread("check") {
            check.answers.add(check.ask(options, log, credentials, figures))
        }
        let isStopped = stage.waitForStop(
            seconds: options.checkTimeout, orReadable: check.answers.descriptor)
        check.isOver.withLock { $0 = true }
        let answer = check.answers.takeAll().first
        thread.join(seconds: ObjectDelivery.joinTimeout)
        guard let answer else {
            return isStopped
                ? .stopped
                : .unknown(
                    StageFailure(
                        .gaveUp, "no answer within \(Spoken.seconds(options.checkTimeout))"))
        }
        guard let failure = answer else { return .good }
        switch failure.exitStatus {
        case .notPermitted, .configuration: return .bad(failure)
        case .inputOutput where options.access == nil: return .bad(failure)
        default: return .unknown(failure)
        }
    }

    /// - Returns: why objects cannot be stored; nil when they can.
    private func ask(
        _ options: S3PutOptions, _ log: Log, _ credentials: CredentialsProvider?,
        _ figures: ServiceFigures
    ) -> StageFailure? {
        do {
            var store = try ObjectStore.make(
                options, log: log, credentials: credentials, figures: figures
            ) {
                self.isOver.withLock { $0 }
            }
            try store.check()
            return nil
        } catch { return StageFailure(error) }
    }
}
