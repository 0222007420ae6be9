import Foundation
import Stats
import TestSupport
import Testing

@testable import healthd

/// The page for browsers: what is served, that nothing of a stage becomes markup, and what a real
/// browser makes of it.
struct PageTests {
    private static let html = ["-H", "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"]
    /// A name that would run, were it not escaped; a file's name has no slash.
    private static let evil = "<script>document.title='run'<"

    private func start(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> (Health, [StatsWriter]) {
        let health = try Health(
            ["heartbeat_seconds: 600"], arguments: arguments, environment: environment)
        let evil = try StatsWriter(
            directory: health.stats, stage: "dedup", instance: Self.evil,
            pipeline: "\"><img src=x onerror=document.title='run'>")
        evil.counter("records_in", help: "").add(5)
        evil.histogram("output_delay", labels: "x=\"<b>\"", help: "").record(1_000_000)
        evil.lastError.set("</li><script>document.title='run'</script>{{log}}")
        evil.enter(.running)
        let sink = try StatsWriter(
            directory: health.stats, stage: "s3-put", instance: "a", pipeline: "main")
        for (name, value) in [
            ("ledger_first_id", 1), ("ledger_last_id", 1000), ("ledger_held_ids", 990),
            ("ledger_missing_ids", 10), ("ledger_holes_open", 2),
        ] {
            sink.gauge(name, labels: "symbol=\"BTCUSDT\",kind=\"trade\"", help: "").set(
                Int64(value))
        }
        sink.enter(.running)
        try #require(try waitUntil { try health.get("/overview").text.contains("990") })
        return (health, [evil, sink])
    }

    @Test func `the page in the program is the file beside its source`() throws {
        let file = packageRoot.appendingPathComponent("Sources/healthd/Page/page.html")
        #expect(try String(contentsOf: file, encoding: .utf8) == PageTemplate.text + "\n")
    }

    @Test func `a browser gets the page, everybody else JSON`() throws {
        let (health, stages) = try start()
        let page = try health.get("/", Self.html)
        #expect(
            page.status == 200 && page.headers.contains("content-type: text/html"), "\(page.status)"
        )
        #expect(page.headers.contains("vary: accept"))
        #expect(page.text.hasPrefix("<!doctype html>"))
        #expect(try health.get("/").json["endpoints"] is [String])
        #expect(try health.get("/", ["-H", "Accept: */*"]).json["service"] is String)
        // Nothing from elsewhere, and no place left unfilled.
        for word in ["http://", "https://", "{{nonce", "{{summary", "@import"] {
            #expect(!page.text.contains(word), "\(word)")
        }
        withExtendedLifetime(stages) {}
    }

    @Test func `texts of stages never become markup`() throws {
        let (health, stages) = try start()
        for text in [
            try health.get("/", Self.html).text, try events(health, seconds: "1"),
        ] {
            #expect(text.contains("&lt;script&gt;document.title"))
            #expect(!text.contains("<script>") && !text.contains("<img"))
            #expect(!text.contains("<b>\"") && !text.contains("</script>{{"))
            #expect(text.contains("{{log}}"))
        }
        withExtendedLifetime(stages) {}
    }

