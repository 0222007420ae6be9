import Encoding
import Posix
public import Transport

/// Bodies and answers of the requests about streams themselves.
extension KinesisClient {
    /// Asks for a page of a stream's open shards.
    ///
    /// - Parameter nextToken: from the page before; nil for the first.
    public static func listShardsBody(_ stream: StreamReference, nextToken: String?) -> HTTPBuffer {
        var bytes = Bytes(capacity: 256)
        if let nextToken {
            // The token stands for the stream; naming it as well is refused.
            bytes.append(utf8: "{\"NextToken\":\(String(jsonQuoted: nextToken))}")
        } else {
            bytes.append(
                utf8: "{\(stream.member),\"ShardFilter\":{\"Type\":\"AT_LATEST\"}}")
        }
        return HTTPBuffer(bytes)
    }

    /// Asks for a stream's state.
    public static func describeBody(_ stream: StreamReference) -> HTTPBuffer {
        var bytes = Bytes(capacity: 256)
        bytes.append(utf8: "{\(stream.member)}")
        return HTTPBuffer(bytes)
    }

    /// Asks for a new stream.
    public static func createBody(_ stream: StreamReference, shards: Int) -> HTTPBuffer {
        var bytes = Bytes(capacity: 256)
        bytes.append(utf8: "{\"StreamName\":\"\(stream.name)\",\"ShardCount\":\(shards)}")
        return HTTPBuffer(bytes)
    }
}

/// Puts the pages of `ListShards` together.
public struct ShardListing: Sendable {
    /// More pages than this are no listing: a million shards.
    private static let maximumPages = 1000

    private var shards: [ShardMap.Shard] = []
    private var pages = 0
    /// Of the next page; nil for the first one, or when all are there.
    public private(set) var nextToken: String?

    /// Starts before the first page.
    public init() {}

    /// Takes a page in.
    ///
    /// - Returns: the map after the last page, and nil before it.
    /// - Throws: ``ShardListing/Broken`` for what is no page, or a stream without open shards.
    public mutating func add(_ body: [UInt8]) throws(Broken) -> ShardMap? {
        guard let page = ShardPage(body), pages < Self.maximumPages else { throw Broken() }
        pages += 1
        shards += page.open
        nextToken = page.nextToken
        if nextToken != nil { return nil }
        guard let map = ShardMap(shards) else { throw Broken() }
        return map
    }

    /// The answer is not one to `ListShards`.
    public struct Broken: Error, Equatable {}
}
