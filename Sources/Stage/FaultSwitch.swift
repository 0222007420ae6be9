import Posix

/// What tests switch on in a program as built.
public enum FaultSwitch {
    /// The record, counted from 1, that a stage loses without counting it anywhere: what the
    /// environment variable `BITCOIN_INGESTOR_TEST_DROP` says; 0 without it.
    ///
    /// docs/monitoring.md shows what becomes of it.
    public static var recordToDrop: Int64 {
        Environment.all["BITCOIN_INGESTOR_TEST_DROP"].flatMap { Int64($0) } ?? 0
    }

    /// Gives every operation on files below the directory `BITCOIN_INGESTOR_TEST_RECORD_BELOW` to the
    /// file `BITCOIN_INGESTOR_TEST_RECORD`, where the environment has both: for tests that crash
    /// between any two of them (docs/decisions/0038).
    static func recordFiles(_ environment: [String: String]) throws(SystemError) {
        guard let path = environment["BITCOIN_INGESTOR_TEST_RECORD"],
            let directory = environment["BITCOIN_INGESTOR_TEST_RECORD_BELOW"]
        else { return }
        try FileOperation.record(below: directory, to: path)
    }
}
