import Encoding

/// The outside of a text message: where its payload begins, and which stream it is of.
///
/// Combined messages are `{"stream":NAME,"data":PAYLOAD}`; a connection to a single stream gets the
/// bare payload. Members may come in any order.
struct JSONEnvelope {
    /// What a message is.
    enum Content {
        /// Market data of a stream.
        case data(JSONStream)
        /// Market data of a stream that is not known here.
        case foreign
        /// A stream's name, and nothing of it.
        case noData
        /// A reply to a request, an error, an announcement.
        case other
    }

    /// What it is.
    private(set) var content = Content.other
    /// The stream's name; nil for a bare payload.
    private(set) var name: Range<Int>?
    /// The payload's first byte.
    private(set) var payload = 0
    /// True while the members behind the payload have not been looked at.
    private(set) var isOpen = false

    /// Looks at a message, and moves the scanner to its payload.
    @_lifetime(scanner: copy scanner)
    init(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
        var data: Int?
        var event: Range<Int>?
        var isQuote = (u: false, bid: false, quantity: false)
        var hasUpdateID = false
        var isAnnouncement = false
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if key.count == 1 {
                switch scanner[key.lowerBound] {
                case UInt8(ascii: "e") where scanner.isAtString():
                    event = try scanner.string()
                    continue
                case UInt8(ascii: "u"): isQuote.u = true
                case UInt8(ascii: "b"): isQuote.bid = true
                case UInt8(ascii: "B"): isQuote.quantity = true
                default: break
                }
            } else if scanner.equals(key, "stream"), scanner.isAtString() {
                name = try scanner.string()
                isAnnouncement = name.map { scanner[$0.lowerBound] == UInt8(ascii: "!") } ?? false
                continue
            } else if scanner.equals(key, "data"), scanner.peek() == UInt8(ascii: "{") {
                data = scanner.position
                // The venue's own order: nothing has to be read twice.
                if name != nil {
                    isOpen = true
                    break
                }
            } else if scanner.equals(key, "lastUpdateId") {
                hasUpdateID = true
            }
            try scanner.skip()
        }
        if !isOpen { try scanner.end() }
        if let name {
            if isAnnouncement { return }
            guard let data else {
                content = .noData
                return
            }
            payload = data
            content = JSONStream(scanner, name).map { .data($0) } ?? .foreign
        } else if let event {
            content = JSONStream(event: event, scanner).map { .data($0) } ?? .other
        } else if isQuote == (true, true, true) {
            content = .data(.bookTicker)
        } else if hasUpdateID {
            // A partial book says neither whose nor how deep it is.
            content = .foreign
        }
        scanner = JSONScanner(scanner.bytes, from: payload)
    }

    /// Looks at what is behind the payload, so that a message which is cut short is not taken.
    @_lifetime(scanner: copy scanner)
    func close(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
        if isOpen {
            var isFirst = false
            while try scanner.more(&isFirst, until: UInt8(ascii: "}")) {
                _ = try scanner.key()
                try scanner.skip()
            }
        } else if name != nil {
            return
        }
        try scanner.end()
    }
}
