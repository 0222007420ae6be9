extension ErrorTable {
    /// Answers without a code: of a proxy, a firewall, a load balancer or another server.
    static let statuses: [Row] =
        group(
            .status, .redirect, .configuration,
            "the endpoint redirects: set the URL of the service itself",
            ["HTTP301", "HTTP302", "HTTP303", "HTTP307", "HTTP308"])
        + group(
            .status, .final, .notPermitted,
            "\(noCode): a proxy or firewall refused the request, or the server is "
                + "not the service that it should be", ["HTTP401", "HTTP403"])
        + group(
            .status, .final, .notPermitted,
            "the proxy requires a user name and password in HTTPS_PROXY",
            ["HTTP407"])
        + group(
            .status, .final, .notPermitted,
            "the service is not available to this location", ["HTTP451"])
        + group(
            .status, .final, .notPermitted, "the network requires a sign-in first (captive portal)",
            ["HTTP511"])
        + group(
            .status, .final, .protocolBroken,
            "\(noCode): is the endpoint the one of this service?",
            [
                "HTTP304", "HTTP400", "HTTP402", "HTTP404", "HTTP405", "HTTP406", "HTTP409",
                "HTTP410", "HTTP411", "HTTP412", "HTTP415", "HTTP416", "HTTP421", "HTTP426",
            ])
        + group(
            .status, .final, .protocolBroken,
            "the request is too large for the endpoint, or for a proxy on the way",
            ["HTTP413", "HTTP414", "HTTP431"])
        + group(.status, .throttle, .unavailable, fewer, ["HTTP429"])
        + group(
            .status, .final, .protocolBroken,
            "the store does not know a header of this request, a checksum or If-None-Match: try "
                + "--checksum md5, or --conditional-writes head", ["HTTP501"])
        + group(
            .status, .transient, .unavailable, patience,
            [
                "HTTP408", "HTTP425", "HTTP500", "HTTP502", "HTTP503", "HTTP504", "HTTP509",
                "HTTP520",
                "HTTP521", "HTTP522", "HTTP523", "HTTP524", "HTTP529", "HTTP530",
            ])
        + group(
            .status, .final, .unavailable, "the server does not speak this version of HTTP",
            ["HTTP505"])
}
