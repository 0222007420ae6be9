import Encoding
import Glibc
import Posix

/// What a process calls itself at the server of leases: `RANDOM.PID@HOST`, another one each time it
/// starts.
///
/// HOST lets the next process on a host see that the one before is dead, and take its leases over at
/// once: until they run out records would only be kept in memory, and a second kill would lose them.
struct LeaseOwner {
    /// The name in the server's values.
    let name: String
    private let host: String

    init() {
        var random = SystemRandomNumberGenerator()
        self.init(host: Self.host, process: getpid(), random: random.next())
    }

    init(host: String, process: Int32, random: UInt64) {
        self.host = host
        name = "\(String(random, radix: 16)).\(process)@\(host)"
    }

    /// True for the name of a process of this host that is there no more.
    ///
    /// False whenever that is not certain: the lease then runs out by itself.
    func isGone(_ other: String) -> Bool {
        let parts = other.split(separator: "@", omittingEmptySubsequences: false)
        guard other != name, parts.count == 2, parts[1] == host,
            let text = parts[0].split(separator: ".").last, let process = Int32(text), process > 0
        else { return false }
        // This process had its number before: the same one in a container that began again.
        return process == getpid() || kill(process, 0) != 0 && errno == ESRCH
    }

    /// What tells hosts apart as far as process numbers go: the machine, its name, and the namespace of
    /// its processes. Copies of one machine have other names; containers, other namespaces.
    private static let host: String = {
        var system = utsname()
        uname(&system)
        let name = withUnsafeBytes(of: &system.nodename) { $0.prefix { $0 != 0 }.map { $0 } }
        let machine = (try? Files.read("/etc/machine-id", limit: 4096)) ?? []
        var namespace = stat()
        _ = stat("/proc/self/ns/pid", &namespace)
        // FNV-1a: a name that tells others nothing.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in machine + [0] + name + [0] + Array("\(namespace.st_ino)".utf8) {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return String(hash, radix: 16)
    }()
}
