/// A value for each sequence: a dictionary for what is looked up for every record, where records of
/// many symbols come in turns. Swift's own hashes 48 bytes of a name so thoroughly that six look-ups
/// a record were half of kinesis-put's own time.
public struct SequenceMap<Value> {
    private var table = SequenceTable()
    private var values: [Value] = []

    /// Nothing yet.
    public init() {}

    /// The value of a sequence; nil where there is none.
    public subscript(sequence: SequenceID) -> Value? {
        table.place(of: sequence).map { values[$0] }
    }

    /// Adds the value of a sequence that has none.
    public mutating func add(_ value: Value, for sequence: SequenceID) {
        _ = table.add(sequence)
        values.append(value)
    }
}

extension SequenceMap: Sendable where Value: Sendable {}
