import Encoding
import Identity
public import Posix
public import Records
import Zip

/// The rows of a file of the archive as pages of records, as many at a time as are asked for.
///
/// Spot files have no titles; a first line whose first field is not a number is passed over all the
/// same. Times are in ms before 2025 and in µs since; each is taken by its magnitude.
public struct ArchiveReader: ~Copyable {
    /// A day of the busiest symbol has some 1 GB of text; a month in one file 40 times that.
    public static let maximumContent: Int64 = 256 << 30
    /// A longer line is not one of the archive's.
    private static let maximumLine = 4096

    /// Which file.
    public let file: ArchiveFile
    /// Rows with an id that came before, or that is below one that did: they are passed over.
    public private(set) var repeats = 0
    /// Ids of rows that no record can hold, with the reason.
    public private(set) var unkept: [(id: Int64, reason: String)] = []
    private var zip: ZipReader
    private var text = Bytes(capacity: 1 << 20)
    private var place = 0
    private var hasEnded = false
    private var line = 0
    private var lastID = Int64.min
    private let subject: PageSubject

    /// Opens a file that was fetched.
    ///
    /// - Parameters:
    ///   - source: how its records are marked.
    ///   - ingestTime: when it was received, ns since the epoch.
    public init(
        path: String, of file: ArchiveFile, source: SourceCode = .archive, ingestTime: Int64
    ) throws(ArchiveError) {
        zip = try Self.open(path)
        self.file = file
        let interval: KlineInterval? =
            if case .klines(let interval) = file.content { interval } else { nil }
        subject = PageSubject(
            symbol: file.symbol, interval: interval, source: source, ingestTime: ingestTime)
    }

    private static func open(_ path: String) throws(ArchiveError) -> ZipReader {
        do throws(ZipError) {
            return try ZipReader(onlyFileOf: ZipFile(path: path), limit: maximumContent)
        } catch { throw ArchiveError(error) }
    }

    /// The next rows, with ascending ids.
    ///
    /// - Parameter rows: how many at most.
    /// - Returns: nil at the end of the file.
    public mutating func next(rows: Int = 8192) throws(ArchiveError) -> Page? {
        var page = Page(subject)
        while page.count < rows, let range = try nextLine() {
            line += 1
            try append(range, to: &page)
        }
        guard page.count > 0 else { return nil }
        return page
    }

    // MARK: - Lines

    /// The next line that has something in it, without its end.
    private mutating func nextLine() throws(ArchiveError) -> Range<Int>? {
        while true {
            if let end = text.firstIndex(of: UInt8(ascii: "\n"), from: place) {
                let start = place
                place = end + 1
                var last = end
                if last > start,
                    text.span.unsafeLoad(fromByteOffset: last - 1, as: UInt8.self) == 13
                {
                    last -= 1
                }
                if last > start { return start..<last }
                continue
            }
            guard text.count - place <= Self.maximumLine else {
                throw ArchiveError(.damaged, "\(file.name): line \(line + 1) has no end")
            }
            if hasEnded {
                // The last line may have none.
                guard place < text.count else { return nil }
                defer { place = text.count }
                return place..<text.count
            }
            text.removeFirst(place)
            place = 0
            do throws(ZipError) { hasEnded = try !zip.read(into: &text) } catch {
                throw ArchiveError(error)
            }
        }
    }

    private mutating func append(
        _ range: Range<Int>, to page: inout Page
    ) throws(ArchiveError) {
        let row: Row
        do throws(JSONScanner.Failure) {
            guard let read = try self.row(range) else { return }
            row = read
        } catch { throw ArchiveError(.damaged, "\(file.name): line \(line), \(error)") }
        do throws(PageError) {
            switch row {
            case .trade(let row): if isNews(row.id) { try page.append(row) }
            case .aggTrade(let row): if isNews(row.id) { try page.append(row) }
            case .kline(let row, let reason):
                guard isNews(row.openTime) else { return }
                if let reason {
                    unkept.append((row.openTime, reason))
                } else {
                    try page.append(row)
                }
            }
        } catch { throw ArchiveError(.damaged, "\(file.name): line \(line), \(error)") }
    }

    private enum Row {
        case trade(TradeRow)
        case aggTrade(AggTradeRow)
        /// And why no record can hold it.
        case kline(KlineRow, String?)
    }

    /// - Returns: nil for a line of titles, which files of other markets have.
    private func row(_ range: Range<Int>) throws(JSONScanner.Failure) -> Row? {
        var scanner = JSONScanner(text.span(range))
        if line == 1, let first = scanner.peek(), !(0x30...0x39).contains(first) { return nil }
        switch file.content {
        case .trades: return .trade(try Self.trade(&scanner))
        case .aggTrades: return .aggTrade(try Self.aggTrade(&scanner))
        case .klines:
            let (row, reason) = try Self.kline(&scanner)
            return .kline(row, reason)
        }
    }

    private mutating func isNews(_ id: Int64) -> Bool {
        guard id > lastID else {
            repeats += 1
            return false
        }
        lastID = id
        return true
    }

