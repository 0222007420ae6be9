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
    @Option(help: "An enum to put everything into (default: none).") var namespace: String?
    @Option(help: "A message to generate; may be repeated (default: all).")
    var message: [String] = []
    @Option(help: "A module for generated files to import besides SBE; may be repeated.")
    var moduleImport: [String] = []
    @Option(help: "Access of generated declarations: public or internal.")
    var access: Access = .public

    enum Access: String, ExpressibleByArgument, CaseIterable { case `public`, `internal` }

    func run() throws {
        let files: [SwiftEmitter.File]
        do {
            var options = SwiftEmitter.Options()
            options.namespace = namespace
            options.messages = message
            options.imports = moduleImport
            options.isPublic = access == .public
            let xml = try Data(contentsOf: URL(fileURLWithPath: schema))
            files = try SwiftEmitter(Schema(xml: xml), options: options).files()
        } catch let error as SchemaError {
            throw Refusal(description: "\(schema):\(error.line): \(error.reason)")
        } catch let error as SwiftEmitter.UnknownMessage {
            throw Refusal(description: "\(schema): \(error)")
        }
        try OutputFolder(path: output).replace(with: files)
    }
}

/// Why nothing was generated; ArgumentParser prints it.
struct Refusal: Error, CustomStringConvertible {
    let description: String
}
