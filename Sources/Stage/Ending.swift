import Glibc
public import Posix

/// How a program ends after an error.
enum Ending: Equatable {
    /// The answer to a question is no: 1, with a word where there is one.
    case no(String)
    /// An error that its user has to hear of.
    case failure(ExitStatus, String)
    /// The reader of standard output has read enough: `| head`.
    ///
    /// A person who looks at text gets 0, as from rg. A source or filter dies of SIGPIPE as cat and
    /// sort do, which a shell sees as 141 and says nothing about. Under supervision no person has typed
    /// `head`: there a reader that is gone is a failure (docs/decisions/0040).
    case readerLeft(isForPeople: Bool)

    init(_ error: any Error, isService: Bool, isForPeople: Bool) {
        if !isService, let error = error as? SystemError, error.isClosedOutput {
            self = .readerLeft(isForPeople: isForPeople)
            return
        }
        let code = ExitStatus(for: error)
        self = code == .no ? .no("\(error)") : .failure(code, "\(error)")
    }

    /// The exit status; 128 + n for signal n.
    var status: Int32 {
        switch self {
        case .no: ExitStatus.no.rawValue
        case .failure(let code, _): code.rawValue
        case .readerLeft(let isForPeople): isForPeople ? 0 : 128 + SIGPIPE
        }
    }

    /// Says what there is to say and ends the process.
    func leave(_ log: Log) -> Never {
        log.endLimits()
        switch self {
        case .no(let words): if !words.isEmpty { log.warning(words) }
        case .failure(_, let words): log.error(words)
        case .readerLeft(let isForPeople): if !isForPeople { CurrentProcess.die(of: SIGPIPE) }
        }
        CurrentProcess.exit(status)
    }
}

extension SystemError {
    /// True when the reader of standard output is gone.
    public var isClosedOutput: Bool { code == EPIPE && subject == "standard output" }
}
