import Synchronization

/// Whether this process was asked to end, for code that waits far below the stage: a name look-up, a
/// program that prints credentials.
///
/// Whoever delivers what was read goes on after it. Code that only asks something gives up instead.
public enum StopRequest {
    private static let watched = Atomic<Int32>(-1)

    /// Readable once the request came, and from then on; -1 where nothing watches for one.
    public static var descriptor: Int32 { watched.load(ordering: .relaxed) }

    /// True once the request came.
    public static var isMade: Bool { Descriptor.isReadable(descriptor) }

    /// Names the descriptor that shows the request.
    public static func watch(_ descriptor: Int32) {
        watched.store(descriptor, ordering: .relaxed)
    }
}
