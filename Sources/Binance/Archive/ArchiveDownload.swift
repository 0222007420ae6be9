import Digests
import Encoding
import Glibc
import Posix
import Transport

/// One file on its way: first its checksum, then its pieces, written in order.
///
/// The part that was written is `NAME.zip.part`, and what it is a part of, the entity tag, is in its
/// name too: a file that was replaced meanwhile begins again.
final class ArchiveDownload {
    /// A request.
    struct Call {
        enum Part: Equatable {
            case checksum
            /// Bytes of the file; the first one also tells how many there are.
            case piece(Range<Int64>)
        }

        let part: Part
        var attempt: Int
        /// Of the file's beginnings: answers to an earlier one are not looked at.
        var beginning = 0
        var notBefore: Int64 = 0
    }

    let file: ArchiveFile
    /// What came of it, once something did.
    private(set) var outcome: ArchiveClient.Outcome?
    private let options: ArchiveClient.Options
    private let url: String
    /// Requests that are to be sent, or sent again.
    private var waiting: [Call] = []
    /// Pieces that came before those in front of them.
    private var early: [Int64: [UInt8]] = [:]
    private var expected: String?
    private var isUnchecked = false
    private var length: Int64?
    private var tag = ""
    /// Bytes on the disk.
    private var written: Int64 = 0
    /// The first byte that was not asked for.
    private var asked: Int64 = 0
    private var hasBegun = false
    private var refetches = 0
    private var evidence: [String] = []

    init(_ file: ArchiveFile, _ options: ArchiveClient.Options) {
        self.file = file
        self.options = options
        var root = options.baseURL[...]
        while root.hasSuffix("/") { root = root.dropLast() }
        url = "\(root)/\(file.path)"
        waiting = [Call(part: .checksum, attempt: 0)]
    }

    private var path: String { "\(options.directory)/\(file.fileName).zip" }
    private func partPath(_ tag: String) -> String { "\(path).\(tag.asFileName).part" }

    // MARK: - Asking

    /// The next request that may be sent now.
    func nextCall(at now: Int64) -> Call? {
        guard outcome == nil else { return nil }
        if let index = waiting.firstIndex(where: { $0.notBefore <= now }) {
            var call = waiting.remove(at: index)
            call.attempt += 1
            call.beginning = refetches
            return call
        }
        guard hasBegun, let length, asked < length, early.count < 2 * options.parallel else {
            return nil
        }
        let piece = asked..<min(length, asked + options.pieceLength)
        asked = piece.upperBound
        return Call(part: .piece(piece), attempt: 1, beginning: refetches)
    }

    /// When a request may be sent that waits for its time, monotonic ns.
    func due(after now: Int64) -> Int64? {
        waiting.map(\.notBefore).filter { $0 > now }.min()
    }

