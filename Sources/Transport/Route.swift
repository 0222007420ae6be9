import CCurl

/// The way of a curl handle to a server: which authorities are trusted, and which proxy is used. The
/// same for HTTP and for WebSockets.
enum Route {
    /// Sets it.
    ///
    /// - Parameters:
    ///   - url: of the server: http, https, ws or wss.
    ///   - authorities: a file that a setting names; nil for the environment's or the system's.
    ///   - usesProxy: false for addresses that no proxy can reach.
    static func set(
        on handle: UnsafeMutableRawPointer, to url: String, authorities: String?,
        usesProxy: Bool = true
    ) throws(TransportError) {
        let proxy: String?
        do throws(Proxy.Malformed) {
            proxy = usesProxy ? try Proxy.ofEnvironment.url(for: url) : nil
        } catch { throw TransportError(kind: .badRequest, url: url, reason: error.reason) }
        // Empty for none: else curl would ask the environment by its own rules.
        ccurl_setopt_string(handle, CURLOPT_PROXY, proxy ?? "")
        ccurl_setopt_string(handle, CURLOPT_NOPROXY, "")
        if let file = authorities ?? Authorities.ofEnvironment {
            ccurl_setopt_string(handle, CURLOPT_CAINFO, file)
            ccurl_setopt_string(handle, CURLOPT_PROXY_CAINFO, file)
        }
        if let directory = Authorities.directoryOfEnvironment {
            ccurl_setopt_string(handle, CURLOPT_CAPATH, directory)
            ccurl_setopt_string(handle, CURLOPT_PROXY_CAPATH, directory)
        }
    }

    /// What a proxy answered when it was asked for a tunnel and refused; nil when it was not that.
    static func refusal(
        of handle: UnsafeMutableRawPointer
    ) -> (kind: TransportError.Kind, reason: String)? {
        var status = 0
        ccurl_getinfo_long(handle, CURLINFO_HTTP_CONNECTCODE, &status)
        switch status {
        case 0, 200..<300: return nil
        case 407:
            return (
                .proxy,
                "the proxy requires a user name and password in HTTPS_PROXY (407)"
            )
        // It cannot reach the server now, or is busy.
        case 408, 429, 500...599:
            return (.connect, "the proxy could not reach the server (\(status))")
        default:
            return (.proxy, "the proxy refuses this connection (\(status))")
        }
    }
}
