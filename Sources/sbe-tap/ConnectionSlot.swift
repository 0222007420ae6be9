import Binance

/// One of the redundant places of a group of streams: a connection and, for a while, its successor.
struct ConnectionSlot {
    let group: Int
    /// 0 for the first of the group's connections.
    let index: Int
    var rotation: ConnectionRotation
    var current: TapConnection?
    var next: TapConnection?

    /// The connections there are.
    var connections: [TapConnection] { [current, next].compactMap { $0 } }

    func role(of connection: TapConnection) -> ConnectionRotation.Role {
        connection === next ? .next : .current
    }
}
