/// The ids and times of a record that needs a closer look.
struct OrderedRecord {
    let place: Int
    let first: Int64
    let last: Int64
    /// µs.
    let eventTime: Int64
    /// When it was received, ns.
    let time: Int64
}
