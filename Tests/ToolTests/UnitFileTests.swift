import Foundation
import TestSupport
import Testing

/// The units of systemd/, as files: `make systemd-test` boots them.
@Suite(.enabled(if: Program.exists("systemd-analyze"), "there is no systemd-analyze"))
struct UnitFileTests {
    private static let folder = packageRoot.appendingPathComponent("systemd")

    private static func units(_ suffix: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(suffix) }.sorted()
    }

    private static func text(_ unit: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(unit), encoding: .utf8)
    }

    /// Services that are stages, healthd included.
    private static let notifying = units(".service").filter {
        (try? text($0).contains("Type=notify")) == true
    }

    /// Instances, since of a template alone little is checked; what it warns of counts, too.
    @Test func `systemd finds nothing to say about any unit`() throws {
        let place = try TemporaryDirectory()
        for name in Self.units("") where name.contains(".") {
            let text = try Self.text(name)
                .replacing("/usr/bin/", with: Program.directory.path + "/")
                .replacing("/usr/share/bitcoin-ingestor/", with: packageRoot.path + "/")
            try text.write(toFile: place.path(name), atomically: true, encoding: .utf8)
        }
        let instances = [".service", ".socket", ".target", ".timer"].flatMap(Self.units).map {
            $0.replacing("@.", with: "@test.")
        }
        #expect(instances.count > 12)
        let outcome = try Program.run(
            "systemd-analyze",
            ["verify", "--man=no", "--recursive-errors=yes"] + instances.map { place.path($0) },
            environment: ["SYSTEMD_UNIT_PATH": place.path + ":"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    }

    @Test(arguments: units(".service"))
    func `a unit is exposed by 1.5 at most`(unit: String) throws {
        let outcome = try Program.run(
            "systemd-analyze",
            [
                "security", "--offline=true", "--threshold=15", "--no-pager",
                Self.folder.appendingPathComponent(unit).path,
            ])
        let last = outcome.text.split(separator: "\n").last ?? ""
        #expect(outcome.status == 0, "\(last)\(outcome.errors)")
    }

    /// What is the same in all units is the same to the letter, where no unit has a reason.
    @Test func `units differ in their protection only where they have to`() throws {
        let may: Set = [
            "RestrictAddressFamilies", "PrivateNetwork", "IPAddressDeny", "ProtectProc",
            "ProcSubset",
        ]
        func protection(_ unit: String) throws -> [Substring] {
            let lines = try Self.text(unit).split(separator: "\n").drop {
                $0 != "NoNewPrivileges=yes"
            }
            return lines.prefix { !$0.hasPrefix("[") }.filter { line in
                !may.contains(String(line.prefix { $0 != "=" }))
            }
        }
        let model = try protection("s3-put@.service")
        #expect(model.count > 20)
        for unit in Self.units(".service") { #expect(try protection(unit) == model, "\(unit)") }
    }

    /// A stage inherits its standard error from its standard output: its words would be records.
    @Test(arguments: notifying)
    func `a stage is started again unless that cannot help, and logs to the journal`(
        unit: String
    ) throws {
        let lines = Set(try Self.text(unit).split(separator: "\n"))
        for line in [
            "StandardError=journal", "Restart=always", "StartLimitIntervalSec=0",
            "RestartPreventExitStatus=64 77 78", "NotifyAccess=main", "WatchdogSec=3min",
            #"ExecReload=/bin/sh -c "kill -HUP $MAINPID""#,
        ] {
            #expect(lines.contains(Substring(line)), "\(unit): \(line)")
        }
        #expect(!lines.contains { $0.hasPrefix("BindsTo=") })
    }

    @Test func `there are stages to judge`() { #expect(Self.notifying.count == 7) }

    /// A FIFO that a stage opens is one that its unit requires, and a socket unit that may not stop.
    @Test(arguments: units(".service"))
    func `each FIFO that a unit names is held open by a socket that it requires`(
        unit: String
    ) throws {
        let text = try Self.text(unit)
        let ends = text.split { " \n:=".contains($0) }.filter {
            $0.hasPrefix("/run/bitcoin-ingestor/pipes/")
        }
        for end in ends {
            let name = end.split(separator: "/").last ?? ""
            let requires = text.split(separator: "\n").first { $0.hasPrefix("Requires=") } ?? ""
            #expect(requires.contains("ingest-pipe@\(name).socket"), "\(unit): \(end)")
        }
    }
}
