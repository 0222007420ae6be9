public import Journal
import Posix

extension Spool {
    /// Entries that waited at one moment.
    public struct Replay: Sendable {
        let segments: [Segment]
        let keeper: DamageKeeper
        let name: String

        /// Gives each entry to `body`, in order; wrong bytes are passed over.
        ///
        /// - Returns: wrong bytes that were not seen before: opening the spool reports the others.
        @discardableResult
        public func forEach(_ body: (Position, RawSpan) throws -> Void) throws -> [Damage] {
            var damages: [Damage] = []
            for segment in segments {
                _ = try segment.read(from: segment.start) { offset, entry in
                    try body(Position(segment: segment.number, offset: offset), entry)
                } wrong: { range in
                    guard segment.wrong[range.lowerBound] == nil else { return }
                    damages.append(
                        keeper.keep(
                            range, of: segment.path, as: "\(name)-\(segment.number)",
                            isUnsyncedTail: range.lowerBound >= segment.synced))
                }
            }
            return damages
        }
    }
}
