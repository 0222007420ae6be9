import Foundation
import TestSupport
import Testing

/// Two hosts that fill one bucket, each with a hole that the other does not have.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct TwoHostsTests {
    /// Networks and host names of its own; some containers do not allow them.
    private static let hasNetworks =
        (try? Program.run(
            "unshare",
            [
                "-rmn", "--fork", "--pid", "--mount-proc", "bash", "-c",
                "unshare -nu sleep 10 & sleep 0.2; ip link add here type veth peer name there netns $! && kill $!",
            ]
        ).status) == 0

    @Test(.enabled(if: hasNetworks, "no namespaces of networks: unshare -rmn fails"))
    func
        `one killed and one without its network leave a whole bucket, each id once when compacted`()
        throws
    {
        let place = try TemporaryDirectory()
        let tests = packageRoot.appendingPathComponent("Tests")
        let outcome = try Program.run(
            "unshare",
            [
                "-rmn", "--kill-child", "--fork", "--pid", "--mount-proc",
                try #require(Python.path),
                tests.appendingPathComponent("SinkTests/two_hosts.py").path, Program.directory.path,
                packageRoot.appendingPathComponent("pipelines").path,
                tests.appendingPathComponent("ToolTests/local_aws.py").path, place.path,
            ])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        print(outcome.text)
    }
}
