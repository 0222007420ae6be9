import Transport

/// What the venue says in the headers of its replies.
extension HTTPResponse {
    /// The venue's count of the current window. The name ends in the window's length: `-1M`.
    var usedWeight: Int? {
        for (name, value) in headers where name.lowercased().hasPrefix("x-mbx-used-weight-") {
            // A count that is impossibly high would overflow in sums.
            if let used = Int(value), used >= 0 { return min(used, 1_000_000_000) }
        }
        return nil
    }

    /// Seconds to wait after a 429 or 418: a minute when the venue says nothing usable.
    var retryAfter: Double {
        guard let text = header("retry-after"), let seconds = Double(text), seconds.isFinite,
            seconds >= 0
        else { return 60 }
        return seconds
    }

    /// By Content-Type, else by the first byte: JSON starts with a bracket, and no SBE message of
    /// the venue does, since root blocks are shorter than 91 bytes.
    var isSBE: Bool {
        let type = header("content-type")?.lowercased() ?? ""
        if type.hasPrefix("application/sbe") { return true }
        if type.hasPrefix("application/json") { return false }
        guard let first = body.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) })
        else { return false }
        return first != UInt8(ascii: "{") && first != UInt8(ascii: "[")
    }
}
