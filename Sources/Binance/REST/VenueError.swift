import Encoding
import Records

/// The venue's answer to a request that it did not like: `{"code":-1121,"msg":"Invalid symbol."}`.
public struct VenueError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What to do after it.
    public enum Remedy: Sendable {
        /// The same request may work in a while.
        case retry
        /// Ask for JSON, or for another schema.
        case json
        /// A key is missing or wrong.
        case key
        /// It will fail again.
        case none
    }

    /// Negative; 0 when the body was not the venue's.
    public let code: Int
    /// The venue's words, at most 200 characters.
    public let message: String

    /// Puts an error together.
    public init(code: Int, message: String) {
        self.code = code
        self.message = String(message.prefix(200))
    }

    /// For example `-1121 Invalid symbol.`
    public var description: String { code == 0 ? message : "\(code) \(message)" }

    /// What to do. Source: Binance Spot API, error codes; docs/venue.md.
    public var remedy: Remedy {
        switch code {
        case -1000, -1001, -1003, -1006, -1007, -1008, -1016, -1034: .retry
        case -1152, -1153, -1155, -1161: .json
        case -1002, -2014, -2015: .key
        default: .none
        }
    }

    /// True for a symbol that the venue does not have.
    public var isUnknownSymbol: Bool { code == -1121 }

    /// Reads an error body, JSON or SBE; nil when it is neither.
    public init?(body: RawSpan) {
        if let error = Self.json(body) ?? Self.sbe(body) {
            self = error
        } else {
            return nil
        }
    }

    private static func json(_ body: RawSpan) -> VenueError? {
        var scanner = JSONScanner(body)
        var code: Int64?
        var message = ""
        do throws(JSONScanner.Failure) {
            var members = JSONScanner.Place()
            while let key = try scanner.nextKey(&members) {
                if scanner.equals(key, "code") {
                    code = try scanner.integer()
                } else if scanner.equals(key, "msg") {
                    message = try scanner.text()
                } else {
                    try scanner.skip()
                }
            }
        } catch { return nil }
        guard let code, let code = Int(exactly: code) else { return nil }
        return VenueError(code: code, message: message)
    }

    private static func sbe(_ body: RawSpan) -> VenueError? {
        guard let response = try? REST.ErrorResponseDecoder(body) else { return nil }
        let message = response.msg.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        return VenueError(code: Int(response.code), message: message)
    }
}
