import Binance
import Posix
import Stage

/// Brings records to standard output, and copes with a reader that is too slow: the pipe is as large
/// as it may be, then a buffer grows to its limit, then the policy decides.
struct Delivery: ~Copyable {
    /// Bytes that are worth a write while more is being decoded; see docs/performance.md.
    static let batch = 64 << 10

    private let rules: TapPlan.OutputRules
    private var outlet: Outlet
    private var spill: Spill?
    /// With a spill: what leaves before anything that is in the merge.
    private var front = Bytes(capacity: 4096)
    private var isSpilling = false
    /// True when what is in `front` is in the file as well.
    private var isFrontFiled = false
    /// Why the file takes no more; nil while it does.
    private var fileFailure: SystemError?
    /// True while nothing more may be taken in.
    private(set) var isFull = false

    init(_ rules: TapPlan.OutputRules) throws {
        let outlet = try Outlet()
        let spill =
            if case .spill(let directory) = rules.overflow {
                try Optional(Spill.open(directory, limit: rules.spillMax))
            } else { Spill?.none }
        self.rules = rules
        self.outlet = outlet
        self.spill = spill
        isSpilling = spilled > 0
    }

    /// Bytes written so far.
    var written: Int64 { outlet.written }
    /// For poll(2), while something waits.
    var pollable: Int32 { outlet.pollable }

    /// Bytes that wait in memory.
    func buffered(_ output: borrowing Bytes) -> Int {
        isSpilling ? outlet.waiting(front) + output.count : outlet.waiting(output)
    }

    /// What the policy does at the moment, in words; nil while the reader is fast enough.
    func trouble(_ merge: borrowing StreamMerge) -> String? {
        if merge.isDropping { return "records are left out" }
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
    /// - Returns: true when nothing waits.
    mutating func push(_ merge: inout StreamMerge, at time: Int64) throws -> Bool {
        if isSpilling { try pushSpilled(&merge.output) }
        if isSpilling { return false }
        if try outlet.push(&merge.output) {
            isFull = false
            if merge.isDropping {
                merge.setDropping(false, at: time)
                return try outlet.push(&merge.output)
            }
            return true
        }
        let waiting = outlet.waiting(merge.output)
        switch rules.overflow {
        case .block:
            isFull = waiting >= (isFull ? rules.bufferBytes / 2 : rules.bufferBytes)
        case .drop:
            let limit = merge.isDropping ? rules.bufferBytes / 2 : rules.bufferBytes
            merge.setDropping(waiting >= limit, at: time)
        case .spill:
            if waiting >= rules.bufferBytes {
                swap(&front, &merge.output)
                isSpilling = true
                isFrontFiled = false
            }
        }
        return false
    }

    private mutating func pushSpilled(_ output: inout Bytes) throws(SystemError) {
        guard var spill = spill.take() else { return }
        var failure: SystemError?
        do throws(SystemError) {
            do throws(SystemError) {
                try spill.append(output.span)
                output.removeAll()
                fileFailure = nil
            } catch {
                // A disk that is full is as a file that is: the rest waits in memory.
                fileFailure = error
            }
            while try outlet.push(&front) {
                if spill.bytes == 0 {
                    try spill.release()
                    if !output.isEmpty {
                        swap(&front, &output)
                        isFrontFiled = false
                        continue
                    }
                    isSpilling = false
                    break
                }
                try spill.take(to: &front)
                isFrontFiled = true
            }
            isFull = spill.isFull || !output.isEmpty
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
        if let spill = spill.take(), !isSpilling { try Files.remove(spill.path) }
        let unfiled = (isFrontFiled ? 0 : front) + merge.output.count
        let lost = isSpilling ? unfiled : outlet.waiting(merge.output)
        return (lost, filed)
    }
}
