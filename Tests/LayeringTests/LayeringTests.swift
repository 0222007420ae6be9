import Foundation
import TestSupport
import Testing

/// Every import of every source file against the module table of docs/design.md, section 4.
struct LayeringTests {
    /// Of the system and the standard library: no module of ours, and no dependency.
    private static let everywhere: Set<String> = ["Glibc", "Synchronization", "Swift"]

    private struct Row {
        let floor: Int
        let allowed: Set<String>
    }

    /// Module to what it may import.
    private static func table() throws -> [String: Row] {
        let design = try String(
            contentsOf: packageRoot.appendingPathComponent("docs/design.md"), encoding: .utf8)
        var rows: [String: Row] = [:]
        for line in design.split(separator: "\n") where line.hasPrefix("| ") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 4, let floor = Int(cells[0]) else { continue }
            let modules = cells[1].split(separator: "`").map(String.init).filter {
                !$0.trimmingCharacters(in: .whitespaces).isEmpty
            }
            let allowed = cells[3].split { ",; ".contains($0) }.map(String.init)
            for module in modules { rows[module] = Row(floor: floor, allowed: Set(allowed)) }
        }
        return rows
    }

    /// Folder of Sources to the modules that its files import.
    private static func imports() throws -> [String: Set<String>] {
        let sources = packageRoot.appendingPathComponent("Sources")
        var imports: [String: Set<String>] = [:]
        let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            let module = file.path.dropFirst(sources.path.count + 1).split(separator: "/")[0]
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let place = words.firstIndex(of: "import"), place <= 1, !line.hasPrefix("//"),
                    place == 0 || ["public", "package", "internal"].contains(words[0]),
                    words.count > place + 1
                else { continue }
                // `import struct Foundation.Data` names the module second.
                let isScoped = ["struct", "class", "enum", "protocol", "func"].contains(
                    words[place + 1])
                let name = isScoped ? words[place + 2].split(separator: ".")[0] : words[place + 1]
                imports[String(module), default: []].insert(String(name))
            }
        }
        return imports
    }

    @Test func `libraries import only what the module table allows`() throws {
        let table = try Self.table()
        let imports = try Self.imports()
        #expect(imports.count > 15)
        for (module, imported) in imports {
            guard let row = table[module] else {
                Issue.record("\(module) is not in the module table")
                continue
            }
            guard row.floor < 4 else { continue }
            let surplus = imported.subtracting(row.allowed).subtracting(Self.everywhere)
            #expect(surplus.isEmpty, "\(module) imports \(surplus.sorted())")
        }
    }

    @Test func `imports go down only, and no tool imports a tool`() throws {
        let table = try Self.table()
        for (module, imported) in try Self.imports() {
            guard let row = table[module] else { continue }
            let floor = row.floor
            for other in imported {
                guard let below = table[other]?.floor, other != module else { continue }
                // A neighbour on the same floor only where the table says so by name.
                let isNamed = floor < 4 && row.allowed.contains(other)
                #expect(
                    below < floor || (below == floor && isNamed), "\(module) imports \(other)")
            }
        }
    }

    @Test func `dedup knows no network, sinks know no venue, stages have no Foundation`() throws {
        let imports = try Self.imports()
        let dedup = try #require(imports["dedup"])
        #expect(dedup.isDisjoint(with: ["Transport", "Binance", "AWS"]))
        #expect(try #require(imports["s3-put"]).isDisjoint(with: ["Binance"]))
        for (module, imported) in imports where !["SchemaModel", "sbe-gen"].contains(module) {
            let foundation = imported.filter { $0.hasPrefix("Foundation") }
            #expect(foundation.isEmpty, "\(module) imports \(foundation)")
        }
    }

    @Test func `locks are those that the thread sanitizer sees`() throws {
        var files = 0
        for folder in ["Sources", "Tests"] {
            let top = packageRoot.appendingPathComponent(folder)
            let found = FileManager.default.enumerator(at: top, includingPropertiesForKeys: nil)
            while let file = found?.nextObject() as? URL {
                guard file.pathExtension == "swift" else { continue }
                files += 1
                let text = try String(contentsOf: file, encoding: .utf8)
                // In two pieces, as this file is looked at too.
                for use in ["<", "("] where text.contains("Mutex" + use) {
                    Issue.record("\(file.path): Locked of Posix instead (docs/decisions/0098)")
                }
            }
        }
        #expect(files > 500)
    }
}
