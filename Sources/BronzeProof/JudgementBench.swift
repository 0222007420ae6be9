import Bronze
import Posix

/// Threads that compare the bytes of objects with what their manifests say.
final class JudgementBench: Sendable {
    /// Bytes of objects that may wait; the longest one alone may be more.
    private static let mostWaiting = 128 << 20

    private struct Work: Sendable {
        let place: Int
        let object: StoredObject
        let content: [UInt8]
    }

    private struct Tally {
        var problems: [(place: Int, problem: BucketProblem)] = []
        var records: Int64 = 0
        /// Bytes that wait or are compared.
        var waiting = 0
    }

    private let queue: WorkQueue<Work>
    private let done: ThreadFlag
    private let tally = Locked(Tally())
    private let threads = Locked<[BackgroundThread]>([])

    /// Starts the threads.
    ///
    /// - Throws: when the system has no thread or file left for one.
    init(threads count: Int) throws(SystemError) {
        queue = try WorkQueue()
        done = try ThreadFlag()
        for _ in 0..<max(1, count) {
            do throws(SystemError) {
                let thread = try BackgroundThread("examine") { [self] in run() }
                threads.withLock { $0.append(thread) }
            } catch {
                // Fewer are slower, and none is an error.
                if threads.withLock({ $0.isEmpty }) { throw error }
                break
            }
        }
    }

    /// Notes what is wrong with an object that could not be read.
    func note(_ problem: BucketProblem, at place: Int) {
        tally.withLock { $0.problems.append((place, problem)) }
    }

    /// Adds an object; waits while there is too much before it.
    func add(_ object: StoredObject, _ content: [UInt8], at place: Int) {
        while tally.withLock({ $0.waiting > 0 && $0.waiting + content.count > Self.mostWaiting }) {
            done.wait()
        }
        tally.withLock { $0.waiting += content.count }
        queue.add(Work(place: place, object: object, content: content))
    }

    /// Waits for all that were added.
    ///
    /// - Returns: what is wrong, in the order of the places, and how many records were counted.
    func finish() -> (problems: [BucketProblem], records: Int64) {
        queue.close()
        for thread in threads.withLock({ $0 }) { thread.join(seconds: 1e9) }
        return tally.withLock { tally in
            (tally.problems.sorted { $0.place < $1.place }.map(\.problem), tally.records)
        }
    }

    /// Ends the threads after what they have in hand.
    func cancel() {
        queue.removeAll()
        _ = finish()
    }

    private func run() {
        var judgement = ObjectJudgement()
        while let work = queue.next() {
            let before = judgement.records
            let problem = judgement.judge(work.object, work.content) { _ in }
            let records = judgement.records - before
            tally.withLock { tally in
                if let problem { tally.problems.append((work.place, problem)) }
                tally.records += records
                tally.waiting -= work.content.count
            }
            done.raise()
        }
    }
}
