extension StringProtocol {
    /// Without white space and line ends at both ends, as Unicode has them: for files that people write.
    public var trimmed: String { trimmed(of: \.isWhitespace) }

    /// Without the blanks and tabs at both ends that HTTP allows around the value of a field (RFC 9110,
    /// section 5.5).
    public var trimmedFieldValue: String { trimmed(of: { $0 == " " || $0 == "\t" }) }

    private func trimmed(of isEdge: (Character) -> Bool) -> String {
        guard let first = firstIndex(where: { !isEdge($0) }),
            let last = lastIndex(where: { !isEdge($0) })
        else { return "" }
        return String(self[first...last])
    }
}
