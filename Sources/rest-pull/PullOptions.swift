import Binance
import Identity
import Records
import Stage

/// A pull as asked for on the command line, resolved; values only.
struct PullOptions {
    let dataset: Dataset
    let symbols: [SymbolName]
    let intervals: [KlineInterval]
    let from: RangeEnd?
    let to: RangeEnd?
    let limit: Int?
    let levels: Int
    /// A ledger or a file of records whose ids are not asked for again.
    let resume: HeldPlace?
    /// True when the range ends with the last id that ``resume`` holds.
    let endsAtHeld: Bool
    let venue: VenueClient.Options
    let rules: Puller.Rules
}

/// What a run is to do.
enum PullTask {
    /// Fetch a range, or what is new.
    case pull(PullOptions)
    /// Read files of the archive.
    case archive(ArchiveOptions)
    /// Compare files of the archive with what the REST API has.
    case audit(ArchiveOptions, PullOptions)
    /// Fill the holes of a ledger.
    case repair(RepairOptions)
    /// Show what the venue says of symbols, none of them for all.
    case list([SymbolName], SymbolShard?, VenueClient.Options)
    /// None of the symbols is in this host's part of them; the reason in words.
    case nothing(String)
}
