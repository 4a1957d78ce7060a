"""RFC 9112: lines, targets, fields, bodies, connections. Each row is a rule, the bytes, what we answer, and what else the rule permits."""
from rows import (CANARY, GREETED, GREETED_AND_ENDED, HELLO, HOST, MAY, MUST, SHOULD, SILENT, answer, bare, chunked, echoed,
                  either, ended, fields, get, head, kept, post, refused)

CLIENT_ERROR = (400, 413, 414, 431, 494)


def add(table):
    for part in (lines, empty_lines, versions, request_lines, targets, hosts, field_lines, lengths, codings, chunks, incomplete, connections):
        part(table.row)


# ---- 2 Message ----

def lines(row):
    row("9112 2.1", MUST, "a request line, fields, an empty line: the whole of a request without a body", get(), GREETED)
    row("9112 2.2", MAY, "lines may be ended by a bare LF: refused, as peers differ in it",
        b"GET /hello HTTP/1.1\nHost: wire.example\n\n", refused(), GREETED)
    row("9112 2.2", MAY, "a bare LF behind the request line alone: refused", b"GET /hello HTTP/1.1\n" + HOST + b"\r\n", refused(), GREETED)
    row("9112 2.2", MAY, "a bare LF behind one field line: refused", get(b"X-A: b\nX-C: d"), refused(), GREETED)
    row("9112 2.2", MAY, "a bare LF as the empty line: refused", get()[:-2] + b"\n", refused(), GREETED)
    row("9112 2.2", MUST, "a bare CR in the request line makes it invalid (or is a space)",
        bare("GET /hello\rHTTP/1.1", "Host: wire.example"), refused(), GREETED)
    row("9112 2.2", MUST, "a bare CR in a value makes it invalid (or is a space)", get(b"X-A: b\rX-C: d"), refused(), GREETED)
    row("9112 2.2", MUST, "a bare CR in a name makes it invalid", get(b"X\rA: b"), refused())
    row("9112 2.2", MUST, "a CR before the CRLF is a bare one", get(b"X-A: b\r"), refused(), GREETED)
    row("9112 2.2", MUST, "a CR alone does not end a line", b"GET /hello HTTP/1.1\r" + HOST.replace(b"\r\n", b"\r") + b"\r\r\n", refused())
    row("9112 2.2", MUST, "white space before the first field line: refused (or the line is skipped)",
        bare("GET /hello HTTP/1.1", " X-A: b", "Host: wire.example"), refused(), GREETED)
    row("9112 2.2", MUST, "a tab before the first field line: refused (or the line is skipped)",
        bare("GET /hello HTTP/1.1", "\tHost: evil.example", "Host: wire.example"), refused(), GREETED)
    row("9112 2.2", MUST, "an indented Host as the first field is not a Host",
        bare("GET /hello HTTP/1.1", " Host: wire.example"), refused())
    row("9112 2.2", SHOULD, "what is no HTTP is answered with 400: a TLS hello", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", refused())
    row("9112 2.2", SHOULD, "what is no HTTP is answered with 400: one word", b"hello\r\n\r\n", refused())
    row("9112 2.2", SHOULD, "what is no HTTP is answered with 400: a NUL", b"\0GET /hello HTTP/1.1\r\n" + HOST + b"\r\n", refused())


def empty_lines(row):
    row("9112 2.2", SHOULD, "at least one empty line before the request line is ignored", b"\r\n" + get(), GREETED)
    row("9112 2.2", MAY, "more empty lines before the request line: refused, one is what clients of old send", b"\r\n\r\n" + get(),
        refused(), GREETED)
    row("9112 2.2", MAY, "an empty line of a bare LF before the request line: refused", b"\n" + get(), refused(), GREETED)
    row("9112 2.2", SHOULD, "an empty line behind a body is ignored", post("Content-Length: 3", body=b"abc") + b"\r\n" + get(),
        kept(echoed(b"abc"), HELLO), needs="echo")


def versions(row):
    def line(version):
        return bare("GET /hello " + version, "Host: wire.example")
    for version in ("http/1.1", "Http/1.1"):
        row("9112 2.3", MUST, "the version's name has its case: %s" % version, line(version), refused())
    for version in ("HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/1.10", "HTTP/01.1", "HTTP/1.1.1", "HTTP/1.x", "HTTP/1,1", "HTTP/+1.1", "HTTP/1.-1",
                    "HTTPS/1.1", "HTP/1.1", "HTTP 1.1", "HTTP/1.1x", "HTTP/11"):
        row("9112 2.3", SHOULD, "the version is one digit, a dot, one digit: not %s" % version, line(version), refused(), refused(505))
    row("9112 2.3", MUST, "a later minor version is answered as 1.1", line("HTTP/1.2"), GREETED)
    row("9112 2.3", MUST, "1.9 is answered as 1.1, whose connections stay open", line("HTTP/1.9"), GREETED)
    row("9110 6.2", SHOULD, "what is answered to 1.0 has the server's own version", line("HTTP/1.0"),
        ended(answer(200, body=b"hello\n", **{":version": "HTTP/1.1"})))
    for version in ("HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9"):
        row("9110 15.6.6", SHOULD, "another major version is 505: %s" % version, line(version), refused(505), refused())
    row("9110 15.6.6", SHOULD, "the preface of HTTP/2 on a port that has none is 505", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused(505), refused(),
        refused(405), needs="h1")
    row("9112 2.3", SHOULD, "the simple request of HTTP/0.9 is no request", b"GET /hello\r\n", refused(), GREETED_AND_ENDED)


# ---- 3 Request line ----

def request_lines(row):
    for what, line in (("two spaces behind the method", "GET  /hello HTTP/1.1"), ("two spaces behind the target", "GET /hello  HTTP/1.1"),
                       ("a tab behind the method", "GET\t/hello HTTP/1.1"), ("a tab behind the target", "GET /hello\tHTTP/1.1"),
                       ("a space before the method", " GET /hello HTTP/1.1"), ("a space behind the version", "GET /hello HTTP/1.1 "),
                       ("a vertical tab behind the method", "GET\v/hello HTTP/1.1"), ("a form feed behind the target", "GET /hello\fHTTP/1.1")):
        row("9112 3", MAY, "the line may be taken apart at any white space: refused, as peers differ: %s" % what,
            bare(line, "Host: wire.example"), refused(), GREETED)
    row("9112 3", SHOULD, "a request line without a target is 400", bare("GET HTTP/1.1", "Host: wire.example"), refused())
    row("9112 3", SHOULD, "a request line without a version is 400", bare("GET /hello", "Host: wire.example"), refused(), GREETED_AND_ENDED)
    row("9112 3", SHOULD, "four words are no request line", bare("GET /hello /hello HTTP/1.1", "Host: wire.example"), refused())
    row("9112 3", SHOULD, "lines of 8,000 bytes are read", get(path="/hello?" + "q" * 7970), GREETED)
    row("9112 3", MUST, "a target longer than what is read is 414", get(path="/hello?" + "q" * 9000), refused(414), GREETED)
    row("9112 3", SHOULD, "a method longer than any is 501", head("A" * 200 + " /hello"), either(answer(501)))
    row("9112 3.1", MUST, "the method has its case: get is not GET", head("get /hello"), either(answer(501, 405, 400)))
    for method in ("G(T", "GET:", "G\"T", "G,T", "G/T", "G[T", "G\x80T", "G{T"):
        row("9112 3.1", SHOULD, "a method is a token: not %s" % ascii(method), head(method + " /hello"), refused(), either(answer(501)))


def targets(row):
    def line(target, method="GET"):
        return bare("%s %s HTTP/1.1" % (method, target), "Host: wire.example")
    row("9112 3.2", SHOULD, "white space in the target is 400 and no redirect", line("/hel lo"), refused())
    row("9112 3.2.1", MUST, "origin-form: a path and a query", line("/hello?a=1&b=/?"), GREETED)
    for what, target in (("no slash", "hello"), ("a query alone", "?a=1"), ("a backslash first", "\\hello"), ("a host alone", "wire.example")):
        row("9112 3.2.1", SHOULD, "a target without a form of its own is 400: %s" % what, line(target), refused())
    row("9112 3.2", SHOULD, "a fragment is no part of a target", line("/hello#top"), refused())
    for byte in ("\x00", "\x01", "\x7f"):
        row("9112 3.2", SHOULD, "a control byte in the target is 400: 0x%02x" % ord(byte), line("/hel%slo" % byte), refused())
    row("9112 3.2", SHOULD, "bytes beyond ASCII in the target are 400", line("/hell\xc3\xb6"), refused())
    row("9112 3.2.2", MUST, "absolute-form is accepted", line("http://wire.example/hello"), GREETED)
    row("9112 3.2.2", MUST, "absolute-form with a query", line("http://wire.example/hello?x=/y"), GREETED)
    row("9112 3.2.2", MUST, "absolute-form: scheme and host have no case", line("HTTP://WIRE.Example/hello"), GREETED)
    row("9110 4.2.3", MUST, "an empty path of absolute-form is /", line("http://wire.example"), kept(answer(200, body=b"root\n")))
    row("9110 4.2.3", MUST, "an empty path with a query is / with it", line("http://wire.example?x=1"), kept(answer(200, body=b"root\n")))
    row("9112 3.2.2", MUST, "the host of absolute-form counts, not Host: a difference is refused, as whoever went by Host saw another site",
        bare("GET http://wire.example/hello HTTP/1.1", "Host: other.example"), refused(), GREETED)
    row("9112 3.2.2", MUST, "the port of absolute-form counts: a difference is refused",
        bare("GET http://wire.example:81/hello HTTP/1.1", "Host: wire.example"), refused(), GREETED)
    row("9112 3.2", MUST, "absolute-form needs a Host as well", bare("GET http://wire.example/hello HTTP/1.1"), refused())
    row("9112 3.2.2", MUST, "absolute-form in HTTP/1.0 needs none", bare("GET http://wire.example/hello HTTP/1.0"), GREETED_AND_ENDED)
    row("9110 4.2.4", SHOULD, "a user in the target is an error", line("http://user:secret@wire.example/hello"), refused())
    row("9110 4.2.1", MUST, "an http URI without a host is invalid", line("http:///hello"), refused())
    row("9110 4.2.1", MUST, "an http URI with a port alone is invalid", line("http://:80/hello"), refused())
    for target in ("ftp://wire.example/hello", "file:///etc/passwd", "javascript:alert(1)"):
        row("9110 7.4", SHOULD, "a target of another scheme is not ours: %s" % target, line(target), refused(), either(answer(404, 421)))
    row("9112 3.2.3", MUST, "authority-form is for CONNECT alone", line("wire.example:80"), refused())
    row("9112 3.2.4", MUST, "asterisk-form is for OPTIONS alone", line("*"), refused(), either(answer(404, 405)))
    row("9112 3.2.4", SHOULD, "an asterisk with more is no target", line("*/hello", "OPTIONS"), refused(), either(answer(404, 405)))


def hosts(row):
    def line(*lines):
        return bare("GET /hello HTTP/1.1", *lines)
    row("9112 3.2", MUST, "HTTP/1.1 without Host is 400", line(), refused())
    row("9112 3.2", MUST, "two equal Hosts are 400", line("Host: wire.example", "Host: wire.example"), refused())
    row("9112 3.2", MUST, "two different Hosts are 400", line("Host: wire.example", "host: other.example"), refused())
    row("9112 3.2", MUST, "a Host behind other fields is still a second one", line("Host: wire.example", "X-A: b", "HOST: wire.example"), refused())
    for value in ("a b", "wire.example/", "user@wire.example", "wire.example:8o", "wire.example:-1", "[::1", "::", "wire.example, other.example",
                  "wire.example?x", "wire.example#x", "http://wire.example", "<wire>", "wire\\example", "wire.example:80:80", "\xe4.example"):
        row("9112 3.2", MUST, "a malformed Host is 400: %s" % ascii(value), line("Host: " + value), refused())
    row("9112 3.2", MUST, "a NUL in Host is 400", line("Host: wire\x00.example"), refused())
    row("9110 4.2", MAY, "a port that no TCP has: refused", line("Host: wire.example:99999"), refused(), GREETED)
    row("9112 3.2", MAY, "an empty Host is for targets without an authority: refused", line("Host:"), refused(), GREETED)
    row("9112 3.2", MUST, "Host with a port", line("Host: wire.example:8080"), GREETED)
    row("9112 3.2", MUST, "Host as an IPv6 address", line("Host: [::1]:80"), GREETED)
    row("9112 3.2", MUST, "Host without case, name and value", line("hOST: WIRE.example"), GREETED)
    row("9112 3.2", MUST, "Host may stand behind other fields", line("X-A: b", "Host: wire.example"), GREETED)
    row("9112 3.2", MUST, "HTTP/1.0 needs no Host", bare("GET /hello HTTP/1.0"), GREETED_AND_ENDED)
    row("9112 3.2", MUST, "two Hosts in HTTP/1.0 are 400 as well", bare("GET /hello HTTP/1.0", "Host: a.example", "Host: b.example"), refused())


# ---- 5 Fields ----

def field_lines(row):
    row("9112 5.1", MUST, "a space before the colon is 400", get("X-A : b"), refused())
    row("9112 5.1", MUST, "a tab before the colon is 400", get("X-A\t: b"), refused())
    row("9112 5.1", MUST, "a space before the colon of Host is 400", bare("GET /hello HTTP/1.1", "Host : wire.example"), refused())
    row("9112 5.1", MUST, "white space around a value is no part of it", get("Connection: \t close \t "), GREETED_AND_ENDED)
    row("9112 5.1", MUST, "white space behind a length is no part of it", post("Content-Length: \t5 \t", body=b"hello"), kept(echoed(b"hello")), needs="echo")
    row("9112 5.1", MUST, "white space around Host is no part of it", bare("GET /hello HTTP/1.1", "Host:\t wire.example \t"), GREETED)
    row("9112 5.1", MUST, "a value may follow the colon at once", get("Connection:close"), GREETED_AND_ENDED)
    row("9112 5.1", MUST, "a value may be empty", get("X-A:", "X-B: "), GREETED)
    row("9110 5.1", MUST, "names have no case", get("cONNECTION: CLOSE"), GREETED_AND_ENDED)
    row("9110 5.1", MUST, "unknown fields are ignored", get("X-Never-Heard-Of: \"a\", b;c=d"), GREETED)
    row("9112 5", SHOULD, "an empty name is 400", get(": b"), refused())
    row("9112 5", SHOULD, "a line without a colon is 400", get("X-A"), refused())
    for name in ("X A", "X(A)", "X/A", "X\"A", "X@A", "X[A]", "X\x80A", "X{A}", "X=A", "X,A"):
        row("9110 5.6.2", SHOULD, "a name is a token: not %s" % ascii(name), get(name + ": b"), refused())
    row("9110 5.6.2", MUST, "every byte that a token may have", get("!#$%&'*+-.^_`|~09azAZ: b"), GREETED)
    row("9112 5.2", MUST, "a folded line is refused (or is one with spaces)", get("X-A: b", " c"), refused(), GREETED)
    row("9112 5.2", MUST, "a line folded with a tab is refused", get("X-A: b", "\tc"), refused(), GREETED)
    row("9112 5.2", MUST, "a line folded to nothing is refused", get("X-A: b", " "), refused(), GREETED)
    row("9112 5.2", MUST, "a folded Host is refused", bare("GET /hello HTTP/1.1", "Host:", " wire.example"), refused(), GREETED)
    row("9112 5.2", MUST, "a folded Content-Length is refused", post("Content-Length:", " 3", body=b"abc"), refused(), kept(echoed(b"abc")), needs="echo")
    for byte, text in ((0, "a NUL"), (13, "a CR")):
        row("9110 5.5", MUST, "%s in a value is refused (or is a space)" % text, get(b"X-A: b" + bytes([byte]) + b"c"), refused(), GREETED)
    for byte in (0x01, 0x08, 0x0b, 0x1b, 0x7f):
        row("9110 5.5", MAY, "other control bytes in a value may stay: refused: 0x%02x" % byte, get(b"X-A: b" + bytes([byte]) + b"c"), refused(), GREETED)
    row("9110 5.5", MUST, "a tab within a value", get("X-A: b\tc"), GREETED)
    row("9110 5.5", SHOULD, "bytes beyond ASCII in a value are opaque", get("X-A: \x80\xff\xe4"), GREETED)
    row("9110 5.3", MUST, "a list on several lines is one list", get("Connection: x-a", "Connection: close"), GREETED_AND_ENDED)
    row("9110 5.6.1", MUST, "empty items of a list are ignored", get("Connection: ,, ,close,"), GREETED_AND_ENDED)
    row("9110 5.4", MUST, "more fields than are read is a 4xx: we say 431", get(*("X-%d: b" % n for n in range(120))), refused(431), refused(*CLIENT_ERROR),
        GREETED)
    row("9110 5.4", MUST, "a larger field than is read is a 4xx: we say 431", get("X-A: " + "b" * 40000), refused(431), refused(*CLIENT_ERROR), GREETED)
    row("9110 5.4", MUST, "a longer name than is read is a 4xx: we say 431", get("X" * 40000 + ": b"), refused(431), refused(*CLIENT_ERROR), GREETED)
    row("9110 5.4", MUST, "100 fields are read", get(*("X-%d: b" % n for n in range(95))), GREETED)


# ---- 6 Bodies ----

def lengths(row):
    row("9112 6.2", MUST, "Content-Length counts the body", post("Content-Length: 5", body=b"hello"), kept(echoed(b"hello")), needs="echo")
    row("9112 6.2", MUST, "a body of no bytes", post("Content-Length: 0"), kept(echoed(b"")), needs="echo")
    row("9112 6.2", MUST, "a body may have any bytes", post("Content-Length: 8", body=b"\0\r\n\r\nG\xff\n"), kept(echoed(b"\0\r\n\r\nG\xff\n")), needs="echo")
    row("9112 6.2", MUST, "zeros may stand first", post("Content-Length: 0005", body=b"hello"), kept(echoed(b"hello")), needs="echo")
    row("9112 6.3", MUST, "a request without a length has no body: the next one follows", post() + get(), kept(echoed(b""), HELLO),
        ended(answer(411)), needs="echo")
    row("9112 6.3", MUST, "a GET with a length has a body, which is no request", get("Content-Length: 5") + b"GET /", either(answer(200)), refused())
    row("9112 6.3", MUST, "what looks like a request in a counted body is none",
        post("Content-Length: %d" % len(get()), body=get()), kept(echoed(get())), needs="echo")
    row("9112 6.3", MUST, "the body of an unknown method is no request", head("BREW /hello", "Content-Length: 5") + b"GET /", either(answer(501, 405)))
    row("9112 6.3", MUST, "the body for a route that is not there is no request", post("Content-Length: 5", body=b"GET /", path="/missing"),
        either(answer(404, 405)))
    for value in ("", "x", "-1", "+5", "5 5", "0x5", "5.0", "5e0", "5,", ",5", "5;a", "\"5\"", "5\x00", "\x0b5", "5_0", "\xb2", "9223372036854775808",
                  "18446744073709551616", "18446744073709551621", "9" * 40):
        shown = value if len(value) < 24 else value[:20] + "..."
        row("9112 6.3", MUST, "an invalid Content-Length is 400: %s" % ascii(shown), post("Content-Length: " + value, body=b"hello"), refused(),
            *((refused(413),) if value.isdigit() and value.isascii() else ()))
    row("9110 8.6", MUST, "Content-Lengths that differ are 400", post("Content-Length: 5", "Content-Length: 6", body=b"hello!"), refused())
    row("9110 8.6", MUST, "a list of lengths that differ is 400", post("Content-Length: 5, 6", body=b"hello!"), refused())
    row("9110 8.6", MAY, "two equal lengths may be one: refused, as somebody has merged messages", post("Content-Length: 5", "Content-Length: 5", body=b"hello"),
        refused(), either(answer(200, 405)))
    row("9110 8.6", MAY, "a list of equal lengths may be one: refused", post("Content-Length: 5, 5", body=b"hello"), refused(), either(answer(200, 405)))
    row("9110 15.5.14", MAY, "a body longer than what is read is 413, before it is", post("Content-Length: 5000000"), refused(413), SILENT, shut=True)
    row("9112 9.6", MUST, "a refusal is seen by a client that sends its body all the same", post("Content-Length: 90000", body=b"x" * 90000), refused(413),
        either(answer(200, 405, 413)))
    row("9112 9.6", MUST, "a refused head is seen by a client that sends a body behind it", post("X-A : b", "Content-Length: 60000", body=b"x" * 60000), refused())


def codings(row):
    body = b"5\r\nhello\r\n0\r\n\r\n"
    row("9112 6.1", MUST, "chunked is understood", chunked(body), kept(echoed(b"hello")), needs="echo")
    row("9112 7", MUST, "a coding's name has no case", post("Transfer-Encoding: CHUNKED", body=body), kept(echoed(b"hello")), needs="echo")
    row("9112 6.1", MUST, "chunked of no bytes", chunked(b"0\r\n\r\n"), kept(echoed(b"")), needs="echo")
    row("9112 6.1", MUST, "a GET may be chunked", get("Transfer-Encoding: chunked") + body, either(answer(200)), refused())
    for value in ("gzip, chunked", "foo, chunked", "identity, chunked"):
        row("9112 6.1", SHOULD, "a coding that is not understood is 501: %s" % value, post("Transfer-Encoding: " + value, body=body), refused(501))
    row("9112 6.1", SHOULD, "codings on two lines are one list: 501", post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", body=body),
        refused(400, 501))
    for value in ("foo", "gzip", "identity", "chunked, gzip", "chunked, identity", "xchunked", "chunkedx", "chunked;q=1", "\"chunked\"", "chunked chunked", "",
                  "chunked, ", ", chunked, x", "ch\xfcnked"):
        row("9112 6.3", MUST, "chunked that is not the last coding is 400: %s" % ascii(value), post("Transfer-Encoding: " + value, body=body), refused(),
            refused(501), *((either(answer(200, 405)),) if value == "chunked, " else ()))
    row("9112 7.1", SHOULD, "chunked twice is faulty", post("Transfer-Encoding: chunked, chunked", body=body), refused(), refused(501))
    row("9112 7.1", SHOULD, "chunked on two lines is faulty", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=body), refused(), refused(501))
    row("9112 6.1", MUST, "Transfer-Encoding in HTTP/1.0 is faulty, and the connection ends",
        bare("POST /echo HTTP/1.0", "Host: wire.example", "Transfer-Encoding: chunked") + body, refused(), ended(answer(200, 405)))
    row("9112 6.1", MUST, "so it is with keep-alive",
        bare("POST /echo HTTP/1.0", "Host: wire.example", "Connection: keep-alive", "Transfer-Encoding: chunked") + body, refused(), ended(answer(200, 405)))
    row("9112 6.1", MUST, "and with a length",
        bare("POST /echo HTTP/1.0", "Host: wire.example", "Content-Length: 15", "Transfer-Encoding: chunked") + body, refused(), ended(answer(200, 405)))
    row("9112 6.1", MUST, "after Content-Length and Transfer-Encoding the connection ends: refused at once",
        post("Content-Length: 15", "Transfer-Encoding: chunked", body=body), refused(), ended(answer(200, 405)))
    row("9112 6.1", MUST, "in either order", post("Transfer-Encoding: chunked", "Content-Length: 15", body=body), refused(), ended(answer(200, 405)))


