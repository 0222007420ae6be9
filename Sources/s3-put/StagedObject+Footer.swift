import ObjectWriting

extension StagedObject {
    /// What a Parquet file says of itself.
    var footer: [(key: String, value: String)] {
        ObjectFooter.pairs(
            booking.sequence, records: booking.records, held: booking.held, run: booking.run)
    }
}
