import Binance
import Configuration
import Posix
import Stage

/// Brings records to standard output, and copes with a reader that is too slow: the pipe is as large
/// as it may be, then a buffer grows to its limit, then the policy decides.
struct OutputBuffer: ~Copyable {
    /// Bytes that are worth a write while more is being decoded; see docs/performance.md.
    static let batch = 64 << 10

    /// What the merge writes into.
    var merged = MergeOutput()

    private let rules: TapOptions.OutputRules
    private var outlet: NonblockingOutput
    private var spill: SpillFile?
    /// With a spill: what leaves before anything that the merge wrote.
    private var front = Bytes(capacity: 4096)
    private var isSpilling = false
    /// True when what is in `front` is in the file as well.
    private var isFrontFiled = false
    /// Why the file takes no more; nil while it does.
    private var fileFailure: SystemError?
    /// True while nothing more may be taken in.
    private(set) var isFull = false
    /// What an operator should know; whoever shows it empties it.
    var notices: [String] = []

    init(_ rules: TapOptions.OutputRules) throws {
        let outlet = try NonblockingOutput()
        let spill =
            if case .spill(let directory) = rules.overflow {
                try Optional(SpillFile(directory, limit: rules.spillMax))
            } else { SpillFile?.none }
        self.rules = rules
        self.outlet = outlet
        self.spill = spill
        isSpilling = spilled > 0
        notices += self.spill?.notices ?? []
    }

    /// Bytes written so far.
    var written: Int64 { outlet.written }
    /// For poll(2), while something waits.
    var pollable: Int32 { outlet.pollable }

    /// Bytes that wait in memory.
    var buffered: Int {
        isSpilling
            ? outlet.waiting(front) + merged.bytes.count : outlet.waiting(merged.bytes)
    }

    /// What the policy does at the moment, in words; nil while the reader is fast enough.
    var trouble: String? {
        if !merged.isKeeping { return "records are dropped" }
        if let fileFailure { return "the network is not read: \(fileFailure)" }
        if isFull { return "the network is not read" }
        return isSpilling ? "records go through a file" : nil
    }

    /// Bytes that wait in a file.
    var spilled: Int {
        switch spill {
        case .some(let spill): spill.bytes
        case nil: 0
        }
    }

    /// Writes what the reader takes now, and does what the policy says with the rest.
    ///
    /// - Parameter merge: declares what was left out, once records are kept again.
    /// - Returns: true when nothing waits.
    mutating func push(_ merge: inout StreamMerge, at time: Int64) throws -> Bool {
        if isSpilling { try pushSpilled() }
        if isSpilling { return false }
        if try outlet.push(&merged.bytes) {
            isFull = false
            if merged.isKeeping { return true }
            merge.keepAgain(in: &merged, at: time)
            return try outlet.push(&merged.bytes)
        }
        let waiting = outlet.waiting(merged.bytes)
        switch rules.overflow {
        case .block:
            isFull = waiting >= (isFull ? rules.bufferBytes / 2 : rules.bufferBytes)
        case .drop:
            if waiting >= (merged.isKeeping ? rules.bufferBytes : rules.bufferBytes / 2) {
                merged.leaveOut()
            } else {
                merge.keepAgain(in: &merged, at: time)
            }
        case .spill:
            if waiting >= rules.bufferBytes {
                swap(&front, &merged.bytes)
                isSpilling = true
                isFrontFiled = false
            }
        }
        return false
    }

    private mutating func pushSpilled() throws {
        guard var spill = spill.take() else { return }
        var failure: (any Error)?
        do {
            do throws(SystemError) {
                try spill.append(merged.bytes.span)
                merged.bytes.removeAll()
                fileFailure = nil
            } catch {
                // A disk that is full is as a file that is: the rest waits in memory.
                fileFailure = error
            }
            while try outlet.push(&front) {
                try spill.release()
                if spill.bytes == 0 {
                    if !merged.bytes.isEmpty {
                        swap(&front, &merged.bytes)
                        isFrontFiled = false
                        continue
                    }
                    isSpilling = false
                    break
                }
                try spill.take(to: &front)
                isFrontFiled = true
            }
            isFull = spill.isFull || !merged.bytes.isEmpty
            notices += spill.notices
            spill.notices = []
        } catch { failure = error }
        self.spill = consume spill
        if let failure { throw failure }
    }

    /// Writes everything that waits.
    ///
    /// - Parameter deadline: monotonic ns.
    /// - Returns: bytes that were not taken in time, and those that stay in a file for the next
    ///   process.
    mutating func finish(
        _ merge: inout StreamMerge, until deadline: Int64
    ) throws -> (lost: Int, filed: Int) {
        while try !push(&merge, at: Clock.realtimeNanoseconds()) {
            let left = (deadline - Clock.monotonicNanoseconds()) / 1_000_000
            if left <= 0 { break }
            outlet.wait(milliseconds: Int32(clamping: min(left, 1000)))
        }
        let front = outlet.waiting(self.front)
        let filed = spilled + (isSpilling && isFrontFiled ? front : 0)
        if var spill = spill.take(), !isSpilling { try spill.remove() }
        let unfiled = (isFrontFiled ? 0 : front) + merged.bytes.count
        let lost = isSpilling ? unfiled : outlet.waiting(merged.bytes)
        return (lost, filed)
    }
}
