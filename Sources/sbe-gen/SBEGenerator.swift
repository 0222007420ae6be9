import ArgumentParser
import Foundation
import SchemaModel

@main
struct SBEGenerator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sbe-gen",
        abstract: "Writes Swift decoders and encoders for the messages of an SBE 1.0 schema.",
        discussion: """
            Example:
              sbe-gen Schema/records.xml --output Sources/Records/Generated
            """)

    @Argument(help: "The schema.") var schema: String
    @Option(help: "The folder to write to; Swift files that were generated before are replaced.")
    var output: String
    @Option(help: "An enum to put everything into (default: no enum).") var namespace: String?
    @Option(help: "A message to generate; may be repeated (default: all).")
    var message: [String] = []
    @Option(help: "A module for generated files to import besides SBE; may be repeated.")
    var moduleImport: [String] = []
    @Option(
        help: """
            A view of the fields that all messages begin with; decoders and encoders leave these \
            out (default: no enum).
            """)
    var prefix: String?
    @Option(help: "Access of generated declarations: public or internal.")
    var access: Access = .public

    enum Access: String, ExpressibleByArgument, CaseIterable { case `public`, `internal` }

    func run() throws {
        do {
            try OutputFolder(path: output).replace(with: generate())
        } catch let error as SchemaError {
            throw refusal("\(schema):\(error.line): \(error.reason)", code: 65)
        } catch let error as SwiftEmitter.Refusal {
            throw refusal("\(schema): \(error)", code: 65)
        } catch let error as CocoaError {
            throw refusal("\(error.filePath ?? schema): \(error.localizedDescription)", code: 74)
        }
    }

    private func generate() throws -> [SwiftEmitter.File] {
        var options = SwiftEmitter.Options()
        options.namespace = namespace
        options.messages = message
        options.imports = moduleImport
        options.prefix = prefix
        options.isPublic = access == .public
        let xml = try Data(contentsOf: URL(fileURLWithPath: schema))
        return try SwiftEmitter(Schema(xml: xml), options: options).files()
    }

    /// Says why on stderr; exit codes as in docs/design.md: 65 for a bad schema, 74 for I/O.
    private func refusal(_ reason: String, code: Int32) -> ExitCode {
        FileHandle.standardError.write(Data("sbe-gen: \(reason)\n".utf8))
        return ExitCode(code)
    }
}
