import ObjectWriting
import Posix
import Stage

/// What the threads beside the main one have to say.
final class Completions: Sendable {
    enum Completion: Sendable {
        /// An object is where it belongs; not new: the same bytes were there already.
        case delivered(StagedObject, isNew: Bool)
        /// Something else is where an object belongs.
        case conflicting(StagedObject, theirs: String, ours: String)
        /// An object of an earlier run that may have been stored was not.
        case absent(StagedObject)
        /// The disk of the state has no room; what is open should be finished.
        case roomIsShort
        /// Why it goes on no further.
        case failed(StageFailure)
    }

    private let waiting: WorkQueue<Completion>

    init() throws { waiting = try WorkQueue() }

    /// Readable when there are completions.
    var descriptor: Int32 { waiting.descriptor }

    /// Leaves one for the main thread.
    func post(_ completion: Completion) { waiting.add(completion) }

    /// Leaves an error for the main thread.
    func post(_ error: any Error) {
        post(.failed(StageFailure(error)))
    }

    /// Takes those since the last call.
    func takeAll() -> [Completion] { waiting.takeAll() }
}
