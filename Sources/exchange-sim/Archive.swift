import Avro
import Binance
import CZlib
import Digests
import Encoding
import Identity
import Posix
import SimulatedMarket

/// The venue's public archive over the simulated markets: daily and monthly files with their
/// checksums, and on command with the defects that the real one has had.
struct Archive {
    /// What is wrong with a file.
    enum Defect: String, CaseIterable {
        /// It is not there.
        case absent
        /// Its CHECKSUM is of other bytes.
        case checksum
        /// Its CHECKSUM is not there.
        case unchecked
        /// Its rows end in the middle of the day; the CHECKSUM agrees.
        case cut
        /// Some rows of the middle are missing.
        case hole
        /// A row of the middle has another quantity than REST has.
        case value
        /// Its first row is the last one of the day before, under the same id.
        case overlap
        /// A line of titles comes first.
        case titles
        /// The zip file stops short; the CHECKSUM agrees.
        case zip
        /// Each request gets another version of it, with another entity tag.
        case replaced
    }

    /// Rows that `hole` leaves out.
    private static let holeLength = 7

    /// By the file's name, without ending.
    private var defects: [String: Defect] = [:]
    /// What was made, by name: files are asked for in many pieces.
    private var made: [String: [UInt8]] = [:]
    private var order: [String] = []
    private var versions = 0

    /// Spoils a file from now on; nil makes it good again.
    mutating func spoil(_ name: String, _ defect: Defect?) {
        defects[name] = defect
        made[name] = nil
    }

    /// Answers a request for a file or its checksum.
    ///
    /// - Parameters:
    ///   - path: below the archive's base, such as `data/spot/daily/trades/…zip`.
    ///   - range: the header of that name; nil for none.
    mutating func answer(
        _ path: String, range: String?, _ markets: [String: Market], newest: (Market) -> Int64
    ) -> Reply {
        let isChecksum = path.hasSuffix(".CHECKSUM")
        let plain = isChecksum ? String(path.dropLast(9)) : path
        guard let file = Self.file(plain), let market = markets["\(file.symbol)"] else {
            return .html(404)
        }
        let defect = defects[file.name]
        let newest = newest(market)
        // Days before the listing have no file, nor has one that is not over.
        guard defect != .absent, newest > 0, file.times.upperBound > market.time(ofAggregate: 1),
            file.times.upperBound <= market.time(ofAggregate: newest)
        else { return .html(404) }
        if isChecksum {
            guard defect != .unchecked else { return .html(404) }
            var sum = Self.sum(of: content(file, market, defect))
            if defect == .checksum { sum = String(repeating: "0", count: 64) }
            return Reply(contentType: "text/plain", body: Array("\(sum)  \(file.name).zip".utf8))
        }
        var body = content(file, market, defect)
        if defect == .replaced {
            versions += 1
            body += Array("\(versions)".utf8)
        }
        return Self.part(of: body, range)
    }

    /// The file that a path names.
    private static func file(_ path: String) -> ArchiveFile? {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count >= 6, parts.starts(with: ["data", "spot"]), let name = parts.last,
            let symbol = SymbolName(parts[4]), name.hasSuffix(".zip")
        else { return nil }
        let content: ArchiveFile.Content
        switch parts[3] {
        case "trades" where parts.count == 6: content = .trades
        case "aggTrades" where parts.count == 6: content = .aggTrades
        case "klines" where parts.count == 7:
            let text = parts[5] == "1mo" ? "1M" : parts[5]
            guard let interval = KlineInterval(rawValue: text) else { return nil }
            content = .klines(interval)
        default: return nil
        }
        let isMonthly = parts[2] == "monthly"
        let date = name.dropLast(4).suffix(isMonthly ? 7 : 10) + (isMonthly ? "-01" : "")
        guard let time = Timestamp.parse(String(date)) else { return nil }
        let file = ArchiveFile(
            symbol: symbol, content: content, day: Timestamp.floor(time, by: Timestamp.day),
            isMonthly: isMonthly)
        return file.path == path ? file : nil
    }

    /// A part of a body, as servers of files give it.
    private static func part(of body: [UInt8], _ range: String?) -> Reply {
        let tag = "\"\(sum(of: body).prefix(32))\""
        var reply = Reply(contentType: "application/zip", headers: [("ETag", tag)])
        let bounds = range.flatMap { text -> [Int]? in
            guard text.hasPrefix("bytes=") else { return nil }
            let numbers = text.dropFirst(6).split(separator: "-").compactMap { Int($0) }
            return numbers.count == 2 ? numbers : nil
        }
        guard let bounds else {
            reply.body = body
            return reply
        }
        guard bounds[0] < body.count, bounds[0] <= bounds[1] else {
            reply.status = 416
            reply.headers.append(("Content-Range", "bytes */\(body.count)"))
            return reply
        }
        let last = min(bounds[1], body.count - 1)
        reply.status = 206
        reply.headers.append(("Content-Range", "bytes \(bounds[0])-\(last)/\(body.count)"))
        reply.body = Array(body[bounds[0]...last])
        return reply
    }

    private static func sum(of bytes: [UInt8]) -> String { Hash.sha256(of: bytes) }

    // MARK: - Content

