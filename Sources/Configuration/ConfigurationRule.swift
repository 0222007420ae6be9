import Identity

/// What several settings have to agree on, and what of a single one shows only to the program that
/// makes something of it.
enum ConfigurationRule {
    typealias Rule = @Sendable (ConfigurationSources) -> String?

    /// All of them: each says what is wrong, or nothing.
    static let all: [Rule] = [
        pair(SettingCatalog.accessKeyID, SettingCatalog.secretAccessKey),
        pair(SettingCatalog.healthCertificate, SettingCatalog.healthKey),
        { sources in
            let uses =
                place(SettingCatalog.kmsKeyID, sources)
                ?? (text(SettingCatalog.bucketKey, sources).map { $0.lowercased() } == "true"
                    ? place(SettingCatalog.bucketKey, sources) : nil)
            guard let uses, text(SettingCatalog.encryption, sources)?.hasPrefix("aws:kms") != true
            else { return nil }
            return "\(uses): a KMS key and a bucket key need s3.server_side_encryption: aws:kms "
                + "or aws:kms:dsse"
        },
        { sources in
            guard let first = value(SettingCatalog.initialBackoff, sources),
                let longest = value(SettingCatalog.maxBackoff, sources), first > longest,
                let place = place(SettingCatalog.initialBackoff, sources)
                    ?? place(SettingCatalog.maxBackoff, sources)
            else { return nil }
            return
                "\(place): retry.initial_backoff_seconds is greater than retry.max_backoff_seconds"
        },
        judge(SettingCatalog.destination) { text in
            ["s3://", "file://"].contains { text.hasPrefix($0) && text.count > $0.count }
                ? nil : "\"\(text)\" is neither s3://BUCKET/PREFIX nor file:///DIRECTORY"
        },
        judge(SettingCatalog.symbols) { text in
            let symbols = SettingText.elements(text)
            if symbols.isEmpty { return "at least one symbol is needed" }
            if let bad = symbols.first(where: { SymbolName(forVenue: $0) == nil }) {
                return SymbolName.refusal(of: bad)
            }
            let names = symbols.map { $0.uppercased() }
            return Set(names).count == names.count ? nil : "a symbol is named twice"
        },
        judge(SettingCatalog.streams) { text in
            var kinds: Set<String> = []
            for word in SettingText.elements(text) {
                let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { return "\"\(word)\" is not KIND=NAME" }
                guard parts[0] == "*" || parts[0] == "other" || RecordKind(typed: parts[0]) != nil
                else { return "\"\(parts[0])\" is not a kind" }
                let name = RecordKind(typed: parts[0])?.name ?? parts[0]
                guard kinds.insert(name).inserted else {
                    return "two streams are given for \(name)"
                }
            }
            return nil
        },
        judge(SettingCatalog.healthListen) { text in
            guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") else { return nil }
            return UInt16(text[text.index(after: colon)...]) != nil
                ? nil : "\"\(text)\" is not ADDRESS:PORT"
        },
    ]

    /// Judges the text of one setting, where it has one.
    private static func judge<Value>(
        _ setting: Setting<Value>, _ judge: @escaping @Sendable (String) -> String?
    ) -> Rule {
        { sources in
            guard let found = try? sources.text(of: setting), let reason = judge(found.text)
            else { return nil }
            return "\(found.origin): \(setting.key): \(reason)"
        }
    }

    private static func pair(_ one: Setting<String>, _ other: Setting<String>) -> Rule {
        { sources in
            let (first, second) = (place(one, sources), place(other, sources))
            guard (first == nil) != (second == nil), let place = first ?? second else { return nil }
            let (set, missing) = first == nil ? (other, one) : (one, other)
            return "\(place): \(set.key) needs \(missing.key)"
        }
    }

    private static func text<Value>(
        _ setting: Setting<Value>, _ sources: ConfigurationSources
    ) -> String? {
        guard let found = try? sources.text(of: setting) else { return nil }
        return found.text
    }

    private static func place<Value>(
        _ setting: Setting<Value>, _ sources: ConfigurationSources
    ) -> String? {
        guard let found = try? sources.text(of: setting) else { return nil }
        return "\(found.origin)"
    }

    private static func value<Value>(
        _ setting: Setting<Value>, _ sources: ConfigurationSources
    ) -> Value? {
        (text(setting, sources) ?? setting.fallback).flatMap { try? setting.parse($0) }
    }
}
