import Encoding

/// Where a server of Redis' protocol is: `redis://[user:password@]host[:port][/db]`, with TLS
/// `rediss://…`, or a socket of this machine: `unix:///path?db=2`.
///
/// As IANA has the scheme (provisional registration `redis`, 2015) and redis-cli and redis-py read it;
/// what may not be in a URL is percent-encoded. A password without a user is `:password@`.
public struct RedisAddress: Sendable, Equatable, CustomStringConvertible {
    /// How the server is reached.
    public enum Endpoint: Sendable, Equatable {
        /// Over TCP.
        case tcp(host: String, port: UInt16, isSecure: Bool)
        /// By a socket in the file system.
        case unix(path: String)
    }

    /// What is wrong with a text.
    public struct Refusal: Error, Equatable, CustomStringConvertible {
        /// In words; never with the password.
        public let description: String
    }

    /// The port that servers have.
    public static let standardPort: UInt16 = 6379

    /// How the server is reached.
    public let endpoint: Endpoint
    /// Whose password it is; nil for the default user.
    public let user: String?
    /// nil where the server wants none.
    public let password: String?
    /// The database, from 0.
    public let database: Int

    /// As a log may have it: without user and password.
    public var description: String {
        let suffix = database == 0 ? "" : "/\(database)"
        switch endpoint {
        case .tcp(let host, let port, let isSecure):
            let shown = host.contains(":") ? "[\(host)]" : host
            return "\(isSecure ? "rediss" : "redis")://\(shown):\(port)\(suffix)"
        case .unix(let path): return "unix://\(path)\(database == 0 ? "" : "?db=\(database)")"
        }
    }

    /// Reads a URL.
    public init(_ url: String) throws(Refusal) {
        let forms =
            "is not redis://[user:password@]host[:port][/db], rediss://… or unix:///path[?db=N]"
        guard let colon = url.firstRange(of: "://"), !url.contains(where: \.isWhitespace) else {
            throw Refusal(description: "what was given \(forms)")
        }
        let scheme = url[..<colon.lowerBound].lowercased()
        var rest = url[colon.upperBound...]
        guard ["redis", "rediss", "unix", "redis+unix"].contains(scheme) else {
            throw Refusal(description: "\(scheme)://… \(forms)")
        }
        var query = ""
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        var authority = rest
        var path: Substring = ""
        // In a password a slash is percent-encoded.
        if let slash = rest.firstIndex(of: "/") {
            authority = rest[..<slash]
            path = rest[slash...]
        }
        (user, password) = try Self.takeUser(from: &authority)
        var number = Self.parameter("db", of: query)
        if scheme.hasSuffix("unix") {
            endpoint = .unix(path: try Self.socket(authority, path))
        } else {
            let (host, port) = try Self.host(authority)
            endpoint = .tcp(host: host, port: port, isSecure: scheme == "rediss")
            if path.utf8.count > 1 { number = String(path.dropFirst()) }
        }
        guard let database = Int(number ?? "0"), (0...0xFFFF).contains(database) else {
            throw Refusal(
                description: "\"\(number ?? "")\" is not a database: expected a number from 0")
        }
        self.database = database
    }

    /// Cuts `user:password@` off the front of an authority.
    private static func takeUser(
        from authority: inout Substring
    ) throws(Refusal) -> (user: String?, password: String?) {
        guard let at = authority.lastIndex(of: "@") else { return (nil, nil) }
        let words = authority[..<at].split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        authority = authority[authority.index(after: at)...]
        let decoded = words.map { String($0).percentDecoded }
        guard decoded.allSatisfy({ $0 != nil }) else {
            throw Refusal(description: "user or password: a % is not followed by two hex digits")
        }
        // redis://:secret@host and redis://secret@host differ: the second is a user's name.
        let user = decoded.first.flatMap { $0 }.flatMap { $0.isEmpty ? nil : $0 }
        let password = decoded.count > 1 ? decoded[1] : nil
        guard user == nil || password != nil else {
            throw Refusal(
                description: "user without a password: write user:password@, or :password@")
        }
        return (user, password)
    }

    private static func socket(
        _ authority: Substring, _ path: Substring
    ) throws(Refusal) -> String {
        guard authority.isEmpty, path.utf8.count > 1, let path = String(path).percentDecoded else {
            throw Refusal(
                description: "unix:// needs an absolute path, as in unix:///run/redis.sock")
        }
        // sockaddr_un.sun_path has 108 bytes with the NUL.
        guard path.utf8.count < 108 else {
            throw Refusal(description: "\(path): the path of a socket has at most 107 bytes")
        }
        return path
    }

    private static func host(_ text: Substring) throws(Refusal) -> (String, UInt16) {
        var host = text
        var port: Substring?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else {
                throw Refusal(description: "\"\(text)\" is not a host and a port")
            }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard !host.isEmpty else { throw Refusal(description: "the URL has no host") }
        guard let port else { return (String(host), standardPort) }
        guard let number = UInt16(port), number > 0 else {
            throw Refusal(description: "\"\(port)\" is not a port: expected 1 to 65535")
        }
        return (String(host), number)
    }

    private static func parameter(_ name: String, of query: String) -> String? {
        for pair in query.split(separator: "&") where pair.hasPrefix("\(name)=") {
            return String(pair.dropFirst(name.count + 1))
        }
        return nil
    }
}
