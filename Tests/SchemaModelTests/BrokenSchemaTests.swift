import Foundation
import SchemaModel
import Testing

struct BrokenSchemaTests {
    @Test(arguments: BrokenSchema.table)
    func `a broken schema is refused with line and reason`(broken: BrokenSchema) {
        #expect(throws: SchemaError(line: broken.line, broken.reason)) {
            try Schema(xml: Data(broken.xml.utf8))
        }
    }

    @Test func `what is not a schema is refused`() {
        #expect(throws: SchemaError.self) { try Schema(xml: Data("no xml".utf8)) }
        #expect(throws: SchemaError.self) { try Schema(xml: Data()) }
        #expect(throws: SchemaError.self) { try Schema(xml: Data("<a><b></a>".utf8)) }
        #expect(throws: SchemaError(line: 1, "<a> is not a messageSchema")) {
            try Schema(xml: Data("<a/>".utf8))
        }
        #expect(throws: SchemaError(line: 1, "unknown type messageHeader")) {
            try Schema(xml: Data("<messageSchema id='1'/>".utf8))
        }
        #expect(throws: SchemaError(line: 1, "byteOrder middle is not littleEndian or bigEndian")) {
            try Schema(xml: Data("<messageSchema id='1' byteOrder='middle'/>".utf8))
        }
    }

    @Test func `every cut of a good schema is refused, not a trap`() throws {
        let url = Folders.root.appendingPathComponent("Tests/SBETests/Schema/odd.xml")
        let xml = try Data(contentsOf: url)
        _ = try Schema(xml: xml)
        for length in stride(from: 0, to: xml.count - 30, by: 97) {
            #expect(throws: SchemaError.self) { try Schema(xml: xml.prefix(length)) }
        }
    }
}
