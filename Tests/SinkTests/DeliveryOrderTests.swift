import Bronze
import Identity
import Sink
import Spool
import TestSupport
import Testing

@testable import s3_put

/// In which order the ledger hears of objects, however their deliveries end.
struct DeliveryOrderTests {
    private static func object(_ path: String, _ kind: RecordKind = .trade) -> StagedObject {
        StagedObject(
            key: path, contentType: "", stagedPath: path,
            booking: Booking(sequence: Sample.sequence(kind)))
    }

    private static func order(_ paths: [String]) -> DeliveryOrder {
        var order = DeliveryOrder()
        for path in paths { order.add(object(path)) }
        return order
    }

    @Test func `of a sequence nothing is ready before what was finished earlier`() {
        var order = Self.order(["1", "2", "3"])
        #expect(order.complete(Self.object("3")).isEmpty)
        #expect(order.complete(Self.object("2")).isEmpty)
        #expect(order.count == 3)
        #expect(order.complete(Self.object("1")).map(\.stagedPath) == ["1", "2", "3"])
        #expect(order.isEmpty)
    }

    @Test func `one sequence does not wait for another`() {
        var order = Self.order(["1", "2"])
        order.add(Self.object("quote", .bestBidAsk))
        #expect(order.complete(Self.object("quote", .bestBidAsk)).map(\.stagedPath) == ["quote"])
        #expect(order.count == 2)
    }

    @Test func `what cannot be delivered holds nothing up`() {
        var order = Self.order(["1", "2", "3"])
        #expect(order.complete(Self.object("2")).isEmpty)
        #expect(order.drop(Self.object("1")).map(\.stagedPath) == ["2"])
        #expect(order.drop(Self.object("3")).isEmpty)
        #expect(order.isEmpty && order.oldest == nil)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `deliveries in any order are booked in one`(seed: UInt64) {
        var random = SeededRandom(seed)
        let kinds: [RecordKind] = [.trade, .depthDiff, .kline]
        let objects = (0..<60).map { Self.object("\($0)", kinds[$0 % 3]) }
        let refused = Set((0..<60).filter { _ in Int.random(in: 0..<5, using: &random) == 0 })
        var order = DeliveryOrder()
        for object in objects { order.add(object) }
        var booked: [Int] = []
        for number in (0..<60).shuffled(using: &random) {
            let object = objects[number]
            let ready = refused.contains(number) ? order.drop(object) : order.complete(object)
            booked += ready.compactMap { Int($0.stagedPath) }
        }
        #expect(order.isEmpty && booked.count == 60 - refused.count)
        for kind in 0..<3 {
            let own = booked.filter { $0 % 3 == kind }
            #expect(own == own.sorted())
        }
    }
}

/// Objects that get records still: when they get no more.
struct OpenObjectsTests {
    private static let second: Int64 = 1_000_000_000

    private static func position(_ segment: UInt64) -> RecordPosition {
        RecordPosition(entry: Spool.Position(segment: segment, offset: 0))
    }

    private static func partition(_ number: Int) -> Partition {
        Partition(
            SequenceID(template: 1, symbol: SymbolName(words: (UInt64(number + 65), 0, 0, 0))),
            period: 0)
    }

    /// Opens some objects a second apart, each in a segment of its own.
    private static func open(_ count: Int, in objects: inout OpenObjects) {
        for number in 0..<count {
            _ = objects.open(
                partition(number), firstID: 1, bucket: 0, spoolStart: position(UInt64(number)),
                now: Int64(number) * second)
        }
    }

    @Test func `objects are sealed by age, and all of them when they are told to`() {
        var objects = OpenObjects(staging: "/s", known: [])
        Self.open(3, in: &objects)
        objects.sealDue(age: 10, idle: 10, now: 9 * Self.second)
        #expect(objects.count == 3 && objects.sealed.isEmpty)
        objects.sealDue(age: 10, idle: 20, now: 11 * Self.second)
        #expect(objects.count == 1 && objects.takeSealed().count == 2)
        #expect(objects.object(of: Self.partition(0)) == nil)
        #expect(objects.object(of: Self.partition(2)) != nil)
        objects.sealAll()
        #expect(objects.isEmpty && objects.takeSealed().count == 1)
        #expect(objects.takeSealed().isEmpty && objects.spoolStart == nil)
    }

    @Test func `objects without records for a while are sealed`() {
        var objects = OpenObjects(staging: "/s", known: [])
        Self.open(2, in: &objects)
        objects.sealDue(age: 100, idle: 3, now: 3 * Self.second)
        #expect(objects.count == 1)
    }

    @Test func `what is in the front of the spool is sealed, and the spool may go up to the rest`()
    {
        var objects = OpenObjects(staging: "/s", known: [])
        Self.open(4, in: &objects)
        objects.sealFront(segment: 1)
        #expect(objects.count == 2 && objects.sealed.count == 2)
        #expect(objects.spoolStart == Self.position(2))
    }

    @Test func `sealed objects of one kind come behind each other`() {
        var objects = OpenObjects(staging: "/s", known: [])
        for (number, kind) in [RecordKind.kline, .trade, .kline, .trade].enumerated() {
            let symbol = SymbolName(words: (UInt64(number + 65), 0, 0, 0))
            _ = objects.open(
                Partition(SequenceID(template: kind.rawValue, symbol: symbol), period: 0),
                firstID: 1, bucket: 0, spoolStart: Self.position(0), now: 0)
        }
        objects.sealAll()
        let kinds = objects.takeSealed().map(\.partition.sequence.template)
        #expect(kinds == kinds.sorted() && kinds.count == 4)
    }

    @Test func `more partitions than may be open seal those before them`() {
        var objects = OpenObjects(staging: "/s", known: [])
        for number in 0...OpenObjects.most {
            _ = objects.open(
                Self.partition(number), firstID: 1, bucket: 0, spoolStart: Self.position(0), now: 0)
        }
        #expect(objects.count == 1 && objects.sealed.count == OpenObjects.most)
    }

    @Test func `the first object of a sequence that the ledger did not know is told apart`() {
        let known = Self.partition(0).sequence
        var objects = OpenObjects(staging: "/s", known: [known])
        Self.open(2, in: &objects)
        #expect(objects.object(of: Self.partition(0))?.isFirstOfUnknown == false)
        #expect(objects.object(of: Self.partition(1))?.isFirstOfUnknown == true)
        objects.sealAll()
        Self.open(2, in: &objects)
        #expect(objects.object(of: Self.partition(1))?.isFirstOfUnknown == false)
    }
}
