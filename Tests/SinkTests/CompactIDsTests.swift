import Sink
import TestSupport
import Testing

struct CompactIDsTests {
    @Test func `they are a set, in whatever order ids come`() {
        var random = SeededRandom(11)
        for round in 0..<50 {
            var ids = CompactIDs()
            var model: Set<Int64> = []
            var next = Int64.random(in: -1000...1000, using: &random)
            for _ in 0..<200 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0: next = Int64.random(in: .min...(.max), using: &random)
                case 1: next &-= Int64.random(in: 0...500, using: &random)
                default: next &+= Int64.random(in: 0...3, using: &random)
                }
                #expect(
                    ids.insert(next) == model.insert(next).inserted, "round \(round), id \(next)")
            }
            #expect(ids.count == model.count)
            #expect(ids.first == model.min() && ids.last == model.max())
            #expect(ids.suffix(20) == Array(model.sorted().suffix(20)))
            for id in model { #expect(ids.contains(id)) }
            let kept = ids.trimmed(toAtLeast: 100)
            #expect(kept.count >= min(100, model.count))
            #expect(kept.suffix(kept.count) == Array(model.sorted().suffix(kept.count)))
            #expect(ids.count == model.count)
            var other = CompactIDs()
            for id in model.shuffled(using: &random) { other.insert(id) }
            #expect(other == ids, "whatever the order")
            other.insert(4_000_001)
            #expect(other != ids)
            for _ in 0..<100 {
                let id = Int64.random(in: -3000...3000, using: &random)
                #expect(ids.contains(id) == model.contains(id))
            }
        }
    }
}
