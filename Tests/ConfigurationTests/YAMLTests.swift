import Testing

@testable import Configuration

/// What YAML says, and where it says something wrong.
struct YAMLTests {
    struct Good: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let entries: [String: String]
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ entries: [String: String]) {
            self.init(name, Array(text.utf8), entries)
        }

        init(_ name: String, _ bytes: [UInt8], _ entries: [String: String]) {
            self.name = name
            self.bytes = bytes
            self.entries = entries
        }
    }

    static let good: [Good] = [
        Good("nothing", "", [:]), Good("a comment", "# x\n", [:]), Good("null", "~\n", [:]),
        Good("nested", "a:\n  b: 1\n  c:\n    d: x\n", ["a.b": "1", "a.c.d": "x"]),
        Good("flow", "a: {b: 1, c: [x, y]}\n", ["a.b": "1", "a.c": "x,y"]),
        Good("a list", "a:\n- x\n- y\n", ["a": "x,y"]), Good("an empty list", "a: []\n", ["a": ""]),
        Good("CR LF", "a:\r\n  b: 1\r\n  c: 2\r\n", ["a.b": "1", "a.c": "2"]),
        Good("CR", "a: 1\rb: 2\r", ["a": "1", "b": "2"]),
        Good("a byte order mark", [0xEF, 0xBB, 0xBF] + Array("a: 1\n".utf8), ["a": "1"]),
        Good("UTF-16", [0xFF, 0xFE, 0x61, 0, 0x3A, 0, 0x20, 0, 0x31, 0, 0x0A, 0], ["a": "1"]),
        Good("a tab between", "a:\t1\t# x\n", ["a": "1"]),
        Good("no end of line", "a: 1", ["a": "1"]),
        Good("a start and an end", "%YAML 1.1\n---\na: 1\n...\n", ["a": "1"]),
        Good("an anchor", "a: &x 1\nb: *x\n", ["a": "1", "b": "1"]),
        Good(
            "an anchor of a mapping", "a: &x {b: 1, c: 2}\nd: *x\n",
            ["a.b": "1", "a.c": "2", "d.b": "1", "d.c": "2"]),
        Good(
            "what is taken over", "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n",
            ["a.b": "1", "a.c": "2", "d.b": "1", "d.c": "3"]),
        Good(
            "what is taken over of several",
            "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}\n",
            ["a.b": "1", "c.b": "2", "c.d": "3", "e.b": "1", "e.d": "3"]),
        Good("a list with an alias", "a: &x one\nb: [*x, two]\n", ["a": "one", "b": "one,two"]),
        Good("types", "a: !!str 5\nb: !!int 6\nc: !!null x\n", ["a": "5", "b": "6", "c": ""]),
        Good("a folded text", "a: >\n  x\n  y\n", ["a": "x y\n"]),
        Good("quotes", "a: '~'\nb: \"x\\ty\"\n", ["a": "~", "b": "x\ty"]),
        Good("a variable", "a: ${ONE}-${TWO:-2}-${TWO:3}\n", ["a": "1-2-3"]),
        Good("an empty variable", "a: ${EMPTY:-x}${EMPTY}\n", ["a": "x"]),
        Good("a URL as a default", "a: ${TWO:http://h:1}\n", ["a": "http://h:1"]),
        Good(
            "a place for anchors", "x-common: &x {b: 1, x-c: 2}\na:\n  <<: *x\n",
            ["a.b": "1", "a.x-c": "2"]),
        Good("a dotted key", "a.b: 1\n", ["a.b": "1"]),
    ]

    @Test(arguments: good) func `YAML is read as YAML says`(_ item: Good) {
        let file = ConfigFile(
            path: "x.yaml", bytes: item.bytes, variables: Variables(["ONE": "1", "EMPTY": ""]))
        #expect(file.problems.isEmpty, "\(file.problems)")
        #expect(file.entries.mapValues(\.text) == item.entries)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let line: Int
        let words: String
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ line: Int, _ words: String) {
            self.name = name
            self.text = text
            self.line = line
            self.words = words
        }
    }

    static let bad: [Bad] = [
        Bad("a second document", "a: 1\n---\nb: 2\n", 2, "second document"),
        Bad("a second document after an end", "a: 1\n...\n---\nb: 2\n", 3, "second document"),
        Bad("a tab that indents", "a:\n\tb: 1\n", 2, "tab"),
        Bad("a tab behind spaces", "a:\n  b: 1\n \tc: 1\n", 3, "tab"),
        Bad("a key twice", "a:\n  b: 1\n  b: 2\n", 3, "a.b is set a second time"),
        Bad("a key twice in two forms", "a:\n  b: 1\na.b: 2\n", 3, "first in line 2"),
        Bad("a list", "- a\n", 1, "not a mapping"), Bad("a text", "hello\n", 1, "not a mapping"),
        Bad("a list of mappings", "a:\n- b: 1\n", 2, "plain values"),
        Bad("a list of null", "a: [~]\n", 1, "plain values"),
        Bad("a mapping as a key", "{a: b}: c\n", 1, ""), Bad("open", "a: [1\n", 2, ""),
        Bad("an unknown anchor", "a: *x\n", 1, "*x"),
        Bad("an anchor in itself", "a: &x [*x]\n", 1, "*x"),
        Bad("an object's tag", "a: !!python/object:os.system x\n", 1, "tag"),
        Bad("an own tag", "a: !secret x\n", 1, "!secret"),
        Bad("a missing variable", "a: 1\nb: ${NOT_SET}\n", 2, "NOT_SET is not set"),
        Bad("a message", "a: ${NOT_SET:?give the key}\n", 1, "give the key"),
        Bad("no brace", "a: ${ONE\n", 1, "without a closing }"),
        Bad("a variable in a list", "a: 1\nb: [${ONE}, x]\n", 2, "in quotes"),
        Bad("a variable in a list of lines", "b: [\n  ${ONE:-x},\n  y]\n", 2, "in quotes"),
        Bad("a variable in a mapping", "a: {b: ${ONE}, c: 2}\n", 1, "in quotes"),
        Bad("no name", "a: ${}\n", 1, "${}"),
        Bad("a merge of a text", "a:\n  <<: x\n", 2, "<<"),
        Bad("deep", String(repeating: "[", count: 40), 1, "deep"),
    ]

    @Test(arguments: bad) func `what is wrong has its line`(_ item: Bad) {
        let file = ConfigFile(
            path: "x.yaml", bytes: Array(item.text.utf8), variables: Variables(["ONE": "1"]))
        #expect(file.problems.first?.line == item.line, "\(file.problems)")
        #expect(file.problems.first?.reason.contains(item.words) == true, "\(file.problems)")
    }

    @Test func `aliases of aliases end at a limit`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let file = ConfigFile(
            path: "x.yaml", bytes: Array(text.utf8), variables: Variables([:]))
        #expect(file.problems.contains { $0.reason.contains("20000") }, "\(file.problems)")
    }

    @Test func `every mistake of a file is found`() {
        let file = ConfigFile(
            path: "x.yaml", bytes: Array("a: ${NO}\nb: 1\nb: 2\nc: [~]\nd: ${NO_TOO}\n".utf8),
            variables: Variables([:]))
        #expect(file.problems.map(\.line) == [1, 3, 4, 5])
        #expect(file.entries["b"]?.text == "1")
    }
}
