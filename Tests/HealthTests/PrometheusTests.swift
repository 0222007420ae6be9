import Foundation
import TestSupport
import Testing

/// What is exported, against docs/metrics.md, promtool and a real Prometheus.
@Suite(
    .serialized,
    .enabled(
        if: Program.exists("promtool") && Program.exists("prometheus"),
        "there is no Prometheus; run make setup"))
struct PrometheusTests {
    /// A row of docs/metrics.md.
    private struct Row {
        let name: String
        let type: String
        let stages: [String]
        let moves: Bool
    }

    private static func documented() throws -> [Row] {
        let text = try String(
            contentsOf: packageRoot.appendingPathComponent("docs/metrics.md"), encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count >= 4,
                cells[0].hasPrefix("`ingestor_") || cells[0].hasPrefix("`process_")
            else { return nil }
            return Row(
                name: cells[0].trimmingCharacters(in: ["`"]), type: cells[1],
                stages: cells[2].split(separator: ",").map {
                    $0.trimmingCharacters(in: .whitespaces)
                }, moves: cells[3] == "yes")
        }
    }

    /// A pipeline that flows until its input is closed, and healthd beside it.
    private final class Demo {
        let health: Health
        let simulator: Simulator
        private var programs: [BackgroundProgram] = []

        init() throws {
            health = try Health()
            simulator = try Simulator(["--start", "now", "--history", "4000", "--rate", "200"])
            let (first, second) = (health.place.path("first"), health.place.path("second"))
            for path in [first, second] { try #require(mkfifo(path, 0o600) == 0) }
            // A FIFO opens when both ends do: programs start in any order.
            programs.append(
                try shell(
                    "dedup --instance a < \(first) > \(second)"))
            programs.append(
                try shell(
                    "s3-put --instance a --to file://\(health.place.path("data")) "
                        + "--object-idle 0.3 --object-age 0.5 < \(second)"))
            programs.append(
                try shell(
                    "rest-pull aggTrades --instance a --base-url \(simulator.url) --follow "
                        + "--from 1 --poll-interval 0.1 > \(first)"))
        }

        private func shell(_ command: String) throws -> BackgroundProgram {
            try BackgroundProgram(
                "/bin/sh", ["-c", "exec \(Program.directory.path)/\(command)"],
                environment: ["STATS_DIR": health.stats])
        }
    }

    private static func types(_ text: String) -> [String: String] {
        var types: [String: String] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("# TYPE ") {
            let words = line.split(separator: " ")
            types[String(words[2])] = String(words[3])
        }
        return types
    }

    @Test func `what is exported is what docs/metrics.md says, and a real Prometheus sees it move`()
        throws
    {
        let demo = try Demo()
        let running: Set<String> = ["healthd", "every", "rest-pull", "dedup", "s3-put"]
        let rows = try Self.documented().filter { !running.isDisjoint(with: $0.stages) }
        let names = Set(rows.map(\.name))
        // Figures of a ledger come some time after the first object.
        var text = ""
        _ = try waitUntil(60) {
            text = try demo.health.get("/metrics").text
            return names.isSubset(of: Self.types(text).keys)
        }
        let exported = Self.types(text)
        #expect(names.symmetricDifference(exported.keys).isEmpty)
        for row in rows { #expect(exported[row.name] == row.type, "\(row.name)") }
        let lint = try Program.run("promtool", ["check", "metrics"], input: Array(text.utf8))
        #expect(lint.status == 0, "\(lint.text)\(lint.errors)")
        try scrape(demo, rows)
    }

    /// Lets Prometheus scrape twice a second, and asks it what it knows.
    private func scrape(_ demo: Demo, _ rows: [Row]) throws {
        let place = demo.health.place
        let target = demo.health.metrics.split(separator: "/")[1]
        let config = """
            global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}
            rule_files: ["\(packageRoot.path)/deploy/prometheus/alerts.yml"]
            scrape_configs:
              - job_name: test
                static_configs: [{targets: ["\(target)"]}]
            """
        try Data(config.utf8).write(to: URL(fileURLWithPath: place.path("prometheus.yml")))
        let port = try freePort()
        let prometheus = try BackgroundProgram(
            "prometheus",
            [
                "--config.file=\(place.path("prometheus.yml"))",
                "--storage.tsdb.path=\(place.path("tsdb"))",
                "--web.listen-address=127.0.0.1:\(port)",
            ])
        func query(_ expression: String) throws -> [[String: Any]] {
            let reply = try Program.run(
                "curl",
                [
                    "-s", "-G", "--data-urlencode", "query=\(expression)",
                    "http://127.0.0.1:\(port)/api/v1/query",
                ])
            let json = try? JSONSerialization.jsonObject(with: Data(reply.output))
            let data = (json as? [String: Any])?["data"] as? [String: Any]
            return data?["result"] as? [[String: Any]] ?? []
        }
        #expect(try waitUntil(60) { try query("up == 1").count == 1 })
        for row in rows where !row.name.isEmpty {
            let name = row.type == "histogram" ? row.name + "_count" : row.name
            let seen = try waitUntil(30) { try !query(name).isEmpty }
            #expect(seen, "\(row.name) is not in Prometheus")
            guard row.moves else { continue }
            let moved = try waitUntil(30) { try !query("changes(\(name)[1m]) > 0").isEmpty }
            #expect(moved, "\(row.name) does not move")
        }
        #expect(try query("count(ALERTS) or vector(0)").count == 1)
        withExtendedLifetime(prometheus) {}
    }

    private func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        try #require(code == 0)
        return Int(UInt16(bigEndian: address.sin_port))
    }

