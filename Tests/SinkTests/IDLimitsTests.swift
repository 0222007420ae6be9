import Identity
import Posix
import Records
import Sink
import Testing

/// How much a record may claim.
struct IDLimitsTests {
    struct Case: Sendable {
        let kind: RecordKind
        let ids: ClosedRange<Int64>
        var newest: Int64?
        var isFine = false
    }

    private static let limits = IDLimits(widest: 1000, farthest: 1_000_000)

    @Test(arguments: [
        Case(kind: .trade, ids: 7...7, newest: 6, isFine: true),
        Case(kind: .trade, ids: 7...8),
        Case(kind: .trade, ids: -1...(-1)),
        Case(kind: .aggTrade, ids: 2...Int64.max),
        Case(kind: .kline, ids: 5...6),
        Case(kind: .kline, ids: 5...5, isFine: true),
        Case(kind: .depthDiff, ids: 1...1000, isFine: true),
        Case(kind: .depthDiff, ids: 1...1001),
        Case(kind: .depthDiff, ids: 11...(1 << 62), newest: 10),
        Case(kind: .depthDiff, ids: 1_000_010...1_000_010, newest: 10, isFine: true),
        Case(kind: .depthDiff, ids: 1_000_011...1_000_011, newest: 10),
        Case(kind: .trade, ids: (1 << 62)...(1 << 62), newest: 10),
        Case(kind: .trade, ids: 4_000_000_000...4_000_000_000, isFine: true),
        Case(kind: .trade, ids: 5...5, newest: 4_000_000_000, isFine: true),
        Case(kind: .gap, ids: 1...1001),
        Case(kind: .gap, ids: 1...1000, isFine: true),
        Case(kind: .bestBidAsk, ids: Int64.max...Int64.max, isFine: true),
    ])
    func `ids that cannot be right are objected to`(example: Case) throws {
        let bytes = try Sample.frame(example.kind, example.ids)
        let frame = try FrameView(bytes.span.bytes)
        let objection = Self.limits.objection(to: frame, newest: example.newest)
        #expect((objection == nil) == example.isFine, "\(String(describing: objection))")
    }

    @Test func `ids that end before they begin are objected to, and do not trap`() throws {
        // The last id of a change, patched: Int64.min is as far below as can be.
        var bytes = try Sample.frame(.depthDiff, 5...5)
        for (index, byte) in withUnsafeBytes(of: Int64.min.littleEndian, Array.init).enumerated() {
            bytes[Frame.headerLength + 8 + 24 + index] = byte
        }
        let frame = try FrameView(bytes.span.bytes)
        try #require(frame.lastID == .min)
        #expect(Self.limits.objection(to: frame, newest: 4) != nil)
    }
}
