import ArgumentParser
import Configuration
import Stage

/// The options that only matter with an s3:// destination.
package struct BucketFlags: ParsableArguments {
    @Option(SettingCatalog.multipartThreshold) var multipartThreshold: Int?
    @Option(SettingCatalog.partBytes) var partBytes: Int?
    @Option(SettingCatalog.parallelParts) var parallelParts: Int?
    @Option(SettingCatalog.checksum) var checksum: ChecksumName?
    @Option(SettingCatalog.conditionalWrites) var conditionalWrites: ConditionalWritesName?
    @Option(SettingCatalog.encryption) var encryption: EncryptionName?
    @Option(SettingCatalog.kmsKeyID) var kmsKeyID: String?
    @Option(SettingCatalog.bucketKey) var bucketKey: Bool?
    @Option(SettingCatalog.storageClass) var storageClass: String?
    @Option(SettingCatalog.tags) var tags: [String]?
    @Option(SettingCatalog.bucketOwner) var bucketOwner: String?
    @Option(SettingCatalog.addressing) var addressing: AddressingName?
    @Option(SettingCatalog.uploadStallTimeout) var stallTimeout: Double?
    @Option(SettingCatalog.abandonedUploads) var abandonedUploads: Double?
    @Option(SettingCatalog.awsMaxAttempts) var maxAttempts: Int?
    @Option(SettingCatalog.circuitFailures) var circuitFailures: Int?
    @Option(SettingCatalog.circuitCoolDown) var circuitCoolDown: Double?

    /// For ArgumentParser.
    package init() {}
}
