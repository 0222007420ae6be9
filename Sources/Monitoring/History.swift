/// The last fifteen minutes of each stage's flow, for small curves.
///
/// Bounded: 180 points of 12 bytes for each of at most ``Monitor/maximumStages`` stages, about
/// 2 kB a stage and 0.6 MB at most. A stage that is no longer shown is forgotten.
public struct History: Sendable {
    /// A moment of one stage.
    public struct Point: Sendable, Equatable {
        /// Records taken in, per second.
        public var recordsIn: Float = 0
        /// Records passed on, per second.
        public var recordsOut: Float = 0
        /// Records that wait.
        public var waiting: Float = 0
    }

    /// Between two points, ns.
    public static let step: Int64 = 5_000_000_000
    /// Points of a stage: 15 minutes.
    public static let length = 180

    private struct Ring {
        var points = [Point](repeating: Point(), count: History.length)
        /// Where the next point goes.
        var next = 0
        var count = 0
    }

    private var rings: [String: Ring] = [:]
    private var last: Int64 = .min

    /// Begins with nothing.
    public init() {}

    /// Takes a look in, when a step is over since the last one that was taken.
    public mutating func take(_ overview: Overview) {
        // A clock that was set back must not stop the curves.
        guard last > overview.time || overview.time - max(last, 0) >= Self.step else { return }
        last = overview.time
        let shown = Set(overview.stages.map(\.id))
        for id in rings.keys where !shown.contains(id) { rings[id] = nil }
        for stage in overview.stages {
            var ring = rings[stage.id] ?? Ring()
            ring.points[ring.next] = Point(
                recordsIn: Float(stage.rates.recordsIn), recordsOut: Float(stage.rates.recordsOut),
                waiting: Float(stage.waiting ?? 0))
            ring.next = (ring.next + 1) % Self.length
            ring.count = min(ring.count + 1, Self.length)
            rings[stage.id] = ring
        }
    }

    /// The points of a stage, oldest first.
    public subscript(id: String) -> [Point] {
        guard let ring = rings[id] else { return [] }
        let start = (ring.next - ring.count + Self.length) % Self.length
        return (0..<ring.count).map { ring.points[(start + $0) % Self.length] }
    }
}
