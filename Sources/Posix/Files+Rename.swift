import CLinux
import Glibc

extension Files {
    /// Gives a file another name, unless that is taken (renameat2(2) with `RENAME_NOREPLACE`).
    ///
    /// - Returns: false when `target` exists; nil where the file system cannot do that.
    public static func renameIfAbsent(
        _ source: String, to target: String
    ) throws(SystemError) -> Bool? {
        if clinux_rename_if_absent(source, target) == 0 {
            FileRecorder.note(target) { .rename(from: source, to: target) }
            return true
        }
        switch errno {
        case EEXIST: return false
        case EINVAL, ENOSYS: return nil
        default: throw SystemError("rename \(source) to", target)
        }
    }
}
