import Monitoring
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

    /// What each code of a problem means and what to do: as JSON.
    static var reasons: Response {
        .json(
            .object([
                (
                    "reasons",
                    .array(
                        Problem.Code.allCases.map { code in
                            .object([
                                ("code", .string(code.rawValue)),
                                ("unhealthy", .bool(code.isUnhealthy)),
                                ("meaning", .string(code.meaning)),
                                ("advice", .string(code.advice)),
                            ])
                        })
                )
            ]))
    }

    /// The same for browsers; the page's codes are links to its parts.
    var reasonsDocument: Response {
        let nonce = Self.nonce()
        let parts = HTML(
            Problem.Code.allCases.map { code -> HTML in
                """
                <section id="\(code.rawValue)"><h2><code>\(code.rawValue)</code></h2>\
                <p>\(code.isUnhealthy ? "Unhealthy" : "A note"): \(code.meaning).</p>\
                <p>\(code.advice)</p></section>
                """
            })
        let html: HTML = """
            <!doctype html><html lang="en"><head><meta charset="utf-8">\
            <meta name="viewport" content="width=device-width, initial-scale=1">\
            <meta name="color-scheme" content="light dark"><title>What each code means</title>\
            <link rel="icon" href="data:,"><style nonce="\(nonce)">\
            body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:16px}\
            h2{font-size:1.05rem;margin:1.6rem 0 .2rem}p{margin:0}\
            section:target{outline:3px solid;outline-offset:8px;border-radius:4px}\
            </style></head><body><h1>What each code means</h1>\
            <p><a href="./">The pipelines of this host</a></p>\(parts)</body></html>
            """
        return Response(
            contentType: "text/html; charset=utf-8", body: ByteBuffer(string: html.text),
            headers: [
                "Content-Security-Policy": "default-src 'none'; style-src 'nonce-\(nonce)'; "
                    + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
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
