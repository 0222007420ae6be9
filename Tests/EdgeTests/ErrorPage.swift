import Binance

@testable import AWS

/// `docs/errors.md`, made of the tables that the programs follow.
enum ErrorPage {
    static var text: String {
        """
        # Errors of AWS and of the venue

        What each documented error means: whether a program tries again by itself, how it ends when that does not help (the exit
        statuses are in [design.md](design.md), section 5), and what a person can do. The programs follow the same tables,
        `Sources/AWS/Errors` and `Sources/Binance/VenueStatus.swift`; a test compares this page with them, and them with the errors that
        AWS documents for the calls that are made here. A running sink does not end for an error that passes or that a person can mend: it
        keeps its records on disk, says what is wrong, and goes on when it can. `--check` and the end of input end it.

        """ + services + venue
    }

    private static var services: String {
        ErrorTable.Source.allCases.map { source in
            var text =
                "\n## \(title(source))\n\n| code | exit | tried | what to do |\n|--|--|--|--|\n"
            var order: [String] = []
            var codes: [String: [String]] = [:]
            for row in ErrorTable.rows where row.source == source {
                let rest =
                    "\(ErrorTableTests.status(row.category)) | \(row.handling.rawValue) | \(row.hint)"
                if codes[rest] == nil { order.append(rest) }
                let code =
                    source == .status
                    ? String(row.code.dropFirst(4))
                    : "`\(source == .kms ? "KMS." : "")\(row.code)`"
                codes[rest, default: []].append(code)
            }
            for rest in order {
                text += "| \((codes[rest] ?? []).joined(separator: ", ")) | \(rest) |\n"
            }
            return text
        }.joined()
    }

    private static func title(_ source: ErrorTable.Source) -> String {
        switch source {
        case .all: "Every service of AWS"
        case .status: "A status without a code: a proxy, a firewall, or another server"
        case .kms: "KMS, through S3"
        default: source.rawValue
        }
    }

    private static var venue: String {
        var text = """

            ## The venue, and what is in front of it

            REST is `rest-pull`, and `sbe-tap` for books; streams are `sbe-tap`, while a connection opens for the first time. One that was
            open before is tried again whatever the answer is. "–" means that it never ends the program.

            | status | REST: exit | tried | streams: exit | tried | what to do |
            |--|--|--|--|--|--|

            """
        for row in VenueStatus.rows {
            let (first, last) = (row.statuses.lowerBound, row.statuses.upperBound)
            let name = first == 0 ? "others" : first == last ? "\(first)" : "\(first)–\(last)"
            let stream = row.streamCause.map { "\(status($0))" } ?? "–"
            text +=
                "| \(name) | \(status(row.restCause)) | \(row.rest.rawValue) | \(stream) | "
                + "\(row.stream.rawValue) | \(row.hint) |\n"
        }
        return text
    }

    static func status(_ cause: VenueFailure.Cause) -> Int32 {
        switch cause {
        case .unavailable: 69
        case .gaveUp: 75
        case .notPermitted: 77
        case .refused: 64
        case .configuration: 78
        case .protocolBroken: 76
        case .bug: 70
        }
    }
}
