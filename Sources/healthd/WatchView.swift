import Monitoring

/// What the person at the terminal has chosen to see, by keys.
struct WatchView: Equatable {
    /// The order of the stages.
    enum Order: String, CaseIterable {
        /// As records flow, each pipeline on its own.
        case flow
        case name
        case rate
        case waiting
        case holes
        case memory
    }

    /// A key, or what several bytes of a terminal mean.
    enum Key: Equatable {
        case character(UInt8)
        case up, down, pageUp, pageDown, home, end
    }

    /// Lines that are scrolled past.
    var offset = 0
    var order = Order.flow
    /// True for only what runs or needs someone.
    var hidesEnded = false
    var showsHelp = false
    /// True once it is to end.
    private(set) var isOver = false

    /// What the keys do, for `?`.
    static let help = [
        "KEYS",
        "  j k  ↓ ↑        one line down, up",
        "  space b         one page down, up (also Page Down, Page Up)",
        "  g G             to the first, the last line (also Home, End)",
        "  s               order of the stages: flow, name, rate, waiting, holes, memory",
        "  e               hide what ended, or show it again",
        "  ?               this, or the overview again",
        "  q               end",
    ]

    /// Takes a key.
    ///
    /// - Parameter page: lines that fit.
    mutating func take(_ key: Key, page: Int) {
        switch key {
        case .character(UInt8(ascii: "q")), .character(UInt8(ascii: "Q")), .character(4):
            isOver = true
        case .down, .character(UInt8(ascii: "j")): offset += 1
        case .up, .character(UInt8(ascii: "k")): offset -= 1
        case .pageDown, .character(UInt8(ascii: " ")): offset += max(1, page - 2)
        case .pageUp, .character(UInt8(ascii: "b")): offset -= max(1, page - 2)
        case .home, .character(UInt8(ascii: "g")): offset = 0
        case .end, .character(UInt8(ascii: "G")): offset = .max / 2
        case .character(UInt8(ascii: "s")):
            let next = (Order.allCases.firstIndex(of: order) ?? 0) + 1
            order = Order.allCases[next % Order.allCases.count]
        case .character(UInt8(ascii: "e")): hidesEnded.toggle()
        case .character(UInt8(ascii: "?")), .character(UInt8(ascii: "h")):
            showsHelp.toggle()
            offset = 0
        case .character: break
        }
        offset = max(0, offset)
    }

    /// Keys in what a terminal sent: single bytes, and the sequences of the cursor keys (ECMA-48;
    /// xterm's forms with `[` and with `O`).
    static func keys(in bytes: [UInt8]) -> [Key] {
        var keys: [Key] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            guard byte == 0x1B, let next = rest.first,
                next == UInt8(ascii: "[") || next == UInt8(ascii: "O")
            else {
                keys.append(.character(byte))
                continue
            }
            rest.removeFirst()
            var number = 0
            while let digit = rest.first, (0x30...0x39).contains(digit), number < 100 {
                number = number * 10 + Int(digit - 0x30)
                rest.removeFirst()
            }
            switch (rest.popFirst(), number) {
            case (UInt8(ascii: "A"), _): keys.append(.up)
            case (UInt8(ascii: "B"), _): keys.append(.down)
            case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), 1), (UInt8(ascii: "~"), 7):
                keys.append(.home)
            case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), 4), (UInt8(ascii: "~"), 8):
                keys.append(.end)
            case (UInt8(ascii: "~"), 5): keys.append(.pageUp)
            case (UInt8(ascii: "~"), 6): keys.append(.pageDown)
            default: break
            }
        }
        return keys
    }

    /// The stages in the order that was chosen, each with its level in its pipeline.
    func arranged(_ stages: [StageView], in overview: Overview) -> [(stage: StageView, level: Int)]
    {
        func flat(_ isBefore: (StageView, StageView) -> Bool) -> [(stage: StageView, level: Int)] {
            stages.sorted(by: isBefore).map { ($0, 0) }
        }
        switch order {
        case .flow: return overview.pipelines(of: stages).flatMap(\.placed)
        case .name: return flat { $0.id < $1.id }
        case .rate: return flat { $0.rates.recordsIn > $1.rates.recordsIn }
        case .waiting: return flat { ($0.waiting ?? -1) > ($1.waiting ?? -1) }
        case .holes: return flat { ($0.holes ?? -1) > ($1.holes ?? -1) }
        case .memory: return flat { ($0.memory ?? -1) > ($1.memory ?? -1) }
        }
    }
}
