import AWS
import Bronze
import BronzeAccess
import Configuration
import Digests
import Glibc
import ObjectWriting
import Posix
import Stage

/// Whether other sinks store into the same bucket: asked when a key is taken by other bytes.
///
/// Two hosts that tap the same symbols cut objects at the same ids, which they received at different
/// times: both are right, and each is stored. What looks the same from here is a state directory that
/// was lost, whose objects come again: then someone has to look. The chain of a lost state is of our
/// own host and directory, that of another sink is not (docs/verify.md, "Several sinks").
final class OtherSinks: Sendable {
    /// Longest manifest that is read, bytes.
    private static let longestManifest = 256 << 20

    /// How long a no holds, ns: another sink's first objects come before its first manifest.
    private static let memory: Int64 = 10_000_000_000

    private let options: S3PutOptions
    private let credentials: CredentialsProvider?
    private let log: Log
    /// Nil until it was asked. A yes holds; when a no was given, by the monotonic clock.
    private let answer = Locked<(isKnown: Bool, time: Int64)?>(nil)

    init(_ options: S3PutOptions, _ credentials: CredentialsProvider?, _ log: Log) {
        self.options = options
        self.credentials = credentials
        self.log = log
    }

    /// What tells this host's state directory from all others.
    static func origin(ofState state: String) -> String {
        let host = CurrentProcess.hostName
        let path = realpath(state, nil)
        defer { free(path) }
        let name = path.map { String(cString: $0) } ?? state
        return String(
            Hash.sha256(of: Array(host.utf8) + [0] + Array(name.utf8)).prefix(16))
    }

    /// True when all other chains of the bucket, at least one, are of other state directories.
    ///
    /// What cannot be found out counts as no: the object is put aside, and nothing is lost.
    func areKnown() -> Bool {
        answer.withLock { answer in
            let now = Clock.monotonicNanoseconds()
            if let answer, answer.isKnown || now - answer.time < Self.memory {
                return answer.isKnown
            }
            let found = (try? find()) ?? false
            answer = (found, now)
            if found {
                log.info(
                    "other sinks store the same ids into \(options.destination.description): their "
                        + "records are there twice until ledgerctl compact merges them",
                    cause: "other_sinks")
            }
            return found
        }
    }

    private func find() throws -> Bool {
        let source = try StoredCheck.source(of: options, credentials)
        let own = Self.origin(ofState: options.state)
        let sink = try? ManifestChain.name(ofState: options.state)
        var newest: [String: String] = [:]
        // Sorted by key: the last of a chain stays.
        for entry in try source.list(prefix: ManifestKey.start) {
            if let key = ManifestKey(parsing: entry.key) { newest[key.sink] = entry.key }
        }
        newest[ManifestKey.mergingChain] = nil
        if let sink { newest[sink] = nil }
        for key in newest.values {
            let manifest = try Manifest(
                reading: try source.read(key, limit: Self.longestManifest))
            guard !manifest.origin.isEmpty, manifest.origin != own else { return false }
        }
        return !newest.isEmpty
    }
}
