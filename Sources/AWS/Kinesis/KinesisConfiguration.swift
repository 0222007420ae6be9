/// Where Kinesis is and how it is spoken to.
public struct KinesisConfiguration: Sendable {
    /// Where it is.
    public var location: ServiceLocation
    /// Time for one request, seconds.
    public var requestTimeout = 10.0
    /// Most connections.
    public var connections = 32

    /// Kinesis where its location says.
    public init(_ location: ServiceLocation) { self.location = location }
}
