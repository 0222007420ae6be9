import Identity
import Posix

@testable import Records

/// Records to test with.
enum Sample {
    static func prefix(
        _ kind: RecordKind, id: Int64, series: UInt16 = 0, exponents: (Int8, Int8) = (-8, -8)
    ) -> RecordPrefix {
        RecordPrefix(
            sequence: SequenceID(
                template: kind.rawValue, series: series,
                symbol: SymbolName("BTCUSDT") ?? SymbolName(words: (65, 0, 0, 0))),
            eventTime: 1_704_067_200_000_000 &+ id, ingestTime: 1_704_067_200_000_000_001,
            ids: id...id, source: .rest, exponents: exponents)
    }

    static func trade(
        id: Int64, price: Int64 = 6_500_010_000_000, quantity: Int64 = 50_000_000,
        exponents: (Int8, Int8) = (-8, -8)
    ) -> [UInt8] {
        frame(prefix(.trade, id: id, exponents: exponents), 104) { room in
            var record = try TradeEncoder(room)
            record.price = price
            record.quantity = quantity
            record.isBuyerMaker = id % 2 == 0
            return record.encodedLength
        }
    }

    static func kline(id: Int64, volume: Int128, interval: KlineInterval = .minute1) -> [UInt8] {
        frame(prefix(.kline, id: id, series: interval.code), 200) { room in
            var record = try KlineEncoder(room)
            record.closeTime = id + interval.length - 1
            record.openPrice = 1
            record.highPrice = .max
            record.lowPrice = .min
            record.closePrice = 2
            record.volume = volume
            record.quoteVolume = -volume
            record.tradeCount = 3
            record.isClosed = true
            return record.encodedLength
        }
    }

    static func bestBidAsk(id: Int64) -> [UInt8] {
        frame(prefix(.bestBidAsk, id: id), 112) { room in
            var record = try BestBidAskEncoder(room)
            record.bidPrice = 1
            record.askQuantity = 1 << 60
            return record.encodedLength
        }
    }

    static func depth(_ kind: RecordKind, id: Int64, levels: Int) -> [UInt8] {
        frame(prefix(kind, id: id), 200 + 32 * levels) { room in
            if kind == .depthDiff {
                var record = try DepthDiffEncoder(room)
                try record.bids(count: levels)
                for index in 0..<levels { record.setBids(index, price: Int64(index), quantity: 7) }
                try record.asks(count: 1)
                record.setAsks(0, price: -5, quantity: 0)
                return record.encodedLength
            }
            var record = try DepthSnapshotEncoder(room)
            try record.asks(count: levels)
            for index in 0..<levels { record.setAsks(index, price: Int64(index), quantity: 7) }
            return record.encodedLength
        }
    }

    static func gap(_ ids: ClosedRange<Int64>) -> [UInt8] {
        var bytes = Bytes()
        bytes.append(
            gap: ids, of: prefix(.trade, id: 1).sequence, reason: .notServed, source: .rest,
            eventTime: 5, ingestTime: 6)
        return bytes.array
    }

    /// A gap record whose evidence is as long as it wants: the length of what we write is limited,
    /// that of what comes is not.
    static func gap(evidence: [UInt8]) -> [UInt8] {
        frame(prefix(.gap, id: 1), 12 + GapEncoder.blockLength + evidence.count) { room in
            var record = try GapEncoder(room)
            record.missingTemplate = 1
            record.reason = .absent
            try record.evidence(evidence.span.bytes)
            return record.encodedLength
        }
    }

    static func raw(id: Int64, length: Int) -> [UInt8] {
        frame(prefix(.raw, id: id), 100 + length) { room in
            var record = try RawEncoder(room)
            let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try record.message(message.span.bytes)
            return record.encodedLength
        }
    }

    /// One of each kind.
    static var all: [[UInt8]] {
        [
            trade(id: 7), trade(id: 8, price: .max, quantity: .min, exponents: (-2, 3)),
            kline(id: 1_704_067_200_000_000, volume: 5),
            kline(id: 1_704_067_260_000_000, volume: .max / 2), bestBidAsk(id: 9),
            depth(.depthDiff, id: 10, levels: 3), depth(.depthDiff, id: 11, levels: 0),
            depth(.depthSnapshot, id: 12, levels: 50), gap(13...99), raw(id: 14, length: 33),
            raw(id: 15, length: 0), foreign(id: 16),
        ]
    }

    /// A record of a template that is not known here.
    static func foreign(id: Int64) -> [UInt8] {
        var bytes = trade(id: id)
        bytes[8] = 77
        return bytes
    }

    private static func frame(
        _ prefix: RecordPrefix, _ limit: Int, _ encode: (consuming MutableRawSpan) throws -> Int
    ) -> [UInt8] {
        var bytes = Bytes()
        do { try bytes.appendFrame(upTo: limit, prefix: prefix, encode) } catch {
            preconditionFailure("\(error)")
        }
        return bytes.array
    }
}
