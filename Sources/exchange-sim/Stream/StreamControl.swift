/// The stream side's part of the control port; runs on the hub's loop.
///
/// Answers `GET /sent` and `/connections`, and `POST /stream/next`, `/stream/faults`, `/stream/do` and
/// `/stream/refuse`.
enum StreamControl {
    /// True for the paths that belong here.
    static func owns(_ path: String) -> Bool {
        path == "/sent" || path == "/connections" || path.hasPrefix("/stream/")
    }

    /// Answers a request.
    static func answer(_ query: Query, isPost: Bool, _ hub: StreamHub) -> Reply {
        switch (query.path, isPost) {
        case ("/sent", false): return .json(hub.report())
        case ("/connections", false): return .json(hub.reportConnections())
        case ("/stream/next", true): return next(query, hub)
        case ("/stream/faults", true): return faults(query, hub)
        case ("/stream/do", true): return act(query, hub)
        case ("/stream/refuse", true): return refuse(query, hub)
        default: return .json("{\"error\":\"no such path\"}\n", status: 404)
        }
    }

    /// The kinds of message faults in a text with commas; nil when one is not known.
    static func kinds(_ text: String) -> [MessageFault]? {
        let names = text.split(separator: ",")
        let kinds = names.compactMap { MessageFault(rawValue: String($0)) }
        return kinds.count == names.count ? kinds : nil
    }

    private static func next(_ query: Query, _ hub: StreamHub) -> Reply {
        guard let fault = query["fault"].flatMap({ MessageFault(rawValue: $0) }) else {
            return bad("fault")
        }
        guard let count = Int(query["count"] ?? "1"), count >= 1 else { return bad("count") }
        let family = query["stream"]
        if let family, !StreamKind.families.contains(family) { return bad("stream") }
        let connection = query["connection"].flatMap { Int($0) }
        if query["connection"] != nil, connection == nil { return bad("connection") }
        hub.faults.order(fault, count: count, family: family, connection: connection)
        return .json("{}\n")
    }

    private static func faults(_ query: Query, _ hub: StreamHub) -> Reply {
        if let rate = query["rate"] {
            guard let rate = Double(rate), (0...1).contains(rate) else { return bad("rate") }
            hub.faults.rate = rate
        }
        if let text = query["kinds"] {
            guard let kinds = kinds(text) else { return bad("kinds") }
            hub.faults.kinds = kinds
        }
        if let text = query["stream"] {
            guard StreamKind.families.contains(text) else { return bad("stream") }
            hub.faults.stream = text
        }
        return .json("{}\n")
    }

    private static func act(_ query: Query, _ hub: StreamHub) -> Reply {
        guard let action = query["action"].flatMap({ ConnectionAction(rawValue: $0) }) else {
            return bad("action")
        }
        guard let code = UInt16(query["code"] ?? "1001") else { return bad("code") }
        let targets: [StreamConnection]
        switch query["connection"] ?? "all" {
        case "all": targets = Array(hub.connections.values)
        case "random": targets = hub.anyConnection().map { [$0] } ?? []
        case let text:
            guard let connection = Int(text).flatMap({ hub.connections[$0] }) else {
                return bad("connection")
            }
            targets = [connection]
        }
        for target in targets { target.perform(action, code: code, reason: query["reason"] ?? "") }
        return .json("{\"connections\":\(targets.count)}\n")
    }

    private static func refuse(_ query: Query, _ hub: StreamHub) -> Reply {
        guard let status = Int(query["status"] ?? "503"), status == 0 || (400...599) ~= status
        else {
            return bad("status")
        }
        guard let text = query["count"] else {
            hub.handshakeLimit.standing = status == 0 ? nil : status
            return .json("{}\n")
        }
        guard let count = Int(text), (1...1_000_000) ~= count else { return bad("count") }
        hub.handshakeLimit.refuse(status, count: count)
        return .json("{}\n")
    }

    private static func bad(_ name: String) -> Reply {
        .json("{\"error\":\"\(name) is not valid\"}\n", status: 400)
    }
}
