public import Identity
import SBE

extension FrameView {
    /// Finds out whether the message is what its template says: every length inside it is looked
    /// at, and nothing is allocated. A template that is not known here has nothing to look at.
    ///
    /// - Throws: ``FrameError/badMessage(_:)``.
    public func validate() throws(FrameError) {
        do throws(SBEError) {
            switch kind {
            case .trade: _ = try TradeDecoder(message)
            case .aggTrade: _ = try AggTradeDecoder(message)
            case .kline: _ = try KlineDecoder(message)
            case .bestBidAsk: _ = try BestBidAskDecoder(message)
            case .depthDiff: _ = try DepthDiffDecoder(message)
            case .depthSnapshot: _ = try DepthSnapshotDecoder(message)
            case .gap: _ = try GapDecoder(message)
            case .raw: _ = try RawDecoder(message)
            case nil: break
            }
        } catch { throw .badMessage("\(error)") }
    }

    /// True when ``validate()`` finds nothing wrong. Of trades and aggregates, which nearly all
    /// records are, the length of the block is enough.
    @inlinable public var isSound: Bool {
        switch template {
        case RecordKind.trade.rawValue where blockLength >= TradeDecoder.blockLength: true
        case RecordKind.aggTrade.rawValue where blockLength >= AggTradeDecoder.blockLength: true
        default: isDecodable
        }
    }

    @usableFromInline var isDecodable: Bool {
        do throws(FrameError) { try validate() } catch { return false }
        return true
    }
}
