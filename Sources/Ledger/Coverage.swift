public import Identity

/// What a ledger knows of one sequence.
public struct Coverage: Sendable, Equatable {
    /// Ids whose records are durable.
    public var held = IDSet()
    /// Ids that a gap record says will not come: the venue does not serve them, or never had them.
    public var declared = IDSet()

    /// Of a sequence without records.
    public init() {}
}
