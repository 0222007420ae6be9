/// Why a WebSocket does not open or does not go on.
public enum WebSocketFailure: Error, Sendable, CustomStringConvertible {
    /// Network or TLS.
    case transport(TransportError)
    /// The server does not want to open it.
    case refused(WebSocketRefusal)
    /// The server broke RFC 6455.
    case broken(WebSocketError)
    /// The connection ended without a close frame.
    case ended

    /// What happened.
    public var description: String {
        switch self {
        case .transport(let error): "\(error)"
        case .refused(let refusal): "\(refusal)"
        case .broken(let error): "\(error)"
        case .ended: "the connection ended without a close frame"
        }
    }
}