def incomplete(row):
    row("9112 8", MUST, "a request that ends in its request line is not handled", b"GET /hello HT", SILENT, refused(), shut=True)
    row("9112 8", MUST, "one that ends in its fields is not handled", b"GET /hello HTTP/1.1\r\n" + HOST, SILENT, refused(), shut=True)
    row("9112 8", MUST, "one that ends in a counted body is not handled", post("Content-Length: 5", body=b"hel"), SILENT, refused(), shut=True)
    row("9112 8", MUST, "one that ends in a chunk is not handled", chunked(b"5\r\nhel"), SILENT, refused(), shut=True)
    row("9112 8", MUST, "one without its last chunk is not handled", chunked(b"5\r\nhello\r\n"), SILENT, refused(), shut=True)
    row("9112 8", MUST, "one without the end of its trailer is not handled", chunked(b"5\r\nhello\r\n0\r\n"), SILENT, refused(), shut=True)
    row("9112 8", MUST, "a client that shuts its side behind a whole request gets its answer", get(), ended(HELLO), shut=True)


# ---- 7 Chunks ----

def chunks(row):
    def good(text, body, *lines, also=(), level=MUST, section="9112 7.1", want=b"hello"):
        row(section, level, text, chunked(body, *lines), kept(echoed(want)), *also, needs="echo")

    def bad(text, body, *statuses, also=(), level=SHOULD, section="9112 7.1"):
        row(section, level, text, chunked(body), refused(*statuses), *also)

    def too_much(text, body):  # whoever has no bound waits for all of it
        row("9112 7.1", MUST, text, chunked(body), refused(413), refused(), SILENT, shut=True)

    lenient = (either(answer(200, 405)),)
    end = b"\r\nhello\r\n0\r\n\r\n"
    good("sizes are hexadecimal, upper case", b"A\r\n0123456789\r\n0\r\n\r\n", want=b"0123456789")
    good("sizes are hexadecimal, lower case", b"a\r\n0123456789\r\n0\r\n\r\n", want=b"0123456789")
    good("zeros may stand before a size", b"0005" + end)
    good("the last chunk may have several zeros", b"5\r\nhello\r\n000\r\n\r\n")
    good("chunks of one byte", b"1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n0\r\n\r\n")
    good("a chunk may have line ends in it", b"9\r\n0\r\n\r\nGET\n\r\n0\r\n\r\n", want=b"0\r\n\r\nGET\n")
    good("an extension without a value is ignored", b"5;a" + end, section="9112 7.1.1")
    good("an extension with a value is ignored", b"5;a=b;c=d" + end, section="9112 7.1.1")
    good("a quoted value of an extension is ignored", b"5;a=\"b;c\\\"\"" + end, section="9112 7.1.1")
    good("white space around an extension's semicolon", b"5 ; a" + end, section="9112 7.1.1", also=(refused(),))
    good("the last chunk may have extensions", b"5\r\nhello\r\n0;a=b\r\n\r\n", section="9112 7.1.1")
    row("9112 7.1.1", SHOULD, "extensions have a bound, past which is a 4xx", chunked(b"5;" + b"a" * 300 + end), refused(413), refused(400, 431), *lenient)
    good("a trailer is read, and is no next request", b"5\r\nhello\r\n0\r\nX-T: 1\r\nX-U:\r\n\r\n", "Trailer: X-T", section="9112 7.1.2")
    good("a length in a trailer frames nothing", b"5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n", section="9112 7.1.2", also=(refused(),))
    good("a coding in a trailer frames nothing", b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", section="9112 7.1.2", also=(refused(),))
    good("a Host in a trailer is none", b"5\r\nhello\r\n0\r\nHost: evil.example\r\n\r\n", section="9112 7.1.2", also=(refused(),))
    good("Connection in a trailer decides nothing", b"5\r\nhello\r\n0\r\nConnection: close\r\n\r\n", section="9112 7.1.2", also=(refused(),))
    for what, line in (("with a space before its colon", b"X-T : 1"), ("without a colon", b"X-T"), ("that is folded", b"X-T: 1\r\n 2"),
                       ("with a NUL", b"X-T: \x001"), ("with an empty name", b": 1")):
        bad("a trailer field %s" % what, b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n", section="9112 7.1.2")
    bad("a trailer field that ends in a CR and another byte", b"5\r\nhello\r\n0\r\nX-T: 1\rZ\r\n\r\n", section="9112 7.1.2")
    bad("an end that is a CR and another byte", b"5\r\nhello\r\n0\r\n\rX", section="9112 7.1.2")
    bad("a trailer field that ends in a bare LF", b"5\r\nhello\r\n0\r\nX-T: 1\n\r\n", section="9112 7.1.2", level=MAY, also=lenient)
    row("9112 7.1.2", MAY, "a trailer has a bound: 431", chunked(b"0\r\n" + b"X-T: " + b"t" * 9000 + b"\r\n\r\n"), refused(431), refused(*CLIENT_ERROR), *lenient)
    for what, size in (("no digits", b""), ("0x", b"0x5"), ("a plus", b"+5"), ("a minus", b"-5"), ("a space before it", b" 5"), ("an underscore", b"0_5"),
                       ("a letter that is no digit", b"5g"), ("a dot", b"5.0"), ("a NUL behind it", b"5\0"), ("a vertical tab behind it", b"5\x0b"),
                       ("a quote", b"\"5\""), ("a comma", b"5,5"), ("an empty line before it", b"\r\n5"), ("digits beyond ASCII", b"\xef\xbc\x95")):
        bad("a size is hexadecimal digits alone: %s" % what, size + end)
    bad("no digits are not the last chunk", b"5\r\nhello\r\n\r\n\r\n")
    bad("an extension needs a size before it", b"5\r\nhello\r\n;a=b\r\n\r\n")
    bad("a space behind a size is no extension", b"5 " + end, also=lenient, level=MAY)
    bad("a size of 2^64 + 5 does not wrap", b"10000000000000005" + end, 400, also=(refused(413),), level=MUST)
    too_much("a size of 2^64 - 1 does not wrap", b"FFFFFFFFFFFFFFFF\r\nhello")
    too_much("a size of 2^63 does not wrap", b"8000000000000000\r\nhello")
    too_much("a size of 2^32 does not wrap to 0", b"100000000\r\n\r\n")
    row("9112 7.1", MAY, "more than 16 digits, be they zeros: refused", chunked(b"0" * 20 + b"5" + end), refused(), *lenient)
    bad("chunks that are too much together", b"C000\r\n" + b"x" * 0xc000 + b"\r\nC000\r\n" + b"x" * 0xc000 + b"\r\n0\r\n\r\n", 413, level=MAY, also=lenient)
    bad("a bare LF behind a size", b"5\nhello\r\n0\r\n\r\n", also=lenient, level=MAY)
    bad("a bare CR behind a size", b"5\rhello\r\n0\r\n\r\n")
    bad("a CR and another byte behind a size", b"5\rXhello\r\n0\r\n\r\n")
    bad("two CRs behind a size", b"5\r\r\nhello\r\n0\r\n\r\n")
    bad("a bare LF behind the data", b"5\r\nhello\n0\r\n\r\n", also=lenient, level=MAY)
    bad("a bare CR behind the data", b"5\r\nhello\r0\r\n\r\n")
    bad("nothing behind the data", b"5\r\nhello0\r\n\r\n")
    bad("data longer than its size", b"5\r\nhello!\r\n0\r\n\r\n")
    bad("data shorter than its size", b"7\r\nhello\r\n0\r\n\r\n")
    bad("a bare LF as the end", b"5\r\nhello\r\n0\r\n\n", also=lenient, level=MAY)


# ---- 9 Connections ----

def connections(row):
    row("9112 9.3", MUST, "a connection of HTTP/1.1 stays open", get(), kept(answer(200, connection=None)), GREETED)
    row("9112 9.6", MUST, "close ends it, and the answer says so", get("Connection: close"), ended(answer(200, body=b"hello\n", connection="close")))
    row("9112 9.6", MUST, "close among other options", get("Connection: keep-alive, close"), GREETED_AND_ENDED)
    row("9112 9.3", MUST, "options that nobody knows change nothing", get("Connection: x-a, x-b"), GREETED)
    row("9112 9.3", MUST, "keep-alive changes nothing in HTTP/1.1", get("Connection: keep-alive", "Keep-Alive: timeout=5"), GREETED)
    row("9112 9.3", MUST, "close in another field is none", get("X-Connection: close", "Proxy-Connection: close"), GREETED)
    row("9112 9.3", MUST, "an option that only begins as close is another", get("Connection: closed, xclose"), GREETED)
    row("9112 9.3", MUST, "a connection of HTTP/1.0 ends", bare("GET /hello HTTP/1.0", "Host: wire.example"), GREETED_AND_ENDED)
    row("9112 9.3", MAY, "keep-alive keeps it, and the answer says so", bare("GET /hello HTTP/1.0", "Host: wire.example", "Connection: Keep-Alive"),
        kept(answer(200, body=b"hello\n", connection="keep-alive")), GREETED_AND_ENDED)
    row("9112 9.3", MUST, "close wins over keep-alive in HTTP/1.0",
        bare("GET /hello HTTP/1.0", "Host: wire.example", "Connection: keep-alive, close"), GREETED_AND_ENDED)
    row("9112 9.3", MUST, "a body of HTTP/1.0 is counted", bare("POST /echo HTTP/1.0", "Host: wire.example", "Content-Length: 5") + b"hello",
        ended(echoed(b"hello")), needs="echo")
    row("9112 9.3.2", MUST, "pipelined requests are answered in order", get() + get(path="/canary") + get(), kept(HELLO, CANARY, HELLO))
    row("9112 9.3.2", MUST, "pipelined bodies of both kinds", post("Content-Length: 3", body=b"abc") + chunked(b"3\r\ndef\r\n0\r\n\r\n") + get(),
        kept(echoed(b"abc"), echoed(b"def"), HELLO), needs="echo")
    row("9112 9.3.2", MUST, "HEAD in a pipeline has no body", head("HEAD /hello") + get(), kept(answer(200, head=True), HELLO))
    row("9112 9.3.2", MUST, "404 in a pipeline goes on", get(path="/missing") + get(), either(answer(404), HELLO))
    row("9112 9.3.2", MUST, "a large answer in a pipeline", get(path="/large") + get(), kept(answer(200, body=b"L" * 100000), HELLO))
    row("9112 9.3.2", MUST, "a streamed answer in a pipeline", get(path="/stream") + get(), kept(HELLO, HELLO), needs="app")
    row("9112 9.6", MUST, "what follows a request with close is not answered", get("Connection: close") + get(path="/canary"), GREETED_AND_ENDED)
    row("9112 9.6", MUST, "what follows a refused request is not answered", get("X-A : b") + get(), refused())
    row("9112 9.6", MUST, "what follows HTTP/1.0 is not answered", bare("GET /hello HTTP/1.0") + get(), GREETED_AND_ENDED)
    row("9112 9.6", SHOULD, "the answer to a refused request says that the connection ends", get("X-A : b"), ended(answer(400, connection="close")))
    row("9112 9.6", MUST, "HEAD with close has a length and no body", head("HEAD /hello", "Connection: close"),
        ended(answer(200, content_length="6", connection="close")), ended(answer(200, connection="close")))
