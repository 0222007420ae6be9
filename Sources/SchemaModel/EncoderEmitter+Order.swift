// What keeps an encoder's message whole: elements go in order, and those not yet written are empty.

extension EncoderEmitter {
    func skip(_ body: Body, _ out: inout CodePrinter) {
        out.line("")
        out.line("@inlinable @inline(__always) @_lifetime(self: copy self)")
        out.block("mutating func sbeSkip(to step: Int)") { out in
            out.line("precondition(sbeStep <= step, \"groups and data go in the schema's order\")")
            for (index, length) in body.emptyLengths.enumerated().dropLast() {
                out.line("if sbeStep <= \(index), step > \(index) { sbeEnd += \(length) }")
            }
            out.line("sbeStep = step")
        }
    }

    func finish(_ body: Body, _ out: inout CodePrinter) {
        out.line("")
        out.line("@inlinable @inline(__always) @_lifetime(self: copy self)")
        out.block("mutating func sbeFinish(_ step: Int)") { out in
            out.line("var end = sbeEnd")
            for (index, group) in body.groups.enumerated() {
                out.block("if step <= \(index)") { out in
                    dimensions(group, count: "0", at: "end", &out)
                    out.line("end += \(group.dimension.length)")
                }
            }
            for (index, data) in body.data.enumerated() {
                let length = data.primitive.length
                out.block("if step <= \(body.groups.count + index)") { out in
                    out.line("unsafe sbeBytes.zero(end, length: \(length))", "end += \(length)")
                }
            }
            out.line("sbeTail = end - sbeEnd", "sbeStep = step")
        }
    }
}
