/// A fault that tests switch on, to see that it is noticed.
public enum FaultSwitch {
    /// The record, counted from 1, that a stage loses without counting it anywhere: what the
    /// environment variable `BITCOIN_INGESTOR_TEST_DROP` says; 0 without it.
    ///
    /// docs/monitoring.md shows what becomes of it.
    public static var recordToDrop: Int64 {
        Environment.all["BITCOIN_INGESTOR_TEST_DROP"].flatMap { Int64($0) } ?? 0
    }
}
