import Encoding

/// How often ids are missed: of a million that the venue gave, so many.
extension SequenceCoverage {
    private var known: UInt64 {
        UInt64(max(0, held)) &+ UInt64(max(0, missing)) &+ UInt64(max(0, declared))
    }

    /// Of a million ids of the sequence so many; 0 where ids say nothing.
    ///
    /// - Parameter ids: missing, repaired or declared ones.
    public func perMillion(_ ids: Int64) -> Double {
        known > 0 ? Double(max(0, ids)) / Double(known) * 1e6 : 0
    }

    /// What is missing, repaired and declared of a million, for people.
    public var gapRates: (missing: String, repaired: String, declared: String) {
        func text(_ ids: Int64) -> String { Spoken.perMillion(UInt64(max(0, ids)), of: known) }
        return (text(missing), text(repaired), text(declared))
    }
}
