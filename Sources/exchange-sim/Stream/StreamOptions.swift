/// How the stream side behaves; times in seconds.
struct StreamOptions {
    var layout = MessageLayout()
    /// The only key that is taken; nil takes any.
    var apiKey: String?
    /// True for JSON streams where a handshake has no key.
    var servesJSON = true
    /// Between two looks at the book for `@depth`; the venue: 20 ms since 2026-08-04.
    var depthInterval = 0.02
    /// Between two `@depth20`; the venue: 50 ms since 2025-11-26.
    var snapshotInterval = 0.05
    /// Between two pings; the venue: 20 s.
    var pingInterval = 20.0
    /// From a ping to the close without its pong; the venue: 60 s.
    var pongTimeout = 60.0
    /// After which a connection is closed; the venue: 24 h.
    var lifetime = 86_400.0
    /// Client messages in any second, pongs included; the venue: 5.
    var messageLimit = 5
    /// Connection attempts of an address in `connectWindow`; the venue: 300 in 5 minutes.
    var connectLimit = 300
    var connectWindow = 300.0
    /// Streams of a connection; the venue: 1024.
    var streamLimit = 1024
    /// Bytes that may wait for a slow reader before its connection is cut.
    var queueLimit = 64 << 20
    /// True for `{"error":{…},"id":…}`, the shape seen on the wire; false for the documented one.
    var nestsErrors = true
    /// Seconds between two cuts of a connection picked at random; 0 for none.
    var cutInterval = 0.0
    /// Messages that each connection gets as fast as it takes them, instead of the live market;
    /// 0 for none.
    var flood = 0
    /// True when a connection is closed at the end of its flood.
    var floodCloses = true
}
