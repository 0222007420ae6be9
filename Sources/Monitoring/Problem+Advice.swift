extension Problem.Code {
    /// When it is raised: the end of "unhealthy when …".
    public var meaning: String {
        switch self {
        case .nothingRuns: "no stage with a name runs"
        case .stageMissing: "a stage of health.expected_stages does not run"
        case .stageDead:
            "a process is gone without having reported its end, and no newer one replaces it"
        case .stageFailed:
            "a stage ended with a status other than 0 or 1, and no newer one replaces it"
        case .heartbeatStale: "the loop of a stage has not turned, or a signal stopped its process"
        case .noData: "the first stage of a pipeline has received no record for a long time"
        case .connectionDown:
            "a stage has had no connection for a long time, or does not get beyond connecting"
        case .decodeErrors: "many of a minute's messages cannot be decoded"
        case .breakerOpen: "consecutive requests to a service failed, and sending is paused"
        case .undelivered:
            "a finished object, a record for Kinesis, or one for an output of fan-out is waiting for "
                + "delivery"
        case .spoolFull: "a spool is nearly full"
        case .diskFull: "the disk of a stage's state is nearly full"
        case .objectConflict:
            "objects are in conflicts/ because the destination has other content under their names"
        case .holeOpen: "a hole between held ids has been open for a long time"
        case .conservationOpen: "records came into a stage and are accounted for nowhere"
        case .linkBroken:
            "two connected stages ended normally, and one read less than the other wrote"
        case .throttled: "the venue or a service asked for fewer requests within a minute"
        case .claimsNotShared:
            "dedup --shared does not reach its server, so hosts repeat each other"
        case .metricsRefused: "a stage has more figures than its stats file has room for"
        case .nameTaken: "a process was given a name that is already in use"
        case .stagesUnseen: "there are more stages than healthd follows"
        }
    }

    /// What a person can do about it.
    public var advice: String {
        switch self {
        case .nothingRuns:
            "Start the pipeline (systemctl start ingest-live@NAME.target, or pipelines/live). A run "
                + "counts when it has a name: --instance, STAGE_INSTANCE or a unit."
        case .stageMissing:
            "Start it, or remove its name from health.expected_stages."
        case .stageDead:
            "Look for its end in the journal (journalctl -u UNIT) and in dmesg: SIGKILL usually "
                + "means that the kernel ran out of memory. Start it again; what it had read is in its spool."
        case .stageFailed:
            "The message names the exit status: 77 is a permission, 78 a setting, 75 a service that "
                + "did not answer for a long time. Fix that and start the stage again."
        case .heartbeatStale:
            "See whether it is stopped (state T in ps) and send SIGCONT, or what it waits for: a "
                + "disk that hangs shows in dmesg."
        case .noData:
            "Is the symbol listed and traded? Is the connection up? A quiet symbol needs a longer "
                + "health.no_data_seconds."
        case .connectionDown:
            "The stage's last error says why: DNS, proxy (HTTPS_PROXY), certificate or key."
        case .decodeErrors:
            "The venue may have changed its schema: look at the quarantine file, and update the programs."
        case .breakerOpen:
            "It closes by itself when the service answers; the last error shows its answers."
        case .undelivered:
            "Nothing is lost: the records are on disk. Look at the sink's last error: permissions, "
                + "bucket or stream, network, throttling. Of fan-out: does the sink that is named run?"
        case .spoolFull:
            "The sink will stop reading when it is full. Fix the delivery, or raise --spool-max."
        case .diskFull:
            "Free space on the disk of the state directory. Do not delete anything in it by hand."
        case .objectConflict:
            "Two writers share a destination, or its objects were changed. The files are in "
                + "conflicts/ of the state directory, with both checksums."
        case .holeOpen:
            "Fetch the ids: rest-pull --repair with the sink's ledger; the table Completeness has "
                + "the line to run."
        case .conservationOpen:
            "This is a defect: please report it with the figures of /overview. Keep the state "
                + "directory and the spool."
        case .linkBroken:
            "Something between the two stages lost bytes, such as a program that was killed: "
                + "repair the ids that are missing."
        case .throttled:
            "Requests are retried more slowly. If it persists: --weight-limit, more shards, or fewer "
                + "programs at the same address."
        case .claimsNotShared:
            "Nothing is lost. dedup's log says why: the server is down, refuses the password, or is "
                + "read-only. dedup retries by itself."
        case .metricsRefused: "Fewer symbols in one process, or two processes."
        case .nameTaken: "Give each process a name of its own with --instance."
        case .stagesUnseen: "Run healthd once for each stats directory, with fewer stages in it."
        }
    }
}
