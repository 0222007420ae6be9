import NIOHTTP1

/// What an upgrade request gets.
enum Handshake {
    /// 101, with these streams from the first moment.
    case accepted([StreamName], MessageShape)
    /// Another status with a short text.
    case refused(Int, String)

    /// Judges a request by its head.
    init(_ head: HTTPRequestHead, _ options: StreamOptions) {
        let query = Query(uri: head.uri)
        guard let streams = Self.streams(of: query) else {
            self = .refused(404, "Not found")
            return
        }
        var shape = MessageShape(isCombined: query.decodedPath.hasPrefix("/stream"))
        if let key = head.headers.first(name: "x-mbx-apikey"), !key.isEmpty {
            guard options.apiKey == nil || options.apiKey == key else {
                self = .refused(401, "Invalid API-key")
                return
            }
        } else if options.servesJSON {
            // The venue has a host of its own for these; here the lack of a key tells them apart.
            shape.isJSON = true
            switch query["timeUnit"]?.uppercased() {
            case "MICROSECOND": shape.unit = 1
            case nil, "MILLISECOND": shape.unit = 1000
            default:
                self = .refused(400, "Invalid timeUnit")
                return
            }
        } else {
            self = .refused(400, "No X-MBX-APIKEY header")
            return
        }
        guard streams.count <= options.streamLimit else {
            self = .refused(400, "Too many subscriptions")
            return
        }
        self = .accepted(streams, shape)
    }

    /// The streams in a target: `/ws`, `/ws/NAME`, `/stream`, `/stream?streams=A/B`; nil for
    /// others.
    private static func streams(of query: Query) -> [StreamName]? {
        let path = query.decodedPath
        if path == "/ws" || path == "/ws/" { return [] }
        if path.hasPrefix("/ws/") { return names(path.dropFirst(4)) }
        guard path == "/stream" || path == "/stream/" else { return nil }
        return names((query["streams"] ?? "")[...])
    }

    private static func names(_ text: Substring) -> [StreamName] {
        var seen: Set<StreamName> = []
        return text.split(separator: "/").map { StreamName(text: String($0)) }
            .filter { seen.insert($0).inserted }
    }
}
