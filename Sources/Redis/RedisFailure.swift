/// Why an exchange with a server did not come about. Every one ends the connection.
public struct RedisFailure: Error, Equatable, CustomStringConvertible {
    /// What kind of trouble, for figures and for what can be done about it.
    public enum Cause: String, Sendable, CaseIterable {
        /// Not reached, or the connection was lost.
        case unreachable
        /// No answer within the time.
        case slow
        /// Password, user, or rights.
        case refused
        /// It takes no writes: a replica, or one whose memory is full.
        case readOnly = "read_only"
        /// A member of a cluster that sends its clients elsewhere.
        case cluster
        /// Its certificate, or TLS at all.
        case tls
        /// An answer that this protocol does not have.
        case protocolError = "protocol"
        /// Any other error that it answers.
        case server
    }

    /// What kind of trouble.
    public let cause: Cause
    /// In words, with what the server said.
    public let description: String

    /// A failure.
    public init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }

    /// What an error reply means, by its first word (redis.io/docs/latest/develop/reference/protocol-spec,
    /// "Simple errors").
    public init(reply: String) {
        // It goes to a log: what is not printable does not.
        let text = String(reply.prefix(200).map { (" "..."~").contains($0) ? $0 : "?" })
        let word = text.prefix { $0 != " " }
        switch word {
        case "NOAUTH", "WRONGPASS", "NOPERM":
            self.init(.refused, "it refuses user or password: \(text)")
        case "READONLY":
            self.init(.readOnly, "it is a read-only replica: \(text)")
        case "OOM", "MISCONF", "NOREPLICAS", "MASTERDOWN":
            self.init(.readOnly, "it does not accept writes: \(text)")
        case "MOVED", "ASK", "CLUSTERDOWN", "CROSSSLOT", "TRYAGAIN":
            self.init(
                .cluster,
                "it is a member of a cluster, which is not supported: name a server that is not "
                    + "(\(text))")
        case "LOADING": self.init(.unreachable, "it is still loading its data: \(text)")
        default:
            if text.contains("AUTH") || text.contains("invalid password") {
                self.init(.refused, "it refuses user or password: \(text)")
            } else {
                self.init(.server, "it answers: \(text)")
            }
        }
    }
}
