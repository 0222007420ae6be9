public import Posix

/// A request: one method on one URL.
public struct HTTPRequest: Sendable {
    /// What a request carries.
    public enum Body: Sendable {
        /// Nothing.
        case none
        /// Bytes in memory.
        case bytes([UInt8])
        /// Bytes that were built in place and will be used again.
        case buffer(HTTPBuffer)
        /// A part of a file, read while it is sent; offset and length in bytes.
        case file(path: String, offset: Int64, length: Int64)
    }

    /// GET, PUT, POST, HEAD or DELETE.
    public var method: String
    /// Absolute, http or https.
    public var url: String
    /// Names and values, in order.
    public var headers: [(String, String)]
    /// What it carries.
    public var body: Body
    /// Time for the whole exchange, seconds; 0 for no limit.
    public var timeout: Double
    /// Time to connect, seconds.
    public var connectTimeout: Double
    /// Seconds with less than 1000 bytes a second that end the exchange; 0 for no limit.
    public var stallTimeout: Double
    /// A response body over this many bytes is cut off as an error.
    public var maximumResponse: Int
    /// False for addresses of the own machine, which no proxy of the environment can reach.
    public var usesProxy: Bool

    /// Describes a request.
    public init(
        method: String = "GET", url: String, headers: [(String, String)] = [], body: Body = .none,
        timeout: Double = 30, connectTimeout: Double = 10, stallTimeout: Double = 0,
        maximumResponse: Int = 32 << 20, usesProxy: Bool = true
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.stallTimeout = stallTimeout
        self.maximumResponse = maximumResponse
        self.usesProxy = usesProxy
    }
}

/// A response, whatever its status.
public struct HTTPResponse: Sendable {
    /// The status code.
    public let status: Int
    /// Names and values in the order in which they came.
    public let headers: [(String, String)]
    /// The body, decompressed.
    public let body: [UInt8]

    /// The first value of a header, whatever the case of its name.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.0.lowercased() == name }?.1
    }
}

/// An exchange that got no whole response.
public struct TransportError: Error, Sendable, Equatable, CustomStringConvertible,
    ExitStatusProviding
{
    /// What went wrong.
    public enum Kind: Sendable {
        /// The name has no address.
        case resolve
        /// No connection came about.
        case connect
        /// TLS failed; most often a certificate.
        case tls
        /// A proxy refuses to let the connection through.
        case proxy
        /// It took too long.
        case timeout
        /// The response is over its limit.
        case tooLarge
        /// The connection broke, or what came is not HTTP.
        case broken
        /// The URL or the request is malformed.
        case badRequest
        /// The file to send could not be read.
        case unreadable
        /// libcurl itself failed.
        case libcurl
    }

    /// What went wrong.
    public let kind: Kind
    /// The URL without query, which may hold signatures, and without user name and password.
    public let url: String
    /// The library's words, which may name a proxy, without user name and password.
    public let reason: String

    init(kind: Kind, url: String, reason: String) {
        self.kind = kind
        self.url = url.withoutUserInfo
        self.reason = reason.withoutUserInfo
    }

    /// What may work in a while, and what is a setting: a URL, a certificate.
    public var exitStatus: ExitStatus {
        switch kind {
        case .badRequest, .tls, .proxy: .configuration
        case .unreadable: .inputOutput
        case .libcurl: .bug
        case .resolve, .connect, .timeout, .broken, .tooLarge: .gaveUp
        }
    }

    /// True when the same request may work in a while.
    public var isRetryable: Bool {
        switch kind {
        case .resolve, .connect, .timeout, .broken, .tooLarge: true
        case .tls, .proxy, .badRequest, .unreadable, .libcurl: false
        }
    }

    /// What helps against an untrusted certificate.
    public static let authorityHint =
        "name the authority's certificate with --ca (binance.ca_file) or SSL_CERT_FILE"

    /// For example `http://127.0.0.1:1/x: Connection refused`.
    public var description: String { "\(url): \(reason)" }
}