    // MARK: - Rows

    @_lifetime(scanner: copy scanner)
    private static func trade(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> TradeRow {
        let id = try scanner.integer()
        let price = try scanner.nextMantissa()
        let quantity = try scanner.nextMantissa()
        try scanner.take(UInt8(ascii: ","))
        _ = try scanner.number()
        try scanner.take(UInt8(ascii: ","))
        let time = VenueTime.microseconds(try scanner.integer())
        let isBuyerMaker = try scanner.nextFlag()
        let isBestMatch = try scanner.nextFlag()
        return TradeRow(
            id: id, price: price.mantissa, quantity: quantity.mantissa,
            exponents: (price.exponent, quantity.exponent), time: time,
            isBuyerMaker: isBuyerMaker, isBestMatch: isBestMatch)
    }

    @_lifetime(scanner: copy scanner)
    private static func aggTrade(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> AggTradeRow {
        let id = try scanner.integer()
        let price = try scanner.nextMantissa()
        let quantity = try scanner.nextMantissa()
        try scanner.take(UInt8(ascii: ","))
        let first = try scanner.integer()
        try scanner.take(UInt8(ascii: ","))
        let last = try scanner.integer()
        try scanner.take(UInt8(ascii: ","))
        let time = VenueTime.microseconds(try scanner.integer())
        let isBuyerMaker = try scanner.nextFlag()
        let isBestMatch = try scanner.nextFlag()
        return AggTradeRow(
            id: id, price: price.mantissa, quantity: quantity.mantissa,
            exponents: (price.exponent, quantity.exponent), firstTradeID: first,
            lastTradeID: last, time: time, isBuyerMaker: isBuyerMaker, isBestMatch: isBestMatch)
    }

    @_lifetime(scanner: copy scanner)
    private static func kline(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> (KlineRow, String?) {
        func next() throws(JSONScanner.Failure) -> ExactDecimal {
            try scanner.take(UInt8(ascii: ","))
            return try scanner.decimal()
        }
        let openTime = VenueTime.microseconds(try scanner.integer())
        var prices: [ExactDecimal] = []
        for _ in 0..<4 { prices.append(try next()) }
        let volume = try next()
        try scanner.take(UInt8(ascii: ","))
        let rawClose = try scanner.integer()
        let close = VenueTime.microseconds(rawClose)
        let quoteVolume = try next()
        try scanner.take(UInt8(ascii: ","))
        let tradeCount = try scanner.integer()
        let takerBase = try next()
        let takerQuote = try next()
        var row = KlineRow(
            openTime: openTime,
            // In ms the last µs of the interval is 999 µs later.
            closeTime: close == rawClose ? close : close + 999, exponents: (0, 0), open: 0, high: 0,
            low: 0, close: 0, volume: 0, quoteVolume: 0, tradeCount: tradeCount,
            takerBuyBaseVolume: 0, takerBuyQuoteVolume: 0)
        let reason = row.adopt(
            prices: prices, money: [quoteVolume, takerQuote], volumes: [volume, takerBase])
        return (row, reason)
    }
}

extension JSONScanner {
    /// A comma, then a decimal.
    @_lifetime(self: copy self)
    fileprivate mutating func nextMantissa() throws(Failure) -> (mantissa: Int64, exponent: Int8) {
        try take(UInt8(ascii: ","))
        return try mantissa()
    }

    /// A comma, then `True` or `False` in any case.
    @_lifetime(self: copy self)
    fileprivate mutating func nextFlag() throws(Failure) -> Bool {
        try take(UInt8(ascii: ","))
        let start = position
        var letters: [UInt8] = []
        while let byte = peek(), byte != UInt8(ascii: ","), letters.count < 6 {
            letters.append(byte | 0x20)
            _ = takes(byte)
        }
        if letters == Array("true".utf8) { return true }
        guard letters == Array("false".utf8) else {
            throw failure("expected True or False", at: start)
        }
        return false
    }
}

/// A file of the archive that cannot be had, or not be read.
public struct ArchiveError: Error, Sendable, CustomStringConvertible, ExitStatusProviding {
    /// What kind.
    public enum Reason: Sendable {
        /// The archive does not have it: not published yet, or never.
        case absent
        /// It was fetched twice and is not what its checksum says.
        case mismatched
        /// Its bytes are not what the archive documents.
        case damaged
        /// The archive does not answer.
        case unavailable
        /// The disk.
        case system
        /// A setting, such as a base URL that is not one.
        case configuration
    }

    /// What kind.
    public let reason: Reason
    /// What failed, where, and why.
    public let description: String

    /// What it means for a program that cannot go on without the file.
    public var exitStatus: ExitStatus {
        switch reason {
        case .absent, .unavailable: .unavailable
        case .mismatched, .damaged: .protocolBroken
        case .system: .inputOutput
        case .configuration: .configuration
        }
    }

    init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    init(_ error: ZipError) {
        if case .system = error {
            self.init(.system, "\(error)")
        } else {
            self.init(.damaged, "\(error)")
        }
    }
}
