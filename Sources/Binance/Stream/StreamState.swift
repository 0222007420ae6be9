/// What is known of one stream, and what of it waits.
public struct StreamState {
    /// What came of it.
    public internal(set) var sequence: StreamSequence
    /// Records ahead of a hole.
    var ahead: HeldRecords?
    /// True when its records may not simply be appended to the output, because some of them wait.
    var isSlow = false
}
