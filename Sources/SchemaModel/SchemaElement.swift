import Foundation
import FoundationXML

/// An element of a schema file, with the line it starts in.
struct SchemaElement {
    /// Without namespace prefix.
    let name: String
    let attributes: [String: String]
    let line: Int
    var children: [SchemaElement] = []
    var text = ""

    /// A required attribute.
    func attribute(_ key: String) throws(SchemaError) -> String {
        guard let value = attributes[key] else {
            throw SchemaError(line: line, "<\(name)> has no attribute \(key)")
        }
        return value
    }

    /// An optional attribute that holds a whole number.
    func number(_ key: String) throws(SchemaError) -> Int? {
        guard let text = attributes[key] else { return nil }
        guard let value = Int(text), value >= 0 else {
            throw SchemaError(
                line: line, "<\(name)> \(key)=\"\(text)\" is not a whole number from 0")
        }
        return value
    }

    /// A required attribute that holds a UInt16: ids and versions.
    func identifier(_ key: String, default fallback: UInt16? = nil) throws(SchemaError) -> UInt16 {
        if attributes[key] == nil, let fallback { return fallback }
        let text = try attribute(key)
        guard let value = UInt16(text) else {
            throw SchemaError(
                line: line, "<\(name)> \(key)=\"\(text)\" is not a number from 0 to 65535")
        }
        return value
    }
}

/// Reads a file into a tree of elements.
final class SchemaElementReader: NSObject, XMLParserDelegate {
    private var open: [SchemaElement] = []
    private var root: SchemaElement?

    static func read(_ file: Data) throws(SchemaError) -> SchemaElement {
        let reader = SchemaElementReader()
        let parser = XMLParser(data: file)
        parser.shouldProcessNamespaces = false
        parser.shouldResolveExternalEntities = false
        parser.delegate = reader
        guard parser.parse(), let root = reader.root else {
            let reason = parser.parserError.map { "\($0)" } ?? "no element"
            throw SchemaError(line: max(parser.lineNumber, 1), "not well-formed XML: \(reason)")
        }
        return root
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
    ) {
        let plain = name.split(separator: ":").last.map(String.init) ?? name
        open.append(
            SchemaElement(name: plain, attributes: attributes, line: parser.lineNumber))
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        guard !open.isEmpty else { return }
        open[open.count - 1].text += text
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
        qualifiedName: String?
    ) {
        guard let done = open.popLast() else { return }
        if open.isEmpty { root = done } else { open[open.count - 1].children.append(done) }
    }
}
