import Parquet

/// What is wrong with a row.
struct RowFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The values of one row group, by the names of their columns; each is asked for as what it has to
/// be.
struct RowValues {
    private let columns: [String: ColumnValues]

    init(_ columns: [String: ColumnValues]) { self.columns = columns }

    /// A column; nil when the file has none of that name.
    subscript(_ name: String) -> ColumnValues? { columns[name] }

    func number(_ name: String, _ row: Int) throws -> Int64 {
        guard let own = columns[name], !own.isNull(row) else {
            throw RowFault("\(name) is missing")
        }
        return own.int64s[row]
    }

    func boolean(_ name: String, _ row: Int) throws -> Bool {
        guard let own = columns[name], !own.isNull(row) else {
            throw RowFault("\(name) is missing")
        }
        return own.booleans[row]
    }

    func optionalBoolean(_ name: String, _ row: Int) throws -> Bool? {
        guard let own = columns[name] else { throw RowFault("\(name) is missing") }
        return own.isNull(row) ? nil : own.booleans[row]
    }

    func text(_ name: String, _ row: Int) throws -> String {
        guard let own = columns[name], !own.isNull(row) else {
            throw RowFault("\(name) is missing")
        }
        return own.text(row)
    }

    /// A price or quantity at the record's own power of ten.
    func mantissa(_ name: String, _ row: Int, _ exponent: Int8) throws -> Int64 {
        guard let mantissa = Int64(exactly: try wide(name, row, exponent)) else {
            throw RowFault("\(name) does not fit 64 bits at 10^\(exponent)")
        }
        return mantissa
    }

    func wide(_ name: String, _ row: Int, _ exponent: Int8) throws -> Int128 {
        guard let own = columns[name], !own.isNull(row) else {
            throw RowFault("\(name) is missing")
        }
        let value = own.int128s.isEmpty ? Int128(own.int64s[row]) : own.int128s[row]
        guard let mantissa = ColumnDecimal.mantissa(of: value, at: exponent) else {
            throw RowFault("\(name) has digits below 10^\(exponent)")
        }
        return mantissa
    }

    /// A number as one of fewer bits.
    ///
    /// - Throws: when it does not fit.
    static func small<Number: FixedWidthInteger>(
        _ name: String, _ value: Int64
    ) throws -> Number {
        guard let small = Number(exactly: value) else { throw RowFault("\(name) is \(value)") }
        return small
    }
}
