public import Bronze
public import BronzeAccess
import Digests
import Identity
import Ledger
import ObjectReading
import Posix
public import Records
import Sink

/// Reads stored objects and compares them with what their manifests say.
public struct ObjectExamination: ~Copyable {
    /// Longest object that is read, bytes.
    private static let longestObject = 4 << 30

    private let source: ObjectSource
    private var judgement = ObjectJudgement()
    /// Bytes that were read.
    public private(set) var bytes: Int64 = 0

    /// Nothing is read yet.
    public init(_ source: ObjectSource) { self.source = source }

    /// Records that were counted.
    public var records: Int64 { judgement.records }

    /// Hashes an object, counts its records, and compares both with the claim.
    ///
    /// - Parameter body: gets each record, also those before whatever is wrong.
    /// - Returns: what is wrong; nil when the object is what its manifest says.
    /// - Throws: `AccessError` when the place cannot be reached.
    public mutating func examine(
        _ object: StoredObject, _ body: (borrowing FrameView) -> Void = { _ in }
    ) throws(AccessError) -> BucketProblem? {
        switch try content(of: object) {
        case .failure(let problem): problem.problem
        case .success(let content): judgement.judge(object, content, body)
        }
    }

    /// Hashes objects and counts their records, on several threads: this one reads, the others compare.
    ///
    /// - Parameters:
    ///   - objects: as manifests claim them.
    ///   - threads: how many compare.
    ///   - proceed: asked before each object; what it throws ends the examination.
    /// - Returns: what is wrong, in the order of the objects.
    /// - Throws: when the place cannot be reached, or as `proceed` does.
    public mutating func examine(
        _ objects: [StoredObject], threads: Int, _ proceed: () throws -> Void
    ) throws -> [BucketProblem] {
        let bench = try JudgementBench(threads: threads)
        do {
            for (place, object) in objects.enumerated() {
                try proceed()
                switch try content(of: object) {
                case .failure(let problem): bench.note(problem.problem, at: place)
                case .success(let content): bench.add(object, content, at: place)
                }
            }
        } catch {
            bench.cancel()
            throw error
        }
        let (problems, records) = bench.finish()
        judgement.add(records)
        return problems
    }

    /// What is wrong with an object, as an error.
    private struct Fault: Error {
        let problem: BucketProblem

        init(_ kind: BucketProblem.Kind, _ object: StoredObject, _ words: String) {
            problem = BucketProblem(kind, object.key, words)
        }
    }

    /// The bytes of an object, as many as its manifest says.
    private mutating func content(
        of object: StoredObject
    ) throws(AccessError) -> Result<[UInt8], Fault> {
        let content: [UInt8]
        do throws(AccessError) {
            content = try source.read(object.key, limit: Self.longestObject)
        } catch {
            switch error.reason {
            case .notFound: return .failure(Fault(.objectMissing, object, "is missing"))
            case .notPermitted, .changed, .inputOutput, .protocolBroken:
                return .failure(
                    Fault(.objectContent, object, "cannot be read: \(error.description)"))
            default: throw error
            }
        }
        bytes += Int64(content.count)
        guard Int64(content.count) == object.bytes else {
            return .failure(
                Fault(.objectLength, object, "has \(content.count) bytes, not \(object.bytes)"))
        }
        return .success(content)
    }
}
