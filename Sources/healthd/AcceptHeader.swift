/// An `Accept` header (RFC 9110, section 12.5.1).
struct AcceptHeader {
    private var ranges: [(type: String, quality: Double)] = []

    init(_ text: String) {
        for range in text.split(separator: ",") {
            let parts = range.split(separator: ";").map {
                $0.split { $0 == " " || $0 == "\t" }.joined().lowercased()
            }
            guard let type = parts.first else { continue }
            let quality = parts.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
            ranges.append((type, quality ?? 1))
        }
    }

    /// How much a type is wanted, 0 to 1; the range that says most of it counts.
    func quality(of type: String) -> Double {
        let group = type.split(separator: "/").first.map { $0 + "/*" } ?? "*/*"
        for wanted in [type, String(group), "*/*"] {
            if let range = ranges.filter({ $0.type == wanted }).max(by: { $0.quality < $1.quality })
            {
                return range.quality
            }
        }
        return 0
    }

    /// True when one type is named and wanted at least as much as the other.
    func prefers(_ type: String, to other: String) -> Bool {
        guard ranges.contains(where: { $0.type == type && $0.quality > 0 }) else { return false }
        return quality(of: type) >= quality(of: other)
    }
}
