import Stats

extension StageView {
    /// Records taken in and neither passed on nor confirmed yet; nil for a stage that keeps none.
    public var waiting: Int64? { figures[FigureName.recordsWaiting] }

    /// Bytes that it keeps: of its spool or of its buffer.
    public var bytesKept: Int64? {
        figures[FigureName.spoolBytes] ?? figures[FigureName.bufferBytes]
    }

    /// The delay that says most of the stage: until the sink's confirmation, else until the
    /// output, else since the venue's time.
    public var mainDelay: Delay? {
        for name in [
            FigureName.acknowledgementDelay, FigureName.outputDelay, FigureName.eventDelay,
        ] {
            if let delay = delays.first(where: { $0.name == name || $0.name.hasPrefix(name + "{") })
            {
                return delay
            }
        }
        return nil
    }

    /// Ranges of ids missing, in all sequences of its ledger; for a stage without one, the holes
    /// that it knows of.
    public var holes: Int64? {
        coverage.isEmpty ? figures[FigureName.holesOpen] : coverage.reduce(0) { $0 &+ $1.holes }
    }
}

extension SequenceCoverage {
    /// Ids between the first and the last held.
    public var span: Int64 {
        let (difference, overflow) = last.subtractingReportingOverflow(first)
        return overflow || difference < 0 || held == 0 ? held : difference &+ 1
    }

    /// The part of them that is held or will not come, 0 to 1. Without holes it is whole, also
    /// where ids are times or have gaps by nature.
    public var share: Double {
        guard missing > 0 else { return 1 }
        let all = Double(held) + Double(declared) + Double(missing)
        return all > 0 ? max(0, 1 - Double(missing) / all) : 1
    }

    /// False of a kind whose ids only grow: nothing can be claimed between two of them.
    public var isCounted: Bool { held > 0 || missing > 0 }

    /// The command that fills every hole of a ledger as long as it runs.
    ///
    /// - Parameter ledger: its path.
    public static func repair(ledger: String) -> String {
        "rest-pull --repair '\(ledger.replacing("'", with: "'\\''"))' --follow"
    }

    /// The command that fetches the oldest hole, to be piped into the sink; nil without a hole that
    /// a request can fill.
    public var repair: String? {
        guard holes > 0, oldestHole > 0, holeFirst <= holeLast else { return nil }
        // A name is bytes from outside, and this is for a shell.
        let isPlain = symbol.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil
        }
        let symbol = isPlain ? symbol : "'" + symbol.replacing("'", with: "'\\''") + "'"
        let range = "--from \(holeFirst) --to \(holeLast) --repair"
        switch kind {
        case "trade": return "rest-pull trades --symbol \(symbol) \(range)"
        case "aggTrade": return "rest-pull aggTrades --symbol \(symbol) \(range)"
        default: return nil
        }
    }
}
