import Foundation
import Testing

@testable import Configuration

/// The declarations of settings.
struct CatalogTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What of the sources names a setting, by the directory.
    private func uses(in folder: String) throws -> Set<String> {
        let directory = Self.root.appendingPathComponent("Sources/\(folder)")
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        var names: Set<String> = []
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /SettingCatalog\.(\w+)/) { names.insert(String(match.1)) }
        }
        return names
    }

    /// The files whose settings a shared type reads, for who names that type.
    private static let shared = [
        "BucketFlags": [
            "BucketFlags", "S3Access", "ConfiguredCredentials", "Environment+Settings",
        ],
        "SymbolSelection": ["SymbolSelection"],
        "BucketReading": ["BucketReading", "ConfiguredCredentials", "Environment+Settings"],
        "ConfiguredCredentials": ["ConfiguredCredentials", "Environment+Settings"],
    ]

    private func names(_ type: String, in folder: String) throws -> Bool {
        let directory = Self.root.appendingPathComponent("Sources/\(folder)")
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            if try String(contentsOf: file, encoding: .utf8).contains(type) { return true }
        }
        return false
    }

    private func uses(inSharedFile name: String) throws -> Set<String> {
        let file = try #require(
            ["StageAWS", "ObjectWriting", "Stage"].map {
                Self.root.appendingPathComponent("Sources/\($0)/\(name).swift")
            }.first { FileManager.default.fileExists(atPath: $0.path) }, "\(name)")
        let text = try String(contentsOf: file, encoding: .utf8)
        return Set(text.matches(of: /SettingCatalog\.(\w+)/).map { String($0.1) })
    }

    @Test func `a setting's programs are those that read it`() throws {
        var readers: [String: Set<Program>] = [:]
        for program in Program.allCases {
            var names = try uses(in: program.rawValue)
            for (type, files) in Self.shared where try self.names(type, in: program.rawValue) {
                for file in files { names.formUnion(try uses(inSharedFile: file)) }
            }
            for name in names { readers[name, default: []].insert(program) }
        }
        let everywhere = try uses(in: "Stage").subtracting(
            try uses(inSharedFile: "SymbolSelection"))
        for theme in SettingCatalog.themes {
            for child in Mirror(reflecting: theme).children {
                guard let name = child.label, let setting = child.value as? any DeclaredSetting
                else { continue }
                let declared = setting.declaration(in: type(of: theme)).programs
                let found = everywhere.contains(name) ? Program.all : readers[name] ?? []
                #expect(
                    declared == found,
                    """
                    \(name): its declaration says \(declared.map(\.rawValue).sorted()), but \
                    \(found.map(\.rawValue).sorted()) read it: write `for: [...]` before `parse:`
                    """)
            }
        }
    }

    @Test func `each default is a value, and each key has one meaning`() {
        var names: Set<String> = []
        for declaration in SettingCatalog.declarations {
            if let fallback = declaration.fallback {
                #expect(throws: Never.self, "\(declaration.key)") {
                    try declaration.check(fallback)
                }
            }
            #expect(declaration.help.hasSuffix(".") || declaration.help.hasSuffix(")"))
            // A URL, in which a password is possible and not needed.
            let isURL = declaration.key == "dedup.shared"
            #expect(
                !declaration.isSecret || declaration.flag == nil || isURL, "\(declaration.key)")
            names.insert(declaration.key)
            let same = SettingCatalog.byKey[declaration.key] ?? []
            #expect(Set(same.map(\.variable)).count == 1)
        }
        // No key is a section of another.
        for key in names {
            #expect(!names.contains { $0.hasPrefix(key + ".") }, "\(key)")
        }
    }

    @Test(arguments: [
        ("docs/configuration.md", ConfigurationReference.Form.markdown),
        ("docs/man/bitcoin-ingestor.conf.5", .manual),
        ("docs/schemas/configuration.json", .schema),
    ])
    func `the reference is up to date`(path: String, form: ConfigurationReference.Form) throws {
        let text = try String(
            contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
        #expect(text == ConfigurationReference.text(form), "run make generate")
        for key in SettingCatalog.byKey.keys where form == .markdown {
            #expect(text.contains("`\(key)`"), "\(key)")
        }
    }

    @Test func `the schema is JSON with each key`() throws {
        let data = Data(ConfigurationReference.text(.schema).utf8)
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        for key in Array(SettingCatalog.byKey.keys) + LegacyKey.all.map(\.key) {
            var place = schema
            for part in key.split(separator: ".") {
                let properties = try #require(place["properties"] as? [String: Any], "\(key)")
                place = try #require(properties[String(part)] as? [String: Any], "\(key)")
            }
            #expect(place["description"] is String, "\(key)")
        }
    }
}
