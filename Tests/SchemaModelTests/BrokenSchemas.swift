import Testing

/// A schema with a mistake, and the words that tell it.
struct BrokenSchema: Sendable, CustomTestStringConvertible {
    let name: String
    /// Stands in line 9, inside `<types>`.
    var types = ""
    /// Stands in line 11.
    var message = "<message name='M' id='1'/>"
    let line: Int
    let reason: String

    var testDescription: String { name }

    var xml: String {
        """
        <messageSchema id="1" version="2">
        <types>
        <composite name="messageHeader">
        <type name="blockLength" primitiveType="uint16"/>
        <type name="templateId" primitiveType="uint16"/>
        <type name="schemaId" primitiveType="uint16"/>
        <type name="version" primitiveType="uint16"/>
        </composite>
        \(types)
        </types>
        \(message)
        </messageSchema>
        """
    }

    private static func type(_ name: String, _ xml: String, _ reason: String) -> BrokenSchema {
        BrokenSchema(name: name, types: xml, line: 9, reason: reason)
    }

    private static func message(
        _ name: String, _ content: String, types: String = "", _ reason: String
    ) -> BrokenSchema {
        BrokenSchema(
            name: name, types: types, message: "<message name='M' id='1'>\(content)</message>",
            line: 11, reason: reason)
    }

    static let table = [
        type(
            "unknown primitive", "<type name='a' primitiveType='int24'/>",
            "unknown primitive type int24"),
        type(
            "type twice",
            "<type name='a' primitiveType='int8'/><type name='a' primitiveType='int8'/>",
            "type a is already defined in line 9"),
        type("no name", "<type primitiveType='int8'/>", "<type> has no attribute name"),
        type(
            "composite in itself",
            "<composite name='a'><ref name='b' type='a'/></composite>", "type a contains itself"),
        type("empty composite", "<composite name='a'/>", "composite a is empty"),
        type(
            "overlap in a composite",
            "<composite name='a'><type name='b' primitiveType='int32'/>"
                + "<type name='c' primitiveType='int8' offset='3'/></composite>",
            "a.c has offset 3, but bytes up to 4 are taken"),
        type(
            "signed enum",
            "<enum name='a' encodingType='int8'><validValue name='b'>1</validValue></enum>",
            "encodingType int8 is not char or an unsigned integer"),
        type(
            "enum value out of range",
            "<enum name='a' encodingType='uint8'><validValue name='b'>256</validValue></enum>",
            "256 is not a uint8"),
        type(
            "enum value twice",
            "<enum name='a' encodingType='uint8'><validValue name='b'>1</validValue>"
                + "<validValue name='c'>1</validValue></enum>", "a.c repeats a name or a value"),
        type(
            "set bit out of range",
            "<set name='a' encodingType='uint8'><choice name='b'>8</choice></set>",
            "a.b: 8 is not a bit of a uint8"),
        type(
            "presence", "<type name='a' primitiveType='int8' presence='maybe'/>",
            "presence maybe is not required, optional or constant"),
        type(
            "constant without value",
            "<type name='a' primitiveType='int8' presence='constant'/>",
            "constant a has no value"),
        type(
            "constant of the wrong type",
            "<type name='a' primitiveType='int8' presence='constant'>300</type>",
            "constant a: 300 is not a int8"),
        type(
            "huge array", "<type name='a' primitiveType='int8' length='99999999'/>",
            "type a has 99999999 values, at most 65536"),
        type(
            "null value", "<type name='a' primitiveType='int8' nullValue='x'/>",
            "x is not a int8"),
        message(
            "unknown type", "<field name='a' id='1' type='price'/>", "unknown type price"),
        message(
            "fields overlap",
            "<field name='a' id='1' type='int64'/><field name='b' id='2' type='int8' offset='7'/>",
            "b has offset 7, but bytes up to 8 are taken"),
        message(
            "field twice",
            "<field name='a' id='1' type='int64'/><field name='a' id='2' type='int8'/>",
            "a is there twice"),
        message(
            "version from the future", "<field name='a' id='1' type='int8' sinceVersion='3'/>",
            "sinceVersion 3 is above the schema's 2"),
        message(
            "valueRef to nothing",
            "<field name='a' id='1' type='int8' presence='constant' valueRef='a.b'/>",
            "unknown type a"),
        message(
            "group without dimensions", "<group name='g' id='1'/>",
            "unknown type groupSizeEncoding"),
        message(
            "wrong dimensions", "<group name='g' id='1' dimensionType='d'/>",
            types: "<type name='d' primitiveType='int8'/>",
            "dimensionType d has no unsigned blockLength and numInGroup"),
        message(
            "wrong data", "<data name='g' id='1' type='d'/>",
            types: "<type name='d' primitiveType='int8'/>",
            "data type d is not (unsigned length, varData)"),
        message("unknown element", "<fld name='a'/>", "<fld> is not field, group or data"),
        BrokenSchema(
            name: "short block",
            message: "<message name='M' id='1' blockLength='7'>"
                + "<field name='a' id='1' type='int64'/></message>", line: 11,
            reason: "blockLength is 7, the fields take 8 bytes"),
        BrokenSchema(
            name: "message twice", message: "<message name='M' id='1'/><message name='N' id='1'/>",
            line: 11, reason: "message N repeats a name or an id"),
        BrokenSchema(
            name: "big id", message: "<message name='M' id='65536'/>", line: 11,
            reason: "<message> id=\"65536\" is not a number from 0 to 65535"),
    ]
}
