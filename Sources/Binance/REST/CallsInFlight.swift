import Transport

/// The requests that are on the wire, each with what was asked for.
struct CallsInFlight: ~Copyable {
    /// A call that has its reply, or failed on the way.
    struct Ended {
        let request: VenueClient.Request
        let asksSBE: Bool
        let result: Result<HTTPResponse, TransportError>
    }

    private var http: HTTPClient
    private let options: VenueClient.Options
    private var calls: [Int: (request: VenueClient.Request, asksSBE: Bool)] = [:]
    private var nextKey = 1

    init(_ options: VenueClient.Options) throws(TransportError) {
        http = try HTTPClient(authorities: options.authorities)
        self.options = options
    }

    var count: Int { calls.count }

    /// Sends a request.
    ///
    /// - Parameter asksSBE: false asks for JSON alone.
    mutating func send(_ request: VenueClient.Request, asksSBE: Bool) throws(TransportError) {
        let key = nextKey
        nextKey += 1
        try http.submit(
            HTTPRequest(
                method: "GET", url: request.url, headers: headers(request, asksSBE: asksSBE),
                timeout: options.timeout, maximumResponse: options.maximumReply),
            token: key)
        calls[key] = (request, asksSBE)
    }

    /// Forgets calls by the caller's name for them.
    ///
    /// - Returns: their requests.
    mutating func cancel(where isUnwanted: (Int) -> Bool) -> [VenueClient.Request] {
        var cancelled: [VenueClient.Request] = []
        for (key, call) in calls where isUnwanted(call.request.token) {
            http.cancel(token: key)
            calls[key] = nil
            cancelled.append(call.request)
        }
        return cancelled
    }

    /// Waits until calls have ended.
    ///
    /// - Parameter stop: a descriptor that ends the wait when readable.
    /// - Returns: may be empty.
    mutating func wait(
        milliseconds: Int64, unless stop: Int32
    ) throws(TransportError) -> [Ended] {
        let completions = try http.wait(
            timeoutMilliseconds: Int32(clamping: max(0, milliseconds)), alsoReadable: [stop])
        var ended: [Ended] = []
        for completion in completions {
            guard let call = calls.removeValue(forKey: completion.token) else { continue }
            ended.append(
                Ended(request: call.request, asksSBE: call.asksSBE, result: completion.result))
        }
        return ended
    }

    private func headers(
        _ request: VenueClient.Request, asksSBE: Bool
    ) -> [(String, String)] {
        var headers = [("User-Agent", "bitcoin-ingestor")]
        if asksSBE {
            let accept =
                options.encoding == .sbe ? "application/sbe" : "application/sbe, application/json"
            headers += [("Accept", accept), ("X-MBX-SBE", options.schema)]
        } else {
            headers += [("Accept", "application/json")]
        }
        headers += [("X-MBX-TIME-UNIT", "MICROSECOND")]
        if request.endpoint == .historicalTrades, let key = options.apiKey {
            headers += [("X-MBX-APIKEY", key)]
        }
        return headers
    }
}
