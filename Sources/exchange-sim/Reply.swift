import Posix

/// What the simulator answers to one request.
struct Reply {
    var status = 200
    var contentType = "application/json;charset=UTF-8"
    var headers: [(String, String)] = []
    var body: [UInt8] = []
    /// Bytes of the body after which the connection closes; nil sends all of it.
    var closesAfter: Int?
    /// Seconds to wait before it is sent.
    var delay = 0.0

    /// A JSON body.
    static func json(_ text: String, status: Int = 200) -> Reply {
        Reply(status: status, body: Array(text.utf8))
    }

    /// The venue's own error.
    static func error(_ code: Int, _ message: String, status: Int = 400) -> Reply {
        json("{\"code\":\(code),\"msg\":\"\(message)\"}", status: status)
    }

    /// A page that no program can read.
    static func html(_ status: Int) -> Reply {
        Reply(
            status: status, contentType: "text/html",
            body: Array("<html><body><h1>\(status)</h1></body></html>".utf8))
    }
}

/// A request's path and query.
struct Query {
    let path: String
    private var values: [String: String] = [:]

    init(uri: String) {
        let parts = uri.split(separator: "?", maxSplits: 1)
        path = String(parts.first ?? "/")
        guard parts.count == 2 else { return }
        for term in parts[1].split(separator: "&") {
            let pair = term.split(separator: "=", maxSplits: 1).map(String.init)
            values[Self.decoded(pair[0])] = pair.count == 2 ? Self.decoded(pair[1]) : ""
        }
    }

    /// The path with its percent escapes resolved.
    var decodedPath: String { Self.decoded(path) }

    /// A parameter; nil when it is not there.
    subscript(name: String) -> String? { values[name] }

    private static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