    func request(for call: Call) -> HTTPRequest {
        var headers = [("User-Agent", "bitcoin-ingestor")]
        var url = url
        switch call.part {
        case .checksum: url += ".CHECKSUM"
        case .piece(let range):
            headers.append(("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
        }
        // A server that knows no ranges sends all of a file at once.
        return HTTPRequest(
            url: url, headers: headers, timeout: 0, stallTimeout: options.timeout,
            maximumResponse: 1 << 30)
    }

    // MARK: - Answers

    /// Takes an answer in.
    ///
    /// - Returns: what an operator may want to see.
    func settle(
        _ call: Call, _ result: Result<HTTPResponse, TransportError>
    ) -> (isWarning: Bool, text: String)? {
        guard outcome == nil, call.beginning == refetches else { return nil }
        let response: HTTPResponse
        switch result {
        case .failure(let error):
            guard error.isRetryable else {
                let hint = error.kind == .tls ? "; \(TransportError.authorityHint)" : ""
                end(.failure(ArchiveError(.configuration, "\(error)\(hint)")))
                return nil
            }
            return retry(call, because: "\(error)")
        case .success(let success): response = success
        }
        switch response.status {
        case 200, 206: break
        case 404:
            note(call, "\(response.status)")
            if call.part == .checksum {
                isUnchecked = true
                beginPieces()
            } else {
                end(
                    .failure(
                        ArchiveError(.absent, "\(url): HTTP 404, the archive does not have it")))
            }
            return nil
        case 429, 500...599: return retry(call, because: "HTTP \(response.status)")
        case 300..<400:
            end(
                .failure(
                    ArchiveError(
                        .configuration,
                        "\(url): HTTP \(response.status), it redirects: set --archive-url to the "
                            + "URL of the archive itself")))
            return nil
        default:
            end(.failure(ArchiveError(.unavailable, "\(url): HTTP \(response.status)")))
            return nil
        }
        switch call.part {
        case .checksum: return takeChecksum(call, response)
        case .piece(let range): return take(range, call, response)
        }
    }

    private func takeChecksum(
        _ call: Call, _ response: HTTPResponse
    ) -> (isWarning: Bool, text: String)? {
        // `sha256sum`'s line: 64 digits, two spaces, the name; the archive ends it with no newline.
        let text = String(decoding: response.body.prefix(4096), as: UTF8.self)
        let word = text.prefix { !$0.isWhitespace }.lowercased()
        guard word.count == 64, word.allSatisfy(\.isHexDigit) else {
            return retry(call, because: "\(url).CHECKSUM is not a checksum")
        }
        note(call, "200, \(word.prefix(16))…")
        expected = word
        beginPieces()
        return nil
    }

    private func beginPieces() {
        waiting.append(
            Call(part: .piece(written..<(written + options.pieceLength)), attempt: 0))
        asked = written + options.pieceLength
    }

    private func take(
        _ range: Range<Int64>, _ call: Call, _ response: HTTPResponse
    ) -> (isWarning: Bool, text: String)? {
        if !hasBegun {
            let tag = response.header("etag") ?? response.header("last-modified") ?? ""
            let whole = response.status == 200 ? Int64(response.body.count) : response.wholeLength
            guard let whole, whole > 0, whole < 1 << 45 else {
                return retry(call, because: "\(url): an answer without the file's length")
            }
            note(call, "\(response.status), \(whole) bytes")
            hasBegun = true
            length = whole
            self.tag = tag
            asked = min(asked, whole)
            // What an earlier run left of the very same file: more than this piece, or all of it.
            if written == 0, response.status == 206, let left = leftover(),
                left > min(range.upperBound, whole - 1)
            {
                written = min(left, whole)
                asked = written
                if written == whole { finish() }
                return (false, "\(file.name): continuing after \(written) of \(whole) bytes")
            }
        }
        guard let length else { return nil }
        let body = response.body
        let first = response.status == 200 ? 0 : range.lowerBound
        if response.status == 206,
            response.rangeStart != range.lowerBound
                || Int64(body.count) != min(range.upperBound, length) - range.lowerBound
                || response.wholeLength != length
        {
            return restart("\(url) changed while it was fetched")
        }
        if response.status == 200 {
            guard Int64(body.count) == length else {
                return restart("\(url) changed while it was fetched")
            }
            written = 0
            asked = length
            early = [:]
        }
        early[first] = body
        do throws(SystemError) { try writeWhatFollows() } catch {
            end(.failure(ArchiveError(.system, "\(error)")))
            return nil
        }
        if written == length { finish() }
        return nil
    }

    private func writeWhatFollows() throws(SystemError) {
        guard early[written] != nil else { return }
        try Files.makeDirectories(options.directory)
        let part = try Descriptor.open(partPath(tag), O_WRONLY | O_CREAT)
        while let bytes = early.removeValue(forKey: written) {
            try part.write(bytes.span.bytes, at: written)
            written += Int64(bytes.count)
        }
    }

    private func leftover() -> Int64? {
        let status = (try? Files.status(partPath(tag))) ?? nil
        return status.map { Int64($0.st_size) }
    }

    // MARK: - The end

    private func finish() {
        do throws(SystemError) {
            if let expected {
                let sum = try Self.sum(of: partPath(tag))
                guard sum == expected else { return mismatched(sum) }
            }
            try Files.rename(partPath(tag), to: path)
        } catch { return end(.failure(ArchiveError(.system, "\(error)"))) }
        end(.success(path))
    }

    private static func sum(of path: String) throws(SystemError) -> String {
        let file = try Descriptor.open(path, O_RDONLY)
        var hash = Hash.sha256()
        var bytes = Bytes(capacity: 1 << 20)
        while try file.read(appendingTo: &bytes, room: 1 << 20) > 0 {
            hash.update(bytes.span)
            bytes.removeAll()
        }
        return Hex.text(hash.finish())
    }

    /// The file and its checksum may have been replaced one after the other: both are fetched again
    /// once. After that the archive contradicts itself, which it has done for years at a time.
    private func mismatched(_ sum: String) {
        evidence.append("its SHA-256 is \(sum.prefix(16))…, not \((expected ?? "").prefix(16))…")
        guard refetches == 0 else {
            let kept = "\(path).mismatched"
            try? Files.rename(partPath(tag), to: kept)
            return end(
                .failure(
                    ArchiveError(
                        .mismatched,
                        "\(url) is not what its CHECKSUM says, twice (kept as \(kept)): its rows are "
                            + "not used; fetch them with rest-pull, or compare with --audit")))
        }
        refetches += 1
        try? Files.remove(partPath(tag))
        begin()
    }

    private func restart(_ reason: String) -> (isWarning: Bool, text: String)? {
        try? Files.remove(partPath(tag))
        guard refetches < options.maximumAttempts else {
            end(.failure(ArchiveError(.unavailable, reason)))
            return nil
        }
        refetches += 1
        begin()
        return (true, "\(reason): beginning again")
    }

    private func begin() {
        waiting = [Call(part: .checksum, attempt: 0)]
        early = [:]
        expected = nil
        isUnchecked = false
        length = nil
        (written, asked, hasBegun) = (0, 0, false)
    }

    private func retry(
        _ call: Call, because reason: String
    ) -> (isWarning: Bool, text: String)? {
        guard call.attempt < options.maximumAttempts else {
            end(
                .failure(
                    ArchiveError(
                        .unavailable, "\(url): \(reason), after \(call.attempt) attempts")))
            return nil
        }
        var call = call
        let pause = Backoff(base: options.backoff.initial, cap: options.backoff.longest)
            .delay(attempt: call.attempt)
        call.notBefore = Clock.monotonicNanoseconds() + Int64(pause * 1e9)
        waiting.append(call)
        return (call.attempt > 2, "\(reason); attempt \(call.attempt + 1)")
    }

    private func note(_ call: Call, _ answer: String) {
        let ending = call.part == .checksum ? ".CHECKSUM" : ""
        let time = Timestamp.text(microseconds: Clock.realtimeNanoseconds() / 1000).prefix(19)
        evidence.append("GET \(url)\(ending) \(time)Z: \(answer)")
    }

    private func end(_ result: Result<String, ArchiveError>) {
        outcome = ArchiveClient.Outcome(
            file: file, url: url, result: result, evidence: evidence.joined(separator: "; "),
            isUnchecked: isUnchecked, arrival: Clock.realtimeNanoseconds())
    }
}

extension ArchiveFile {
    /// Its name as a name of this system: symbols may have letters of any script, and no slash.
    fileprivate var fileName: String { name.percentEncoded() }
}

extension String {
    /// What an entity tag has of letters and digits, at most 64 of them.
    fileprivate var asFileName: String {
        String(filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(64))
    }
}

extension HTTPResponse {
    /// From `Content-Range: bytes 0-99/1234`: the part's first byte, and the whole length.
    private var contentRange: (start: Int64, whole: Int64)? {
        guard let text = header("content-range"), text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(whereSeparator: { "-/".contains($0) })
        guard parts.count == 3, let start = Int64(parts[0]), let whole = Int64(parts[2]) else {
            return nil
        }
        return (start, whole)
    }

    fileprivate var rangeStart: Int64? { contentRange?.start }
    fileprivate var wholeLength: Int64? { contentRange?.whole }
}
