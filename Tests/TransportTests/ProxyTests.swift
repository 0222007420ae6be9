import Foundation
import TestSupport
import Testing

@testable import Transport

/// Which way a connection takes: proxies and their exceptions.
struct ProxyTests {
    private func proxy(_ values: [String: String], _ url: String) -> String {
        do throws(Proxy.Malformed) {
            return try Proxy { values[$0] }.url(for: url) ?? "direct"
        } catch { return "error: \(error.reason)" }
    }

    @Test(
        arguments: [
            (["https_proxy": "http://p:1"], "https://a.example/", "http://p:1"),
            (["HTTPS_PROXY": "http://p:1"], "wss://a.example/x", "http://p:1"),
            (
                ["https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"], "https://a/",
                "http://p:1"
            ),
            (["https_proxy": "http://p:1"], "http://a.example/", "direct"),
            (["http_proxy": "p:1"], "http://127.0.0.1:80/", "p:1"),
            (["http_proxy": "p:1"], "ws://127.0.0.1/", "p:1"),
            (["HTTP_PROXY": "http://p:1"], "http://a.example/", "http://p:1"),
            // For a whole machine, whose own servers no proxy reaches.
            (["HTTP_PROXY": "http://p:1"], "http://127.0.0.1:80/", "direct"),
            (["HTTP_PROXY": "http://p:1"], "ws://localhost:80/", "direct"),
            // Of a request's header, in a program that a web server runs.
            (["HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"], "http://a.example/", "direct"),
            (["ALL_PROXY": "socks5h://p:1"], "https://a.example/", "socks5h://p:1"),
            (["all_proxy": "socks5://p"], "ws://a.example/", "socks5://p"),
            (["HTTPS_PROXY": " \"http://p:1\"\r"], "https://a/", "http://p:1"),
            (["HTTPS_PROXY": ""], "https://a/", "direct"),
            (["https_proxy": "", "HTTPS_PROXY": "http://p:1"], "https://a/", "http://p:1"),
            (["HTTPS_PROXY": "http://me:p%40ss@p:1/"], "https://a/", "http://me:p%40ss@p:1/"),
            (["HTTPS_PROXY": "http://[::1]:3128"], "https://a/", "http://[::1]:3128"),
        ] as [([String: String], String, String)])
    func `a proxy is the one of the scheme`(
        _ values: [String: String], _ url: String, _ expected: String
    ) {
        #expect(proxy(values, url) == expected)
    }

    @Test(arguments: ["ftp://p:1", "http://", "http://p:port", "http://p q:1", "http://:3128"])
    func `what is not a proxy is told by its variable and not repeated`(_ text: String) {
        let found = proxy(["HTTPS_PROXY": text], "https://a/")
        #expect(
            found.hasPrefix("error: HTTPS_PROXY is not a proxy")
                && (text == "http://" || !found.contains(text)))
    }

    @Test(
        arguments: [
            ("*", "https://a.example/", true),
            ("example", "https://example/", true), ("example", "https://a.example/", true),
            (".example", "https://a.example/", true), (".example", "https://example/", true),
            ("*.example", "https://a.b.example/", true), ("example", "https://anexample/", false),
            ("EXAMPLE.", "https://a.Example./", true),
            ("a, b  c,example", "https://example/", true), ("", "https://example/", false),
            ("example:8443", "https://example:8443/", true),
            ("example:8443", "https://example/", false),
            ("example:443", "https://example/", true), ("example:80", "ws://example/", true),
            ("10.0.0.0/8", "https://10.200.3.4:9000/", true),
            ("10.0.0.0/8", "https://11.0.0.1/", false), ("10.0.0.0/33", "https://10.0.0.1/", false),
            ("0.0.0.0/0", "https://10.0.0.1/", true), ("0.0.0.0/0", "https://a.example/", false),
            ("192.168.1.0/25", "https://192.168.1.127/", true),
            ("192.168.1.0/25", "https://192.168.1.128/", false),
            ("127.0.0.1", "https://127.0.0.1:4/", true), ("127.0.0.1", "https://127.0.0.2/", false),
            ("127.0.0.1:4", "https://127.0.0.1:4/", true),
            ("127.0.0.1:5", "https://127.0.0.1:4/", false),
            ("::1", "https://[::1]:4/", true), ("[::1]:4", "https://[::1]:4/", true),
            ("[::1]:5", "https://[::1]:4/", false), ("fd00::/8", "https://[fd12::1]/", true),
            ("fd00::/8", "https://[fe80::1]/", false),
            ("0:0:0:0:0:0:0:1", "https://[::1]/", true),
            ("10.0.0.0/8", "https://[::ffff:10.1.2.3]/", true),
        ] as [(String, String, Bool)])
    func `what no_proxy covers is reached directly`(
        _ list: String, _ url: String, _ isDirect: Bool
    ) {
        let url = url.replacing("wss", with: "https")
        for name in ["no_proxy", "NO_PROXY"] {
            let found = proxy(["all_proxy": "http://p:1", name: list], url)
            #expect((found == "direct") == isDirect, "\(name)=\(list) \(url): \(found)")
        }
    }
}
