import Identity
import Records

/// What a record's partition key is made of.
enum KeyRule: Sendable {
    case symbol
    case symbolKind
    /// Sub-keys that change with blocks of ids; for kinds whose ids have no holes. The others keep
    /// the symbol: what a ledger says of them rests on their order.
    case idBlock(length: Int64, count: Int64)

    /// A record's sub-key; 0 where there is none.
    func subKey(_ frame: borrowing FrameView) -> Int64 {
        guard case .idBlock(let length, let count) = self,
            frame.kind?.numbering == .contiguous
        else { return 0 }
        let block = frame.firstID / length % count
        return block < 0 ? block + count : block
    }

    /// A record's key.
    func name(_ frame: borrowing FrameView) -> String {
        let symbol = frame.symbol.description
        let base = symbol.isEmpty ? "default" : symbol
        switch self {
        case .symbol: return base
        case .symbolKind: return "\(base)_\(RecordKind.name(template: frame.template))"
        case .idBlock:
            return frame.kind?.numbering == .contiguous ? "\(base)-\(subKey(frame))" : base
        }
    }
}
