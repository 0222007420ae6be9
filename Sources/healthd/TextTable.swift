/// A table of words for a terminal. When it is wider than the line its least important columns
/// are left out, and the last one is cut.
struct TextTable {
    struct Column {
        let title: String
        /// Columns with higher numbers go first when room is short; 0 stays.
        var rank = 0
        var isNumber = false
    }

    let columns: [Column]
    private(set) var rows: [[Styled]] = []

    init(_ columns: [Column]) { self.columns = columns }

    mutating func add(_ cells: [Styled]) { rows.append(cells) }

    /// The lines, none wider than `width`.
    func lines(width: Int, _ style: Style) -> [String] {
        var shown = Array(columns.indices)
        let widths = columns.indices.map { column in
            rows.reduce(columns[column].title.count) { max($0, $1[column].text.count) }
        }
        func total() -> Int { shown.reduce(0) { $0 + widths[$1] + 2 } - 2 }
        while total() > width,
            let least = shown.filter({ columns[$0].rank > 0 }).max(by: {
                columns[$0].rank < columns[$1].rank
            })
        { shown.removeAll { $0 == least } }
        let titles = columns.map { Styled($0.title.uppercased(), .dim) }
        return ([titles] + rows).map { cells in
            var line = StyledLine()
            for column in shown {
                let cell = cells[column]
                let gap = String(repeating: " ", count: widths[column] - cell.text.count)
                if column != shown.first { line.add("  ") }
                if columns[column].isNumber { line.add(gap) }
                line.add(cell)
                if !columns[column].isNumber, column != shown.last { line.add(gap) }
            }
            return line.text(width: width, style)
        }
    }
}

/// A word and how it looks.
struct Styled {
    enum Look: String {
        case plain = ""
        case bold = "1"
        case dim = "2"
        case good = "32"
        case warning = "33"
        case bad = "1;31"
    }

    let text: String
    let look: Look

    init(_ text: String, _ look: Look = .plain) {
        // Texts of stats files must not move the cursor; one character is one column here.
        self.text = String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.properties.generalCategory == .control
                    let isFormat = scalar.properties.generalCategory == .format
                    return isControl || isFormat ? "\u{FFFD}" : scalar
                }))
        self.look = look
    }
}

/// Whether looks are shown.
struct Style {
    let hasColours: Bool

    func show(_ text: String, _ look: Styled.Look) -> String {
        hasColours && look != .plain && !text.isEmpty
            ? "\u{1B}[\(look.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// Words in a row, cut where the line ends.
struct StyledLine {
    private var words: [Styled] = []

    mutating func add(_ word: Styled) { words.append(word) }
    mutating func add(_ text: String) { words.append(Styled(text)) }

    func text(width: Int, _ style: Style) -> String {
        var room = width
        var line = ""
        for word in words {
            guard room > 0 else { break }
            if word.text.count <= room {
                line += style.show(word.text, word.look)
            } else {
                line += style.show(word.text.prefix(room - 1) + "…", word.look)
            }
            room -= word.text.count
        }
        // Nothing but the end of a table is there to cut.
        guard !style.hasColours else { return line }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}
