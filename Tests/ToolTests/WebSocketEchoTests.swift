import Foundation
import TestSupport
import Testing

/// ws-echo as built, judged by strangers.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct WebSocketEchoTests {
    /// The Autobahn test suite as PyPI has it, which `make setup` lays beside the interpreter.
    private static var suite: String? {
        guard let python = Python.path else { return nil }
        let folder = URL(fileURLWithPath: python).deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = folder.appendingPathComponent("autobahntestsuite-25.10.1.tar.gz").path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    @Test(.enabled(if: suite != nil, "the Autobahn test suite is not there; run make setup"))
    func `every case of the Autobahn test suite is passed`() throws {
        // Of the limits only those up to a megabyte: these are checks, not measurements.
        let outcome = try Program.run(
            try #require(Python.path),
            [
                "-W", "ignore", script("autobahn_judge.py"), try #require(Self.suite),
                Program.directory.appendingPathComponent("ws-echo").path,
            ] + (1...7).map { "\($0)." } + ["9.1.1", "9.2.1", "9.5.6", "9.6.6", "9.7.1", "10."])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.text.contains(" cases, 0 failed, 0 not strict"), "\(outcome.text)")
    }

    private struct Server {
        let port: Substring
        let proxy: Substring
        let program: BackgroundProgram

        init() throws {
            let path = packageRoot.appendingPathComponent(
                "Tests/TransportTests/websocket_server.py")
            program = try BackgroundProgram(try #require(Python.path), [path.path])
            let words = program.firstLine().split(separator: " ")
            try #require(words.count == 2, "the server did not start")
            (port, proxy) = (words[0], words[1])
        }
    }

    @Test func `a proxy is asked for a tunnel, and resolves the name`() throws {
        let server = try Server()
        let environment = ["http_proxy": "http://127.0.0.1:\(server.proxy)", "no_proxy": ""]
        let outcome = try Program.run(
            "ws-echo", ["ws://venue.test:\(server.port)/close/1000"], environment: environment)
        #expect(outcome.status == 0, "\(outcome.text)")
        #expect(outcome.text == "closed 1000 as you wish\n")
        let refused = try Program.run(
            "ws-echo", ["ws://refused.test:\(server.port)/close/1000"], environment: environment)
        #expect(refused.status == 69, "\(refused.text)")
    }

    @Test(arguments: [
        ("close/1001", 0), ("status/403", 69), ("cut", 76), ("send/2000", 76),
    ])
    func `the exit status says how it ended`(_ path: String, _ status: Int32) throws {
        let server = try Server()
        let outcome = try Program.run(
            "ws-echo", ["--maximum-message", "1000", "ws://127.0.0.1:\(server.port)/\(path)"])
        #expect(outcome.status == status, "\(outcome.text)")
    }
}
