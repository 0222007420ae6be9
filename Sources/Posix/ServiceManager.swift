import Glibc

/// The service manager that started this process: what sd_notify(3) of systemd tells it, without
/// its library.
///
/// A message is one datagram to the socket that `NOTIFY_SOCKET` names; sending never waits, and a
/// manager that does not take it is not an error of the service.
///
/// Source: sd_notify(3) and sd_watchdog_enabled(3), systemd 252.
public final class ServiceManager: Sendable {
    private let socket: Int32
    private let address: sockaddr_un
    private let addressLength: socklen_t
    /// After how much silence the manager kills the service, ns; nil when it does not watch.
    public let watchdogLimit: Int64?

    /// The manager that the environment names.
    ///
    /// - Returns: nil without one, and for an address of a kind that is not known here.
    public init?(_ environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"],
            let (address, length) = Self.address(of: path)
        else { return nil }
        socket = Glibc.socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        self.address = address
        addressLength = length
        watchdogLimit = Self.watchdogLimit(environment)
    }

    deinit { close(socket) }

    /// Sends assignments such as `READY=1` and `STATUS=words`, each of one line.
    ///
    /// - Returns: false when the manager did not take them now.
    @discardableResult
    public func tell(_ assignments: [String]) -> Bool {
        let message = Array(
            assignments.map { $0.replacing("\n", with: " ") }.joined(separator: "\n").utf8)
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(
                    socket, message, message.count,
                    Int32(MSG_DONTWAIT | MSG_NOSIGNAL), address, addressLength)
                    == message.count
            }
        }
    }

    /// A path, or with `@` in front a name in the abstract namespace (unix(7)).
    private static func address(of name: String) -> (sockaddr_un, socklen_t)? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        guard let first = bytes.first, bytes.count > 1,
            first == UInt8(ascii: "/") || first == UInt8(ascii: "@"), !bytes.contains(0)
        else { return nil }
        let isAbstract = first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 } else { bytes.append(0) }
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count <= room else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // A path's length is given without its NUL, as for a name without one.
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        return (address, socklen_t(offset + bytes.count - (isAbstract ? 0 : 1)))
    }

    private static func watchdogLimit(_ environment: [String: String]) -> Int64? {
        guard let limit = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), limit > 0,
            limit <= Int64.max / 1000
        else { return nil }
        // Set for another process, and inherited.
        if let pid = environment["WATCHDOG_PID"], pid != "\(getpid())" { return nil }
        return limit * 1000
    }
}
