import Records

/// Several ordered streams as one: always the least of the frames that are next.
struct MergedFrames {
    private struct Head {
        let stream: FrameStream
        /// Which input: equal records come in the order of the inputs.
        let index: Int
        var key: OrderKey
    }

    private let order: RecordOrder
    /// A binary heap, the least first.
    private var heads: [Head] = []
    /// Called with what is out of order, once an input.
    private let whenDisordered: (_ input: Int) throws -> Void
    private var nextIndex = 0

    /// - Parameter whenDisordered: called when an input is not in the order itself.
    init(_ order: RecordOrder, whenDisordered: @escaping (_ input: Int) throws -> Void) {
        self.order = order
        self.whenDisordered = whenDisordered
    }

    var isEmpty: Bool { heads.isEmpty }

    /// Adds an input, from its first frame on.
    mutating func add(_ stream: FrameStream) throws {
        defer { nextIndex += 1 }
        guard try stream.advance() else { return }
        let key = try stream.withFrame { OrderKey($0, order) }
        heads.append(Head(stream: stream, index: nextIndex, key: key))
        rise(heads.count - 1)
    }

    /// The key of the next frame.
    var next: OrderKey? { heads.first?.key }

    /// Gives the next frame to `body`, and goes on.
    mutating func take<Value>(_ body: (borrowing FrameView) throws -> Value) throws -> Value? {
        guard let head = heads.first else { return nil }
        let value = try head.stream.withFrame(body)
        if try head.stream.advance() {
            let key = try head.stream.withFrame { OrderKey($0, order) }
            if key < head.key { try whenDisordered(head.index) }
            heads[0].key = key
        } else if let last = heads.popLast(), !heads.isEmpty {
            heads[0] = last
        }
        sink()
        return value
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        if heads[one].key < heads[other].key { return true }
        if heads[other].key < heads[one].key { return false }
        return heads[one].index < heads[other].index
    }

    private mutating func rise(_ start: Int) {
        var place = start
        while place > 0, isBefore(place, (place - 1) / 2) {
            heads.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func sink() {
        var place = 0
        while 2 * place + 1 < heads.count {
            var least = 2 * place + 1
            if least + 1 < heads.count, isBefore(least + 1, least) { least += 1 }
            guard isBefore(least, place) else { return }
            heads.swapAt(least, place)
            place = least
        }
    }
}
