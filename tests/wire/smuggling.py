"""Requests that two readers end at different bytes, by the names of their kinds: answered with 400 or 501 and the end of the connection,
so that nothing hides behind them. Where the RFC leaves another reading, it is given as the peers' due."""
from rows import HELLO, MUST, SHOULD, answer, bare, chunked, either, ended, get, head, kept, post, refused

HIDDEN = b"GET /canary HTTP/1.1\r\nX: "
END = b"0\r\n\r\n"


def add(table):
    for part in (two_lengths, obscured, bodies_nobody_reads, chunk_lines, hosts, names):
        part(table.row)


def refuse(row, text, request, *also, level=MUST, section="9112 11.2"):
    row(section, level, text, request, refused(400, 501), *also)


def two_lengths(row):
    refuse(row, "CL.TE: the front goes by the length, the back by the chunks",
           post("Content-Length: %d" % len(END + HIDDEN), "Transfer-Encoding: chunked", body=END + HIDDEN), ended(answer(200, 405)))
    refuse(row, "TE.CL: the front goes by the chunks, the back by the length",
           post("Content-Length: 4", "Transfer-Encoding: chunked", body=b"1b\r\n" + HIDDEN + b"\r\n" + END), ended(answer(200, 405, 400)))
    refuse(row, "CL.0 in chunks: a length of 0 before a coding", post("Content-Length: 0", "Transfer-Encoding: chunked", body=END), ended(answer(200, 405)))
    refuse(row, "TE.0: a GET with both", head("GET /hello", "Content-Length: 0", "Transfer-Encoding: chunked") + END, ended(answer(200)))
    refuse(row, "two lengths, the first of which is short", post("Content-Length: 0", "Content-Length: 5", body=b"GET /"))
    refuse(row, "two lengths, the second of which is short", post("Content-Length: 5", "Content-Length: 0", body=b"GET /"))
    refuse(row, "a length and a hidden one behind a bare CR", post(b"X: y\rContent-Length: 5", "Content-Length: 0"), either(answer(200, 405)))
    refuse(row, "a length behind a NUL", post(b"X: y\0\r\nContent-Length: 0"), either(answer(200, 405)))
    refuse(row, "both in HTTP/1.0", bare("POST /echo HTTP/1.0", "Host: wire.example", "Content-Length: 5", "Transfer-Encoding: chunked") + END,
           ended(answer(200, 405)))


