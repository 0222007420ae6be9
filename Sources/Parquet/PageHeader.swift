/// The head of a page, from a file of anybody.
struct PageHeader {
    var type: Int32 = -1
    var length: Int32 = -1
    var storedLength: Int32 = -1
    var checksum: UInt32?
    var values: Int32 = -1
    var encoding: Int32 = -1
    var levelEncoding: Int32 = 3

    /// - Parameter reader: at the header's first byte; it is behind its last one then.
    init(reading reader: inout ThriftReader) throws(ParquetError) {
        var header = Self()
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 1: header.type = try reader.int32(field)
            case 2: header.length = try reader.int32(field)
            case 3: header.storedLength = try reader.int32(field)
            case 4: header.checksum = UInt32(bitPattern: try reader.int32(field))
            case 5, 7:
                try reader.require(field, .structure)
                try reader.structure { (reader, field) throws(ParquetError) in
                    switch field.id {
                    case 1: header.values = try reader.int32(field)
                    case 2: header.encoding = try reader.int32(field)
                    case 3 where field.type == ThriftReader.Kind.int32.rawValue:
                        header.levelEncoding = try reader.int32(field)
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        self = header
    }

    private init() {}
}
