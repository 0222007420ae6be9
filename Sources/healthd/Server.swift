import Glibc
import Monitoring
import NIOCore
import NIOHTTP1
import NIOPosix
import Posix
import ServerTLS
import Stage

/// Listens, and gives each connection its handlers. One thread serves all of them.
final class Server {
    private let group: MultiThreadedEventLoopGroup
    private let requestTime: TimeAmount
    private var channels: [any Channel] = []
    private let latest: LatestState
    private let loop: any EventLoop
    private let subscribers: NIOLoopBound<EventSubscribers>
    private let subscriberCount = SubscriberCount()
    /// The parts of the page as they were sent last, by id.
    private var published: [String: String] = [:]
    /// One line that says where it answers.
    private(set) var greeting = ""

    init(_ options: HealthOptions, latest: LatestState) throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        // Every stage that is followed takes one too.
        let others = 64 + Monitor.maximumStages
        let limit = min(options.maximumConnections, max(16, Self.descriptors() - others))
        let tls = try Self.tls(options)
        requestTime = .milliseconds(Int64(options.requestTime * 1000))
        let router = Router(
            latest: latest, token: options.token,
            hosts: HostCheck(
                listeningOn: options.address.host, hostname: CurrentProcess.hostName,
                allowed: options.allowedHosts))
        let loop = group.next()
        let patience = requestTime
        let count = subscriberCount
        let (connections, subscribers) = try loop.submit {
            (
                NIOLoopBound(ConnectionLimit(limit: max(1, limit)), eventLoop: loop),
                NIOLoopBound(EventSubscribers(patience: patience, count: count), eventLoop: loop)
            )
        }.wait()
        self.latest = latest
        self.loop = loop
        self.subscribers = subscribers
        let main = try listen(
            options.address.host, options.address.port, router, connections, tls, isMetrics: false)
        let scheme = tls == nil ? "http" : "https"
        greeting = "listening health=\(scheme)://\(Self.authority(options.address.host, main))"
        if let port = options.metricsPort {
            let metrics = try listen(
                options.address.host, port, router, connections, tls, isMetrics: true)
            greeting +=
                " metrics=\(scheme)://\(Self.authority(options.address.host, metrics))/metrics"
        }
        greeting += "\n"
    }

    private static func authority(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// - Returns: the port.
    private func listen(
        _ host: String, _ port: Int, _ router: Router, _ connections: NIOLoopBound<ConnectionLimit>,
        _ tls: TLSContext?, isMetrics: Bool
    ) throws -> Int {
        let requestTime = requestTime
        let subscribers = subscribers
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(TLSServerHandler(context: tls)) }
                    try pipeline.addHandler(RequestLines())
                    try pipeline.configureHTTPServerPipeline(
                        withPipeliningAssistance: true, withErrorHandling: false)
                    try pipeline.addHandler(RequestErrors())
                    try pipeline.addHandler(
                        Connection(
                            router, connections.value, subscribers.value, isMetrics: isMetrics,
                            requestTime: requestTime))
                }
            }
        do {
            let channel = try bootstrap.bind(host: host, port: port).wait()
            channels.append(channel)
            return channel.localAddress?.port ?? port
        } catch {
            throw StageFailure(
                .unavailable,
                "cannot listen on \(Self.authority(host, port)): \(Self.reason(error))")
        }
    }

    /// Why an address cannot be used, in the system's words.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            let words = String(cString: strerror(error.errnoCode))
            return error.errnoCode == EADDRINUSE
                ? "\(words); --listen and --metrics-port choose others" : words
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            return "no address is known for that name"
        default: return "\(error)"
        }
    }

    /// TLS 1.2 or later with the certificate of the configuration; nil without one.
    private static func tls(_ options: HealthOptions) throws -> TLSContext? {
        guard let certificate = options.certificate else {
            guard options.key == nil else {
                throw StageFailure(.usage, "a TLS key needs its certificate: --tls-certificate")
            }
            return nil
        }
        do {
            return try TLSContext(certificate: certificate, key: options.key ?? certificate)
        } catch {
            throw StageFailure(.configuration, error.description)
        }
    }

    /// Lifts the limit of open files as far as may be; gives what it is then.
    private static func descriptors() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 256
        }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(limit.rlim_cur)
    }

    /// Tells the open pages what changed since it was called last.
    func publish() {
        guard subscriberCount.value > 0, let page = latest.page else { return }
        let sections = page.sections
        let changed = sections.filter { published[$0.id] != $0.html }
        for section in changed { published[section.id] = section.html }
        let (news, whole) = (Router.text(changed), Router.text(sections))
        let subscribers = subscribers
        loop.execute { subscribers.value.tell(news, orAll: whole) }
    }

    /// Ends all connections.
    func stop() {
        for channel in channels { try? channel.close().wait() }
        try? group.syncShutdownGracefully()
    }
}
