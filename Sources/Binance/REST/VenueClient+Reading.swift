extension VenueClient {
    /// Asks until a reply can be read: a proxy's page in the place of one, or one that was cut, is
    /// asked for again, as often as a request that failed.
    ///
    /// - Parameter read: turns a reply into what it says.
    /// - Returns: nil when `stop` became readable first.
    public mutating func fetch<Value>(
        _ request: Request, unless stop: Int32, _ read: (Reply) throws(PageError) -> Value
    ) throws(VenueFailure) -> Value? {
        var attempt = 1
        var pause = 0.0
        while true {
            guard let reply = try fetch(request, unless: stop, after: pause) else { return nil }
            do throws(PageError) { return try read(reply) } catch {
                guard attempt < options.maximumAttempts else {
                    throw VenueFailure(
                        .protocolBroken,
                        "\(request.url): \(attempt) consecutive replies that do not match the venue's "
                            + "documentation, the last one: \(error)")
                }
                warn(
                    "an unreadable reply of \(request.endpoint.rawValue), asking again: \(error)",
                    .unreadable)
                pause = min(0.2 * Double(attempt), options.backoff.longest)
                attempt += 1
            }
        }
    }
}
