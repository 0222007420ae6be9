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

    /// True when ``validate()`` finds nothing wrong. Of kinds without groups and texts, which nearly
    /// all records are, the length of the block is enough.
    @inline(never) public var isSound: Bool {
        Int(blockLength) >= Self.soundBlock(of: template) || isDecodable
    }

    /// The block from which on a record of a template is sound, whatever is in it; longer than any
    /// for kinds of which more has to be looked at.
    public static func soundBlock(of template: UInt16) -> Int {
        switch RecordKind(rawValue: template) {
        case .trade: TradeDecoder.blockLength
        case .aggTrade: AggTradeDecoder.blockLength
        case .kline: KlineDecoder.blockLength
        case .bestBidAsk: BestBidAskDecoder.blockLength
        case .depthDiff, .depthSnapshot, .gap, .raw: .max
        case nil: 0
        }
    }

    private var isDecodable: Bool {
        do throws(FrameError) { try validate() } catch { return false }
        return true
    }
}
