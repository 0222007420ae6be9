import Identity
import SBE

/// One level of a book: digits under the record's exponents.
public struct BookLevel: Equatable, Sendable {
    /// The price's digits.
    public var price: Int64
    /// The quantity's digits; 0 in a change removes the level.
    public var quantity: Int64

    /// A level of these digits.
    @inlinable
    public init(price: Int64, quantity: Int64) {
        self.price = price
        self.quantity = quantity
    }
}

extension FrameView {
    /// Both sides of a book, or the changes to it.
    ///
    /// - Returns: nil for records of other kinds.
    /// - Throws: ``FrameError/badMessage(_:)``.
    public func bookLevels() throws(FrameError) -> (bids: [BookLevel], asks: [BookLevel])? {
        var bids: [BookLevel] = []
        var asks: [BookLevel] = []
        do throws(SBEError) {
            switch kind {
            case .depthDiff:
                let book = try DepthDiffDecoder(message)
                for index in 0..<book.bids.count {
                    let level = book.bids[index]
                    bids.append(BookLevel(price: level.price, quantity: level.quantity))
                }
                for index in 0..<book.asks.count {
                    let level = book.asks[index]
                    asks.append(BookLevel(price: level.price, quantity: level.quantity))
                }
            case .depthSnapshot:
                let book = try DepthSnapshotDecoder(message)
                for index in 0..<book.bids.count {
                    let level = book.bids[index]
                    bids.append(BookLevel(price: level.price, quantity: level.quantity))
                }
                for index in 0..<book.asks.count {
                    let level = book.asks[index]
                    asks.append(BookLevel(price: level.price, quantity: level.quantity))
                }
            default: return nil
            }
        } catch { throw .badMessage("\(error)") }
        return (bids, asks)
    }
}