def obscured(row):
    """TE.TE: both know chunked, and one does not see it here."""
    ignored = either(answer(200, 405))  # by a reader for whom it is another field, with the length that stands beside it
    both = ended(answer(200, 405))
    for text, lines, *also in (
            ("a space before the colon", b"Transfer-Encoding : chunked"), ("a tab before the colon", b"Transfer-Encoding\t: chunked"),
            ("a vertical tab before the value", b"Transfer-Encoding: \x0bchunked"), ("a form feed behind the value", b"Transfer-Encoding: chunked\x0c"),
            ("a NUL behind the value", b"Transfer-Encoding: chunked\0"), ("a prefix", b"Transfer-Encoding: xchunked"),
            ("a NUL in the name", b"Transfer\0-Encoding: chunked"),
            ("a no-break space before the value", b"Transfer-Encoding: \xa0chunked"), ("a bare CR before the value", b"Transfer-Encoding:\rchunked", both),
            ("a fold before the value", b"Transfer-Encoding:\r\n chunked", both), ("a fold before the name", b"X: y\r\n Transfer-Encoding: chunked", ignored),
            ("a bare LF before the name", b"X: y\nTransfer-Encoding: chunked", both), ("a bare CR before the name", b"X: y\rTransfer-Encoding: chunked", ignored),
            ("a tab before the name", b"\tTransfer-Encoding: chunked", ignored), ("quotes", b"Transfer-Encoding: \"chunked\""),
            ("single quotes", b"Transfer-Encoding: 'chunked'"), ("identity beside it", b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", both),
            ("identity behind it", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"), ("a list that ends in identity", b"Transfer-Encoding: chunked, identity"),
            ("a parameter", b"Transfer-Encoding: chunked;x"), ("an empty line of it first", b"Transfer-Encoding:\r\nTransfer-Encoding: chunked", both),
            ("cow", b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked", both), ("a tab before the value", b"Transfer-Encoding:\tchunked", both),
            ("a comma first", b"Transfer-Encoding: ,chunked", both), ("upper case", b"TRANSFER-ENCODING: CHUNKED", both)):
        refuse(row, "TE.TE: %s" % text, post(lines, "Content-Length: 5", body=END), *also)


def bodies_nobody_reads(row):
    """CL.0 and 0.CL: a body where one of two does not expect one."""
    hidden = get(path="/canary")[:-2] + b"X: y\r\n\r\n"
    length = "Content-Length: %d" % len(hidden)
    for line, statuses in (("GET /hello", (200,)), ("DELETE /hello", (405,)), ("OPTIONS /hello", (200, 204, 405)), ("POST /missing", (404, 405)), ("GET /missing", (404,)),
                           ("BREW /hello", (501, 405))):
        row("9112 11.2", MUST, "CL.0: a body of %s is read, or the connection ends" % line, head(line, length) + hidden, either(answer(*statuses)), refused())
    row("9112 11.2", MUST, "CL.0: a body behind a redirect is read", head("GET /hello/", length) + hidden, kept(answer(301)), needs="slash")
    row("9112 11.2", MUST, "0.CL: a length with a plus", post("Content-Length: +%d" % len(hidden), body=hidden), refused())
    row("9112 11.2", MUST, "0.CL: a length in another field", post("Content_Length: 5", body=b""), kept(answer(200)), refused(), ended(answer(411)), needs="echo")
    row("9112 11.2", MUST, "a chunked body of GET is read", head("GET /hello", "Transfer-Encoding: chunked") + b"5\r\nGET /\r\n" + END, either(answer(200)), refused())
    row("9112 11.2", MUST, "Expect on a GET with a body that is there", head("GET /hello", "Expect: 100-continue", length) + hidden, either(answer(200), interim=None),
        refused())
    row("9112 11.2", MUST, "an Expect that is obscured does not hide a body", head("POST /hello", "Expect: y 100-continue", length) + hidden, refused(417),
        refused(), either(answer(405, 417), interim=None))
    row("9112 11.2", MUST, "an upgrade does not hide a body", head("GET /hello", "Connection: Upgrade", "Upgrade: websocket", length) + hidden, either(answer(200)), refused())


def chunk_lines(row):
    """A size line whose end is another byte for another reader, and data whose end is."""
    lenient = either(answer(200, 405))
    for text, body, *also in (
            ("TERM.EXT: a bare LF ends an extension for one of two", b"2;\nxx\r\nAA\r\n" + END),
            ("EXT.TERM: a bare LF in a size line that another reads over", b"5;a\nhello\r\n" + END, lenient),
            ("a bare CR ends an extension for one of two", b"2;\rxx\r\nAA\r\n" + END),
            ("a quoted bare LF in an extension", b"5;a=\"\n\"\r\nhello\r\n" + END),
            ("a quoted CRLF in an extension", b"5;a=\"\r\n\"\r\nhello\r\n" + END),
            ("an extension that is not closed", b"5;a=\"b\nhello\r\n" + END, lenient),
            ("an extension with a NUL", b"5;a=\0\r\nhello\r\n" + END),
            ("an extension without a semicolon", b"5 a=b\r\nhello\r\n" + END),
            ("SPILL: two bytes behind the data are taken for its end", b"5\r\nhelloXX" + END),
            ("TWO.ONE: one LF behind the data", b"5\r\nhello\n" + END, lenient),
            ("ONE.TWO: LF and CR behind the data", b"5\r\nhello\n\r" + END),
            ("ZERO.TWO: nothing behind the data", b"5\r\nhello" + END),
            ("TWO.ZERO: four bytes behind the data", b"5\r\nhello\r\n\r\n" + END),
            ("CR CR behind the data", b"5\r\nhello\r\r" + END), ("CR X behind the data", b"5\r\nhello\rX" + END), ("X LF behind the data", b"5\r\nhelloX\n" + END),
            ("CR CR LF behind a size", b"5\r\r\nhello\r\n" + END), ("LF CR behind a size", b"5\n\rhello\r\n" + END),
            ("a bare CR in the last line", b"5\r\nhello\r\n0\r\rX\r\n"), ("a last chunk that a sign precedes", b"5\r\nhello\r\n-0\r\n\r\n"),
            ("a size that wraps to 0", b"10000000000000000\r\n\r\n")):
        refuse(row, text, chunked(body), *also, *((refused(413),) if "wraps" in text else ()), level=SHOULD)
    for text, trailer in (("a request in a trailer's value", b"X: y\r\n\r\n"), ("a length in a trailer", b"Content-Length: 30\r\n\r\n")):
        row("9112 11.2", MUST, "%s is none" % text, chunked(b"5\r\nhello\r\n0\r\n" + trailer), kept(answer(200, body=b"hello")), refused(), needs="echo")
    refuse(row, "a trailer line that a bare CR ends", chunked(b"5\r\nhello\r\n0\r\nX: y\r\rGET / HTTP/1.1\r\n\r\n"), level=SHOULD)


def hosts(row):
    refuse(row, "two Hosts, the second folded", bare("GET /hello HTTP/1.1", "Host: wire.example", " Host: other.example"), kept(HELLO), section="9110 7.2")
    refuse(row, "two Hosts, the first with a space before its colon", bare("GET /hello HTTP/1.1", "Host : other.example", "Host: wire.example"), section="9110 7.2")
    refuse(row, "a Host behind a bare LF", bare("GET /hello HTTP/1.1", b"X: y\nHost: wire.example"), kept(HELLO), section="9110 7.2")
    refuse(row, "a Host of one of two sites", bare("GET /hello HTTP/1.1", "Host: wire.example other.example"), section="9110 7.2")
    row("9110 7.2", MUST, "X-Forwarded-Host is not believed", get("X-Forwarded-Host: evil.example", "X-Host: evil.example"), kept(HELLO))
    row("9110 7.2", MUST, "Forwarded is not believed", get("Forwarded: host=evil.example;proto=https;for=\"_x\""), kept(HELLO))


def names(row):
    """Other spellings of the fields that frame a message are other fields."""
    for name in ("Content_Length", "Content-Length-", "X-Content-Length"):
        row("9110 5.1", MUST, "%s is no Content-Length" % name, get(name + ": 5"), kept(HELLO), refused())
    for name in ("Transfer_Encoding", "Transfer-Encodings", "X-Transfer-Encoding"):
        row("9110 5.1", MUST, "%s is no Transfer-Encoding" % name, get(name + ": chunked"), kept(HELLO), refused())
    refuse(row, "a control byte in Content-Length's name", get(b"Content-Length\x0b: 5"), section="9110 5.6.2", level=SHOULD)
    refuse(row, "a no-break space in Transfer-Encoding's name", get(b"Transfer-Encoding\xa0: chunked"), section="9110 5.6.2", level=SHOULD)