    private mutating func content(
        _ file: ArchiveFile, _ market: Market, _ defect: Defect?
    ) -> [UInt8] {
        if let known = made[file.name] { return known }
        var lines = Self.lines(file, market)
        switch defect {
        case .cut: lines.removeLast(lines.count / 3)
        case .hole where lines.count > 3 * Self.holeLength:
            let middle = lines.count / 2
            lines.removeSubrange(middle..<(middle + Self.holeLength))
        case .value where lines.count > 2:
            var fields = lines[lines.count / 2].split(separator: ",").map(String.init)
            fields[2] = "0.77777000"
            lines[lines.count / 2] = fields.joined(separator: ",")
        case .overlap:
            let day = ArchiveFile(
                symbol: file.symbol, content: file.content, day: file.day - 1)
            if let last = Self.lines(day, market).last { lines.insert(last, at: 0) }
        case .titles:
            lines.insert("id,price,qty,quote_qty,time,is_buyer_maker,is_best_match", at: 0)
        default: break
        }
        var zip = Zipped.file(
            named: "\(file.name).csv", Array((lines.joined(separator: "\n") + "\n").utf8))
        if defect == .zip { zip.removeLast(zip.count / 4) }
        made[file.name] = zip
        order.append(file.name)
        if order.count > 32 { made[order.removeFirst()] = nil }
        return zip
    }

    /// The rows of a file, in ms before 2025 and in µs since.
    private static func lines(_ file: ArchiveFile, _ market: Market) -> [String] {
        let unit: Int64 = file.times.lowerBound < 1_735_689_600_000_000 ? 1000 : 1
        let first = market.firstAggregate(at: file.times.lowerBound)
        let end = market.firstAggregate(at: file.times.upperBound)
        func flag(_ value: Bool) -> String { value ? "True" : "False" }
        func decimal(_ value: Int128) -> String {
            var text = Bytes()
            text.append(decimal: value, exponent: -8)
            return String(decoding: text.array, as: UTF8.self)
        }
        switch file.content {
        case .trades:
            let ids = (first..<end).filter { !market.isVoid($0) }.flatMap {
                Array(market.trades(ofAggregate: $0))
            }
            return ids.map { id in
                let trade = market.trade(id)
                return [
                    "\(id)", decimal(Int128(trade.ticks) * 1_000_000),
                    decimal(Int128(trade.steps) * 1000),
                    decimal(Int128(trade.ticks) * Int128(trade.steps) * 10), "\(trade.time / unit)",
                    flag(trade.isBuyerMaker), "True",
                ].joined(separator: ",")
            }
        case .aggTrades:
            return (first..<end).map { id in
                let row = market.aggregate(id)
                let isVoid = row.firstTrade < 0
                return [
                    "\(id)", isVoid ? "0" : decimal(Int128(row.ticks) * 1_000_000),
                    isVoid ? "0" : decimal(Int128(row.steps) * 1000), "\(row.firstTrade)",
                    "\(row.lastTrade)", "\(row.time / unit)", flag(row.isBuyerMaker), "True",
                ].joined(separator: ",")
            }
        case .klines(let interval):
            var rows: [String] = []
            var open = interval.bucket(of: file.times.lowerBound)
            while open.lowerBound < file.times.upperBound {
                if let row = market.kline(
                    from: open.lowerBound, through: open.upperBound, newest: end - 1)
                {
                    rows.append(
                        ([
                            "\(row.openTime / unit)"
                        ]
                            + [row.open, row.high, row.low, row.close].map {
                                decimal(Int128($0) * 1_000_000)
                            } + [
                                decimal(Int128(row.steps) * 1000), "\(row.closeTime / unit)",
                                decimal(row.quote * 10), "\(row.trades)",
                                decimal(Int128(row.boughtSteps) * 1000),
                                decimal(row.boughtQuote * 10), "0",
                            ]).joined(separator: ","))
                }
                open = interval.bucket(of: open.upperBound + 1)
            }
            return rows
        }
    }
}

/// A zip file with one deflated file in it.
private enum Zipped {
    static func file(named name: String, _ content: [UInt8]) -> [UInt8] {
        var packed = Bytes()
        do throws(CompressionError) {
            let compressor = try StreamCompressor(.gzip, isRaw: true)
            try compressor.compress(content.span.bytes, ends: true, to: &packed)
        } catch { preconditionFailure("\(error)") }
        let sum = UInt32(
            truncatingIfNeeded: content.withUnsafeBytes { bytes in
                crc32(
                    crc32(0, nil, 0), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    UInt32(bytes.count))
            })
        let title = Array(name.utf8)
        func header(_ isCentral: Bool) -> [UInt8] {
            var bytes = number(isCentral ? 0x0201_4b50 : 0x0403_4b50, 4)
            if isCentral { bytes += number(20, 2) }
            bytes +=
                number(20, 2) + number(0, 2) + number(8, 2) + number(0, 4) + number(Int(sum), 4)
            bytes += number(packed.count, 4) + number(content.count, 4)
            bytes += number(title.count, 2) + number(0, 2)
            if isCentral {
                bytes += number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(0, 4)
            }
            return bytes + title
        }
        let front = header(false) + packed.array
        let directory = header(true)
        let end =
            number(0x0605_4b50, 4) + number(0, 4) + number(1, 2) + number(1, 2)
            + number(directory.count, 4) + number(front.count, 4) + number(0, 2)
        return front + directory + end
    }

    private static func number(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
