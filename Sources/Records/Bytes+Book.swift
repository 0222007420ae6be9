public import Identity
public import Posix
public import SBE

extension Bytes {
    /// Appends the record of a book: its changes, or all of it or its top.
    ///
    /// - Parameters:
    ///   - kind: `depthDiff` or `depthSnapshot`.
    ///   - prefix: what every record begins with.
    /// - Precondition: the levels fit into a frame, see ``bookLength(levels:)``.
    public mutating func append(
        book kind: RecordKind, bids: ArraySlice<BookLevel>, asks: ArraySlice<BookLevel>,
        _ prefix: RecordPrefix
    ) throws(SBEError) {
        let length = Self.bookLength(levels: bids.count + asks.count)
        if kind == .depthDiff {
            try appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
                var record = try DepthDiffEncoder(room)
                return try record.fill(bids, asks)
            }
        } else {
            try appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
                var record = try DepthSnapshotEncoder(room)
                return try record.fill(bids, asks)
            }
        }
    }

    /// The length of a book's message, from its header on; with ``Frame/headerLength`` it may have
    /// ``Frame/maximumLength``.
    public static func bookLength(levels: Int) -> Int {
        8 + DepthDiffEncoder.blockLength + 12 + 16 * levels
    }
}

/// The records of books, which differ in their names only.
private protocol BookEncoder: ~Copyable, ~Escapable {
    @_lifetime(self: copy self)
    mutating func bids(count: Int) throws(SBEError)
    @_lifetime(self: copy self)
    mutating func setBids(_ index: Int, price: Int64, quantity: Int64)
    @_lifetime(self: copy self)
    mutating func asks(count: Int) throws(SBEError)
    @_lifetime(self: copy self)
    mutating func setAsks(_ index: Int, price: Int64, quantity: Int64)
    var encodedLength: Int { get }
}

extension BookEncoder where Self: ~Copyable & ~Escapable {
    /// Writes both sides; gives the length of the message.
    @_lifetime(self: copy self)
    fileprivate mutating func fill(
        _ bids: ArraySlice<BookLevel>, _ asks: ArraySlice<BookLevel>
    ) throws(SBEError) -> Int {
        try self.bids(count: bids.count)
        for (index, level) in bids.enumerated() {
            setBids(index, price: level.price, quantity: level.quantity)
        }
        try self.asks(count: asks.count)
        for (index, level) in asks.enumerated() {
            setAsks(index, price: level.price, quantity: level.quantity)
        }
        return encodedLength
    }
}

extension DepthDiffEncoder: BookEncoder {}
extension DepthSnapshotEncoder: BookEncoder {}
