import Foundation
import TestSupport
import Testing

/// What `make install` and `make deb` put in place. `make systemd-test` installs and runs it.
@Suite(
    .enabled(
        if: Program.exists("bitcoin-ingestor"),
        "tests run against single programs, not against what is shipped"))
struct PackageTests {
    private static let tools = [
        "dedup", "fan-out", "healthd", "kinesis-put", "ledgerctl", "recq", "rest-pull", "s3-put",
        "sbe-tap",
    ]

    private func script(_ name: String) -> String {
        packageRoot.appendingPathComponent("Scripts/\(name)").path
    }

    /// Every file below a directory, as a path within it.
    private func files(_ root: String) -> Set<String> {
        Set(
            (FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? [])
                .filter { path in
                    var isDirectory: ObjCBool = false
                    return FileManager.default.fileExists(
                        atPath: "\(root)/\(path)", isDirectory: &isDirectory)
                        && !isDirectory.boolValue
                })
    }

    @Test func `the one program is each of its tools, and says what it knows`() throws {
        for tool in Self.tools {
            let direct = try Program.run(tool, ["--help"])
            let byName = try Program.run("bitcoin-ingestor", [tool, "--help"])
            #expect(direct.status == 0 && !direct.text.isEmpty, "\(tool): \(direct.errors)")
            #expect(byName.text == direct.text, "\(tool)")
        }
        let help = try Program.run("bitcoin-ingestor", ["--help"])
        #expect(help.status == 0)
        for tool in Self.tools { #expect(help.text.contains(" \(tool)"), "\(help.text)") }
        for wrong in [[], ["turbo"], ["../bin/sh"], [".."]] {
            let outcome = try Program.run("bitcoin-ingestor", wrong)
            #expect(outcome.status == 64, "\(wrong)")
            #expect(outcome.errors.contains("usage: bitcoin-ingestor"), "\(outcome.errors)")
        }
    }

    @Test func `install puts all in place, for a prefix of its own too, and removes it`() throws {
        let place = try TemporaryDirectory()
        let variables = ["DESTDIR": place.path, "SYSCONFDIR": "/opt/x/etc"]
        let installed = try Program.run(
            "bash", [script("install"), Program.directory.path, "/opt/x"], environment: variables)
        #expect(installed.status == 0, "\(installed.errors)")
        let files = files(place.path)
        for tool in Self.tools {
            #expect(files.contains("opt/x/bin/\(tool)"))
            #expect(files.contains("opt/x/share/man/man1/\(tool).1"))
            #expect(files.contains("opt/x/share/bash-completion/completions/\(tool)"))
        }
        for file in [
            "bin/bitcoin-ingestor", "lib/systemd/system/ingest-live@.target",
            "etc/bitcoin-ingestor/main.yaml",
            "lib/sysusers.d/bitcoin-ingestor.conf", "share/bitcoin-ingestor/pipelines/run",
            "share/bitcoin-ingestor/schemas/trade.avsc",
            "share/bitcoin-ingestor/grafana/bitcoin-ingestor.json",
            "share/doc/bitcoin-ingestor/systemd.md",
            "share/doc/bitcoin-ingestor/guides/first-hour.md",
        ] {
            #expect(files.contains("opt/x/\(file)"), "\(file)")
        }
        let unit = try String(
            contentsOfFile: place.path("opt/x/lib/systemd/system/s3-put@.service"), encoding: .utf8)
        #expect(unit.contains("ExecStart=/opt/x/bin/s3-put"))
        #expect(unit.contains("CONFIG_FILE=/opt/x/etc/bitcoin-ingestor/%i.yaml"))
        // The program finds the pipelines beside it, wherever that is.
        let run = try Program.run(place.path("opt/x/bin/bitcoin-ingestor"), ["run", "--help"])
        #expect(run.text.hasPrefix("run [--config FILE]"), "\(run.errors)")
        // What a person has changed stays, at an update and at the end.
        let main = place.path("opt/x/etc/bitcoin-ingestor/main.yaml")
        try "mode: sbe\n".write(toFile: main, atomically: true, encoding: .utf8)
        let again = try Program.run(
            "bash", [script("install"), Program.directory.path, "/opt/x"], environment: variables)
        #expect(again.status == 0)
        let removed = try Program.run(
            "bash", [script("install"), "--remove", "/opt/x"], environment: variables)
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(self.files(place.path) == ["opt/x/etc/bitcoin-ingestor/main.yaml"])
        let left = FileManager.default.enumerator(atPath: place.path("opt/x"))?
            .compactMap { $0 as? String }
        #expect(
            Set(left ?? []) == ["etc", "etc/bitcoin-ingestor", "etc/bitcoin-ingestor/main.yaml"])
        #expect(try String(contentsOfFile: main, encoding: .utf8) == "mode: sbe\n")
    }

    @Test(.enabled(if: Program.exists("lintian"), "there is no lintian"))
    func `the package is small, the same each time, and lintian has nothing to say`() throws {
        let place = try TemporaryDirectory()
        var packages: [String] = []
        for folder in ["one", "two"] {
            let made = try Program.run(
                "bash", [script("deb"), Program.directory.path, place.path(folder)],
                environment: ["SOURCE_DATE_EPOCH": "1700000000"])
            // It refuses to make one that is larger than the design allows.
            #expect(made.status == 0, "\(made.errors)")
            let name = try FileManager.default.contentsOfDirectory(atPath: place.path(folder)).first
            packages.append(place.path("\(folder)/\(name ?? "")"))
        }
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: packages[0]))
                == Data(contentsOf: URL(fileURLWithPath: packages[1])))
        let outcome = try Program.run(
            "lintian", ["--allow-root", "--fail-on=warning,error", packages[0]])
        #expect(outcome.status == 0 && outcome.text.isEmpty, "\(outcome.text)\(outcome.errors)")
    }
}
