"""RFC 9110, 9111 and 3986: methods, fields, conditions, ranges, statuses."""
import re
from rows import (GREETED, GREETED_AND_ENDED, HELLO, IMF_DATE, MAY, MUST, SHOULD, SILENT, answer, bare, chunked, echoed, either, ended,
                  get, head, kept, post, refused)

LATER = "Fri, 01 Jan 2100 00:00:00 GMT"
SOONER = "Thu, 01 Jan 1970 00:00:01 GMT"
THING = b'{"name":"thing"}'
ALLOW = re.compile(r"\bGET\b")


def add(table):
    for part in (paths, dates, methods, options, expectations, connection_fields, content, negotiation, conditions, dated_conditions, ranges, statuses,
                 caching):
        part(table.row)


# ---- RFC 3986: paths ----

def paths(row):
    row("3986 2.3", MUST, "escapes of unreserved characters change nothing", get(path="/%68%65llo"), GREETED)
    row("3986 2.1", MUST, "the digits of an escape have no case", get(path="/hell%6F"), GREETED)
    row("3986 2.1", MUST, "the query is not the path's", get(path="/hello?%zz"), GREETED)
    for path in ("/%", "/%6", "/%zz", "/hello%2", "/%u0068ello"):
        row("3986 2.1", MUST, "a malformed escape in the path is 400: %s" % path, get(path=path), refused(), either(answer(404)))
    row("3986 2.1", MAY, "an escaped NUL: refused", get(path="/hello%00.txt"), refused(), either(answer(404)))
    for path in ("/%c0%ae%c0%ae/", "/%ff", "/%ed%a0%80"):
        row("3986 2.5", MAY, "a path is UTF-8: refused: %s" % path, get(path=path), refused(), either(answer(404)))
    row("3986 2.2", MAY, "an escaped slash is one for routes, as in Django", get(path="/state%2f1"), kept(answer(200)), either(answer(404, 400)), needs="state")
    row("3986 2.2", MUST, "an escaped question mark begins no query", get(path="/hello%3fa=1"), either(answer(404, 400)))
    for path in ("/../hello", "/../../../../etc/passwd", "/x/../../hello", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/..;/hello", "/\\..\\hello"):
        row("3986 5.2.4", MAY, "dot segments stay as they are, and are nobody's route: %s" % path, get(path=path), either(answer(404, 400)), either(answer(200, body=b"hello\n")),
            either(answer(403, 301, 302)))
    row("3986 3.3", MAY, "two slashes are not one", get(path="//hello"), either(answer(404)), GREETED, either(answer(301, 302, 400)))


# ---- dates ----

def dates(row):
    row("9110 6.6.1", MUST, "an origin server with a clock sends Date, as an IMF-fixdate", get(), kept(answer(200, date=IMF_DATE)))
    row("9110 6.6.1", MUST, "Date is sent with 4xx", get(path="/missing"), either(answer(404, date=IMF_DATE)))
    row("9110 6.6.1", MAY, "Date is sent with what the parser refuses", get("X A: b"), ended(answer(400, date=IMF_DATE)), refused())
    row("9110 6.6.1", MUST, "Date is sent to HTTP/1.0", bare("GET /hello HTTP/1.0"), ended(answer(200, date=IMF_DATE)))


# ---- 9 Methods ----

def methods(row):
    row("9110 9.1", SHOULD, "an unknown method is 501", head("BREW /hello"), either(answer(501)))
    row("9110 9.1", SHOULD, "an unknown method for a route that is not there is 501", head("BREW /missing"), either(answer(501)))
    row("9110 9.1", SHOULD, "a method that is not allowed here is 405", head("DELETE /hello"), either(answer(405)))
    row("9110 9.3.2", MUST, "HEAD has no body", head("HEAD /hello"), kept(answer(200)))
    row("9110 9.3.2", SHOULD, "HEAD has the header fields of GET", head("HEAD /hello"), kept(answer(200, content_type=True, content_length="6")),
        kept(answer(200, content_type=True)))
    row("9110 8.6", MUST, "the length of HEAD is that of GET", head("HEAD /large"), kept(answer(200, content_length="100000")), kept(answer(200, content_length=None)))
    row("9110 9.3.2", MUST, "HEAD of what is not there has no body", head("HEAD /missing"), either(answer(404)))
    row("9110 9.3.2", MUST, "HEAD of what is streamed has no body and no chunks", head("HEAD /stream"), kept(answer(200)), needs="app")
    row("9110 9.3.2", MUST, "HEAD may have a body, which is no request", head("HEAD /hello", "Content-Length: 5") + b"GET /", either(answer(200)),
        refused())
    row("9110 9.3.2", MUST, "HEAD that is refused has no body", head("HEAD /hello", "X A: b"), refused(), ended(answer(200)))
    row("9110 9.3.2", MUST, "HEAD whose version is refused has no body", bare("HEAD /hello HTTP/2.0", "Host: wire.example"), refused(505), refused(),
        either(answer(200)))
    row("9110 9.3.2", MUST, "HEAD whose body is too much has no body", head("HEAD /hello", "Content-Length: 5000000"), refused(413), SILENT, shut=True)
    row("9110 9.3.2", MUST, "HEAD of HTTP/1.0", bare("HEAD /hello HTTP/1.0"), ended(answer(200)))
    row("9110 9.3.3", MUST, "POST is not cached unless it says so", post("Content-Length: 1", body=b"x"), kept(answer(200, expires=None, age=None)),
        needs="echo")
    row("9110 9.3.6", MAY, "CONNECT is for proxies: 501", bare("CONNECT wire.example:80 HTTP/1.1", "Host: wire.example:80"), refused(501), either(answer(400, 405)))
    row("9110 9.3.6", MUST, "CONNECT without a port is refused", bare("CONNECT wire.example HTTP/1.1", "Host: wire.example"), refused(501), either(answer(400, 405)))
    row("9110 9.3.6", MUST, "CONNECT to no port is refused", bare("CONNECT wire.example: HTTP/1.1", "Host: wire.example"), refused(501), either(answer(400, 405)))
    row("9110 9.3.8", MAY, "TRACE sends nothing back: 501", head("TRACE /hello", "Cookie: secret=1"), refused(501), either(answer(405)))
    row("9110 9.3.8", MUST, "TRACE does not tell secrets", head("TRACE /hello", "X-A: \x41uthorised", "Cookie: secret=1", "Authorization: Basic c2VjcmV0"),
        either(answer(501, 405, 403, 200, 400, body=re.compile(rb"^(?!.*(c2VjcmV0|secret=1))", re.S))))
    row("9110 7.6.2", MUST, "TRACE that may go no further is answered here", head("TRACE /hello", "Max-Forwards: 0"), refused(501), either(answer(405)))


def options(row):
    allows = answer(200, 204, allow=ALLOW)
    row("9110 9.3.7", MUST, "OPTIONS * is about the server", bare("OPTIONS * HTTP/1.1", "Host: wire.example"), kept(answer(200, 204)), either(answer(405, 501)))
    row("9110 9.3.7", SHOULD, "OPTIONS * says what the server can", bare("OPTIONS * HTTP/1.1", "Host: wire.example"), kept(allows), kept(answer(200, 204)))
    row("9110 9.3.7", MUST, "OPTIONS * needs a Host", bare("OPTIONS * HTTP/1.1"), refused())
    row("9110 9.3.7", SHOULD, "OPTIONS tells the methods of a resource", head("OPTIONS /hello"), kept(allows), either(answer(405, 501)))
    row("9110 9.3.7", MUST, "OPTIONS without a body says so", head("OPTIONS /hello"), kept(answer(204, content_length=None)), kept(answer(200, content_length="0")),
        either(answer(405, 501)), kept(answer(200, body=re.compile(rb".", re.S))))
    row("9110 9.3.7", MUST, "OPTIONS may have a body", head("OPTIONS /hello", "Content-Type: text/plain", "Content-Length: 5") + b"GET /", either(answer(200, 204, 405, 501)))
    row("9110 7.6.2", MUST, "OPTIONS that may go no further is answered here", head("OPTIONS /hello", "Max-Forwards: 0"), kept(answer(200, 204)), either(answer(405, 501)))
    row("9110 7.6.2", MAY, "Max-Forwards of other methods is ignored", get("Max-Forwards: 0"), GREETED)
    row("9110 7.6.2", MAY, "so is a malformed one", get("Max-Forwards: -x"), GREETED)
    row("9110 9.3.7", MUST, "OPTIONS of absolute-form without a path", bare("OPTIONS http://wire.example HTTP/1.1", "Host: wire.example"), kept(answer(200, 204)),
        either(answer(405, 501)))


# ---- 10 Expect ----

def expectations(row):
    expect = "Expect: 100-continue"
    row("9110 10.1.1", MUST, "a client that waits is told 100, then answered", post("Content-Length: 5", expect), kept(echoed(b"hello"), interim=True),
        needs="echo", then=b"hello")
    row("9110 10.1.1", MUST, "so is one that will send chunks", chunked(b"", expect), kept(echoed(b"hello"), interim=True), needs="echo",
        then=b"5\r\nhello\r\n0\r\n\r\n")
    row("9110 10.1.1", MUST, "the expectation has no case", post("Content-Length: 5", "Expect: 100-Continue"), kept(echoed(b"hello"), interim=True),
        needs="echo", then=b"hello")
    row("9110 10.1.1", MAY, "a client that sends already may be told nothing", post("Content-Length: 5", expect, body=b"hello"), kept(echoed(b"hello"), interim=None),
        needs="echo")
    row("9110 10.1.1", MAY, "without a body there is nothing to go on with", get(expect), kept(HELLO, interim=False), kept(HELLO, interim=True))
    row("9110 10.1.1", MUST, "HTTP/1.0 has no expectations", bare("POST /echo HTTP/1.0", "Host: wire.example", "Content-Length: 5", expect) + b"hello",
        ended(echoed(b"hello")), needs="echo")
    row("9110 10.1.1", MAY, "other expectations are 417", get("Expect: 200-ok"), refused(417), GREETED)
    row("9110 10.1.1", MAY, "100-continue among others is 417", get("Expect: 100-continue, x"), refused(417), either(HELLO, interim=None))
    row("9110 10.1.1", MUST, "a final status instead of 100: the length is too much", post("Content-Length: 5000000", expect), refused(413),
        either(answer(405, 413)), shut=True)
    row("9110 10.1.1", MUST, "a final status instead of 100: the framing is faulty", post("Content-Length: 5", "Transfer-Encoding: chunked", expect), refused(),
        SILENT, ended(interim=True), ended(answer(400), interim=True), shut=True)
    row("9110 10.1.1", MUST, "what is pipelined behind a body that was waited for", post("Content-Length: 5", expect),
        kept(echoed(b"hello"), HELLO, interim=True), needs="echo", then=b"hello" + get())


# ---- 7 Fields for one connection ----

def connection_fields(row):
    row("9110 7.8", MAY, "Upgrade is ignored: to something unknown", get("Connection: upgrade", "Upgrade: something/9"), GREETED)
    row("9110 7.8", MAY, "Upgrade is ignored: to HTTP/2 in the clear",
        get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), GREETED, either(answer(101)), needs="h1")
    row("9110 7.8", MAY, "Upgrade is ignored: to WebSocket, where none is spoken",
        get("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), GREETED)
    row("9110 7.8", MUST, "Upgrade in HTTP/1.0 is ignored", bare("GET /hello HTTP/1.0", "Host: wire.example", "Connection: upgrade", "Upgrade: h2c"), GREETED_AND_ENDED)
    row("9110 7.8", MUST, "Upgrade with a body: the body is read as HTTP/1.1",
        post("Connection: upgrade", "Upgrade: h2c", "Content-Length: 5", body=b"hello"), kept(echoed(b"hello")), needs="echo")
    row("9110 7.6.1", MUST, "Connection may name any field; an origin reads it all the same", post("Connection: Content-Length", "Content-Length: 5", body=b"hello"),
        kept(echoed(b"hello")), needs="echo")
    row("9110 7.6.1", MUST, "Connection may name fields that are not there", get("Connection: x-a, host"), GREETED)
    row("9110 7.6.3", MUST, "Via is for loops and changes nothing", get("Via: 1.0 fred, 1.1 p.example"), GREETED)
    row("9110 10.1.4", MUST, "TE asks for codings of the answer, which may have none", get("Connection: TE", "TE: trailers, deflate;q=0.5"), GREETED)
    row("9110 6.6.2", MUST, "Trailer without chunks is ignored", get("Trailer: X-A"), GREETED)
    row("9110 10.1.2", MUST, "From, Referer and User-Agent may be anything", get("From: x@y", "Referer: http://u:p@h/#f", "User-Agent: (((" ), GREETED)


# ---- 8 Content, 6 lengths of answers ----

def content(row):
    row("9112 6.1", MUST, "a body of unknown length is chunked, and has no length", get(path="/stream"),
        kept(answer(200, body=b"hello\n", transfer_encoding="chunked", content_length=None)), needs="app")
    row("9112 6.1", MUST, "HTTP/1.0 gets no chunks, and the end of the connection", bare("GET /stream HTTP/1.0", "Host: wire.example"),
        ended(answer(200, body=b"hello\n", transfer_encoding=None)), needs="app")
    row("9112 6.1", MUST, "nor with keep-alive", bare("GET /stream HTTP/1.0", "Host: wire.example", "Connection: keep-alive"),
        ended(answer(200, body=b"hello\n", transfer_encoding=None)), kept(answer(200, body=b"hello\n", transfer_encoding=None, content_length="6")), needs="app")
    row("9110 8.6", MUST, "204 has neither length nor coding", get(path="/empty"), kept(answer(204, body=b"", content_length=None, transfer_encoding=None)), needs="app")
    row("9110 15.3.5", MUST, "204 has no body for HEAD either", head("HEAD /empty"), kept(answer(204, content_length=None, transfer_encoding=None)), needs="app")
    row("9110 15.3.6", MUST, "205 has no content", get(path="/reset"), kept(answer(205, body=b"")), needs="app")
    row("9110 8.3", SHOULD, "content has a type", get(), kept(answer(200, content_type=re.compile("^text/plain"))))
    row("9110 8.6", SHOULD, "content of known length has a length", get(), kept(answer(200, content_length="6")), kept(answer(200, transfer_encoding="chunked")))
    row("9110 8.6", MUST, "a large body has its length", get(path="/large"), kept(answer(200, body=b"L" * 100000, content_length="100000")))
    row("9110 8.3", MUST, "a body needs no type", post("Content-Length: 1", body=b"x"), kept(echoed(b"x")), needs="echo")
    row("9110 15.5.16", SHOULD, "a type that is not read is 415, with what is", head("PUT /state/1", "Content-Type: text/csv", "Content-Length: 1") + b"x",
        kept(answer(415, accept=re.compile("application/json"))), kept(answer(415)), needs="view")
    row("9110 8.4", MAY, "a coding of the content that is not read is 415", head("PUT /state/1", "Content-Type: application/json", "Content-Encoding: gzip",
                                                                              "Content-Length: %d" % len(THING)) + THING,
        kept(answer(415)), kept(answer(200, 400)), needs="view")
    row("9110 12.5.3", SHOULD, "415 for a coding says which are read", head("PUT /state/1", "Content-Type: application/json", "Content-Encoding: br",
                                                                           "Content-Length: %d" % len(THING)) + THING,
        kept(answer(415, accept_encoding=True)), needs="view")
    row("9110 8.4", MAY, "identity is no coding", head("PUT /state/1", "Content-Type: application/json", "Content-Encoding: identity",
                                                     "Content-Length: %d" % len(THING)) + THING, kept(answer(200)), kept(answer(415)), needs="view")


def negotiation(row):
    row("9110 12.5.1", MAY, "what no format fits is 406", get("Accept: image/png", path="/state/1"), kept(answer(406)), kept(answer(200)), needs="view")
    row("9110 12.5.1", MUST, "q=0 is no acceptance", get("Accept: application/json;q=0", path="/state/1"), kept(answer(406)), kept(answer(200)), needs="view")
    row("9110 12.5.1", MUST, "a range of types fits", get("Accept: text/xml, application/*;q=0.1", path="/state/1"), kept(answer(200, content_type="application/json")),
        needs="view")
    row("9110 12.5.1", MUST, "no Accept is any", get(path="/state/1"), kept(answer(200, content_type="application/json")), needs="view")
    row("9110 12.5.1", MAY, "Accept means nothing where there is one format", get("Accept: image/png"), GREETED, kept(answer(406)))
    row("9110 12.5.3", MUST, "a coding that was not asked for is not sent", get("Accept-Encoding: identity"), kept(answer(200, body=b"hello\n", content_encoding=None)))
    row("9110 12.5.3", MUST, "codings may be asked for and not be sent", get("Accept-Encoding: br, gzip;q=0.5, *;q=0"), either(answer(200)))
    row("9110 12.5.3", MUST, "a coding of weight 0 is not sent", get("Accept-Encoding: *;q=0, zstd;q=0.000", path="/large"),
        kept(answer(200, body=b"L" * 100000, content_encoding=None)))
    row("9110 8.4", MUST, "content in a coding says so, and has its own length", get("Accept-Encoding: deflate, gzip;q=0.1", path="/wordy"),
        kept(answer(200, content_encoding="gzip", content_length=re.compile("^[0-9]{2,3}$"))), needs="coded")
    row("9110 12.5.3", SHOULD, "what depends on Accept-Encoding says so, coded or not", get(path="/wordy"),
        kept(answer(200, body=b"w" * 20000, content_encoding=None, vary=re.compile("Accept-Encoding"))), needs="coded")
    row("9110 9.3.2", MUST, "HEAD in a coding has the length of GET in it", head("HEAD /wordy", "Accept-Encoding: gzip"),
        kept(answer(200, content_encoding="gzip", content_length=re.compile("^[0-9]{2,3}$"))), needs="coded")
    row("9110 8.4", MUST, "pieces of unknown length in a coding say so", get("Accept-Encoding: gzip", path="/stream"),
        kept(answer(200, content_encoding="gzip", transfer_encoding="chunked", content_length=None)), needs="coded")
    row("9110 12.5.2", MUST, "Accept-Charset is no reason to refuse", get("Accept-Charset: klingon"), GREETED)
    row("9110 12.5.4", MAY, "Accept-Language is no reason to refuse", get("Accept-Language: tlh;q=1.0, *;q=0"), GREETED, kept(answer(406)))
    row("9110 12.5.5", SHOULD, "what depends on Accept says so", get(path="/state/1"), kept(answer(200, vary=re.compile("Accept"))), needs="view")
    row("9110 11.6.1", MUST, "401 says how to be known", get(path="/members"), either(answer(401, www_authenticate=re.compile("^[A-Za-z]+"))), needs="auth")
    row("9110 11.6.2", MUST, "bad credentials are 401", get("Authorization: Bearer nonsense", path="/members"), either(answer(401, www_authenticate=True)), needs="auth")


# ---- 13 Conditions ----

def conditions(row):
    def ask(text, want, *lines, level=MUST, section="13.1.2", method="GET", needs="state", body=b"", also=(), path="/state/1", pending=""):
        row("9110 " + section, level, text, head("%s %s" % (method, path), *lines) + body, want, *also, needs=needs, pending=pending)

    same, other = '@ETAG@', '"another"'
    unchanged = kept(answer(304, body=b"", transfer_encoding=None))
    given = kept(answer(200, body=re.compile(b".")))
    changed = kept(answer(412))
    ask("a representation has an ETag, a quoted one", kept(answer(200, etag=re.compile(r'^(W/)?"[^" ]+"$'))), section="8.8.3", level=SHOULD)
    ask("If-None-Match of this state is 304", unchanged, "If-None-Match: " + same)
    ask("so it is for HEAD", kept(answer(304)), "If-None-Match: " + same, method="HEAD")
    ask("304 tells the ETag", kept(answer(304, etag=True, date=IMF_DATE)), "If-None-Match: " + same, section="15.4.5")
    ask("304 tells no length but that of 200", kept(answer(304, content_length=None)), "If-None-Match: " + same, section="8.6", also=(kept(answer(304)),), level=SHOULD)
    ask("the comparison is weak", unchanged, "If-None-Match: W/@TAG@")
    ask("one of a list is enough", unchanged, 'If-None-Match: "a", W/"b", %s, "c"' % same)
    ask("a list on two lines is one", unchanged, "If-None-Match: " + other, "If-None-Match: " + same)
    ask("a comma in a tag is no end of it", given, 'If-None-Match: "a,@OPAQUE@,b"', section="8.8.3")
    ask("* is whatever there is", unchanged, "If-None-Match: *")
    ask("another state is given", given, "If-None-Match: " + other)
    ask("tags have their case", given, "If-None-Match: @SWAPPED@", section="8.8.3.2")
    ask("what is no tag is no match", given, "If-None-Match: @OPAQUE@", level=MAY, also=(kept(answer(304, 400)),))
    ask("a quote that is not closed is no match", given, 'If-None-Match: "@OPAQUE@', level=MAY, also=(kept(answer(304, 400)),))
    ask("If-Match of this state is answered", given, "If-Match: @STRONG@", section="13.1.1")
    ask("* of If-Match is whatever there is", given, "If-Match: *", section="13.1.1")
    ask("If-Match of another state is 412", changed, "If-Match: " + other, section="13.1.1")
    ask("the comparison is strong", changed, "If-Match: W/@TAG@", section="13.1.1")
    ask("If-Match goes for HEAD", kept(answer(412)), "If-Match: " + other, method="HEAD", section="13.1.1")
    ask("If-Match comes before If-None-Match: 412", changed, "If-None-Match: " + same, "If-Match: " + other, section="13.2.2")
    ask("If-Match holds, then If-None-Match: 304", unchanged, "If-None-Match: " + same, "If-Match: *", section="13.2.2")
    ask("If-Match holds: If-Unmodified-Since is not read", given, "If-Match: *", "If-Unmodified-Since: " + SOONER, section="13.2.2")
    ask("If-None-Match does not hold: If-Modified-Since is not read", given, "If-None-Match: " + other, "If-Modified-Since: " + LATER, section="13.1.3")
    ask("If-None-Match comes before If-Modified-Since", unchanged, "If-None-Match: " + same, "If-Modified-Since: " + SOONER, section="13.2.2")
    ask("conditions of what is not there: 404", either(answer(404)), "If-None-Match: *", path="/missing", section="13.2.1")
    ask("If-Match of what is not there is 404 or 412", either(answer(404)), "If-Match: *", path="/missing", section="13.2.1", also=(either(answer(412)),))
    ask("conditions of what is not allowed: 405", either(answer(405)), "If-Match: " + other, method="DELETE", path="/hello", section="13.2.1")
    ask("conditions are not read of OPTIONS", either(answer(200, 204, 405)), "If-Match: " + other, method="OPTIONS", section="13.2.1", level=MUST)
    put = ("Content-Type: application/json", "Content-Length: %d" % len(THING))
    for text, want, line in (("PUT if it is as it was", kept(answer(200)), "If-Match: @STRONG@"), ("PUT of another state is 412", changed, "If-Match: " + other),
                             ("PUT by a weak tag is 412", changed, "If-Match: W/@TAG@")):
        ask(text, want, line, *put, method="PUT", body=THING, needs="view", section="13.1.1")
    ask("PUT unless it is so: 412", changed, "If-None-Match: " + same, *put, method="PUT", body=THING, needs="view")
    ask("PUT only if there is none: 412", changed, "If-None-Match: *", *put, method="PUT", body=THING, needs="view")
    ask("a body behind a failed condition is read", kept(answer(412)), "If-Match: " + other, "Content-Type: application/json", "Content-Length: 400", method="PUT",
        body=b'{"name":"' + b"x" * 389 + b'"}', needs="view", section="13.2.1", level=MUST, also=(ended(answer(412)),))
    ask("malformed content is told before or behind its condition", either(answer(412, 400)), "If-Match: " + other, "Content-Type: application/json",
        "Content-Length: 1", method="PUT", body=b"{", needs="view", section="13.2.1", level=MAY)


def dated_conditions(row):
    def ask(text, want, *lines, level=MUST, section="13.1.3", method="GET", also=()):
        row("9110 " + section, level, text, head("%s /file.txt" % method, *lines), want, *also, needs="file")
    unchanged = kept(answer(304, body=b""))
    given, changed = kept(answer(200, body=re.compile(b"^0123456789"))), kept(answer(412))
    ask("a file tells when it was changed", kept(answer(200, last_modified=IMF_DATE)), section="8.8.2", level=SHOULD)
    ask("If-Modified-Since of that second is 304", unchanged, "If-Modified-Since: @DATE@")
    ask("If-Modified-Since later is 304", unchanged, "If-Modified-Since: Sat, 01 Jan 2022 00:00:00 GMT", also=(given,))
    ask("If-Modified-Since before is 200", given, "If-Modified-Since: " + SOONER)
    ask("so it goes for HEAD", kept(answer(304)), "If-Modified-Since: @DATE@", method="HEAD")
    ask("a date that is none is ignored", given, "If-Modified-Since: yesterday")
    ask("a date of RFC 850 is one", unchanged, "If-Modified-Since: @DATE850@", section="5.6.7")
    ask("a date of asctime is one", unchanged, "If-Modified-Since: @ASCTIME@", section="5.6.7")
    ask("If-Unmodified-Since of that second is given", given, "If-Unmodified-Since: @DATE@", section="13.1.4")
    ask("If-Unmodified-Since before is 412", changed, "If-Unmodified-Since: " + SOONER, section="13.1.4")
    ask("an If-Unmodified-Since that is none is ignored", given, "If-Unmodified-Since: 1", section="13.1.4")


# ---- 14 Ranges ----

def ranges(row):
    def ask(text, want, *lines, level=MAY, section="14.2", method="GET", also=(), ignored=True):
        whole = kept(answer(200, body=re.compile(b"^0123456789")) if method == "GET" else answer(200))
        row("9110 " + section, level, text, head("%s /file.txt" % method, *lines), want, *also, *((whole,) if ignored else ()), needs="file")

    def part(body, content_range):
        return kept(answer(206, body=body, content_range="bytes " + content_range, content_length=str(len(body))))
    whole = kept(answer(200, body=re.compile(b"^0123456789"), content_range=None))
    none = kept(answer(416, content_range="bytes */100"))
    ask("a file says that ranges may be asked for", kept(answer(200, accept_ranges="bytes")), section="14.3")
    ask("the first bytes", part(b"01234", "0-4/100"), "Range: bytes=0-4")
    ask("one byte", part(b"0", "0-0/100"), "Range: bytes=0-0")
    ask("bytes in the middle", part(b"5678", "45-48/100"), "Range: bytes=45-48")
    ask("from a byte on", part(b"56789", "95-99/100"), "Range: bytes=95-")
    ask("the last bytes", part(b"789", "97-99/100"), "Range: bytes=-3")
    ask("more last bytes than there are: all", part(b"0123456789" * 10, "0-99/100"), "Range: bytes=-1000")
    ask("an end behind the end is the end", part(b"89", "98-99/100"), "Range: bytes=98-100000")
    ask("numbers of 30 digits do not wrap", part(b"89", "98-99/100"), "Range: bytes=98-" + "9" * 30, also=(none,))
    ask("the unit has no case", part(b"0", "0-0/100"), "Range: Bytes=0-0")
    ask("several ranges are parts, or all of it", kept(answer(206, content_type=re.compile("^multipart/byteranges; ?boundary="))), "Range: bytes=0-1,5-6",
        section="15.3.7.2")
    ask("behind the end is 416, with the length", none, "Range: bytes=100-", section="15.5.17", level=SHOULD)
    ask("the last no bytes are 416", none, "Range: bytes=-0", section="15.5.17")
    ask("one of several that can be is enough", part(b"0", "0-0/100"), "Range: bytes=200-300,0-0", section="14.1.2",
        also=(kept(answer(206, content_type=re.compile("^multipart/byteranges"))),))
    for value in ("bytes=5-2", "bytes=", "bytes=a-b", "bytes=1", "bytes=--1", "bytes 0-1", "lines=0-1", "0-1", "bytes=0-1;2-3"):
        ask("what is no range is ignored: %s" % value, whole, "Range: " + value, also=(none,), level=MUST if value == "lines=0-1" else MAY)
    ask("a range of HEAD is ignored", kept(answer(200, content_range=None)), "Range: bytes=0-4", method="HEAD", level=MUST, ignored=False)
    ask("hundreds of ranges are not answered one by one", either(answer(200, 416)), "Range: bytes=" + ",".join("0-" for _ in range(300)), section="14.2",
        also=(either(answer(206, content_length=re.compile(r"^\d{1,3}$"))),), ignored=True, level=SHOULD)
    ask("If-Range of this state gives the part", part(b"01234", "0-4/100"), "Range: bytes=0-4", "If-Range: @FILETAG@", section="13.1.5")
    ask("If-Range of another state gives all", whole, "Range: bytes=0-4", 'If-Range: "another"', section="13.1.5", level=MUST, ignored=False)
    ask("a weak tag in If-Range gives all", whole, "Range: bytes=0-4", "If-Range: W/@FILETAG@", section="13.1.5", level=MUST, ignored=False)
    ask("If-Range of its date gives the part", part(b"01234", "0-4/100"), "Range: bytes=0-4", "If-Range: @DATE@", section="13.1.5")
    ask("If-Range of a later date gives all", whole, "Range: bytes=0-4", "If-Range: " + LATER, section="13.1.5", level=MUST, ignored=False)
    ask("If-Range without a range is ignored", whole, 'If-Range: "another"', section="13.1.5", level=MUST, ignored=False)
    ask("a condition comes before the range: 304", kept(answer(304)), "Range: bytes=0-4", "If-None-Match: @FILETAG@", section="13.2.2", level=MUST,
        ignored=False)
    ask("a condition comes before the range: 412", kept(answer(412)), "Range: bytes=0-4", 'If-Match: "another"', section="13.2.2", level=MUST, ignored=False)
    row("9110 14.2", MUST, "a range of POST is ignored", post("Range: bytes=0-1", "Content-Length: 5", body=b"hello"), kept(echoed(b"hello")), needs="echo")
    row("9110 14.2", MAY, "what a handler makes has no ranges", get("Range: bytes=0-1"), kept(answer(200, body=b"hello\n", content_range=None)), kept(answer(206)))
    row("9110 14.5", MUST, "Content-Range in a request that is no PUT means nothing", post("Content-Range: bytes 0-4/10", "Content-Length: 5", body=b"hello"),
        kept(echoed(b"hello")), needs="echo")


# ---- 15 Statuses ----

def statuses(row):
    row("9110 15.5.5", MUST, "what is not there is 404", get(path="/missing"), either(answer(404)))
    for method, path in (("DELETE", "/hello"), ("PUT", "/hello"), ("PATCH", "/hello"), ("POST", "/hello")):
        row("9110 15.5.6", MUST, "405 says what is allowed: %s" % method, head("%s %s" % (method, path), "Content-Length: 0"), either(answer(405, allow=ALLOW)),
            either(answer(200, 204, 501)))
    row("9110 15.5.6", MUST, "405 for GET says what is allowed", get(path="/echo"), either(answer(405, allow=re.compile("POST"))), needs="app")
    row("9110 15.5.22", MUST, "426 says to what", get(path="/upgrade"), kept(answer(426, upgrade="HTTP/3.0", connection=re.compile("upgrade", re.I))), needs="app")
    row("9110 10.2.2", MUST, "a redirect says where to", get(path="/hello/"), kept(answer(301, location=re.compile("/hello$"))), needs="slash")
    row("9110 10.2.4", MAY, "Server tells no version", get(), kept(answer(200, server=None)), kept(answer(200)))
    row("9110 15.5.5", MUST, "404 for HTTP/1.0 ends the connection", bare("GET /missing HTTP/1.0", "Host: wire.example"), ended(answer(404)))


def caching(row):
    row("9111 5.1", MUST, "an origin's answer has no Age", get(), kept(answer(200, age=None)))
    for value in ("no-cache", "no-store", "max-age=0", "only-if-cached", "\"nonsense"):
        row("9111 5.2", MUST, "Cache-Control of a request does not stop an origin: %s" % value, get("Cache-Control: " + value), GREETED)
    row("9111 5.4", MUST, "Pragma does not stop an origin", get("Pragma: no-cache"), GREETED)
    row("9111 4.3.4", SHOULD, "304 has the fields that 200 would have for a cache", get("If-None-Match: *", path="/state/1"),
        kept(answer(304, etag=True)), needs="state")
