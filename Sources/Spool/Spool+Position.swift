extension Spool {
    /// A place in a spool: where an entry begins, or a record in it.
    ///
    /// Positions of one spool only grow, and name the same bytes for ever; see ``Spool/id``.
    public struct Position: Comparable, Hashable, Sendable {
        /// Number of the segment, from 1.
        public let segment: UInt64
        /// Byte in the segment's file.
        public let offset: Int64

        /// Names a place.
        public init(segment: UInt64, offset: Int64) {
            self.segment = segment
            self.offset = offset
        }

        /// The place of a record in the entry that begins here.
        ///
        /// - Parameter bytes: where the record begins in the entry's content. The entry's header does
        ///   not count, so that the first record has the position of its entry.
        public func advanced(by bytes: Int) -> Position {
            Position(segment: segment, offset: offset + Int64(bytes))
        }

        /// The place as one number that grows as positions do.
        public var linear: Int64 { Int64(truncatingIfNeeded: segment << 32) | offset }

        /// The place of a number.
        public init(linear: Int64) {
            segment = UInt64(bitPattern: linear) >> 32
            offset = linear & 0xFFFF_FFFF
        }

        /// By segment, then byte.
        public static func < (one: Self, other: Self) -> Bool {
            (one.segment, one.offset) < (other.segment, other.offset)
        }
    }
}
