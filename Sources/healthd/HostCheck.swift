import Glibc

/// Which hosts a request may name in its `Host` field, where no token protects the answers.
///
/// A web page can let its own name point to this machine (DNS rebinding) and then read what is
/// served here; but its requests name that page's host. Addresses cannot be rebound.
struct HostCheck: Sendable {
    private let names: Set<String>
    /// True where a request may name any address, and any name without a dot: this one answers on
    /// more than loopback. Such a name cannot be registered, so a web page cannot have it; services
    /// of a container network do (decision 0121).
    private let isOpen: Bool

    /// - Parameters:
    ///   - host: that is listened on.
    ///   - hostname: of this machine; empty when it has none.
    ///   - allowed: further names.
    init(listeningOn host: String, hostname: String, allowed: [String]) {
        isOpen = !Self.isLoopback(host)
        var names = Set(allowed.compactMap { Self.host($0.lowercased()) })
        names.insert(host.lowercased())
        if isOpen, !hostname.isEmpty { names.insert(hostname.lowercased()) }
        self.names = names
    }

    /// True for a request that may be answered.
    ///
    /// - Parameter fields: every `Host` field of the request. Programs that speak HTTP/1.0, such as
    ///   probes, send none; browsers always send one.
    func admits(_ fields: [String]) -> Bool {
        guard let field = fields.first else { return true }
        guard fields.count == 1, let host = Self.host(field.lowercased()) else { return false }
        if Self.isLoopback(host) || names.contains(host) { return true }
        return isOpen && (!host.contains(".") || Self.isAddress(host))
    }

    /// True for a `Host` field that is one: a host, perhaps with a port, or nothing.
    static func isValid(_ field: String) -> Bool {
        field.isEmpty || host(field.lowercased()) != nil
    }

    /// The host of `host[:port]`, without brackets and a dot at its end; nil for what is not one,
    /// such as a name with a user before it (RFC 9110, section 7.2).
    private static func host(_ field: String) -> String? {
        var host = field[...]
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]"), isPort(host[host.index(after: end)...])
            else { return nil }
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":") {
            // More colons make an IPv6 address, which --allow-host may give without brackets.
            if host.lastIndex(of: ":") == colon {
                guard isPort(host[colon...]) else { return nil }
                host = host[..<colon]
            }
        }
        if host.hasSuffix(".") { host.removeLast() }
        let isPlain = host.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":")]
                    .contains(byte)
        }
        return host.isEmpty || !isPlain ? nil : String(host)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty
            || text.hasPrefix(":") && text.dropFirst().utf8.allSatisfy { (48...57).contains($0) }
    }

    private static func isAddress(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }

    /// True for an address of this machine that others do not reach, or a name of one (RFC 6761,
    /// section 6.3).
    static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            return UInt32(bigEndian: four.s_addr) >> 24 == 127
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return false }
        let bytes = withUnsafeBytes(of: &six) { Array($0) }
        return bytes == [UInt8](repeating: 0, count: 15) + [1]
            || bytes.prefix(12) == ([UInt8](repeating: 0, count: 10) + [255, 255])[...]
                && bytes[12] == 127
    }
}
