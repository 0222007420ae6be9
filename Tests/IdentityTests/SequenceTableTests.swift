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

    @Test func `a walk over the slots ends at the place, or where there is none`() {
        var table = SequenceTable()
        let all = Self.sequences(400)
        for sequence in all.prefix(300) { _ = table.add(sequence) }
        for (number, sequence) in all.enumerated() {
            var slot = table.slot(of: sequence.symbol.words, sequence.template, sequence.series)
            var found: Int?
            while found == nil, let place = table.place(at: slot) {
                if table.sequences[place] == sequence { found = place }
                slot = table.next(slot)
            }
            #expect(found == (number < 300 ? number : nil), "\(sequence)")
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
