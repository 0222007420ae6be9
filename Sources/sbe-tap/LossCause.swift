/// Why a connection was lost or refused, for figures.
enum LossCause: String, CaseIterable {
    /// The network, or TLS.
    case network
    /// The server did not want to open it.
    case refused
    /// The server broke RFC 6455.
    case broken
    /// It ended without a close frame.
    case ended
    /// The server closed it.
    case closed
    /// Nothing came for too long.
    case stalled
}
