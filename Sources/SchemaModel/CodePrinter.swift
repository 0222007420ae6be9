/// Collects lines of code, indented.
struct CodePrinter {
    private(set) var text = ""
    private var depth = 0

    /// Appends lines; an empty string is an empty line.
    mutating func line(_ lines: String...) {
        for line in lines {
            if !line.isEmpty { text += String(repeating: "    ", count: depth) + line }
            text += "\n"
        }
    }

    /// Appends a doc comment of sentences, wrapped.
    mutating func doc(_ sentences: String) {
        let width = 96 - depth * 4
        var row = "///"
        for word in sentences.split(whereSeparator: \.isWhitespace) {
            if row.count + 1 + word.count > width, row != "///" {
                line(row)
                row = "///"
            }
            row += " \(word)"
        }
        line(row)
    }

    /// Appends `head {`, what `body` appends, indented, and `}`.
    mutating func block(_ head: String, _ body: (inout CodePrinter) -> Void) {
        line(head + " {")
        depth += 1
        body(&self)
        depth -= 1
        line("}")
    }

    /// Appends what `body` appends, indented.
    mutating func indented(_ body: (inout CodePrinter) -> Void) {
        depth += 1
        body(&self)
        depth -= 1
    }
}
