public import Journal
public import Ledger
import Posix
public import Stage

/// The directory in which a sink keeps what must outlive it: the ledger, spools, what was put
/// aside, and whose state it all is.
public struct StateDirectory: ~Copyable {
    /// Where it is.
    public let path: String
    /// What was delivered.
    public var ledger: Ledger
    /// What could not be delivered.
    public var quarantine: Quarantine
    /// Room on its disk for the files without which nothing can be freed.
    public let reserve: Reserve

    /// Opens a state, or makes one.
    ///
    /// - Parameters:
    ///   - stage: whose it is, such as `s3-put`.
    ///   - claims: what it holds the state of; see ``StateOwner``. Empty for one that is inside
    ///     its destination and moves with it.
    ///   - mayChange: true when another owner is taken over, and told, instead of refused.
    /// - Throws: `StageFailure`: `.gaveUp` while another process has it, `.configuration` when it
    ///   belongs to something else.
    public init(
        _ path: String, stage: String, claims: [(name: String, owner: String)],
        mayChange: Bool = false, log: Log
    ) throws {
        try Files.makeDurableDirectories(path)
        try StateOwner.check(path, stage: stage)
        let reserve = try Reserve(path: path + "/reserve", bytes: Reserve.size(on: path))
        let ledger = try Ledger(
            writing: path + "/ledger", damaged: path + "/damaged", reserve: reserve)
        for change in try StateOwner.claim(path, stage: stage, claims, mayChange: mayChange) {
            log.warning(change)
        }
        self.path = path
        self.ledger = ledger
        self.reserve = reserve
        quarantine = Quarantine(path: path + "/quarantine.ndjson")
    }
}
