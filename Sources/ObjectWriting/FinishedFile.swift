/// A file that is to be an object.
package struct FinishedFile: Sendable {
    /// Below the destination.
    package let key: String
    /// Where its bytes are read from; they do not change.
    package let path: String
    /// The media type.
    package let contentType: String
    /// How many records are in it.
    package let records: Int64
    /// True for the first object of a partition when the ledger knew nothing of its sequence: then
    /// another object that has some of its ids is a conflict.
    package let isFirstOfUnknown: Bool
    /// True when the file may be moved to where the object is to be: nothing else needs it.
    package let mayMove: Bool

    /// Names a file.
    package init(
        key: String, path: String, contentType: String, records: Int64,
        isFirstOfUnknown: Bool = false, mayMove: Bool = false
    ) {
        self.key = key
        self.path = path
        self.contentType = contentType
        self.records = records
        self.isFirstOfUnknown = isFirstOfUnknown
        self.mayMove = mayMove
    }
}

/// What became of an object that was put.
package enum Placement: Sendable, Equatable {
    /// It is there now.
    case created
    /// The same bytes were there already.
    case existed
    /// Something else is there, which was left alone. What it is, and what ours is, for people.
    case conflicts(theirs: String, ours: String)
}
