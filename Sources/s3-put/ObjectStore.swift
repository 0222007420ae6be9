import AWS
import Glibc
import Posix
import Stage
import StageAWS
import Transport

/// Where objects go.
enum Destination: Sendable, Equatable {
    /// A directory.
    case directory(String)
    /// A bucket and a prefix without slashes at its ends.
    case bucket(String, prefix: String)

    /// Takes `s3://BUCKET/PREFIX` or `file:///DIRECTORY`.
    init(_ text: String) throws(StageFailure) {
        if text.hasPrefix("file://") {
            var path = String(text.dropFirst(7))
            while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
            guard !path.isEmpty else {
                throw StageFailure(.usage, "\"\(text)\" names no directory")
            }
            self = .directory(path)
        } else if text.hasPrefix("s3://") {
            let parts = text.dropFirst(5).split(separator: "/", omittingEmptySubsequences: true)
            guard let bucket = parts.first, (3...63).contains(bucket.count) else {
                throw StageFailure(.usage, "\"\(text)\" names no bucket")
            }
            self = .bucket(String(bucket), prefix: parts.dropFirst().joined(separator: "/"))
        } else {
            throw StageFailure(
                .usage, "\"\(text)\" is neither s3://BUCKET/PREFIX nor file:///DIRECTORY")
        }
    }

    /// What a person would type.
    var description: String {
        switch self {
        case .directory(let path): "file://\(path)"
        case .bucket(let name, let prefix): "s3://\(name)" + (prefix.isEmpty ? "" : "/\(prefix)")
        }
    }
}

/// Puts finished files under their keys, each once.
enum ObjectStore: ~Copyable {
    case directory(String)
    case bucket(S3Client, name: String, prefix: String, ServiceFigures)

    /// Delivers an object.
    ///
    /// - Returns: false when the same bytes were there already.
    /// - Throws: `StageFailure`; also when other bytes are there, which are left alone.
    mutating func put(_ object: SealedObject) throws -> Bool {
        switch consume self {
        case .directory(let path):
            self = .directory(path)
            return try Self.put(object, into: path)
        case .bucket(var client, let name, let prefix, let figures):
            let result: Result<Bool, StageFailure>
            do throws(StageFailure) {
                result = .success(try Self.put(object, &client, name, prefix))
            } catch { result = .failure(error) }
            figures.note(circuit: client.circuit, retryTokens: client.retryTokens)
            self = .bucket(client, name: name, prefix: prefix, figures)
            return try result.get()
        }
    }

    private static func conflict(_ place: String) -> StageFailure {
        StageFailure(
            .inputOutput,
            "\(place) exists with other content, which is not in the ledger; it was left as it is "
                + "(was --state-dir lost or changed? use its ledger, or another destination)")
    }

    // MARK: - Directory

    private static func put(_ object: SealedObject, into root: String) throws -> Bool {
        let target = "\(root)/\(object.key)"
        let directory = Files.directory(of: target)
        try Files.makeDirectories(directory)
        let isNew: Bool
        do throws(SystemError) {
            isNew = try Files.link(object.stagedPath, to: target)
        } catch {
            guard error.code == EXDEV || error.code == EPERM || error.code == ENOTSUP else {
                throw error
            }
            isNew = try copy(object.stagedPath, to: target)
        }
        if !isNew, !(try haveSameBytes(object.stagedPath, target)) { throw conflict(target) }
        // The name must survive a crash before the ledger says so, and so must each directory above
        // it, whoever made it: a run that was killed may have made both and synced neither.
        var synced = directory
        try Files.syncDirectory(synced)
        while synced.count >= root.count, synced != Files.directory(of: synced) {
            synced = Files.directory(of: synced)
            try Files.syncDirectory(synced)
        }
        return isNew
    }

    /// For a state directory on another file system: written beside the target under a hidden
    /// name, synced, then linked, so that it never shows half.
    private static func copy(_ source: String, to target: String) throws -> Bool {
        let name = target.split(separator: "/").last.map(String.init) ?? ""
        let neighbour = "\(Files.directory(of: target))/.\(name).new"
        let input = try Descriptor.open(source, O_RDONLY)
        let output = try Descriptor.open(neighbour, O_WRONLY | O_CREAT | O_TRUNC)
        var buffer = Bytes(capacity: 1 << 20)
        while try input.read(appendingTo: &buffer, room: 1 << 20) > 0 {
            try output.writeAll(buffer.span)
            buffer.removeAll()
        }
        try output.sync()
        try output.close()
        defer { try? Files.remove(neighbour) }
        if Files.exists(target) { return false }
        // Some file systems have no links at all; rename then is the best there is.
        do throws(SystemError) { return try Files.link(neighbour, to: target) } catch {
            try Files.rename(neighbour, to: target)
            return true
        }
    }

    private static func haveSameBytes(_ one: String, _ other: String) throws -> Bool {
        guard try Files.status(one)?.st_size == Files.status(other)?.st_size else { return false }
        let first = try Descriptor.open(one, O_RDONLY)
        let second = try Descriptor.open(other, O_RDONLY)
        return try checksum(first) == checksum(second)
    }

    private static func checksum(_ file: borrowing Descriptor) throws -> UInt32 {
        var checksum = CRC32C()
        var buffer = Bytes(capacity: 1 << 20)
        while try file.read(appendingTo: &buffer, room: 1 << 20) > 0 {
            checksum.update(buffer.span)
            buffer.removeAll()
        }
        return checksum.value
    }

    // MARK: - Bucket

    private static func put(
        _ object: SealedObject, _ client: inout S3Client, _ bucket: String, _ prefix: String
    ) throws(StageFailure) -> Bool {
        let key = prefix.isEmpty ? object.key : "\(prefix)/\(object.key)"
        let upload = ObjectUpload(
            path: object.stagedPath, bucket: bucket, key: key, contentType: object.contentType,
            metadata: [("records", "\(object.records)")])
        let outcome: PutOutcome
        do throws(AWSError) { outcome = try client.put(upload) } catch { throw StageFailure(error) }
        switch outcome {
        case .created: return true
        case .existedSame: return false
        case .existedOther: throw conflict("s3://\(bucket)/\(key)")
        }
    }
}
