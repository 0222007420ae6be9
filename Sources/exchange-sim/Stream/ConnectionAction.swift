/// What can be done to a connection on command.
enum ConnectionAction: String, CaseIterable {
    /// Hangs up without a close frame.
    case cut
    /// The same in the middle of a frame.
    case tear
    /// Ends TCP with a reset.
    case reset
    /// Sends nothing from now on, and answers nothing; what falls due meanwhile is lost.
    case stall
    /// Ends a stall.
    case resume
    /// Closes in form.
    case close
    /// Says `serverShutdown`; the connection lives on until something else ends it.
    case shutdown
    /// The same in the form of combined JSON streams.
    case shutdownWrapped
    /// Sends a ping now.
    case ping
    /// Sends a text frame that is no JSON.
    case text
}