    @Test func `only its own script and style may run, by a number that nobody can guess`() throws {
        let (health, stages) = try start()
        var seen: Set<String> = []
        for _ in 0..<3 {
            let page = try health.get("/", Self.html)
            let policy = try #require(
                page.headers.split(separator: "\r\n").first {
                    $0.hasPrefix("content-security-policy:")
                })
            #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
            let start = try #require(policy.firstRange(of: "script-src 'nonce-"))
            let nonce = String(policy[start.upperBound...].prefix { $0 != "'" })
            #expect(nonce.count >= 24)
            #expect(page.text.ranges(of: "nonce=\"\(nonce)\"").count == 2)
            seen.insert(nonce)
        }
        #expect(seen.count == 3)
        withExtendedLifetime(stages) {}
    }

    /// What /events says for a while.
    private func events(_ health: Health, seconds: String) throws -> String {
        try Program.run("curl", ["-sN", "--max-time", seconds, health.url + "/events"]).text
    }

    @Test func `events bring every part at once, then what changes`() throws {
        let (health, stages) = try start()
        let gauge = stages[1].gauge("records_waiting", help: "")
        let file = health.place.path("events")
        let subscriber = try BackgroundProgram(
            "curl", ["-isN", health.url + "/events"], output: file)
        var text = ""
        var value: Int64 = 4000
        #expect(
            try waitUntil(30) {
                value += 1000
                gauge.set(value)
                text = try String(contentsOfFile: file, encoding: .utf8)
                return text.ranges(of: "event: flow\n").count > 4
            })
        #expect(text.lowercased().contains("content-type: text/event-stream"))
        for part in ["summary", "problems", "flow", "stages", "completeness", "delays", "log"] {
            #expect(text.contains("event: \(part)\ndata: "), "\(part)")
        }
        #expect(text.ranges(of: "event: completeness\n").count <= 2)
        withExtendedLifetime((stages, subscriber)) {}
    }

    @Test func `subscribers that do not read keep nobody waiting`() throws {
        let (health, stages) = try start()
        let silent = try (0..<5).map { _ in try RawSocket(health.url) }
        for socket in silent { socket.send("GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") }
        #expect(try events(health, seconds: "1").contains("event: summary"))
        let head = try health.get("/events", ["-I"])
        #expect(head.status == 200 && head.text.isEmpty, "\(head.status) \(head.text)")
        #expect(try health.get("/live").status == 200)
        withExtendedLifetime((stages, silent)) {}
    }

    @Test func `with a token a browser may show it as a password`() throws {
        let (health, stages) = try startWithToken()
        #expect(try health.get("/", Self.html).status == 401)
        #expect(try health.get("/", Self.html).headers.contains("basic realm="))
        #expect(try health.get("/stats", ["-u", "anyone:secret-1"]).status == 200)
        #expect(try health.get("/stats", ["-u", "anyone:secret-2"]).status == 401)
        #expect(try health.get("/stats", ["-H", "Authorization: Basic ???"]).status == 401)
        withExtendedLifetime(stages) {}
    }

    private func startWithToken() throws -> (Health, StatsWriter) {
        let health = try Health(
            ["heartbeat_seconds: 600"], environment: ["HEALTH_TOKEN": "secret-1"])
        let stats = try StatsWriter(directory: health.stats, stage: "dedup", instance: "a")
        stats.enter(.running)
        try #require(
            try waitUntil { try health.get("/stats", ["-u", "x:secret-1"]).status == 200 })
        return (health, stats)
    }

    // MARK: - A browser

    private static let browser = ["chromium", "chromium-browser", "google-chrome"].first {
        Program.exists($0)
    }
    private static let absence: Comment =
        "there is no Chromium (apt install chromium), or no Python: run make setup"

    /// What the script of the tests found on the page; it waits until the page is live.
    private func look(
        _ health: Health, width: Int, height: Int, scheme: String, picture: String
    ) throws -> [String: Any] {
        let script = packageRoot.appendingPathComponent("Tests/HealthTests/browser.py")
        let outcome = try Program.run(
            try #require(Python.path),
            [
                script.path, try #require(Self.browser), health.url + "/", "\(width)",
                "\(height)", scheme, picture,
            ])
        try #require(outcome.status == 0, "\(outcome.errors)")
        let json = try JSONSerialization.jsonObject(with: Data(outcome.output))
        return try #require(json as? [String: Any])
    }

    @Test(
        .enabled(if: browser != nil && Python.path != nil, absence),
        arguments: [
            (1280, 900, "light"), (1280, 900, "dark"), (390, 844, "light"),
        ])
    func `a browser shows the page live, in both looks, on wide and narrow screens`(
        width: Int, height: Int, scheme: String
    ) throws {
        let (health, stages) = try start()
        let place = try TemporaryDirectory()
        let found = try look(
            health, width: width, height: height, scheme: scheme, picture: place.path("page.png"))
        // Nothing of a stage ran, and its texts are there to be read.
        #expect(found["title"] as? String == "Pipelines of this host")
        #expect(found["scripts"] as? Int == 1 && found["images"] as? Int == 0)
        let text = try #require(found["text"] as? String)
        #expect(text.contains("dedup." + Self.evil) && text.contains("BTCUSDT trade"))
        #expect(found["live"] as? String == "Live.")
        #expect((found["anchors"] as? [String])?.contains("stage-s3_2d_put_2e_a") == true)
        // The page itself is never wider than the screen; tables scroll by themselves.
        #expect(found["overflow"] as? Int == 0)
        #expect(found["broken"] as? [String] == [], "\(found["broken"] ?? "")")
        #expect(found["parted"] as? [String] == [], "\(found["parted"] ?? "")")
        // Where tables are tables, on a common screen, and where they are cards, on a phone, nothing
        // of one is out of sight.
        if width >= 1280 || width <= 760 {
            #expect(found["cut"] as? [String] == [], "\(found["cut"] ?? "")")
        }
        #expect(
            found["ground"] as? String
                == (scheme == "dark" ? "rgb(15, 21, 28)" : "rgb(246, 247, 249)"))
        // For who does not see it, or has no mouse.
        #expect(found["tables"] as? Bool == true && found["landmarks"] as? Bool == true)
        #expect(found["focusKept"] as? Bool == true && found["focusSeen"] as? String == "solid")
        #expect(found["reached"] as? String == "name")
        let picture = try Data(contentsOf: URL(fileURLWithPath: place.path("page.png")))
        // A page without anything on it takes some 5 kB.
        #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]) && picture.count > 20_000)
        withExtendedLifetime(stages) {}
    }

    @Test(.enabled(if: browser != nil, absence))
    func `a browser without scripts shows the same`() throws {
        let (health, stages) = try start()
        let place = try TemporaryDirectory()
        let profile = URL(fileURLWithPath: place.path("Default"))
        try FileManager.default.createDirectory(at: profile, withIntermediateDirectories: true)
        try Data(
            "{\"profile\":{\"default_content_setting_values\":{\"javascript\":2}}}".utf8
        ).write(to: profile.appendingPathComponent("Preferences"))
        let outcome = try Program.run(
            try #require(Self.browser),
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--user-data-dir=\(place.path)", "--timeout=4000", "--dump-dom", health.url + "/",
            ])
        #expect(outcome.text.contains("As it was when the page was loaded."))
        #expect(
            outcome.text.contains("BTCUSDT trade") && outcome.text.contains("99 %"),
            "\(outcome.text)")
        #expect(outcome.text.contains("http-equiv=\"refresh\""))
        withExtendedLifetime(stages) {}
    }
}
