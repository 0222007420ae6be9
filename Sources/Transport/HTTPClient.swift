import CCurl
import Glibc
import Posix

/// HTTP over curl's multi interface: many exchanges on one thread, connections kept.
///
/// ```swift
/// try client.submit(request, token: 1)
/// let done = try client.wait(timeoutMilliseconds: 1000, alsoReadable: [stop])
/// ```
public struct HTTPClient: ~Copyable {
    /// The end of one exchange.
    public struct Completion: Sendable {
        /// Of ``submit(_:token:)``.
        public let token: Int
        /// The response, or why there is none.
        public let result: Result<HTTPResponse, TransportError>
    }

    private let multi: UnsafeMutableRawPointer
    private var transfers: [Int: Transfer] = [:]
    /// Finished handles, to be used again: a handle keeps its caches.
    private var idle: [UnsafeMutableRawPointer] = []
    private let authorities: String?

    /// A client without connections.
    ///
    /// - Parameters:
    ///   - connections: most connections to one host.
    ///   - authorities: a file of certificate authorities instead of the system's.
    /// - Throws: when the library has no memory.
    public init(connections: Int = 16, authorities: String? = nil) throws(TransportError) {
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let multi = curl_multi_init()
        else {
            throw TransportError(kind: .libcurl, url: "", reason: "libcurl could not start")
        }
        self.multi = multi
        self.authorities = authorities
        ccurl_multi_setopt_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections)
    }

    deinit {
        for transfer in transfers.values {
            curl_multi_remove_handle(multi, transfer.handle)
            curl_easy_cleanup(transfer.handle)
        }
        for handle in idle { curl_easy_cleanup(handle) }
        curl_multi_cleanup(multi)
    }

    /// Exchanges under way.
    public var inFlight: Int { transfers.count }

    /// Of the descriptors that the last wait was for those that are readable; nil when it ended without
    /// having seen one.
    public private(set) var readable: [Int32]?

    /// Starts an exchange; its end comes from ``wait(timeoutMilliseconds:alsoReadable:)``.
    ///
    /// - Parameter token: names it; must not be in use.
    public mutating func submit(_ request: HTTPRequest, token: Int) throws(TransportError) {
        precondition(transfers[token] == nil, "token \(token) is in use")
        guard let handle = idle.popLast() ?? curl_easy_init() else {
            throw TransportError(kind: .libcurl, url: "", reason: "libcurl has no memory")
        }
        let transfer: Transfer
        do throws(TransportError) {
            transfer = try Transfer(request, token: token, handle: handle, authorities: authorities)
        } catch {
            curl_easy_cleanup(handle)
            throw error
        }
        curl_multi_add_handle(multi, handle)
        transfers[token] = transfer
    }

    /// Ends an exchange without a result.
    public mutating func cancel(token: Int) {
        guard let transfer = transfers.removeValue(forKey: token) else { return }
        release(transfer)
    }

    /// Works on every exchange until one ends, a descriptor is readable, or time is up.
    ///
    /// - Parameters:
    ///   - timeout: longest wait, ms.
    ///   - descriptors: end the wait when readable; negative ones are ignored.
    public mutating func wait(
        timeoutMilliseconds timeout: Int32, alsoReadable descriptors: [Int32] = []
    ) throws(TransportError) -> [Completion] {
        let deadline = Clock.monotonicNanoseconds() + Int64(timeout) * 1_000_000
        var extra = descriptors.filter { $0 >= 0 }.map {
            curl_waitfd(fd: $0, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        }
        readable = nil
        while true {
            var running: Int32 = 0
            try check(curl_multi_perform(multi, &running))
            let completions = finished()
            let left = deadline - Clock.monotonicNanoseconds()
            if !completions.isEmpty || left <= 0 { return completions }
            var count: Int32 = 0
            // Rounded up: else the last part of a millisecond would be waited for by asking again and
            // again.
            try check(
                curl_multi_poll(
                    multi, &extra, UInt32(extra.count),
                    Int32(clamping: (left + 999_999) / 1_000_000), &count))
            let ready = extra.filter { $0.revents != 0 }
            if !ready.isEmpty {
                readable = ready.map(\.fd)
                try check(curl_multi_perform(multi, &running))
                return finished()
            }
            // A pipe whose writer has gone wakes up, and curl does not say so.
            if count > 0, running == 0 { return [] }
        }
    }

    /// One exchange from start to end; others must not be under way.
    public mutating func send(_ request: HTTPRequest) throws(TransportError) -> HTTPResponse {
        while true {
            if let response = try send(request, unless: -1) { return response }
        }
    }

    /// One exchange from start to end; others must not be under way.
    ///
    /// - Parameter stop: a descriptor that gives it up when readable.
    /// - Returns: nil when it was given up.
    public mutating func send(
        _ request: HTTPRequest, unless stop: Int32
    ) throws(TransportError) -> HTTPResponse? {
        precondition(transfers.isEmpty, "send while exchanges are under way")
        try submit(request, token: 0)
        while true {
            let done = try wait(timeoutMilliseconds: 60_000, alsoReadable: [stop])
            if let completion = done.first { return try completion.result.get() }
            if Descriptor.isReadable(stop) {
                cancel(token: 0)
                return nil
            }
        }
    }

    private mutating func finished() -> [Completion] {
        var completions: [Completion] = []
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle,
                let transfer = transfers.values.first(where: { $0.handle == handle })
            else { continue }
            let result = transfer.result(ccurl_message_result(message))
            transfers[transfer.token] = nil
            release(transfer)
            completions.append(Completion(token: transfer.token, result: result))
        }
        return completions
    }

    private mutating func release(_ transfer: Transfer) {
        curl_multi_remove_handle(multi, transfer.handle)
        transfer.freeLists()
        curl_easy_reset(transfer.handle)
        idle.append(transfer.handle)
    }

    private func check(_ code: CURLMcode) throws(TransportError) {
        guard code == CURLM_OK else {
            throw TransportError(
                kind: .libcurl, url: "", reason: String(cString: curl_multi_strerror(code)))
        }
    }
}
