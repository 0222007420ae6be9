#if FUZZ
    import Glibc

    /// libFuzzer's entry: the target is named by the variable FUZZ_TARGET.
    private let target: FuzzTarget = {
        let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
        guard let target = FuzzTarget.named(name) else {
            print("targets: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
            exit(64)
        }
        return target
    }()

    /// Gives one input to the target.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        target.run(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    }

    /// Writes the seeds of every target into DIRECTORY/TARGET, and their names to standard output.
    @_cdecl("LLVMFuzzerInitialize")
    public func initialize(
        _ count: UnsafeMutablePointer<CInt>?,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
    ) -> CInt {
        guard let directory = getenv("FUZZ_SEEDS") else { return 0 }
        for target in FuzzTarget.all {
            let folder = "\(String(cString: directory))/\(target.name)"
            mkdir(folder, 0o755)
            for (index, seed) in target.seeds.enumerated() {
                let file = open("\(folder)/seed-\(index)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
                _ = seed.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
                close(file)
            }
            print(target.name)
        }
        exit(0)
    }
#endif
