import Encoding
import Records

/// What the venue says in a text frame: everything but market data.
public enum StreamNotice: Equatable, Sendable {
    /// The server is about to go: a replacement is wanted at once.
    case shutdown
    /// A request of ours was wrong.
    case error(VenueError)
    /// Anything else, such as the reply to a request.
    case other

    /// True for a text that begins as the combined JSON streams' market data do.
    public static func isStreamData(_ text: RawSpan) -> Bool {
        let start: StaticString = "{\"stream\":\""
        let scanner = JSONScanner(text)
        let count = start.utf8CodeUnitCount
        return text.byteCount > count && scanner.equals(0..<count, start)
            && scanner[count] != UInt8(ascii: "!")
    }

    /// Reads a text frame. The venue documents `{"e":"serverShutdown","E":…}`, and was seen to wrap
    /// it as `{"stream":…,"data":{…}}`; errors come flat or under `error`.
    public init(_ text: RawSpan) {
        let found = try? Self.read(text)
        self = found ?? .other
    }

    private static func read(_ text: RawSpan) throws(JSONScanner.Failure) -> StreamNotice {
        var scanner = JSONScanner(text)
        var fields = Fields()
        try readObject(&scanner, &fields, depth: 0)
        try scanner.end()
        if fields.isShutdown { return .shutdown }
        if let code = fields.code {
            return .error(VenueError(code: Int(clamping: code), message: fields.message))
        }
        return .other
    }

    private struct Fields {
        var isShutdown = false
        var code: Int64?
        var message = ""
    }

    private static func readObject(
        _ scanner: inout JSONScanner, _ fields: inout Fields, depth: Int
    ) throws(JSONScanner.Failure) {
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            let isInner = scanner.equals(key, "data") || scanner.equals(key, "error")
            if depth == 0 && isInner {
                try readObject(&scanner, &fields, depth: 1)
            } else if scanner.equals(key, "e") {
                fields.isShutdown = try scanner.text() == "serverShutdown"
            } else if scanner.equals(key, "code") {
                fields.code = try scanner.integer()
            } else if scanner.equals(key, "msg") {
                fields.message = try scanner.text()
            } else {
                try scanner.skip()
            }
        }
    }
}
