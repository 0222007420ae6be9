import Foundation
import TestSupport
import Testing

/// compose.yaml, the manifest of Kubernetes and the template of ECS, as far as the programs read them.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct DeploymentTests {
    private struct Deployment: Decodable {
        let name: String
        let variables: [String: String]
        let configuration: String?
    }

    /// A misspelt variable or key would be found only by whoever misses what it was to do.
    @Test func `each variable and key that a deployment sets is one that the programs know`() throws
    {
        let listed = try Program.run(try #require(Python.path), [script("deployments.py")])
        try #require(listed.status == 0, "\(listed.errors)")
        let deployments = try JSONDecoder().decode(
            [Deployment].self, from: Data(listed.output))
        #expect(deployments.map(\.name) == ["compose.yaml", "kubernetes", "ecs"])
        let place = try TemporaryDirectory()
        for deployment in deployments {
            #expect(deployment.variables.count >= 2)
            let main = packageRoot.appendingPathComponent("config/main.yaml").path
            let file = place.path("\(deployment.name).yaml")
            let text = try deployment.configuration ?? String(contentsOfFile: main, encoding: .utf8)
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            var variables = deployment.variables
            variables["PATH"] = "/usr/bin:/bin"
            let outcome = try Program.run(
                "healthd", ["--check-config", "--config", file], environment: variables)
            #expect(outcome.status == 0, "\(deployment.name): \(outcome.text)\(outcome.errors)")
            #expect(
                (outcome.text + outcome.errors).contains("0 errors, 0 warnings"),
                "\(deployment.name): \(outcome.text)\(outcome.errors)")
        }
        // And one that is not known is found.
        let wrong = try Program.run(
            "healthd", ["--check-config", "--config", place.path("ecs.yaml")],
            environment: ["BINANCE__SYMBOL": "BTCUSDT"])
        #expect((wrong.text + wrong.errors).contains("did you mean BINANCE__SYMBOLS?"))
    }
}
