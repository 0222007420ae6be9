import Posix
import TestSupport
import Testing

@testable import Binance

/// Books that wait for a snapshot, without messages or streams: changes are numbers.
struct BookAssemblerTests {
    /// What went on, in order.
    private final class Bench {
        var books: BookAssembler
        var output = MergeOutput()

        init(_ change: (inout StreamMerge.Rules) -> Void = { _ in }) {
            var rules = StreamMerge.Rules()
            rules.takesSnapshots = true
            change(&rules)
            books = BookAssembler(rules)
        }

        /// A change, as a byte with its id, that goes on unless it waits.
        func change(_ id: UInt8, of place: Int = 0, at time: Int64 = 0) {
            let record = OrderedRecord(
                place: place, first: Int64(id), last: Int64(id), eventTime: 0, time: time)
            let isKept = books.keep(record, &output) { $0.append([id].span.bytes) }
            guard !isKept, output.accept() else { return }
            output.bytes.append([id].span.bytes)
        }

        func snapshot(_ id: UInt8, of place: Int = 0) -> Bool {
            books.arrived(place, id: Int64(id), frame: [100 + id].span.bytes, &output)
        }

        func drain() -> [UInt8] {
            defer { output.bytes.removeAll() }
            return output.bytes.array
        }
    }

    @Test func `changes go on around their snapshot, and those of other books are not held up`() {
        let bench = Bench()
        bench.books.wantSnapshot(3, from: 10, at: 5)
        #expect(bench.books.wanted(at: 4) == nil && bench.books.wanted(at: 5) == 3)
        for id in 10...13 as ClosedRange<UInt8> { bench.change(id, of: 3) }
        bench.change(50, of: 1)
        #expect(bench.drain() == [50] && bench.books.waiting == 4)
        bench.books.requested(3)
        #expect(bench.books.wanted(at: .max) == nil)
        #expect(!bench.snapshot(8, of: 3))
        #expect(bench.snapshot(11, of: 3))
        #expect(bench.drain() == [10, 11, 111, 12, 13])
        #expect(!bench.books.isWaiting(3) && bench.books.waiting == 0)
        bench.change(14, of: 3)
        #expect(bench.drain() == [14])
    }

    @Test func `a book that waited too long goes on, and its snapshot must reach what went`() {
        let bench = Bench { $0.bookWindow = 100 }
        bench.books.wantSnapshot(0, from: 1, at: 0)
        bench.change(1, at: 10)
        bench.change(2, at: 20)
        bench.books.releaseOld(at: 109, &bench.output)
        #expect(bench.drain() == [])
        bench.books.releaseOld(at: 110, &bench.output)
        #expect(bench.drain() == [1, 2])
        #expect(!bench.snapshot(1))
        #expect(bench.snapshot(2))
        #expect(bench.drain() == [102])
    }

    @Test func `more than may wait goes on at once`() {
        let bench = Bench { $0.heldBytes = 3 }
        bench.books.wantSnapshot(0, from: 1, at: 0)
        for id in 1...3 as ClosedRange<UInt8> { bench.change(id) }
        #expect(bench.drain() == [])
        bench.change(4)
        #expect(bench.drain() == [1, 2, 3, 4])
        #expect(!bench.snapshot(3))
    }

    @Test func `a refused snapshot lets everything go on, and is not wanted again`() {
        let bench = Bench()
        bench.books.wantSnapshot(0, from: 1, at: 0)
        bench.change(1)
        #expect(bench.books.failed(0, at: 0, later: 10, &bench.output) == 1)
        #expect(bench.books.wanted(at: 9) == nil && bench.books.wanted(at: 10) == 0)
        #expect(bench.books.failed(0, at: 10, later: nil, &bench.output) == 2)
        #expect(bench.drain() == [1] && !bench.books.isWaiting(0))
        bench.books.wantSnapshot(0, from: 2, at: 20)
        #expect(bench.books.wanted(at: .max) == nil)
    }

    @Test func `a snapshot that is left out is wanted again`() {
        let bench = Bench()
        bench.books.wantSnapshot(0, from: 1, at: 0)
        bench.change(1)
        bench.output.leaveOut()
        #expect(bench.snapshot(1))
        #expect(bench.drain() == [] && bench.output.leftOut == 2)
        #expect(bench.books.wanted(at: 0) == 0)
    }

    @Test func `without snapshots nothing waits`() {
        let bench = Bench { $0.takesSnapshots = false }
        bench.books.wantSnapshot(0, from: 1, at: 0)
        bench.change(1)
        #expect(bench.drain() == [1] && bench.books.wanted(at: .max) == nil)
    }
}
