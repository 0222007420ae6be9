import Records
import SBE
import SchemaModel
import Testing

/// Encoders: order, room, nulls, nesting.
struct EncoderTests {
    /// A tree with everything in it, written by hand: nests, empty groups, nulls.
    static func writeTree(_ room: Int) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0xAA, count: room)
        var span = buffer.mutableSpan
        var tree = try Odd.TreeEncoder(span.mutableBytes)
        tree.root = 9
        try tree.branches(count: 2) { (branch, index) throws(SBEError) in
            branch.length = UInt16(100 + index)
            try branch.twigs(count: 1)
            try branch.setTwigs(0, leaves: -5, colour: "red".utf8Span.span.bytes)
            try branch.nests(count: index) { (nest, _) throws(SBEError) in
                try nest.eggs(count: 2)
                nest.setEggs(0, weight: 61)
                try nest.bird("wren".utf8Span.span.bytes)
            }
            if index == 1 { try branch.bark("rough".utf8Span.span.bytes) }
        }
        try tree.finder("me".utf8Span.span.bytes)
        let length = tree.encodedLength
        return Array(buffer[..<length])
    }

    static let treeValues = [
        "root=9", "branches.count=2",
        "branches[0].length=100", "branches[0].twigs.count=1", "branches[0].twigs[0].leaves=-5",
        "branches[0].twigs[0].colour=7265640000", "branches[0].nests.count=0",
        "branches[0].name=", "branches[0].bark=",
        "branches[1].length=101", "branches[1].twigs.count=1", "branches[1].twigs[0].leaves=-5",
        "branches[1].twigs[0].colour=7265640000", "branches[1].nests.count=1",
        "branches[1].nests[0].eggs.count=2", "branches[1].nests[0].eggs[0].weight=61",
        "branches[1].nests[0].eggs[1].weight=nil", "branches[1].nests[0].bird=7772656e",
        "branches[1].name=", "branches[1].bark=726f756768",
        "roots.count=0", "species=", "finder=6d65",
    ]

    @Test func `groups in groups are written, and both decoders read them`() throws {
        let bytes = try Self.writeTree(1000)
        #expect(try OddValues.tree(bytes) == Self.treeValues)
        let subject = try #require(Subject.odd.first { $0.name == "odd.Tree" })
        #expect(try subject.walked(bytes) == Self.treeValues)
    }

    @Test func `a buffer of the exact length will do, any smaller one is an error`() throws {
        let whole = try Self.writeTree(1000)
        #expect(try Self.writeTree(whole.count) == whole)
        for room in 0..<whole.count {
            #expect(throws: SBEError.self) { try Self.writeTree(room) }
        }
    }

    @Test func `every kind of field is written and read back`() throws {
        var buffer = [UInt8](repeating: 0xAA, count: 136)
        var span = buffer.mutableSpan
        var encoder = try Odd.EverythingEncoder(span.mutableBytes)
        encoder.count = 1
        encoder.gap = -2
        encoder.ratio = 0.5
        encoder.part = 1.25
        encoder.maybe = 7
        try encoder.tag("abc".utf8Span.span.bytes)
        encoder.samples = [1, -2, 3]
        encoder.wide = -170_000_000_000_000_000_000_000_000_000
        encoder.wideMaybe = .max
        encoder.quote = Odd.Quote(
            price: .init(mantissa: -9, exponent: nil), side: .sell,
            origin: .init(city: [65, 66, 67], zone: .south))
        encoder.switches = [.hot, .last]
        encoder.side = .default
        encoder.yes = true
        encoder.perhaps = false
        encoder.letter = 0x7A
        encoder.`class` = 12
        encoder.second = 2
        encoder.third = .buy
        encoder.thirdTag = 3
        #expect(encoder.samples[1] == -2)
        #expect(encoder.wide == -170_000_000_000_000_000_000_000_000_000)
        #expect(encoder.quote.side == .sell)
        #expect(encoder.perhaps == false)
        #expect(
            try OddValues.everything(buffer) == [
                "Count=1", "gap=-2", "ratio=0.5", "part=1.25", "maybe=7", "tag=6162630000",
                "samples=[1,-2,3]", "wide=-170000000000000000000000000000",
                "wideMaybe=\(Int128.max)", "quote=((-9,nil),2,(414243,83))",
                "switches=\(1 + UInt32(1) << 31)", "side=3", "yes=true", "perhaps=false",
                "letter=122", "class=12", "second=2", "third=1", "thirdTag=3",
            ])
        let found = try Odd.EverythingDecoder(buffer.span.bytes)
        #expect(found.greeting.description == "hello")
        #expect(found.fixedSide == .sell)
        #expect(found.fixedNumber == 3)
        #expect(found.quote.price.base == 10)
        #expect(found.side.map { "\($0)" } == "default")
        #expect("\(Odd.Side(rawValue: 99))" == "99")
    }

    @Test func `fields that are not set are zero or null`() throws {
        var buffer = [UInt8](repeating: 0xAA, count: 136)
        var span = buffer.mutableSpan
        var encoder = try Odd.EverythingEncoder(span.mutableBytes)
        encoder.count = 0
        let values = try OddValues.everything(buffer)
        #expect(
            values.filter { $0.hasSuffix("=nil") }.map { $0.dropLast(4) } == [
                "part", "maybe", "wideMaybe", "side", "perhaps", "class", "third",
            ])
        #expect(values.contains("ratio=0.0"))
    }

    @Test func `a char array refuses what is too long and pads what is short`() throws {
        #expect(
            throws: SBEError.tooLong(
                message: "Everything", part: "tag", offset: 32, length: 6, limit: 5)
        ) { try Self.tagged("ABCDEF") }
        #expect(try Self.tagged("ABCDE")[32..<37] == Array("ABCDE".utf8)[...])
        let short = try Self.tagged("BTC")
        #expect(Array(short[32..<37]) == Array("BTC".utf8) + [0, 0])
        let found = try Odd.EverythingDecoder(short.span.bytes)
        #expect(text(found.tag.beforeNUL) == "BTC")
    }

    /// A message with a tag, which is written over a longer one.
    private static func tagged(_ tag: String) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0xAA, count: 136)
        var span = buffer.mutableSpan
        var encoder = try Odd.EverythingEncoder(span.mutableBytes)
        try encoder.tag([UInt8](repeating: 65, count: 5).span.bytes)
        try encoder.tag(tag.utf8Span.span.bytes)
        return buffer
    }

    @Test func `too many entries and too long data are refused`() throws {
        #expect(
            throws: SBEError.tooManyEntries(
                message: "Tree", part: "branches", offset: 9, count: 251, limit: 250)
        ) { try tree { (tree) throws(SBEError) in try tree.branches(count: 251) { _, _ in } } }
        #expect(
            throws: SBEError.tooManyEntries(
                message: "Tree", part: "branches", offset: 9, count: -1, limit: 250)
        ) { try tree { (tree) throws(SBEError) in try tree.branches(count: -1) { _, _ in } } }
        #expect(throws: SBEError.self) {
            try tree { (tree) throws(SBEError) in try tree.roots(count: .max) }
        }
        #expect(
            throws: SBEError.tooLong(
                message: "Tree", part: "species", offset: 23, length: 1001, limit: 1000)
        ) {
            try tree { (tree) throws(SBEError) in
                try tree.species([UInt8](repeating: 1, count: 1001).span.bytes)
            }
        }
    }

    private func tree(_ body: (inout Odd.TreeEncoder) throws(SBEError) -> Void) throws {
        var buffer = [UInt8](repeating: 0, count: 4000)
        var span = buffer.mutableSpan
        var encoder = try Odd.TreeEncoder(span.mutableBytes)
        try body(&encoder)
    }

    @Test func `after a failed group the message is whole, with that group empty`() throws {
        var buffer = [UInt8](repeating: 0xAA, count: 200)
        var length = 0
        do {
            var span = buffer.mutableSpan
            var encoder = try Odd.TreeEncoder(span.mutableBytes)
            encoder.root = 5
            do throws(SBEError) {
                try encoder.branches(count: 3) { (branch, _) throws(SBEError) in
                    try branch.name([UInt8](repeating: 1, count: 150).span.bytes)
                }
                Issue.record("200 bytes cannot hold it")
            } catch {}
            try encoder.finder("x".utf8Span.span.bytes)
            length = encoder.encodedLength
        }
        #expect(
            try OddValues.tree(Array(buffer[..<length])) == [
                "root=5", "branches.count=0", "roots.count=0", "species=", "finder=78",
            ])
    }
}
