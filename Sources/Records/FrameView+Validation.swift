import Identity
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
}
