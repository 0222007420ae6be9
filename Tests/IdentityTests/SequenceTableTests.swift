import Identity
import Testing

struct SequenceTableTests {
    /// Sequences that differ in each of their parts, more of them than fit before the table grows.
    private static func sequences(_ count: Int) -> [SequenceID] {
        (0..<count).compactMap { number in
            SymbolName("S\(number / 4)").map {
                SequenceID(
                    template: UInt16(1 + number % 2), series: UInt16(number / 2 % 2), symbol: $0)
            }
        }
    }

    @Test(arguments: [0, 1, 32, 33, 5000])
    func `places are the order in which sequences came, however many they are`(count: Int) {
        var table = SequenceTable()
        let all = Self.sequences(count + 4)
        for (place, sequence) in all.prefix(count).enumerated() {
            #expect(table.place(of: sequence) == nil, "\(sequence)")
            let own = table.add(sequence)
            #expect(own == place, "\(sequence)")
        }
        #expect(table.sequences == Array(all.prefix(count)))
        for (place, sequence) in all.prefix(count).enumerated() {
            #expect(table.place(of: sequence) == place, "\(sequence)")
        }
        for sequence in all.suffix(4) { #expect(table.place(of: sequence) == nil, "\(sequence)") }
    }

    /// Were it not for the seeds, a symbol with the right bytes would make a factor of the hash zero, and
    /// all names that have them would share a slot.
    @Test(arguments: [0, 1, 0x9E37_79B9_7F4A_7C15, 0xA076_1D64_78BD_642F, .max] as [UInt64])
    func `names that are chosen to share a slot do not`(word: UInt64) {
        let seeds = (UInt64.random(in: 1 ... .max), UInt64.random(in: 1 ... .max))
        let shapes: [(UInt64) -> (UInt64, UInt64, UInt64, UInt64)] = [
            { (word, $0, 0, 0) }, { ($0, word, 0, 0) }, { (word, word, $0, word) },
            { (word, word, word, $0) }, { (word, $0, $0, word) },
        ]
        for (number, shape) in shapes.enumerated() {
            let slots = (1...4096).map { index in
                let key = SequenceWords(
                    venue: 1, template: 1, series: 0, epoch: 1, symbol: shape(UInt64(index)))
                return key.hash(seeds) & 0xFFFF
            }
            // By chance nearly all differ; with some seeds, such as one that ends in many zeros, fewer.
            #expect(Set(slots).count > 256, "shape \(number), seeds \(seeds)")
        }
    }

    @Test func `sequences that differ in their epoch or venue have places of their own`() throws {
        let symbol = try #require(SymbolName("BTCUSDT"))
        let all = [
            SequenceID(template: 1, symbol: symbol),
            SequenceID(template: 1, epoch: 2, symbol: symbol),
            SequenceID(venue: 2, template: 1, symbol: symbol),
        ]
        var table = SequenceTable()
        for sequence in all { _ = table.add(sequence) }
        #expect(all.map { table.place(of: $0) } == [0, 1, 2])
    }
}
