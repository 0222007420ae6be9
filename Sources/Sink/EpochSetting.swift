public import Configuration
public import Identity

/// A sequence as `--new-epoch` names it: `BTCUSDT/trade`, `BTCUSDT/kline/1m`.
public enum EpochSetting {
    /// How a sequence is written.
    public static func text(of sequence: SequenceID) -> String {
        let name = "\(sequence.symbol)/\(RecordKind.name(template: sequence.template))"
        if let interval = KlineInterval(code: sequence.series), sequence.kind == .kline {
            return "\(name)/\(interval.rawValue)"
        }
        return sequence.series == 0 ? name : "\(name)/\(sequence.series)"
    }

    /// Reads a sequence.
    public static func sequence(_ text: String) throws(SettingError) -> SequenceID {
        let parts = text.split(separator: "/").map(String.init)
        guard (2...3).contains(parts.count), let symbol = SymbolName(asTyped: parts[0]),
            let kind = RecordKind(typed: parts[1])
        else {
            throw SettingError(
                "\"\(text)\" is not SYMBOL/KIND or SYMBOL/KIND/SERIES, such as BTCUSDT/trade")
        }
        var series: UInt16 = 0
        if parts.count == 3 {
            guard let code = KlineInterval(rawValue: parts[2])?.code ?? UInt16(parts[2]) else {
                throw SettingError("\"\(parts[2])\" is neither an interval nor a number")
            }
            series = code
        }
        return SequenceID(template: kind.rawValue, series: series, symbol: symbol)
    }
}
