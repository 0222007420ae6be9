/// When holes were open in each sequence, over the last day, for a strip on a page.
///
/// Bounded: 144 cells of one byte for each sequence that a stage shows, of at most 2048 sequences.
public struct CoverageHistory: Sendable {
    /// What was seen within ten minutes.
    public enum Cell: UInt8, Sendable {
        /// healthd did not look, or the sequence was not there.
        case unknown
        /// Nothing was missing.
        case whole
        /// Ids were missing.
        case hole
    }

    /// Of a cell, ns.
    public static let step: Int64 = 600_000_000_000
    /// Cells: a day.
    public static let length = 144
    private static let most = 2048

    private var strips: [String: [UInt8]] = [:]
    /// The cell under way, counted since the epoch.
    private var current: Int64 = .min

    /// Begins with nothing.
    public init() {}

    /// Takes a look in.
    public mutating func take(_ overview: Overview) {
        let cell = overview.time / Self.step
        if current == .min || cell < current { current = cell }
        let passed = Int(min(cell - current, Int64(Self.length)))
        current = cell
        if passed > 0 {
            for key in strips.keys {
                strips[key]?.removeFirst(passed)
                strips[key]? += [UInt8](repeating: 0, count: passed)
            }
            strips = strips.filter { $0.value.contains { $0 != 0 } }
        }
        for stage in overview.members where stage.isRunning || !stage.isReplaced {
            for coverage in stage.coverage {
                let key = Self.key(stage, coverage)
                guard strips[key] != nil || strips.count < Self.most else { continue }
                let seen: Cell = coverage.holes > 0 ? .hole : .whole
                var strip = strips[key] ?? [UInt8](repeating: 0, count: Self.length)
                strip[Self.length - 1] = max(strip[Self.length - 1], seen.rawValue)
                strips[key] = strip
            }
        }
    }

    /// The cells of a sequence, oldest first.
    public func cells(_ stage: StageView, _ coverage: SequenceCoverage) -> [Cell] {
        (strips[Self.key(stage, coverage)] ?? []).map { Cell(rawValue: $0) ?? .unknown }
    }

    private static func key(_ stage: StageView, _ coverage: SequenceCoverage) -> String {
        "\(stage.id) \(coverage.sequence)"
    }
}
