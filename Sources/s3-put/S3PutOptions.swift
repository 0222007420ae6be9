import ObjectWriting
import AWS
import Configuration
import Identity
import Records
import Sink

/// What a run keeps to.
struct S3PutOptions: Sendable {
    let destination: Destination
    let form: ObjectForm
    /// Bytes of records after which an object is finished.
    private(set) var objectBytes: Int
    /// Seconds after an object's first record after which it is finished.
    private(set) var objectAge: Double
    /// Seconds without a record after which it is finished.
    private(set) var objectIdle: Double
    /// Directory of ledger, spool and staging.
    let state: String
    private(set) var spoolMax: Int
    /// How long records may wait for the device, ns: one sync covers all of them.
    private(set) var syncInterval: Int64
    let times: EventTimes
    let idLimits: IDLimits
    /// Sequences that may begin a new numbering.
    let newEpochs: Set<SequenceID>
    private(set) var drainTimeout: Double
    /// Seconds without a success after which a delivery that fails is given up.
    let giveUpAfter: Double
    /// Objects that are delivered at once.
    let parallelUploads: Int
    /// Seconds that the destination has to answer before reading starts without its answer.
    let checkTimeout: Double
    /// True for a run that only asks whether objects could be stored.
    let onlyChecks: Bool
    /// Nil for a directory.
    let access: S3Access?

    /// The keys of the settings that a run takes over while it runs.
    static var takesOver: Set<String> {
        [
            SettingCatalog.objectBytes.key, SettingCatalog.objectAge.key,
            SettingCatalog.objectIdle.key, SettingCatalog.spoolMax.key,
            SettingCatalog.syncInterval.key,
            SettingCatalog.drainTimeout.key, SettingCatalog.accessKeyID.key,
            SettingCatalog.secretAccessKey.key, SettingCatalog.sessionToken.key,
        ]
    }

    /// Takes over what may change while a run goes on: when objects are finished, and limits.
    mutating func takeOver(_ new: Self) {
        objectBytes = new.objectBytes
        objectAge = new.objectAge
        objectIdle = new.objectIdle
        spoolMax = new.spoolMax
        syncInterval = new.syncInterval
        drainTimeout = new.drainTimeout
    }

    /// Whose state it is; nil for one that is inside its destination and moves with it.
    var owner: String? {
        if case .directory(let root) = destination, state.hasPrefix(root + "/") { return nil }
        return destination.description + (access?.location.endpoint.map { " at \($0)" } ?? "")
    }

    /// Bytes of a segment of the spool: it is given back segment by segment.
    var segmentBytes: Int64 { min(64 << 20, max(1 << 20, Int64(spoolMax) / 8)) }
}
