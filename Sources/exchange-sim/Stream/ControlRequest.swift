import Encoding
import Records

/// A client's JSON request in a text frame.
struct ControlRequest {
    /// What went wrong, with the venue's number and words.
    struct Failure: Error {
        let code: Int
        let message: String
        /// The request's id as JSON; nil when it could not be read.
        var id: String?

        init(_ code: Int, _ message: String, id: String? = nil) {
            self.code = code
            self.message = message
            self.id = id
        }
    }

    /// A parameter.
    enum Parameter {
        case text(String), boolean(Bool), other
    }

    /// What is asked for.
    enum Method: String, CaseIterable {
        case subscribe = "SUBSCRIBE"
        case unsubscribe = "UNSUBSCRIBE"
        case list = "LIST_SUBSCRIPTIONS"
        case setProperty = "SET_PROPERTY"
        case getProperty = "GET_PROPERTY"
    }

    let method: Method
    let parameters: [Parameter]
    /// As JSON, to be echoed.
    let id: String

    /// Reads a request.
    ///
    /// - Throws: what the venue answers to a wrong one.
    init(_ text: [UInt8]) throws(Failure) {
        var members = Members()
        do throws(JSONScanner.Failure) {
            try members.read(text)
        } catch { throw Self.broken(text, at: error.offset) }
        if members.hasSurplus { throw Failure(2, "Invalid request: too many parameters") }
        guard let name = members.method else {
            throw Failure(
                2, "Invalid request: missing field `method` at \(Self.place(text.count, in: text))")
        }
        guard let method = Method(rawValue: name.text) else {
            let names = Method.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
            throw Failure(
                2,
                "Invalid request: unknown variant \(name.text), expected one of \(names) at "
                    + Self.place(name.end, in: text))
        }
        guard let id = members.id else {
            throw Failure(2, "Invalid request: request ID must be an unsigned integer")
        }
        self.method = method
        self.id = id
        parameters = members.parameters
    }

    private static func broken(_ text: [UInt8], at offset: Int) -> Failure {
        Failure(3, "Invalid JSON: expected value at \(place(offset + 1, in: text))")
    }

    /// For example `line 1 column 28`.
    private static func place(_ count: Int, in text: [UInt8]) -> String {
        let before = text.prefix(count)
        let line = 1 + before.count { $0 == UInt8(ascii: "\n") }
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return "line \(line) column \(max(1, before.count - start))"
    }
}

/// A request's members as they are in the text.
private struct Members {
    var method: (text: String, end: Int)?
    var parameters: [ControlRequest.Parameter] = []
    var id: String?
    var hasSurplus = false

    mutating func read(_ text: [UInt8]) throws(JSONScanner.Failure) {
        var scanner = JSONScanner(text.span.bytes)
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "method") {
                let name = try scanner.text()
                method = (name, scanner.position)
            } else if scanner.equals(key, "params") {
                try readParameters(&scanner)
            } else if scanner.equals(key, "id") {
                id = try Self.identifier(&scanner)
            } else {
                hasSurplus = true
                try scanner.skip()
            }
        }
        try scanner.end()
    }

    private mutating func readParameters(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) {
        guard scanner.takes(UInt8(ascii: "[")) else { return try scanner.skip() }
        var isFirst = true
        while try scanner.more(&isFirst, until: UInt8(ascii: "]")) {
            switch scanner.peek() {
            case UInt8(ascii: "\""): parameters.append(.text(try scanner.text()))
            case UInt8(ascii: "t"), UInt8(ascii: "f"):
                parameters.append(.boolean(try scanner.boolean()))
            default:
                try scanner.skip()
                parameters.append(.other)
            }
        }
    }

    /// A 64-bit number, up to 36 letters and digits, or null; nil for anything else.
    private static func identifier(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> String? {
        if scanner.peek() == UInt8(ascii: "\"") {
            let text = try scanner.text()
            let isPlain = text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF)
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
            return isPlain && text.utf8.count <= 36 ? "\"\(text)\"" : nil
        }
        if try scanner.null() { return "null" }
        let start = scanner.position
        try scanner.skip()
        let text = String(
            decoding: (start..<scanner.position).map { scanner[$0] }, as: UTF8.self)
        return Int64(text.drop { $0 == " " }).map { "\($0)" }
    }
}
