import ArgumentParser

/// Options of the stream side.
struct StreamSettings: ParsableArguments {
    @Option(help: "WebSocket port; 0 takes a free one.") var wsPort = 0
    @Option(help: "WebSocket port with TLS; 0 takes a free one.") var wssPort = 0
    @Option(help: "Serve TLS too, with a CA made for this run in this directory. (default: no TLS)")
    var tlsDir: String?
    @Option(help: "Serve TLS too, with this certificate chain, PEM.") var tlsCert: String?
    @Option(help: "Its key, PEM.") var tlsKey: String?
    @Option(help: "Key that SBE streams want. (default: any)") var streamKey: String?
    @Flag(
        inversion: .prefixedNo, help: "Serve JSON streams to handshakes without a key; else 400.")
    var json = true

    @Option(help: "Seconds between two pings.") var pingInterval = 20.0
    @Option(help: "Seconds for a pong, then 1008.") var pongTimeout = 60.0
    @Option(help: "Seconds that a connection lives.") var lifetime = 86_400.0
    @Option(help: "Client messages in any second.") var messageLimit = 5
    @Option(help: "Handshakes in the connect window.") var connectLimit = 300
    @Option(help: "Seconds of the connect window.") var connectWindow = 300.0
    @Option(help: "Seconds between two depth messages.") var depthInterval = 0.02
    @Option(help: "Seconds between two depth20 messages.") var snapshotInterval = 0.05
    @Option(help: "Bytes that may wait for a slow reader.") var queueLimit = 64 << 20
    @Option(
        parsing: .unconditional,
        help: "Exponent of prices; outside -14 to -2 the mantissa is bare ticks.")
    var priceExponent: Int8 = -8
    @Option(
        parsing: .unconditional,
        help: "Exponent of quantities; outside -12 to -5 the mantissa is bare steps.")
    var quantityExponent: Int8 = -8
    @Option(help: "Schema version in the message header.") var schemaVersion: UInt16 = 0
    @Option(help: "Unknown bytes at the end of the root block.") var blockPadding = 0
    @Flag(help: "Errors as documented, not as seen on the wire.") var flatErrors = false

    @Option(help: "Share of stream messages with a fault, 0 to 1.") var streamFaultRate = 0.0
    @Option(help: "Kinds of message faults, comma-separated.") var streamFaults = "drop"
    @Option(help: "Seconds between cuts of a random connection; 0 for none.") var cutEvery = 0.0
    @Option(help: "Refuse every handshake with this status; 0 for none.") var refuseHandshakes = 0

    @Option(
        help: "Send each connection this many messages as fast as it reads; 0 for the live market.")
    var flood = 0
    @Flag(inversion: .prefixedNo, help: "Close a connection after its flood.") var floodClose = true

    func validate() throws {
        for (name, seconds) in [
            ("ping-interval", pingInterval), ("pong-timeout", pongTimeout), ("lifetime", lifetime),
            ("connect-window", connectWindow), ("depth-interval", depthInterval),
            ("snapshot-interval", snapshotInterval),
        ] where !(0.001...1e8).contains(seconds) {
            throw ValidationError("--\(name) must be between 0.001 and 1e8 s")
        }
        guard (0...1).contains(streamFaultRate), StreamControl.kinds(streamFaults) != nil else {
            let names = MessageFault.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError(
                "--stream-fault-rate must be 0 to 1, and --stream-faults of \(names)")
        }
        guard messageLimit >= 1, connectLimit >= 1, queueLimit >= 1, flood >= 0, cutEvery >= 0,
            (0...60_000).contains(blockPadding), (0...599).contains(refuseHandshakes)
        else { throw ValidationError("a number of the stream options is out of range") }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together")
        }
    }

    /// The same for the hub.
    var options: StreamOptions {
        var options = StreamOptions()
        options.layout.scale = DecimalScale(price: priceExponent, quantity: quantityExponent)
        options.layout.version = schemaVersion
        options.layout.padding = blockPadding
        options.apiKey = streamKey
        options.servesJSON = json
        options.depthInterval = depthInterval
        options.snapshotInterval = snapshotInterval
        options.pingInterval = pingInterval
        options.pongTimeout = pongTimeout
        options.lifetime = lifetime
        options.messageLimit = messageLimit
        options.connectLimit = connectLimit
        options.connectWindow = connectWindow
        options.queueLimit = queueLimit
        options.nestsErrors = !flatErrors
        options.cutInterval = cutEvery
        options.flood = flood
        options.floodCloses = floodClose
        return options
    }

    /// How messages are spoiled from the start.
    func plan(seed: UInt64) -> MessageFaultPlan {
        var plan = MessageFaultPlan(seed: seed)
        plan.rate = streamFaultRate
        plan.kinds = StreamControl.kinds(streamFaults) ?? []
        return plan
    }
}
