/// What the stream side counts over all connections.
struct StreamCounts {
    /// Handshakes that got a 101.
    var accepted = 0
    /// Handshakes that did not, by status.
    var refused: [String: Int] = [:]
    /// Close frames sent, by code.
    var closes: [String: Int] = [:]
    /// Connections that the client closed in form.
    var closesByClient = 0
    /// Actions on connections, by name.
    var actions: [String: Int] = [:]
    /// Connections cut because too much waited for them.
    var cutsOfSlowReaders = 0
    /// Frames from clients, close frames apart.
    var clientMessages = 0
    /// Pings from clients.
    var clientPings = 0
    /// Pings to clients.
    var pings = 0
    /// Pongs that answered a ping.
    var pongs = 0
    /// Pongs that answered none.
    var strayPongs = 0
    /// Control messages over the length that gets a reply.
    var ignored = 0
    /// SBE messages to connections that are gone; open ones count for themselves.
    var messages = 0
    /// bestBidAsk messages left out, in the same way.
    var culled = 0
    /// Bytes of frames.
    var bytes = 0
}
