import Binance
import Records
import TestSupport
import Testing

/// Changes of a book and its snapshots, by the venue's procedure.
struct BookTests {
    private func merge(_ change: (inout StreamMerge.Rules) -> Void = { _ in }) -> MergeBench {
        var rules = StreamMerge.Rules()
        rules.takesSnapshots = true
        change(&rules)
        return MergeBench([], rules: rules)
    }

    @Test func `changes wait for the first snapshot and go on around it`() throws {
        var merge = merge()
        #expect(try merge.feed(StreamSample.diff(10...12)) == [])
        let place = merge.snapshotWanted(at: 1000) ?? -1
        merge.snapshotRequested(place)
        #expect(merge.snapshotWanted(at: 1000) == nil)
        #expect(try merge.feed(StreamSample.diff(13...15)) == [])
        #expect(try merge.feed(StreamSample.diff(16...20)) == [])
        #expect(try merge.arrive(14) == true)
        #expect(
            try merge.drainWords() == [
                "depthDiff 10-12", "depthSnapshot 14", "depthDiff 13-15", "depthDiff 16-20",
            ])
        #expect(try merge.feed(StreamSample.diff(21...21)) == ["depthDiff 21"])
        #expect(merge.snapshotWanted(at: .max) == nil)
        StreamMergeTests.expectBalance(merge)
    }

    @Test func `a snapshot right before the first change is good, an older one is not`() throws {
        var merge = merge()
        _ = try merge.feed(StreamSample.diff(10...12))
        let place = merge.snapshotWanted(at: 1000) ?? -1
        merge.snapshotRequested(place)
        #expect(try merge.arrive(8) == false)
        merge.snapshotFailed(place, at: 1000, later: 50)
        #expect(merge.snapshotWanted(at: 1049) == nil)
        #expect(merge.snapshotWanted(at: 1050) == place)
        #expect(try merge.arrive(9) == true)
        #expect(try merge.drainWords() == ["depthSnapshot 9", "depthDiff 10-12"])
    }

    @Test func `a hole is declared, and wants a new snapshot that reaches beyond it`() throws {
        var merge = merge()
        _ = try merge.feed(StreamSample.diff(1...1))
        #expect(try merge.arrive(1) == true)
        _ = try merge.drainWords()
        #expect(try merge.feed(StreamSample.diff(5...6)) == ["gap 2-4 reason 1"])
        #expect(merge.snapshotWanted(at: 1000) == 0)
        merge.snapshotRequested(0)
        #expect(try merge.arrive(3) == false)
        #expect(try merge.feed(StreamSample.diff(7...9)) == [])
        // A second hole while the first is being mended.
        #expect(
            try merge.feed(StreamSample.diff(12...13)) == [
                "depthDiff 5-6", "depthDiff 7-9", "gap 10-11 reason 1",
            ])
        #expect(try merge.arrive(8) == false)
        #expect(try merge.arrive(11) == true)
        #expect(try merge.drainWords() == ["depthSnapshot 11", "depthDiff 12-13"])
        StreamMergeTests.expectBalance(merge)
    }

    @Test func `overlapping changes are applied, those behind are dropped, without a hole`() throws
    {
        var merge = MergeBench([])
        #expect(try merge.feed(StreamSample.diff(1...5)) == ["depthDiff 1-5"])
        #expect(try merge.feed(StreamSample.diff(4...8)) == ["depthDiff 4-8"])
        #expect(try merge.feed(StreamSample.diff(2...3)) == [])
        #expect(try merge.feed(StreamSample.diff(9...9)) == ["depthDiff 9"])
        #expect(merge.counts.gaps == 0)
    }

    @Test func `changes do not wait for ever, and a snapshot must not be behind what went on`()
        throws
    {
        var merge = merge()
        _ = try merge.feed(StreamSample.diff(10...12), at: 0)
        merge.snapshotRequested(0)
        merge.tick(at: merge.rules.bookWindow) { _ in StreamMerge.Origin() }
        #expect(try merge.drainWords() == ["depthDiff 10-12"])
        #expect(try merge.feed(StreamSample.diff(13...14)) == ["depthDiff 13-14"])
        #expect(try merge.arrive(13) == false)
        merge.snapshotFailed(0, at: 0, later: 0)
        merge.snapshotRequested(0)
        #expect(try merge.feed(StreamSample.diff(15...16)) == [])
        #expect(try merge.arrive(14) == true)
        #expect(try merge.drainWords() == ["depthSnapshot 14", "depthDiff 15-16"])
    }

    @Test func `a symbol that the venue has no book of is not asked for again`() throws {
        var merge = merge()
        _ = try merge.feed(StreamSample.diff(10...12))
        merge.snapshotRequested(0)
        merge.snapshotFailed(0, at: 0, later: nil)
        #expect(try merge.drainWords() == ["depthDiff 10-12"])
        #expect(
            try merge.feed(StreamSample.diff(15...16)) == ["gap 13-14 reason 1", "depthDiff 15-16"])
        #expect(merge.snapshotWanted(at: .max) == nil)
    }

    @Test func `too many bytes that wait go on without the snapshot`() throws {
        var merge = merge { $0.heldBytes = 400 }
        var words: [String] = []
        for id in Int64(1)...6 { words += try merge.feed(StreamSample.diff(id...id)) }
        #expect(words.count >= 4 && words.first == "depthDiff 1")
        merge.finish(at: 0) { _ in StreamMerge.Origin() }
        words += try merge.drainWords()
        #expect(words == (1...6).map { "depthDiff \($0)" })
    }

    @Test func `changes that wait when dropping begins are declared with the others`() throws {
        var merge = merge()
        for id in Int64(1)...15 { _ = try merge.feed(StreamSample.diff(id...id), at: 0) }
        merge.snapshotRequested(0)
        merge.setDropping(true, at: 1)
        #expect(try merge.feed(StreamSample.diff(16...16), at: 2) == [])
        merge.tick(at: merge.rules.bookWindow) { _ in StreamMerge.Origin() }
        #expect(try merge.feed(StreamSample.diff(17...20), at: 3) == [])
        merge.setDropping(false, at: 4)
        #expect(try merge.drainWords() == ["gap 1-20 reason 4"])
        StreamMergeTests.expectBalance(merge)
    }

    @Test func `a snapshot that comes while records are left out is wanted again`() throws {
        var merge = merge()
        _ = try merge.feed(StreamSample.diff(1...5))
        merge.snapshotRequested(0)
        merge.tick(at: 1000 + merge.rules.bookWindow) { _ in StreamMerge.Origin() }
        #expect(try merge.drainWords() == ["depthDiff 1-5"])
        merge.setDropping(true, at: 1)
        #expect(try merge.arrive(5) == true)
        merge.setDropping(false, at: 2)
        #expect(try merge.drainWords() == [])
        #expect(merge.snapshotWanted(at: .max) == 0)
        merge.snapshotRequested(0)
        #expect(try merge.feed(StreamSample.diff(6...6)) == [])
        #expect(try merge.arrive(5) == true)
        #expect(try merge.drainWords() == ["depthSnapshot 5", "depthDiff 6"])
        StreamMergeTests.expectBalance(merge)
    }

    @Test(arguments: 1...20)
    func `a reader that goes by the records has the venue's book, whatever is lost`(seed: Int)
        throws
    {
        var random = SeededRandom(UInt64(seed))
        var merge = merge()
        var next: Int64 = 1
        var words: [String] = []
        var pending: (id: Int64, left: Int)?
        for _ in 0..<300 {
            let last = next + Int64.random(in: 0...4, using: &random)
            if Int.random(in: 0..<12, using: &random) > 0 {
                words += try merge.feed(StreamSample.diff(next...last))
            }
            next = last + 1
            if let current = pending {
                pending?.left -= 1
                if current.left == 0 {
                    pending = nil
                    if try !merge.arrive(current.id) {
                        merge.snapshotFailed(0, at: 0, later: 0)
                    }
                    words += try merge.drainWords()
                }
            } else if let place = merge.snapshotWanted(at: 1000) {
                merge.snapshotRequested(place)
                pending = (
                    max(0, last - Int64.random(in: 0...3, using: &random)),
                    Int.random(in: 1...5, using: &random)
                )
            }
        }
        try Self.followBook(words)
        #expect(words.contains { $0.hasPrefix("depthSnapshot") })
        #expect(words.contains { $0.hasPrefix("gap") })
    }

    /// Reads records in order as the README of the venue says; fails where a change is missing.
    private static func followBook(_ words: [String]) throws {
        var book: Int64?
        for word in words {
            let parts = word.split(separator: " ")
            let ids = parts[1].split(separator: "-").compactMap { Int64($0) }
            switch parts[0] {
            case "gap": book = nil
            case "depthSnapshot": book = ids[0]
            case "depthDiff":
                guard let current = book else { continue }
                let last = ids[ids.count - 1]
                if last <= current { continue }
                #expect(ids[0] <= current + 1, "\(word) after \(current)")
                book = last
            default: Issue.record("\(word)")
            }
        }
    }
}
