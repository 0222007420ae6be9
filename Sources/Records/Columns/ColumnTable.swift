import Identity
public import Parquet

/// The columns of one kind's records in Parquet.
///
/// They come from the same list of fields as JSON and Avro (`FrameView.describe(to:)`), under the same
/// names. A column has one type for ever: prices are DECIMAL(18,8), quantities and volumes
/// DECIMAL(38,8), times TIMESTAMP(MICROS, UTC). What another column says already is left out: doubles,
/// mantissas, and times in milliseconds. Books have one row a level.
public struct ColumnTable: Sendable {
    /// The kind's template.
    public let template: UInt16
    /// In the order of the file; field ids are 1, 2, 3 and so on.
    public let columns: [ParquetColumn]
    /// The column by which rows rise: the id of the kind.
    public let order: Int?
    /// For each field that ``ColumnSink`` is told, the number of its column; nil for one that is left out.
    let slots: [Int?]

    /// Digits behind the point of all decimals.
    public static let scale: Int32 = 8
    /// What numbers the messages of a file that have a row for each level.
    static let message = "message"
    /// What other columns cannot say, as JSON; hardly ever there.
    static let extra = "extra"

    /// Columns that earlier versions did not write: a file may do without.
    static let later: Set<String> = ["evidence"]

    /// Names of ids, the most telling first.
    private static let ids = [
        "trade_id", "agg_trade_id", "open_time", "update_id", "first_update_id", "last_update_id",
        "first_id", "arrival",
    ]

    /// The table of a template; one for all templates that are not known here.
    public init(template: UInt16) {
        var sink = SlotSink()
        AvroForm.describeSample(template, to: &sink)
        var columns = sink.fields.compactMap { $0 }
        columns = (0...Self.lastRank).flatMap { rank in columns.filter { Self.rank($0) == rank } }
        if sink.isBook { columns.append(ParquetColumn(Self.message, .int64)) }
        columns.append(ParquetColumn(Self.extra, .string, isOptional: true))
        let names = columns.map(\.name)
        self.template = template
        self.columns = columns
        order = Self.ids.lazy.compactMap { names.firstIndex(of: $0) }.first
        slots = sink.fields.map { field in field.flatMap { names.firstIndex(of: $0.name) } }
    }

    private static let lastRank = 4

    /// What people look for comes first: whose, when, which, how much.
    private static func rank(_ column: ParquetColumn) -> Int {
        if column.name == "symbol" { return 0 }
        if column.name == "event_time" { return 1 }
        if ids.contains(column.name) || column.name == "kline_interval" { return 2 }
        switch column.type {
        case .decimal18, .decimal38, .timestamp: return 3
        default: return column.name == "side" ? 3 : lastRank
        }
    }

    /// The number of a column.
    func index(_ name: String) -> Int? { columns.firstIndex { $0.name == name } }
}

/// Fields as columns; nil for those that another column has.
private struct SlotSink: FieldSink, ~Copyable {
    var fields: [ParquetColumn?] = []
    var isBook = false

    private mutating func add(_ name: String, _ type: ParquetType, isOptional: Bool = false) {
        fields.append(ParquetColumn(name, type, isOptional: isOptional))
    }

    mutating func long(_ name: StaticString, _ value: Int64) {
        switch "\(name)" {
        case "event_ts", "ingest_ts", "open_time", "close_time": fields.append(nil)
        case "open_time_us": add("open_time", .timestamp)
        case "close_time_us": add("close_time", .timestamp)
        case let name: add(name, .int64)
        }
    }

    mutating func exponent(_ name: StaticString, _ value: Int8) { add("\(name)", .int64) }
    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {}
    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {}
    mutating func mantissa(_ name: StaticString, _ value: Int64) {}
    mutating func wideMantissa(_ name: StaticString, _ value: Int128) {}

    mutating func exactPrice(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        add(Self.plain(name), .decimal18(scale: ColumnTable.scale))
    }
    mutating func exactQuantity(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        add(Self.plain(name), .decimal38(scale: ColumnTable.scale))
    }
    mutating func exactVolume(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        add(Self.plain(name), .decimal38(scale: ColumnTable.scale))
    }

    /// Here the decimal is the only form, and has the name without `_exact`.
    private static func plain(_ name: StaticString) -> String {
        let name = "\(name)"
        return name.hasSuffix("_exact") ? String(name.dropLast("_exact".count)) : name
    }

    mutating func eventTime(_ microseconds: Int64) { add("event_time", .timestamp) }
    mutating func nanoseconds(_ name: StaticString, _ value: Int64) { add("\(name)", .int64) }
    mutating func boolean(_ name: StaticString, _ value: Bool) { add("\(name)", .boolean) }
    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {
        add("\(name)", .boolean, isOptional: true)
    }
    mutating func word(_ name: StaticString, _ value: StaticString) { add("\(name)", .string) }
    mutating func interval(_ value: StaticString) { add("kline_interval", .string) }
    mutating func symbol(_ name: StaticString, _ value: SymbolName) { add("\(name)", .string) }

    /// A message without levels has one row, in which these are absent.
    mutating func levels(
        _ name: StaticString, _ levels: [BookLevel], _ frame: borrowing FrameView
    ) {
        guard !isBook else { return }
        isBook = true
        add("side", .string, isOptional: true)
        add("price", .decimal18(scale: ColumnTable.scale), isOptional: true)
        add("qty", .decimal38(scale: ColumnTable.scale), isOptional: true)
    }

    mutating func text(_ name: StaticString, _ value: RawSpan) { add("\(name)", .string) }
    mutating func bytes(_ name: StaticString, _ value: RawSpan) { add("\(name)", .bytes) }
}
