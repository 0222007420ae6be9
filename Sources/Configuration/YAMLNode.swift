/// A YAML document as a tree, with the line of each value.
struct YAMLNode {
    indirect enum Content {
        case scalar(String)
        /// A plain scalar of YAML's core schema for nothing (YAML 1.2.2, section 10.3.2).
        case null
        case list([YAMLNode])
        case mapping([Pair])
    }

    struct Pair {
        let key: String
        /// True for `<<` without quotes: what a mapping takes over from others.
        let isMerge: Bool
        let line: Int
        let value: YAMLNode
    }

    let content: Content
    let line: Int
    /// Nodes of this tree, itself included.
    let count: Int

    init(_ content: Content, line: Int) {
        self.content = content
        self.line = line
        count =
            switch content {
            case .scalar, .null: 1
            case .list(let elements): elements.reduce(1) { $0 + $1.count }
            case .mapping(let pairs): pairs.reduce(1) { $0 + $1.value.count }
            }
    }
}

/// Why a file cannot be read as YAML, and in which line.
struct YAMLError: Error {
    let line: Int
    let reason: String

    init(line: Int, _ reason: String) {
        self.line = line
        self.reason = reason
    }
}
