import Foundation
import TestSupport
import Testing

/// A first SIGTERM while a program waits for something that does not come.
struct StopTests {
    /// Longest time from the signal to the end, seconds: far below what is waited for.
    private static let patience: Double = 15
    private static let silence = 120

    private static let commands = [
        ["rest-pull", "trades", "--symbol", "BTCUSDT", "--from", "2024-01-01"],
        [
            "rest-pull", "trades", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--source",
            "archive",
        ],
        ["sbe-tap", "--symbols", "BTCUSDT"],
        ["dedup", "--shared", "redis://redis.example:6379", "--shared-name", "x"],
        ["s3-put", "--to", "s3://bucket-of-nobody/x"],
        ["kinesis-put", "--streams", "trade=a"],
        ["recq", "cat", "s3://bucket-of-nobody/x"],
        ["ledgerctl", "verify", "s3://bucket-of-nobody/x"],
    ]

    /// Variables without keys, whose state and profiles are inside a directory.
    private func environment(_ place: TemporaryDirectory) -> [String: String] {
        [
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": place.path("config"),
            "AWS_SHARED_CREDENTIALS_FILE": place.path("none"),
            "XDG_STATE_HOME": place.path("state"),
            "XDG_RUNTIME_DIR": place.path("run"), "HTTPS_PROXY": "", "https_proxy": "",
        ]
    }

    private func endsAtOnce(
        _ command: [String], _ environment: [String: String], whenThereIs file: String
    ) throws {
        let program = try LiveProgram(
            command[0], Array(command.dropFirst()), environment: environment)
        try #require(
            waitUntil(60) { FileManager.default.fileExists(atPath: file) },
            "\(command): \(program.errors)")
        let start = Date()
        program.signalled(SIGTERM)
        let hasEnded = waitUntil(Self.patience) { program.hasEnded }
        #expect(
            hasEnded, "\(command): runs \(Date().timeIntervalSince(start)) s on: \(program.errors)")
    }

    @Test(arguments: commands)
    func `a resolver that does not answer holds no program up`(_ command: [String]) throws {
        let place = try TemporaryDirectory()
        let library = try preloadedLibrary(
            """
            #define _GNU_SOURCE
            #include <fcntl.h>
            #include <netdb.h>
            #include <unistd.h>
            int getaddrinfo(const char *n, const char *s, const struct addrinfo *h, struct addrinfo **r) {
                close(open("\(place.path("asked"))", O_CREAT | O_WRONLY, 0600));
                sleep(\(Self.silence));
                return EAI_AGAIN;
            }
            """, in: place)
        var environment = environment(place)
        environment["LD_PRELOAD"] = library
        environment["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE"
        environment["AWS_SECRET_ACCESS_KEY"] = "secret"
        try endsAtOnce(command, environment, whenThereIs: place.path("asked"))
    }

    @Test(
        arguments: commands.filter { command in
            ["s3-put", "kinesis-put", "recq", "ledgerctl"].contains(command[0])
        })
    func `a credential process that hangs ends with its program`(_ command: [String]) throws {
        let place = try TemporaryDirectory()
        // What the process started ends as well.
        try Data("sleep \(Self.silence) &\necho $! > \(place.path("pid"))\nwait\n".utf8).write(
            to: URL(fileURLWithPath: place.path("hang")))
        try Data("[default]\ncredential_process = /bin/sh \(place.path("hang"))\n".utf8).write(
            to: URL(fileURLWithPath: place.path("config")))
        try endsAtOnce(command, environment(place), whenThereIs: place.path("pid"))
        let pid = try String(contentsOfFile: place.path("pid"), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(waitUntil(10) { !Self.runs(pid) }, "\(command): \(pid) runs on")
    }

    /// True for a process that has not ended; one that its parent has not waited for has.
    private static func runs(_ pid: String) -> Bool {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return text.split(separator: ")").last.map { !$0.hasPrefix(" Z") } ?? false
    }
}