    @Test func `alert rules hold their unit tests, and each rule has one`() throws {
        let folder = packageRoot.appendingPathComponent("deploy/prometheus")
        for arguments in [
            ["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"],
        ] {
            let command = "cd '\(folder.path)' && promtool \(arguments.joined(separator: " "))"
            let outcome = try Program.run("/bin/sh", ["-c", command])
            #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        }
        let rules = try Self.alerts("alerts.yml", after: "- alert: ")
        let tested = try Self.alerts("alerts_test.yml", after: "- name: ")
        #expect(rules.count > 15 && rules == tested)
    }

    private static func alerts(_ name: String, after mark: String) throws -> [String] {
        let file = packageRoot.appendingPathComponent("deploy/prometheus/\(name)")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap {
            let line = $0.trimmingCharacters(in: .whitespaces)
            return line.hasPrefix(mark) && !line.contains("bitcoin-ingestor")
                ? String(line.dropFirst(mark.count)) : nil
        }
    }

    @Test func `expressions of dashboard and rules are valid, and ask only for documented series`()
        throws
    {
        let dashboard = packageRoot.appendingPathComponent("deploy/grafana/bitcoin-ingestor.json")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: dashboard))
        let panels = try #require((json as? [String: Any])?["panels"] as? [[String: Any]])
        var expressions = panels.flatMap { panel in
            (panel["targets"] as? [[String: Any]] ?? []).compactMap { $0["expr"] as? String }
        }
        #expect(expressions.count > 20)
        let rules = try String(
            contentsOf: packageRoot.appendingPathComponent("deploy/prometheus/alerts.yml"),
            encoding: .utf8)
        let names = Set(try Self.documented().map(\.name))
        let asked = try NSRegularExpression(pattern: "ingestor_[a-z0-9_]+")
        for text in expressions + [rules] {
            let range = NSRange(text.startIndex..., in: text)
            for match in asked.matches(in: text, range: range) {
                var name = (text as NSString).substring(with: match.range)
                for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
                    name = String(name.dropLast(suffix.count))
                }
                #expect(names.contains(name), "\(name) is not in docs/metrics.md")
            }
        }
        expressions = expressions.enumerated().map { index, expression in
            let quoted = expression.replacing("\"", with: "\\\"")
            return "  - {record: \"test:expression\(index)\", expr: \"\(quoted)\"}"
        }
        let place = try TemporaryDirectory()
        let text = "groups:\n- name: dashboard\n  rules:\n" + expressions.joined(separator: "\n")
        try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: place.path("rules.yml")))
        let outcome = try Program.run("promtool", ["check", "rules", place.path("rules.yml")])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }
}
