import Glibc
import Stage

/// Standard output as a terminal that is drawn over again and again, or as a plain stream.
final class Terminal {
    /// True when lines may be drawn over.
    let isInteractive: Bool
    /// True when words may have colours (no-color.org).
    let hasColours: Bool
    private var keyboard: termios?

    init() {
        isInteractive = isatty(1) == 1 && Environment.all["TERM"] != "dumb"
        hasColours = isInteractive && (Environment.all["NO_COLOR"] ?? "").isEmpty
    }

    /// Columns and lines; of a plain stream `COLUMNS`, else 100, and no end of lines.
    var size: (columns: Int, lines: Int) {
        var window = winsize()
        if isInteractive, ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 {
            return (Int(window.ws_col), max(2, Int(window.ws_row)))
        }
        let columns = Environment.all["COLUMNS"].flatMap { Int($0) } ?? 100
        return (min(max(columns, 20), 1000), .max)
    }

    /// Changes to the second screen, without a cursor; keys come as they are struck.
    func enter() -> String {
        guard isInteractive else { return "" }
        var settings = termios()
        if isatty(0) == 1, tcgetattr(0, &settings) == 0 {
            keyboard = settings
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(0, TCSANOW, &settings)
        }
        return "\u{1B}[?1049h\u{1B}[?25l"
    }

    /// Undoes ``enter()``.
    func leave() -> String {
        guard isInteractive else { return "" }
        if var settings = keyboard { tcsetattr(0, TCSANOW, &settings) }
        return "\u{1B}[?25h\u{1B}[?1049l"
    }

    /// The lines as one picture: over the old one on a terminal, cut where it ends. The first line
    /// stays when the others are scrolled.
    ///
    /// - Parameter offset: lines that are scrolled past; becomes less where there are not so many.
    func picture(_ lines: [String], offset: inout Int) -> String {
        guard isInteractive else { return lines.joined(separator: "\n") + "\n\n" }
        let room = size.lines - 1
        var shown = lines
        // The first line and the last one, which says what is left out, stay.
        let most = max(0, lines.count - 1 - max(1, room - 2))
        offset = lines.count > room ? min(offset, most) : 0
        if lines.count > room {
            let part = lines.dropFirst(1 + offset).prefix(max(1, room - 2))
            let below = lines.count - 1 - offset - part.count
            let above = offset > 0 ? ", \(offset) above" : ""
            let status = "… \(below) lines more\(above); j k scroll, ? helps"
            shown = [lines[0]] + part + [String(status.prefix(size.columns))]
        }
        // Each line is cleared after its end, then what is below: nothing flickers.
        return "\u{1B}[H" + shown.map { $0 + "\u{1B}[K\r\n" }.joined() + "\u{1B}[J"
    }

    /// Keys that were struck since the last call; empty where none can be.
    func keys() -> [UInt8] {
        guard keyboard != nil else { return [] }
        var bytes = [UInt8](repeating: 0, count: 64)
        var watched = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, 0) > 0 else { return [] }
        let count = read(0, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    /// The descriptor that wakes when a key is struck; -1 where none can be.
    var keyDescriptor: Int32 { keyboard == nil ? -1 : 0 }
}
