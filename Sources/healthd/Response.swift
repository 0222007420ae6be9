import Monitoring
import NIOCore

/// What a request is answered with.
struct Response: Sendable, Equatable {
    var status = 200
    var contentType = "application/json"
    /// In UTF-8.
    var body = ByteBuffer()
    var headers: [String: String] = [:]
    /// True for one that goes on: the body is its beginning.
    var isLive = false

    /// A JSON text.
    static func json(_ value: JSONValue, status: Int = 200) -> Response {
        Response(status: status, body: ByteBuffer(string: value.text + "\n"))
    }

    /// An error, with the words of the service that this replaces.
    static func error(_ status: Int, _ message: String, _ more: [(String, JSONValue)] = [])
        -> Response
    {
        json(.object([("error", .string(message))] + more), status: status)
    }
}

/// What matters of a request.
struct Request: Sendable {
    /// Such as `GET`.
    var method = "GET"
    /// Without the query.
    var path = "/"
    /// The `Accept` header; empty for none.
    var accept = ""
    /// The `Accept-Encoding` header; empty for none.
    var acceptEncoding = ""
    /// The `Authorization` header; empty for none.
    var authorization = ""
    /// Every `Host` header.
    var hosts: [String] = []
    /// Why it is not a request that can be answered; nil for one that is.
    var fault: String?
    /// True on the port that has only /metrics.
    var isMetricsPort = false
}
