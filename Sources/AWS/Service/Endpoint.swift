/// Where a service is: scheme, host, port and a path in front of all paths.
struct Endpoint: Equatable {
    let isTLS: Bool
    /// Lower-case; an IPv6 address in brackets.
    let host: String
    /// Nil for the scheme's own.
    let port: UInt16?
    /// Empty, or with a leading and without a trailing slash.
    let prefix: String

    /// Reads `http://host[:port][/prefix]`; nil for anything else.
    init?(_ url: some StringProtocol) {
        let lower = url.lowercased()
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://") else { return nil }
        isTLS = lower.hasPrefix("https://")
        let rest = url.dropFirst(isTLS ? 8 : 7)
        let authority = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        guard !path.contains("?"), !path.contains("#"), !authority.contains("@"),
            !authority.contains("?"), !authority.contains("#"),
            !url.contains(where: \.isWhitespace)
        else { return nil }
        prefix = path
        var name = authority
        var port: UInt16?
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0
            else { return nil }
            name = authority[..<colon]
            port = number
        }
        guard !name.isEmpty else { return nil }
        host = name.lowercased()
        self.port = port == (isTLS ? 443 : 80) ? nil : port
    }

    /// AWS's own endpoint of a service in a region.
    ///
    /// Source: the SDKs' endpoint rules. S3's hosts have a form of their own.
    init(service: String, region: String, isFIPS: Bool = false, isDualStack: Bool = false) {
        isTLS = true
        let partition = Partition.of(region: region)
        let isNamed = isFIPS && partition.namesFIPS(service, isDualStack: isDualStack)
        let name = isNamed ? "\(service)-fips" : service
        if isDualStack && service != "s3" {
            host = "\(name).\(region).\(partition.dualStackDomain)"
        } else {
            host = "\(name)\(isDualStack ? ".dualstack" : "").\(region).\(partition.domain)"
        }
        port = nil
        prefix = ""
    }

    /// The `Host` header, as curl writes it, with an optional name in front.
    func authority(bucket: String? = nil) -> String {
        let name = bucket.map { "\($0).\(host)" } ?? host
        return port.map { "\(name):\($0)" } ?? name
    }

    /// True for plain http to another machine: whatever is sent can be read on the way.
    var isExposed: Bool { !isTLS && !isLoopback }

    /// True for the own machine: `localhost`, `127.0.0.0/8` or `[::1]`.
    var isLoopback: Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost" || host == "[::1]"
            || numbers.count == 4 && numbers[0] == "127"
                && numbers.allSatisfy { UInt8($0) != nil }
    }

    /// True for a host that is an address, which cannot have names in front.
    var isAddress: Bool {
        host.hasPrefix("[") || host.split(separator: ".").allSatisfy { UInt8($0) != nil }
    }
}
