import Encoding
import Glibc
import Posix

/// A program that prints credentials: `credential_process` of a profile.
///
/// Source: AWS SDKs and Tools Reference Guide, "Process credential provider". No shell is
/// involved; what the program writes to standard error goes nowhere, since it may hold secrets.
enum CredentialProcess {
    /// Seconds after which the program and what it started are killed; the SDKs' limit. When this
    /// process is asked to stop they are killed at once.
    static let timeLimit: Double = 60
    /// Longest output, bytes.
    private static let maximumOutput = 64 << 10

    /// - Parameter place: the profile and where the command is, for messages.
    static func run(
        _ command: String, of place: String, timeLimit: Double = timeLimit
    ) throws(AWSError) -> Credentials {
        let source = "credential_process of \(place)"
        guard let words = words(command), let program = words.first else {
            throw CredentialChain.failure("\(source): quotes in the command do not match")
        }
        let (output, status) = try output(of: words, source, LookupTime(seconds: timeLimit))
        guard status == 0 else {
            throw CredentialChain.failure(
                "\(source): \(program) ended with status \(status)", .unavailable)
        }
        guard let fields = FlatJSON.parse(output) else {
            throw CredentialChain.failure("\(source): the output is not a JSON object")
        }
        guard fields["Version"] == "1" else {
            throw CredentialChain.failure("\(source): the output is not of version 1")
        }
        guard let key = fields["AccessKeyId"], let secret = fields["SecretAccessKey"],
            !key.isEmpty, !secret.isEmpty
        else { throw CredentialChain.failure("\(source): the output has no credentials") }
        let expiration: Int64?
        if let text = fields["Expiration"], text != "null", !text.isEmpty {
            guard let time = Timestamp.seconds(rfc3339: text) else {
                throw CredentialChain.failure(
                    "\(source): Expiration is not a time such as \(CredentialChain.example)")
            }
            expiration = time
        } else {
            expiration = nil
        }
        let token = fields["SessionToken"].flatMap { $0.isEmpty || $0 == "null" ? nil : $0 }
        return Credentials(
            accessKeyID: key, secretAccessKey: secret, sessionToken: token,
            expiration: expiration, source: source, isRenewable: true)
    }

    // MARK: - Running

    private static func output(
        of words: [String], _ source: String, _ time: LookupTime
    ) throws(AWSError) -> ([UInt8], Int32) {
        let pipe: (read: Int32, write: Int32)
        let pid: pid_t
        do throws(SystemError) {
            pipe = try Spawn.makePipe()
            defer { close(pipe.write) }
            do throws(SystemError) {
                pid = try Spawn.start(
                    words, input: .null, output: .descriptor(pipe.write), errors: .null,
                    endsWithUs: true)
            } catch {
                close(pipe.read)
                throw error
            }
        } catch { throw CredentialChain.failure("\(source): \(error)") }
        defer { close(pipe.read) }
        let output = read(pipe.read, time)
        // What writes on and on is ended; what is late is told so below.
        let isLate = time.isUp
        if output == nil { kill(-pid, SIGKILL) }
        let status = Spawn.wait(
            for: pid, until: isLate ? 0 : time.deadline, orReadable: time.stop)
        if status == nil {
            kill(-pid, SIGKILL)
            _ = Spawn.wait(for: pid)
        }
        if let output, let status { return (output, status) }
        guard !time.isStopped else { throw LookupTime.stopped("run \(source)") }
        guard output == nil, !isLate else {
            throw CredentialChain.failure(
                "\(source): \(words[0]) did not end within \(Spoken.seconds(time.limit))",
                .unavailable)
        }
        throw CredentialChain.failure("\(source): \(words[0]) wrote over \(maximumOutput) bytes")
    }

    /// All that comes; nil when time is up, the program is asked to stop or it is too long.
    private static func read(_ descriptor: Int32, _ time: LookupTime) -> [UInt8]? {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while output.count <= maximumOutput {
            guard !time.isUp, !time.isStopped else { return nil }
            Descriptor.waitUntilReadable(descriptor, or: time.stop, seconds: time.left)
            guard Descriptor.isReadable(descriptor) else { continue }
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return output }
            if count < 0 && errno != EINTR { return nil }
            output += chunk[..<max(0, count)]
        }
        return nil
    }

    // MARK: - Words

    /// Splits a command as a POSIX shell would, without expanding anything; nil for an open quote.
    static func words(_ command: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = command[...]
        while let character = rest.popFirst() {
            if let open = quote {
                if character == open {
                    quote = nil
                } else if open == "\"", character == "\\", let next = rest.first,
                    "\"\\$`".contains(next)
                {
                    word?.append(rest.removeFirst())
                } else {
                    word?.append(character)
                }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character == "\\" {
                guard let next = rest.popFirst() else { return nil }
                word = (word ?? "") + String(next)
            } else if character.isWhitespace {
                if let finished = word { words.append(finished) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { return nil }
        if let word { words.append(word) }
        return words
    }
}
