package import AWS
import ArgumentParser
package import Configuration
import Posix
import Stage
package import StageAWS

/// How S3 is reached, and as whom. Holds secrets: never part of a message.
package struct S3Access: Sendable {
    /// Where it is, and what is sent along.
    package let location: ServiceLocation
    let storage: ObjectStorage
    /// As whom.
    package let credentials: ConfiguredCredentials
    let checksum: Checksum
    /// How a store is asked not to replace an object.
    package let conditionalWrites: ConditionalWrites
    let multipartThreshold: Int
    let partBytes: Int
    let parallelParts: Int
    let bucketOwner: String?
    let usesPathStyle: Bool?
    let stallTimeout: Double
    /// Age of an upload that is aborted at the start, seconds; 0 for never.
    package let abandonedUploads: Double
    let maxAttempts: Int
    let circuitFailures: Int
    let circuitCoolDown: Double

    /// Asks the settings.
    package init(
        _ options: BucketFlags, region: String?, endpoint: String?, _ settings: inout Settings
    ) throws {
        location = try ServiceLocation(
            "s3", environment: AWS.Environment(&settings), region: region, endpoint: endpoint)
        settings.settle(SettingCatalog.region, as: location.region)
        storage = try Self.storage(options, &settings)
        credentials = try ConfiguredCredentials(region: location.region, &settings)
        checksum =
            switch try settings.value(SettingCatalog.checksum, options.checksum) {
            case .crc32c: .crc32c
            case .md5: .md5
            case .none: .none
            }
        conditionalWrites =
            switch try settings.value(SettingCatalog.conditionalWrites, options.conditionalWrites) {
            case .header: .header
            case .head: .head
            }
        multipartThreshold = try settings.value(
            SettingCatalog.multipartThreshold, options.multipartThreshold)
        partBytes = try settings.value(SettingCatalog.partBytes, options.partBytes)
        parallelParts = try settings.value(SettingCatalog.parallelParts, options.parallelParts)
        bucketOwner = try settings.optional(SettingCatalog.bucketOwner, options.bucketOwner)
        usesPathStyle =
            switch try settings.value(SettingCatalog.addressing, options.addressing) {
            case .auto: nil
            case .path: true
            case .virtual: false
            }
        stallTimeout = try settings.value(SettingCatalog.uploadStallTimeout, options.stallTimeout)
        abandonedUploads = try settings.value(
            SettingCatalog.abandonedUploads, options.abandonedUploads)
        maxAttempts = try settings.value(SettingCatalog.awsMaxAttempts, options.maxAttempts)
        circuitFailures = try settings.value(
            SettingCatalog.circuitFailures, options.circuitFailures)
        circuitCoolDown = try settings.value(
            SettingCatalog.circuitCoolDown, options.circuitCoolDown)
    }

    private static func storage(
        _ options: BucketFlags, _ settings: inout Settings
    ) throws -> ObjectStorage {
        var storage = ObjectStorage()
        storage.encryption = try settings.optional(SettingCatalog.encryption, options.encryption)?
            .rawValue
        storage.keyID = try settings.optional(SettingCatalog.kmsKeyID, options.kmsKeyID)
        storage.usesBucketKey = try settings.value(SettingCatalog.bucketKey, options.bucketKey)
        storage.storageClass = try settings.optional(
            SettingCatalog.storageClass, options.storageClass)
        for tag in try settings.optional(SettingCatalog.tags, options.tags) ?? [] {
            let parts = tag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            storage.tags.append((name: String(parts[0]), value: String(parts[1])))
        }
        let usesKMS = storage.encryption?.hasPrefix("aws:kms") == true
        guard usesKMS || storage.keyID == nil && !storage.usesBucketKey else {
            throw StageFailure(
                .usage, "a KMS key and a bucket key need --sse aws:kms or aws:kms:dsse")
        }
        return storage
    }

    /// For the client, on the thread that will use it.
    package func configuration() -> S3Configuration {
        var configuration = S3Configuration(location)
        configuration.storage = storage
        configuration.checksum = checksum
        configuration.conditionalWrites = conditionalWrites
        configuration.multipartThreshold = Int64(multipartThreshold)
        configuration.partLength = Int64(partBytes)
        configuration.parallelParts = parallelParts
        configuration.expectedBucketOwner = bucketOwner
        configuration.usesPathStyle = usesPathStyle
        configuration.stallTimeout = stallTimeout
        configuration.policy.attempts = maxAttempts
        configuration.policy.circuitFailures = circuitFailures
        configuration.policy.circuitCoolDown = circuitCoolDown
        return configuration
    }
}

extension S3Access: CustomStringConvertible {
    /// Without secrets.
    package var description: String { "S3 in \(location.region)" }
}
