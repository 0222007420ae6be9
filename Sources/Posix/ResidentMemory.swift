import CLinux
import Glibc

/// How much of the machine's memory this process holds on to.
public enum ResidentMemory {
    /// Gives back the pages of the program and its libraries that are there since it started.
    ///
    /// A program with a static Swift library and libcurl's thirty libraries touches some 15 MB of
    /// them before it does anything, for relocations, look-ups of symbols and initialisers, and
    /// half of that never again. What is needed later comes back from the page cache. Mappings into
    /// which the linker has written are left alone: they have pages of their own, in memory or in
    /// swap (proc_pid_smaps(5)).
    public static func dropStartupPages() {
        guard let bytes = try? Files.read("/proc/self/smaps", limit: 4 << 20) else { return }
        var mapping: Range<UInt>?
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard let first = fields.first else { continue }
            if first.last != UInt8(ascii: ":") {
                mapping = readOnlyFile(fields)
            } else if first.elementsEqual("Anonymous:".utf8) || first.elementsEqual("Swap:".utf8) {
                if fields.dropFirst().first?.elementsEqual("0".utf8) != true { mapping = nil }
            } else if first.elementsEqual("VmFlags:".utf8), let mapping {
                // The last line of a mapping.
                _ = madvise(
                    UnsafeMutableRawPointer(bitPattern: mapping.lowerBound), mapping.count,
                    MADV_DONTNEED)
            }
        }
    }

    /// The addresses of a mapping such as
    /// `55e0c0a00000-55e0c0b00000 r-xp 00000000 fe:01 1234    /path`; nil for one that may be
    /// written, or is no file's.
    private static func readOnlyFile(_ fields: [ArraySlice<UInt8>]) -> Range<UInt>? {
        guard fields.count == 6, fields[5].contains(UInt8(ascii: "/")),
            fields[1].first == UInt8(ascii: "r"), !fields[1].contains(UInt8(ascii: "w"))
        else { return nil }
        let ends = fields[0].split(separator: UInt8(ascii: "-")).compactMap {
            UInt(String(decoding: $0, as: UTF8.self), radix: 16)
        }
        return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
    }

    /// Makes blocks from 128 KiB on mappings of their own permanently, which go back to the system
    /// when they are freed.
    ///
    /// Else the allocator takes the first such block that is freed as a sign to keep all of that
    /// size (mallopt(3), M_MMAP_THRESHOLD): for a program that makes a long text each second and
    /// little else, that is most of its memory.
    public static func returnLargeBlocks() {
        _ = mallopt(M_MMAP_THRESHOLD, 128 << 10)
    }
}
