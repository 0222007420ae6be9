/// The parts of a `ws://` or `wss://` URL.
struct URLParts {
    let isTLS: Bool
    /// Host and port, as the `Host` header has them.
    let authority: String
    /// Path and query.
    let target: String

    init?(_ url: String) {
        let lower = url.lowercased()
        guard lower.hasPrefix("ws://") || lower.hasPrefix("wss://") else { return nil }
        isTLS = lower.hasPrefix("wss://")
        let rest = url.dropFirst(isTLS ? 6 : 5)
        authority = String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
        let path = rest.dropFirst(authority.count)
        target = path.hasPrefix("/") ? String(path) : "/" + path
        // Both go into the request as they are.
        guard !authority.isEmpty, !authority.contains("@"),
            (authority + target).utf8.allSatisfy({
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#")
            })
        else { return nil }
    }

    /// For curl: where to connect to.
    var base: String { "\(isTLS ? "https" : "http")://\(authority)/" }
}
