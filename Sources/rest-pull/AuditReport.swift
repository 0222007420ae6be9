import Binance
import Encoding
import Identity
import Posix
import Records

/// What an audit found out about one file, as lines for people.
struct AuditReport {
    /// How many differences there are, those that are not named included.
    private(set) var differences = 0
    /// Rows of the REST API that were looked at.
    var rows = 0
    private let file: String
    private let limit: Int
    private var lines: [String] = []

    /// - Parameter limit: differences that are named.
    init(file: String, limit: Int) {
        self.file = file
        self.limit = limit
    }

    /// The lines; one also when nothing differs.
    var text: String {
        guard differences > 0 else { return "\(file)  equal  \(Spoken.count(rows, "row"))\n" }
        let more = differences - lines.count
        return lines.map { "\(file)  \($0)\n" }.joined()
            + (more > 0 ? "\(file)  and \(Spoken.count(more, "more difference"))\n" : "")
    }

    /// Adds a difference.
    mutating func add(_ words: String) {
        differences += 1
        if lines.count < limit { lines.append(words) }
    }

    /// Compares the ids of the archive with those of the REST API.
    mutating func compare(_ archived: IDSet, withREST served: IDSet) {
        note("in REST, not in the archive", served, without: archived)
        note("in the archive, not in REST", archived, without: served)
    }

    /// Compares the ids of the archive with those that are held.
    mutating func compare(_ archived: IDSet, with held: IDSet) {
        note("in the archive, not held", archived, without: held)
        guard let first = archived.first, let last = archived.last else { return }
        note(
            "held, not in the archive", IDSet(held.covered(in: first...last)), without: archived)
    }

    private mutating func note(_ words: String, _ ids: IDSet, without others: IDSet) {
        for range in ids.ranges {
            for missing in others.missing(in: range) {
                let (first, last) = (missing.lowerBound, missing.upperBound)
                add("ids \(first) to \(last): \(words)")
            }
        }
    }

    /// Compares a row of the archive with the same row of the REST API.
    mutating func compare(
        _ id: Int64, _ archived: [UInt8]?, _ served: [UInt8], _ file: ArchiveFile
    ) {
        guard let archived, archived != served else { return }
        do {
            let one = try FrameView(firstIn: archived.span.bytes).facts()
            let other = try FrameView(firstIn: served.span.bytes).facts()
            for (name, value) in one where other[name] != value {
                // Files of before 2025 know milliseconds only.
                if name == "event_time_us", let full = other[name].flatMap({ Int64($0) }),
                    "\(full - full % 1000)" == value
                {
                    continue
                }
                add(
                    "id \(id): \(name) is \(value) in the archive, \(other[name] ?? "nothing") in REST"
                )
            }
        } catch { add("id \(id): cannot be compared: \(error)") }
    }
}
