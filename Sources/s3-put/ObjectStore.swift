import AWS
import Stage
import StageAWS

/// What became of an object that was put.
enum Placement: Sendable, Equatable {
    /// It is there now.
    case created
    /// The same bytes were there already.
    case existed
    /// Something else is there, which was left alone. What it is, and what ours is, for people.
    case conflicts(theirs: String, ours: String)
}

/// Puts finished files under their keys, each once.
enum ObjectStore: ~Copyable {
    case directory(DirectoryStore)
    case bucket(BucketStore)

    /// Delivers an object.
    mutating func put(_ object: StagedObject) throws -> Placement {
        switch consume self {
        case .directory(var store):
            let result = Result { try store.put(object) }
            self = .directory(store)
            return try result.get()
        case .bucket(var store):
            let result: Result<Placement, StageFailure>
            do throws(StageFailure) { result = .success(try store.put(object)) } catch {
                result = .failure(error)
            }
            self = .bucket(store)
            return try result.get()
        }
    }

    /// Ends uploads in parts that earlier runs left.
    ///
    /// - Returns: how many.
    mutating func abortLeftovers(_ plan: S3PutPlan, _ log: Log) -> Int {
        switch consume self {
        case .directory(let store):
            self = .directory(store)
            return 0
        case .bucket(var store):
            let count = plan.abortLeftovers(of: &store, log)
            self = .bucket(store)
            return count
        }
    }

    /// Finds out whether objects could be stored, without storing one.
    mutating func check() throws {
        switch consume self {
        case .directory(let store):
            let result = Result { try store.check() }
            self = .directory(store)
            try result.get()
        case .bucket(var store):
            let result: Result<Void, StageFailure>
            do throws(StageFailure) { result = .success(try store.check()) } catch {
                result = .failure(error)
            }
            self = .bucket(store)
            try result.get()
        }
    }
}
