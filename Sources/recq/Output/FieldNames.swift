import ArgumentParser
import Configuration
import Records
import Stage

extension RecordField {
    /// A field by the name that a person typed.
    init(argument name: String) throws {
        if let field = RecordField(name: name) {
            self = field
            return
        }
        let names = RecordField.allCases.map(\.rawValue)
        let near = Spelling.nearest(to: name, among: Set(names))
        throw ValidationError(
            "\(name) is not a field"
                + (near.map { "; did you mean \($0)?" }
                    ?? "; fields are \(names.joined(separator: ", "))"))
    }

    /// Fields with commas between.
    static func list(_ text: String) throws -> [RecordField] {
        let fields = try text.split(separator: ",").map { try RecordField(argument: String($0)) }
        guard !fields.isEmpty else { throw ValidationError("no field is named") }
        return fields
    }
}
