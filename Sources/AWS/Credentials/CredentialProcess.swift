import Encoding
import Glibc
import Posix

/// A program that prints credentials: `credential_process` of a profile.
///
/// Source: AWS SDKs and Tools Reference Guide, "Process credential provider". No shell is
/// involved; what the program writes to standard error goes nowhere, since it may hold secrets.
enum CredentialProcess {
    /// Seconds after which the program and what it started are killed; the SDKs' limit.
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
        let (output, status) = try output(of: words, source, timeLimit)
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
        else { throw CredentialChain.failure("\(source): the output holds no credentials") }
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
        of words: [String], _ source: String, _ timeLimit: Double
    ) throws(AWSError) -> ([UInt8], Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw CredentialChain.failure("\(source): \(SystemError("make", "a pipe"))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let pid: pid_t
        do throws(SystemError) {
            defer { close(ends[1]) }
            pid = try spawn(words, output: ends[1])
        } catch { throw CredentialChain.failure("\(source): \(error)") }
        let deadline = Clock.monotonicNanoseconds() + Int64(timeLimit * 1e9)
        let output = read(ends[0], until: deadline)
        if output == nil { kill(-pid, SIGKILL) }
        guard let status = wait(for: pid, until: deadline) else {
            kill(-pid, SIGKILL)
            _ = wait(for: pid, until: .max)
            throw CredentialChain.failure(
                "\(source): \(words[0]) did not end within \(Spoken.seconds(timeLimit))",
                .unavailable)
        }
        guard let output else {
            throw CredentialChain.failure(
                "\(source): \(words[0]) did not end within \(Spoken.seconds(timeLimit)), or wrote over "
                    + "\(maximumOutput) bytes", .unavailable)
        }
        return (output, status)
    }

    /// Starts a program in a process group of its own, found as a shell would find it.
    private static func spawn(_ words: [String], output: Int32) throws(SystemError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What the stages, or who started them, ignore or block a child would inherit: a shell
        // cannot wait for its children while SIGCHLD is ignored.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for number in [SIGPIPE, SIGTERM, SIGINT, SIGCHLD, SIGHUP, SIGQUIT] {
            sigaddset(&defaults, number)
        }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var unblocked = sigset_t()
        sigemptyset(&unblocked)
        posix_spawnattr_setsigmask(&attributes, &unblocked)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF)
                | Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw SystemError("start", words[0], code: code) }
        return pid
    }

    /// All that comes; nil when time is up or it is too long.
    private static func read(_ descriptor: Int32, until deadline: Int64) -> [UInt8]? {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while output.count <= maximumOutput {
            let left = deadline - Clock.monotonicNanoseconds()
            guard left > 0 else { return nil }
            Descriptor.waitUntilReadable(descriptor, seconds: Double(left) / 1e9)
            guard Descriptor.isReadable(descriptor) else { continue }
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return output }
            if count < 0 && errno != EINTR { return nil }
            output += chunk[..<max(0, count)]
        }
        return nil
    }

    /// The exit status, or 128 and the signal; nil when time is up.
    ///
    /// Where SIGCHLD is ignored, as some parents hand it down, the system keeps no status: then it
    /// is 0, and what was printed tells whether it went well.
    private static func wait(for pid: pid_t, until deadline: Int64) -> Int32? {
        var status: Int32 = 0
        while true {
            let ended = waitpid(pid, &status, WNOHANG)
            if ended == pid {
                let signal = status & 0x7F
                return signal == 0 ? status >> 8 & 0xFF : 128 + signal
            }
            if ended < 0 && errno == ECHILD { return 0 }
            if ended < 0 && errno != EINTR { return 127 }
            if Clock.monotonicNanoseconds() >= deadline { return nil }
            Descriptor.waitUntilReadable(-1, seconds: 0.01)
        }
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
