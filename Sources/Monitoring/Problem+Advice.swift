extension Problem.Code {
    /// When it is raised: the end of "unhealthy when …".
    public var meaning: String {
        switch self {
        case .nothingRuns: "no stage with a name runs"
        case .stageMissing: "a stage of health.expected_stages does not run"
        case .stageDead:
            "a process is gone without having said so, and no younger one does its work"
        case .stageFailed:
            "a stage ended with another status than 0 or 1, and no younger one does its work"
        case .heartbeatStale: "the loop of a stage has not turned, or a signal stopped its process"
        case .noData: "the first stage of a pipeline got no record for long"
        case .connectionDown:
            "a stage has no connection for long, or does not get beyond connecting"
        case .decodeErrors: "many of a minute's messages cannot be decoded"
        case .breakerOpen: "requests to a service failed in a row, and nothing is sent for a while"
        case .undelivered:
            "a finished object, a record for Kinesis, or one for an output of fan-out waits for its "
                + "delivery"
        case .spoolFull: "a spool is nearly full"
        case .diskFull: "the disk of a stage's state has little free room"
        case .objectConflict:
            "objects are put aside because the destination has other content under their names"
        case .holeOpen: "a hole between held ids is known for long"
        case .conservationOpen: "records came into a stage and are accounted for nowhere"
        case .linkBroken: "of two stages that ended in order one read less than the other wrote"
        case .throttled: "the venue or a service asked for fewer requests within a minute"
        case .claimsNotShared:
            "dedup --shared does not reach its server, so hosts repeat each other"
        case .metricsRefused: "a stage has more figures than its stats file has room for"
        case .nameTaken: "a process was given a name that another one has"
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
            "Start it, or take its name out of health.expected_stages."
        case .stageDead:
            "Look for its end in the journal (journalctl -u UNIT) and in dmesg: SIGKILL is mostly "
                + "the kernel out of memory. Start it again; what it had read is in its spool."
        case .stageFailed:
            "The message names the exit status: 77 is a permission, 78 a setting, 75 a service that "
                + "did not answer for long. Mend that and start the stage again."
        case .heartbeatStale:
            "See whether it is stopped (state T in ps) and send SIGCONT, or what it waits for: a "
                + "disk that hangs shows in dmesg."
        case .noData:
            "Is the symbol listed and traded? Is the connection up? A quiet symbol needs a longer "
                + "health.no_data_seconds."
        case .connectionDown:
            "The stage's last error says why: DNS, proxy (HTTPS_PROXY), certificate or key."
        case .decodeErrors:
            "The venue may have changed its schema: look at the quarantine file, and update."
        case .breakerOpen:
            "It closes by itself when the service answers; the last error says what it answered."
        case .undelivered:
            "Nothing is lost: the records are on disk. Look at the sink's last error: permissions, "
                + "bucket or stream, network, throttling. Of fan-out: does the sink that is named run?"
        case .spoolFull:
            "The sink will stop reading when it is full. Mend the delivery, or raise --spool-max."
        case .diskFull:
            "Free room on the disk of the state directory. Nothing in it may be deleted by hand."
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
            "It is tried again, slower. If it stays: --weight-limit, more shards, or fewer "
                + "programs at the same address."
        case .claimsNotShared:
            "Nothing is lost. dedup's log says why: the server is away, refuses the password, or takes "
                + "no writes. It is asked again by itself."
        case .metricsRefused: "Fewer symbols in one process, or two processes."
        case .nameTaken: "Give each process a name of its own with --instance."
        case .stagesUnseen: "Run healthd once for each stats directory, with fewer stages in it."
        }
    }
}
