import NIOCore

extension Router {
    /// The page for browsers.
    var document: Response {
        guard let page = latest.page else { return .error(503, "no overview yet") }
        let nonce = Self.nonce()
        return Response(
            contentType: "text/html; charset=utf-8",
            body: ByteBuffer(string: page.document(nonce: nonce)),
            headers: [
                // Nothing but this document's own script and style, and no way to send anything
                // elsewhere, should a stage's text ever become markup.
                "Content-Security-Policy": "default-src 'none'; script-src 'nonce-\(nonce)'; "
                    + "style-src 'nonce-\(nonce)'; img-src data:; connect-src 'self'; "
                    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                "Referrer-Policy": "no-referrer", "Vary": "Accept",
            ])
    }

    /// The page's parts as server-sent events: all now, then those that change.
    var events: Response {
        guard let page = latest.page else { return .error(503, "no overview yet") }
        return Response(
            contentType: "text/event-stream",
            body: ByteBuffer(string: "retry: 2000\n\n" + Self.text(page.sections)),
            headers: ["X-Accel-Buffering": "no"], isLive: true)
    }

    /// Sections as events (HTML Living Standard, section 9.2.6); their HTML has no line ends.
    static func text(_ sections: [Page.Section]) -> String {
        sections.reduce(into: "") { text, section in
            text += "event: \(section.id)\ndata: \(section.html)\n\n"
        }
    }

    /// 128 random bits.
    private static func nonce() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
    }
}
