import Encoding
import Glibc

/// Which proxy a connection goes through, as the environment says: the variables of curl(1), read
/// in one place for HTTP and for WebSockets.
///
/// `https_proxy` (https, wss), `http_proxy` (http, ws), else `all_proxy`; in small letters or
/// capitals, the small ones first. `no_proxy` lists what is reached directly: names with all below
/// them, addresses, networks such as `10.0.0.0/8`, each perhaps with a port, or `*` for everything.
struct Proxy: Sendable {
    /// A variable that is set to what is not a proxy's URL.
    struct Malformed: Error {
        /// Which variable, and what it should hold; not its value, which may hold a password.
        let reason: String
    }

    private struct Choice {
        let variable: String
        let url: String
    }

    /// For http and ws, then for https and wss.
    private let plain: Choice?
    private let secure: Choice?
    private let exceptions: [Exception]

    /// As the process's environment says.
    static let ofEnvironment = Proxy { name in getenv(name).map { String(cString: $0) } }

    /// Reads variables.
    init(_ lookup: (String) -> String?) {
        func first(_ names: [String]) -> Choice? {
            for name in names {
                guard let text = lookup(name) else { continue }
                let url = CleanText.of(text)
                if !url.isEmpty { return Choice(variable: name, url: url) }
            }
            return nil
        }
        let all = ["all_proxy", "ALL_PROXY"]
        // A server that runs programs for its clients (CGI) hands their header "Proxy" down as
        // HTTP_PROXY.
        let isCGI = lookup("REQUEST_METHOD") != nil
        plain = first(["http_proxy"] + (isCGI ? [] : ["HTTP_PROXY"]) + all)
        secure = first(["https_proxy", "HTTPS_PROXY"] + all)
        let list = first(["no_proxy", "NO_PROXY"])?.url ?? ""
        exceptions = list.split { $0 == "," || $0.isWhitespace }.map { Exception(String($0)) }
    }

    /// The proxy's URL; nil for a direct connection.
    ///
    /// - Parameters:
    ///   - host: of the server; an IPv6 address with or without brackets.
    ///   - port: of the server.
    func url(isTLS: Bool, host: String, port: UInt16) throws(Malformed) -> String? {
        guard let choice = isTLS ? secure : plain else { return nil }
        let place = Place(host)
        if exceptions.contains(where: { $0.covers(place, port) }) { return nil }
        // In capitals it is set for a whole machine, whose own servers no proxy can reach.
        if choice.variable == "HTTP_PROXY", place.isLoopback { return nil }
        guard Self.isUsable(choice.url) else {
            throw Malformed(
                reason: "\(choice.variable) is not a proxy such as http://proxy.example:3128 "
                    + "(http, https, socks4, socks4a, socks5 or socks5h)")
        }
        return choice.url
    }

    /// The proxy for a URL of http, https, ws or wss.
    func url(for text: String) throws(Malformed) -> String? {
        guard plain != nil || secure != nil else { return nil }
        let lower = text.lowercased()
        guard let mark = lower.firstRange(of: "://") else { return nil }
        let isTLS = ["https", "wss"].contains(lower[..<mark.lowerBound])
        let authority = lower[mark.upperBound...].prefix { !"/?#".contains($0) }
        let server = authority.split(separator: "@").last ?? ""
        let (host, port) = Self.parts(String(server))
        return try url(isTLS: isTLS, host: host, port: port ?? (isTLS ? 443 : 80))
    }

    private static func isUsable(_ text: String) -> Bool {
        var rest = text.lowercased()[...]
        if let mark = rest.firstRange(of: "://") {
            let schemes: Set<String> = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]
            guard schemes.contains(String(rest[..<mark.lowerBound])) else { return false }
            rest = rest[mark.upperBound...]
        }
        let authority = rest.prefix { $0 != "/" }
        let server = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] }
        let name = server ?? authority
        let (host, port) = parts(String(name))
        let hasPort = name.hasPrefix("[") ? !name.hasSuffix("]") : name.contains(":")
        return !host.isEmpty && (!hasPort || port != nil)
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
    }

    /// `host`, `host:port`, `[address]` and `[address]:port`; more than one colon without brackets
    /// is an address.
    fileprivate static func parts(_ text: String) -> (host: String, port: UInt16?) {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let host = text[text.index(after: text.startIndex)..<end]
            return (String(host), UInt16(text[end...].dropFirst(2)))
        }
        guard let colon = text.firstIndex(of: ":"), text.lastIndex(of: ":") == colon else {
            return (text, nil)
        }
        return (String(text[..<colon]), UInt16(text[text.index(after: colon)...]))
    }
}

/// A host's name, or the bytes of its address.
private struct Place {
    let name: String
    /// 4 or 16 bytes; nil for a name.
    let address: [UInt8]?

    init(_ host: String) {
        var name = host.lowercased()
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        if name.hasSuffix("."), name.count > 1 { name.removeLast() }
        self.name = name
        address = Self.address(name)
    }

    static func address(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: &six) { Array($0) }
        // ::ffff:10.0.0.1 is 10.0.0.1.
        let isMapped = bytes.prefix(12) == ([UInt8](repeating: 0, count: 10) + [255, 255])[...]
        return isMapped ? Array(bytes.suffix(4)) : bytes
    }

    var isLoopback: Bool {
        if let address {
            return address.count == 4
                ? address[0] == 127 : address == [UInt8](repeating: 0, count: 15) + [1]
        }
        return name == "localhost" || name.hasSuffix(".localhost")
    }
}

/// One entry of `no_proxy`.
private enum Exception {
    case everything
    /// Bytes of an address and how many bits of it count; nil for any port.
    case network([UInt8], bits: Int, port: UInt16?)
    /// A name and all below it.
    case domain(String, port: UInt16?)

    init(_ entry: String) {
        let text = entry.lowercased()
        if text == "*" {
            self = .everything
            return
        }
        if let slash = text.firstIndex(of: "/") {
            let (host, _) = Proxy.parts(String(text[..<slash]))
            if let bytes = Place.address(host), let bits = Int(text[text.index(after: slash)...]),
                (0...bytes.count * 8).contains(bits)
            {
                self = .network(bytes, bits: bits, port: nil)
                return
            }
        }
        let (host, port) = Proxy.parts(text)
        if let bytes = Place.address(host) {
            self = .network(bytes, bits: bytes.count * 8, port: port)
            return
        }
        var name = host[...]
        if name.hasPrefix("*.") { name = name.dropFirst() }
        while name.hasPrefix(".") { name = name.dropFirst() }
        if name.hasSuffix(".") { name = name.dropLast() }
        self = .domain(String(name), port: port)
    }

    func covers(_ place: Place, _ port: UInt16) -> Bool {
        switch self {
        case .everything: return true
        case .network(let bytes, let bits, let only):
            guard let address = place.address, address.count == bytes.count, only ?? port == port
            else { return false }
            for bit in 0..<bits {
                let mask = UInt8(0x80) >> UInt8(bit % 8)
                if (address[bit / 8] ^ bytes[bit / 8]) & mask != 0 { return false }
            }
            return true
        case .domain(let name, let only):
            guard place.address == nil, !name.isEmpty, only ?? port == port else { return false }
            return place.name == name || place.name.hasSuffix("." + name)
        }
    }
}
