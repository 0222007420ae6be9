/// What the changes of one book still want.
struct BookState {
    enum Phase {
        /// Nothing: a snapshot went out, and all changes since.
        case whole
        /// A snapshot, to be asked for at a time, ns.
        case wanted(notBefore: Int64)
        /// The snapshot that was asked for.
        case requested
        /// The venue has none.
        case refused
    }

    var phase = Phase.whole
    /// First id of the changes that the snapshot has to reach up to.
    var firstID: Int64 = 0
    /// Last id of those that went on without it.
    var gone = Int64.min
    /// Changes that wait for it.
    var held: HeldRecords?
    /// Requests without success.
    var attempts = 0
}
