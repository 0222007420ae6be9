import SBE

/// What generated decoders of odd.xml find, listed in ``SchemaWalker``'s form.
enum OddValues {
    static func everything(_ bytes: [UInt8]) throws -> [String] {
        let found = try Odd.EverythingDecoder(bytes.span.bytes)
        let samples = (0..<3).map { "\(found.samples[$0])" }.joined(separator: ",")
        let quote = found.quote
        let city = (0..<3).map { quote.origin.city[$0] }
        let price = "(\(quote.price.mantissa),\(words(quote.price.exponent)))"
        let origin = "(\(hex(city)),\(quote.origin.zone.rawValue))"
        return [
            "Count=\(found.count)", "gap=\(found.gap)", "ratio=\(found.ratio)",
            "part=\(words(found.part))", "maybe=\(words(found.maybe))",
            "tag=\(hex(array(found.tag)))", "samples=[\(samples)]", "wide=\(found.wide)",
            "wideMaybe=\(words(found.wideMaybe))",
            "quote=(\(price),\(quote.side.rawValue),\(origin))",
            "switches=\(found.switches.rawValue)", "side=\(words(found.side?.rawValue))",
            "yes=\(found.yes)", "perhaps=\(words(found.perhaps))", "letter=\(found.letter)",
            "class=\(words(found.`class`))", "second=\(words(found.second))",
            "third=\(words(found.third?.rawValue))", "thirdTag=\(words(found.thirdTag))",
        ]
    }

    static func tree(_ bytes: [UInt8]) throws -> [String] {
        let tree = try Odd.TreeDecoder(bytes.span.bytes)
        var lines = ["root=\(tree.root)", "branches.count=\(tree.branches.count)"]
        var branches = tree.branches
        var index = 0
        while let branch = branches.next() {
            let path = "branches[\(index)]."
            index += 1
            lines += ["\(path)length=\(branch.length)", "\(path)twigs.count=\(branch.twigs.count)"]
            for at in 0..<branch.twigs.count {
                let twig = branch.twigs[at]
                let colour = if let bytes = twig.colour { hex(array(bytes)) } else { "nil" }
                lines += ["leaves=\(twig.leaves)", "colour=\(colour)"]
                    .map { "\(path)twigs[\(at)].\($0)" }
            }
            lines.append("\(path)nests.count=\(branch.nests.count)")
            var nests = branch.nests
            var nestIndex = 0
            while let nest = nests.next() {
                let path = "\(path)nests[\(nestIndex)]."
                nestIndex += 1
                lines.append("\(path)eggs.count=\(nest.eggs.count)")
                for at in 0..<nest.eggs.count {
                    lines.append("\(path)eggs[\(at)].weight=\(words(nest.eggs[at].weight))")
                }
                lines.append("\(path)bird=\(hex(array(nest.bird)))")
            }
            let bark = if let bytes = branch.bark { hex(array(bytes)) } else { "nil" }
            lines += ["\(path)name=\(hex(array(branch.name)))", "\(path)bark=\(bark)"]
        }
        lines.append("roots.count=\(tree.roots.count)")
        for at in 0..<tree.roots.count {
            lines.append("roots[\(at)].depth=\(tree.roots[at].depth)")
        }
        let finder = if let bytes = tree.finder { hex(array(bytes)) } else { "nil" }
        return lines + ["species=\(hex(array(tree.species)))", "finder=\(finder)"]
    }
}
