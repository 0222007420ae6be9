import Stats

/// How things are called for CloudWatch: the names of the service that this replaces, and ours.
enum PeriodNames {
    /// The names of the service that this replaces; they also have a sum over everything.
    static let reference: Set<String> = [
        "MessagesProcessed", "RecordsWrittenS3", "RecordsSentKinesis", "Errors",
        "SBEMessagesReceived", "SBEDecodeErrors", "KinesisTotalRecords", "KinesisFailedRecords",
        "KinesisBatchesSent", "S3FilesWritten", "S3RecordsWritten", "S3BytesWritten",
    ]

    /// What a stage's counter counts into.
    static func counts(stage: String, metric: String) -> [String] {
        own(metric) + old(stage, metric)
    }

    private static func own(_ metric: String) -> [String] {
        switch metric {
        case FigureName.recordsIn: ["RecordsIn"]
        case FigureName.recordsOut: ["RecordsOut"]
        case FigureName.bytesIn: ["BytesIn"]
        case FigureName.bytesOut: ["BytesOut"]
        case FigureName.duplicates: ["Duplicates"]
        case FigureName.gapRecordsOut: ["Gaps"]
        case FigureName.recordsQuarantined: ["Quarantined", "Errors"]
        case FigureName.decodeErrors, FigureName.requestRetries, FigureName.retries: ["Errors"]
        default: []
        }
    }

    private static func old(_ stage: String, _ metric: String) -> [String] {
        switch (stage, metric) {
        case ("sbe-tap", FigureName.recordsOut), ("rest-pull", FigureName.recordsOut):
            ["MessagesProcessed"]
        case ("sbe-tap", FigureName.messages): ["SBEMessagesReceived"]
        case ("sbe-tap", FigureName.decodeErrors), ("sbe-tap", FigureName.recordsQuarantined):
            ["SBEDecodeErrors"]
        case ("s3-put", FigureName.recordsOut): ["RecordsWrittenS3", "S3RecordsWritten"]
        case ("s3-put", FigureName.objectsOut): ["S3FilesWritten"]
        case ("s3-put", FigureName.bytesOut): ["S3BytesWritten"]
        case ("kinesis-put", FigureName.recordsOut): ["RecordsSentKinesis", "KinesisTotalRecords"]
        case ("kinesis-put", FigureName.failedEntries):
            ["KinesisFailedRecords", "KinesisTotalRecords"]
        case ("kinesis-put", FigureName.requests): ["KinesisBatchesSent"]
        default: []
        }
    }

    /// What a stage's histogram is called; nil for those that are not exported.
    static func durations(_ metric: String) -> String? {
        switch metric {
        case FigureName.outputDelay, FigureName.acknowledgementDelay: "ProcessingDelay"
        case FigureName.eventDelay: "EventDelay"
        case FigureName.requestDuration: "RequestDuration"
        default: nil
        }
    }
}
