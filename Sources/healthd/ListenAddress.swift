/// An address and a port to listen on.
struct ListenAddress: Equatable {
    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Takes `ADDRESS:PORT`, `[IPV6]:PORT`, `:PORT` or `ADDRESS`.
    init?(_ text: String, standardPort: Int) {
        var host = text
        var port = standardPort
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]"),
            text.hasPrefix("[") || text.firstIndex(of: ":") == colon
        {
            guard let number = Int(text[text.index(after: colon)...]), (0...65_535).contains(number)
            else { return nil }
            port = number
            host = String(text[..<colon])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.init(host: host.isEmpty ? "127.0.0.1" : host, port: port)
    }
}
