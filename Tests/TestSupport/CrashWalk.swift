import Foundation
public import Posix

/// Goes along what a program did to its files, and shows what a crash after an operation leaves.
public struct CrashWalk {
    /// Every operation and outcome with `CRASH_POINTS=all` (`make chaos`), else a sample.
    public static let isWhole = ProcessInfo.processInfo.environment["CRASH_POINTS"] == "all"

    private let root: String
    private let samples: Int
    private let always: [CrashDisk.Outcome]
    private let seed: UInt64

    /// - Parameters:
    ///   - root: where the program ran, and where what is left is written: a state says of which
    ///     destination it is.
    ///   - samples: operations after which there is a crash, about.
    ///   - always: outcomes at each of them; one of the others besides.
    ///   - seed: of what a power failure leaves.
    public init(root: String, samples: Int, always: [CrashDisk.Outcome] = [], seed: UInt64) {
        self.root = root
        self.samples = samples
        self.always = always
        self.seed = seed
    }

    /// Does the operations again on a disk, and lets each crash be judged.
    ///
    /// - Parameters:
    ///   - note: sees every operation, before a crash after it.
    ///   - judge: is called when what a crash left is below the root; false ends the walk.
    public func run(
        _ operations: [FileOperation], on disk: CrashDisk, note: (FileOperation) -> Void = { _ in },
        judge: (_ outcome: CrashDisk.Outcome, _ context: String) throws -> Bool
    ) throws {
        var disk = disk
        var random = SeededRandom(seed)
        let others = CrashDisk.Outcome.allCases.filter { !always.contains($0) }
        let step = Self.isWhole ? 1 : max(1, operations.count / samples)
        for (index, operation) in operations.enumerated() {
            disk.apply(operation)
            note(operation)
            guard (index + 1) % step == 0 else { continue }
            let outcomes =
                Self.isWhole
                ? CrashDisk.Outcome.allCases : always + [others[index / step % others.count]]
            for outcome in outcomes {
                try? FileManager.default.removeItem(atPath: root)
                try FileManager.default.createDirectory(
                    atPath: root, withIntermediateDirectories: true)
                try disk.write(outcome, to: root, using: &random)
                let context =
                    "after operation \(index) of \(operations.count), \(Self.text(operation)), "
                    + "\(outcome)"
                guard try judge(outcome, context) else { return }
            }
        }
    }

    /// An operation, for people; bytes are counted, not shown.
    public static func text(_ operation: FileOperation) -> String {
        if case .write(let path, let offset, let bytes) = operation {
            return "write of \(bytes.count) at \(offset) of \(path)"
        }
        return "\(operation)"
    }
}
