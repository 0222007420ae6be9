/// What a misbehaving venue does to a message of a stream.
enum MessageFault: String, CaseIterable, Sendable {
    /// The message never comes. For trades: ids that REST still has. For depth: U does not follow
    /// the u before it.
    case drop
    /// The message comes twice.
    case duplicate
    /// The message comes behind the next one of another stream of the connection.
    case reorder
    /// The message stops short.
    case truncate
    /// The template id is one that the schema does not have.
    case template
    /// The schema id is another.
    case schema
    /// The frame holds bytes that mean nothing.
    case garbage
    /// The message comes in several WebSocket frames, with a ping between two of them.
    case fragment
    /// Bytes follow the message in its frame.
    case overlong
}

/// Picks faults for messages, the same ones for the same seed and order of messages.
struct MessageFaultPlan {
    /// Faults asked for, each for so many messages.
    private struct Order {
        let fault: MessageFault
        var count: Int
        let family: String?
        let connection: Int?
    }

    /// Share of messages that get one, 0 to 1.
    var rate = 0.0
    /// Which ones.
    var kinds: [MessageFault] = []
    /// Of which streams, by their family; nil for all.
    var stream: String?
    /// How often each came.
    private(set) var counts: [String: Int] = [:]
    private var orders: [Order] = []
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// True when no message gets one.
    var isQuiet: Bool { orders.isEmpty && (rate == 0 || kinds.isEmpty) }

    /// Spoils the next messages, of one stream or connection when these are named.
    mutating func order(
        _ fault: MessageFault, count: Int, family: String?, connection: Int?
    ) {
        orders.append(Order(fault: fault, count: count, family: family, connection: connection))
    }

    /// The fault of the next message; nil for none.
    mutating func next(_ kind: StreamKind, _ connection: Int) -> MessageFault? {
        guard let fault = pick(kind, connection) else { return nil }
        counts["\(kind.label) \(fault.rawValue)", default: 0] += 1
        return fault
    }

    private mutating func pick(_ kind: StreamKind, _ connection: Int) -> MessageFault? {
        let family = kind.family
        let index = orders.firstIndex {
            ($0.family ?? family) == family && ($0.connection ?? connection) == connection
        }
        if let index {
            let fault = orders[index].fault
            orders[index].count -= 1
            if orders[index].count == 0 { orders.remove(at: index) }
            return fault
        }
        guard rate > 0, !kinds.isEmpty, (stream ?? family) == family,
            Double(random() >> 11) / Double(1 << 53) < rate
        else { return nil }
        return kinds[Int(random() % UInt64(kinds.count))]
    }

    /// The next number of the plan's own dice.
    mutating func random() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
