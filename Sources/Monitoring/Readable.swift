/// Numbers as people read them, short enough for a table.
public enum Readable {
    /// A count or rate with three digits at least: `950`, `12.3k`, `4.56M`.
    public static func number(_ value: Double) -> String {
        scaled(value, step: 1000, units: ["", "k", "M", "G", "T", "P"])
    }

    /// A whole count, the same way.
    public static func number(_ value: Int64) -> String { number(Double(value)) }

    /// Bytes: `512 B`, `1.50 MiB`.
    public static func bytes(_ value: Double) -> String {
        let text = scaled(value, step: 1024, units: [" B", " KiB", " MiB", " GiB", " TiB", " PiB"])
        return text
    }

    /// A duration: `250 µs`, `12.3 ms`, `4.2 s`, `5 m 10 s`, `3 h 2 m`, `12 d`.
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "–" }
        switch max(0, seconds) {
        case 0: return "0 s"
        case ..<0.001: return "\(Int((seconds * 1e6).rounded())) µs"
        case ..<1: return "\(digits(seconds * 1000)) ms"
        case ..<60: return "\(digits(seconds)) s"
        case ..<3600: return "\(Int(seconds) / 60) m \(Int(seconds) % 60) s"
        case ..<86_400: return "\(Int(seconds) / 3600) h \(Int(seconds) / 60 % 60) m"
        default: return "\(Int(min(seconds, 1e15)) / 86_400) d"
        }
    }

    /// A share: `100 %`, `99.98 %`; never rounded up to a whole that it is not.
    public static func percent(_ share: Double) -> String {
        guard share < 1 else { return "100 %" }
        let hundredths = Int((max(0, share) * 10_000).rounded(.down))
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) %"
    }

    private static func scaled(_ value: Double, step: Double, units: [String]) -> String {
        guard value.isFinite else { return "–" }
        var size = value.magnitude
        var unit = 0
        while size >= step - 0.5, unit < units.count - 1 {
            size /= step
            unit += 1
        }
        let text = unit == 0 && size == size.rounded() ? "\(Int(size))" : digits(size)
        return (value < 0 ? "-" : "") + text + units[unit]
    }

    /// Three digits that count: 1.23, 12.3, 123.
    private static func digits(_ value: Double) -> String {
        guard value < 1e15 else { return "\(value)" }
        let places = value < 9.995 ? 100 : value < 99.95 ? 10 : 1
        let scaled = Int((value * Double(places)).rounded())
        let whole = scaled / places
        guard places > 1, scaled % places != 0 else { return "\(whole)" }
        var fraction = String(places + scaled % places).dropFirst()
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }
}
