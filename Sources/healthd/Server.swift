import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import ServerTLS
import Stage

/// Listens, and gives each connection its handlers. One thread serves all of them.
final class Server {
    private let group: MultiThreadedEventLoopGroup
    private let requestTime: TimeAmount
    private var channels: [any Channel] = []
    private let board: Board
    private let loop: any EventLoop
    private let followers: NIOLoopBound<Followers>
    private let followerCount = FollowerCount()
    /// The parts of the page as they were sent last, by id.
    private var published: [String: String] = [:]
    /// One line that says where it answers.
    private(set) var greeting = ""

    init(_ plan: HealthPlan, board: Board) throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let limit = min(plan.maximumConnections, Self.descriptors() - 64)
        let tls = try Self.tls(plan)
        requestTime = .milliseconds(Int64(plan.requestTime * 1000))
        let answers = Answers(board: board, token: plan.token)
        let loop = group.next()
        let patience = requestTime
        let count = followerCount
        let (registry, followers) = try loop.submit {
            (
                NIOLoopBound(Registry(limit: max(1, limit)), eventLoop: loop),
                NIOLoopBound(Followers(patience: patience, count: count), eventLoop: loop)
            )
        }.wait()
        self.board = board
        self.loop = loop
        self.followers = followers
        let main = try listen(
            plan.address.host, plan.address.port, answers, registry, tls, isMetrics: false)
        let scheme = tls == nil ? "http" : "https"
        greeting = "listening health=\(scheme)://\(Self.authority(plan.address.host, main))"
        if let port = plan.metricsPort {
            let metrics = try listen(
                plan.address.host, port, answers, registry, tls, isMetrics: true)
            greeting += " metrics=\(scheme)://\(Self.authority(plan.address.host, metrics))/metrics"
        }
        greeting += "\n"
    }

    private static func authority(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// - Returns: the port.
    private func listen(
        _ host: String, _ port: Int, _ answers: Answers, _ registry: NIOLoopBound<Registry>,
        _ tls: TLSContext?, isMetrics: Bool
    ) throws -> Int {
        let requestTime = requestTime
        let followers = followers
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
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true)
                    try pipeline.addHandler(
                        Connection(
                            answers, registry.value, followers.value, isMetrics: isMetrics,
                            requestTime: requestTime))
                }
            }
        do {
            let channel = try bootstrap.bind(host: host, port: port).wait()
            channels.append(channel)
            return channel.localAddress?.port ?? port
        } catch {
            throw StageFailure(.unavailable, "cannot listen on \(host):\(port): \(error)")
        }
    }

    /// TLS 1.2 or later with the certificate of the configuration; nil without one.
    private static func tls(_ plan: HealthPlan) throws -> TLSContext? {
        guard let certificate = plan.certificate else {
            guard plan.key == nil else {
                throw StageFailure(.usage, "a TLS key needs its certificate: --tls-certificate")
            }
            return nil
        }
        do {
            return try TLSContext(certificate: certificate, key: plan.key ?? certificate)
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
        guard followerCount.value > 0, let page = board.page else { return }
        let sections = page.sections
        let changed = sections.filter { published[$0.id] != $0.html }
        for section in changed { published[section.id] = section.html }
        let (news, whole) = (Answers.text(changed), Answers.text(sections))
        let followers = followers
        loop.execute { followers.value.tell(news, orAll: whole) }
    }

    /// Ends all connections.
    func stop() {
        for channel in channels { try? channel.close().wait() }
        try? group.syncShutdownGracefully()
    }
}
