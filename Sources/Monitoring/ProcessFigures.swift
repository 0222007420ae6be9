import Glibc
import Posix
import Stats

/// What this process takes of its host, by the names that every exporter for Prometheus uses.
enum ProcessFigures {
    /// - Parameter startTime: ns since the epoch.
    static func add(startTime: Int64, to exposition: inout Exposition) {
        guard let process = ProcessStatus(of: getpid()) else { return }
        exposition.add(
            .counter, "process_cpu_seconds", "", .seconds(process.processorTime),
            help: "Processor time of healthd in seconds.")
        exposition.add(
            .gauge, "process_resident_memory_bytes", "", .integer(process.residentBytes),
            help: "Memory that healthd occupies.")
        exposition.add(
            .gauge, "process_start_time_seconds", "", .seconds(startTime),
            help: "When healthd started, since the epoch.")
        if let open = try? Files.list("/proc/self/fd").count {
            exposition.add(
                .gauge, "process_open_fds", "", .integer(Int64(open)),
                help: "Files that healthd has open.")
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            exposition.add(
                .gauge, "process_max_fds", "", .integer(Int64(clamping: limit.rlim_cur)),
                help: "Files that healthd may have open.")
        }
    }
}
