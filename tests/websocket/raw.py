"""WebSocket by the byte: what is sent, and what has to come back.

Ours and npm's ws are told the same. A case is (name, bytes, what comes, what comes of ws where that differs and why).
"""
import base64
import hashlib
import os
import socket
import ssl
import struct
import zlib

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
RSV1 = 0x40
SECONDS = 5


def frame(first, payload=b"", length=None, mask=True, key=b"\x11\x22\x33\x44", form=None):
    """One frame; `length` is what it says, `form` in how many bits (7, 16, 64)."""
    said = len(payload) if length is None else length
    form = form or (7 if said < 126 else 16 if said < 65536 else 64)
    head = bytes([first])
    bit = 0x80 if mask else 0
    if form == 7:
        head += bytes([bit | said])
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack(">H", said)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", said)
    if not mask:
        return head + payload
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def deflated(data, final=False):
    codec = zlib.compressobj(9, zlib.DEFLATED, -15)
    if final:
        return codec.compress(data) + codec.flush() + b"\0"
    return (codec.compress(data) + codec.flush(zlib.Z_SYNC_FLUSH))[:-4]


def code(number, reason=b""):
    return struct.pack(">H", number) + reason


BYE = frame(CLOSE, code(1000))
END = "close 1000"
CASES = [
    # good
    ("an empty text", frame(TEXT) + BYE, "text ''; " + END),
    ("an empty binary", frame(BINARY) + BYE, "binary ''; " + END),
    ("a text", frame(TEXT, b"Hello") + BYE, "text 'Hello'; " + END),
    ("a mask of zeros", frame(TEXT, b"Hello", key=b"\0\0\0\0") + BYE, "text 'Hello'; " + END),
    ("125 bytes", frame(TEXT, b"x" * 125) + BYE, "text of 125; " + END),
    ("126 bytes", frame(TEXT, b"x" * 126) + BYE, "text of 126; " + END),
    ("65535 bytes", frame(BINARY, b"x" * 65535) + BYE, "binary of 65535; " + END),
    ("65536 bytes", frame(BINARY, b"x" * 65536) + BYE, "binary of 65536; " + END),
    ("three fragments", frame(1, b"a") + frame(0, b"b") + frame(0x80, b"c") + BYE, "text 'abc'; " + END),
    ("empty fragments", frame(1) + frame(0) + frame(0) + frame(0x80) + BYE, "text ''; " + END),
    ("a ping", frame(PING, b"hey") + BYE, "pong 'hey'; " + END),
    ("a ping of 125 bytes", frame(PING, b"p" * 125) + BYE, "pong of 125; " + END),
    ("a pong nobody asked for", frame(PONG, b"hey") + BYE, END),
    ("a ping between fragments", frame(1, b"a") + frame(PING, b"x") + frame(0x80, b"b") + BYE, "pong 'x'; text 'ab'; " + END),
    ("a close between fragments", frame(1, b"a") + BYE, END),
    ("a close without a code", frame(CLOSE), "close"),
    ("a close with a reason", frame(CLOSE, code(1001, "é".encode())), "close 1001"),
    ("a close with the longest reason", frame(CLOSE, code(1000, b"r" * 123)), END),
    ("frames behind a close", BYE + frame(TEXT, b"late") + frame(0x83), END),
    ("a character cut by fragments", frame(1, b"\xf0\x9f") + frame(0x80, b"\x98\x80") + BYE, "text '\U0001f600'; " + END),
    ("the last character of Unicode", frame(TEXT, b"\xf4\x8f\xbf\xbf") + BYE, "text %r; " % "\U0010ffff" + END),
    ("bytes that are no text", frame(BINARY, b"\xff\xfe") + BYE, "binary b'\\xff\\xfe'; " + END),
    ("a compressed text", frame(TEXT | RSV1, deflated(b"Hello")) + BYE, "text 'Hello'; " + END),
    ("a compressed text in fragments", frame(0x41, deflated(b"Hello")[:3]) + frame(0x80, deflated(b"Hello")[3:]) + BYE, "text 'Hello'; " + END),
    ("a stored block", frame(TEXT | RSV1, b"\x00\x05\x00\xfa\xffHello\x00") + BYE, "text 'Hello'; " + END),
    ("a last block", frame(TEXT | RSV1, deflated(b"Hello", True)) + BYE, "text 'Hello'; " + END),
    ("an empty compressed text", frame(TEXT | RSV1, b"\x00") + BYE, "text ''; " + END),
    ("compressed and plain by turns", frame(TEXT | RSV1, deflated(b"a")) + frame(TEXT, b"b") + frame(TEXT | RSV1, deflated(b"c")) + BYE,
     "text 'a'; text 'b'; text 'c'; " + END),
    # reserved bits
    ("RSV1 on a control frame", frame(PING | RSV1), "close 1002"),
    ("RSV1 on a continuation", frame(1, b"a") + frame(0xC0, b"b"), "close 1002"),
    ("RSV2", frame(TEXT | 0x20), "close 1002"),
    ("RSV3", frame(TEXT | 0x10), "close 1002"),
    ("all of them", frame(0xF1), "close 1002"),
    ("RSV1 on a close", frame(CLOSE | RSV1), "close 1002"),
] + [("opcode %d" % opcode, frame(0x80 | opcode), "close 1002") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)] + [
    ("opcode 3, fragmented", frame(3), "close 1002"),
    # masks
    ("a text that is not masked", frame(TEXT, b"Hello", mask=False), "close 1002"),
    ("a ping that is not masked", frame(PING, mask=False), "close 1002"),
    ("a close that is not masked", frame(CLOSE, mask=False), "close 1002"),
    ("a continuation that is not masked", frame(1, b"a") + frame(0x80, b"b", mask=False), "close 1002"),
    # control frames
    ("a fragmented ping", frame(9), "close 1002"),
    ("a fragmented pong", frame(10), "close 1002"),
    ("a fragmented close", frame(8, code(1000)), "close 1002"),
    ("a ping of 126 bytes", frame(PING, b"p" * 126), "close 1002"),
    ("a ping of 64 bits", frame(PING, b"p", form=64), "close 1002"),
    ("a close of 126 bytes", frame(CLOSE, code(1000, b"r" * 124)), "close 1002"),
    ("a close of one byte", frame(CLOSE, b"\x03"), "close 1002"),
    # fragments
    ("a continuation of nothing", frame(0x80, b"a"), "close 1002"),
    ("a continuation of nothing, unfinished", frame(0, b"a"), "close 1002"),
    ("a continuation after a whole message", frame(TEXT, b"a") + frame(0x80, b"b"), "text 'a'; close 1002"),
    ("a text inside a text", frame(1, b"a") + frame(TEXT, b"b"), "close 1002"),
    ("a binary inside a text", frame(1, b"a") + frame(2, b"b"), "close 1002"),
    ("a text inside a text, behind a ping", frame(1, b"a") + frame(PING) + frame(TEXT, b"b"), "pong ''; close 1002"),
    # lengths
    ("a length that is longer than it need be", frame(TEXT, b"a" * 125, form=16), "close 1002", "text of 125", "takes any form"),
    ("zero in 16 bits", frame(TEXT, b"", form=16), "close 1002", "text ''", "takes any form"),
    ("zero in 64 bits", frame(TEXT, b"", form=64), "close 1002", "text ''", "takes any form"),
    ("65535 in 64 bits", frame(BINARY, b"x" * 65535, form=64), "close 1002", "binary of 65535", "takes any form"),
    ("the highest bit of a length", frame(TEXT, length=1 << 63), "close 1002", "close 1009", "is too long for it, too"),
    ("all bits of a length", frame(TEXT, length=(1 << 64) - 1), "close 1002", "close 1009", "is too long for it, too"),
    ("the longest length", frame(TEXT, length=(1 << 63) - 1), "close 1009"),
    ("a length of 4 GiB", frame(BINARY, length=1 << 32), "close 1009"),
    ("a byte beyond the limit", frame(BINARY, length=(1 << 20) + 1), "close 1009"),
    ("beyond the limit in fragments", frame(2, b"x" * 1000) + frame(0x80, length=1 << 20), "close 1009"),
    # close frames
] + [("a close with %d" % number, frame(CLOSE, code(number)), "close 1002")
     for number in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)] + [
    ("a reason that is not UTF-8", frame(CLOSE, code(1000, b"\xff")), "close 1007"),
    ("a reason cut inside a character", frame(CLOSE, code(1000, b"a\xc3")), "close 1007"),
    # UTF-8
] + [("text %s" % bad.hex(), frame(TEXT, bad), "close 1007")
     for bad in (b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3", b"\xc3A", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf",
                 b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff",
                 b"good \xce\xba\xe1\xbd\xb9 \xed\xa0\x80 bad")] + [
    ("text cut inside a character by its end", frame(1, b"\xf0\x9f") + frame(0x80, b"\x98"), "close 1007"),
    ("bad text in a fragment, at once", frame(1, b"\xff"), "close 1007", "silence", "judges a text when it is whole"),
    ("bad text in a frame that never ends, at once", frame(TEXT, b"\xed\xa0", length=100), "close 1007", "silence", "judges a text when it is whole"),
    # compression
    ("compressed bytes that are none", frame(TEXT | RSV1, b"Hello"), "close 1007"),
    ("a block of the reserved type", frame(TEXT | RSV1, b"\x07"), "close 1007"),
    ("a stored block whose lengths differ", frame(TEXT | RSV1, b"\x00\x05\x00\x05\x00Hello\x00"), "close 1007"),
    ("a distance into the message before", frame(TEXT | RSV1, deflated(b"Hello")) + frame(TEXT | RSV1, b"\xca\x02\x14\x00"), "text 'Hello'; close 1007",
     "text 'Hello'", "agrees on keeping the window"),
    ("compressed text that is not UTF-8", frame(TEXT | RSV1, deflated(b"\xff")), "close 1007"),
    ("a bomb of 8 MiB", frame(BINARY | RSV1, deflated(bytes(8 << 20))), "close 1009"),
    ("a bomb in fragments", frame(0x42, deflated(bytes(4 << 20))[:100]) + frame(0x80, deflated(bytes(4 << 20))[100:]), "close 1009"),
    ("a compressed frame beyond the limit", frame(BINARY | RSV1, length=(1 << 20) + 1), "close 1009"),
]

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
WHOLE = ["Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: " + KEY, "Sec-WebSocket-Version: 13"]


def without(name, *more):
    return [line for line in WHOLE if not line.startswith(name)] + list(more)


HANDSHAKES = [
    ("as it should be", "GET /echo HTTP/1.1", WHOLE, 101),
    ("with compression", "GET /echo HTTP/1.1", WHOLE + ["Sec-WebSocket-Extensions: permessage-deflate"], 101),
    ("no Upgrade", "GET /echo HTTP/1.1", without("Upgrade"), 426),
    ("another Upgrade", "GET /echo HTTP/1.1", without("Upgrade", "Upgrade: h2c"), 426),
    ("a plain GET", "GET /echo HTTP/1.1", ["Host: 127.0.0.1"], 426),
    ("no Connection", "GET /echo HTTP/1.1", without("Connection"), 400),
    ("no key", "GET /echo HTTP/1.1", without("Sec-WebSocket-Key"), 400),
    ("a short key", "GET /echo HTTP/1.1", without("Sec-WebSocket-Key", "Sec-WebSocket-Key: c2hvcnQ="), 400),
    ("two keys", "GET /echo HTTP/1.1", WHOLE + ["Sec-WebSocket-Key: " + KEY], 400),
    ("no version", "GET /echo HTTP/1.1", without("Sec-WebSocket-Version"), 426),
    ("version 8", "GET /echo HTTP/1.1", without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 426),
    ("HTTP/1.0", "GET /echo HTTP/1.0", WHOLE, 426),
    ("HEAD", "HEAD /echo HTTP/1.1", WHOLE, 426),
    ("POST", "POST /echo HTTP/1.1", WHOLE + ["Content-Length: 0"], 405),
    ("a body", "GET /echo HTTP/1.1", WHOLE + ["Content-Length: 1", "", "x"], 400),
    ("another origin", "GET /echo HTTP/1.1", WHOLE + ["Origin: http://evil.example"], 403),
    ("malformed extensions", "GET /echo HTTP/1.1", WHOLE + ["Sec-WebSocket-Extensions: ;"], 400),
    ("malformed subprotocols", "GET /echo HTTP/1.1", WHOLE + ["Sec-WebSocket-Protocol: ,"], 400),
    ("a host that is not allowed", "GET /echo HTTP/1.1", without("Host", "Host: evil.example"), 400),
]


wrap = None  # what makes a client's socket one of TLS


class Client:
    def __init__(self, port, path="/echo", extensions="permessage-deflate"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        if wrap:
            self.socket = wrap(self.socket)
        self.bytes = b""
        lines = WHOLE + (["Sec-WebSocket-Extensions: " + extensions] if extensions else [])
        self.socket.sendall("\r\n".join(["GET %s HTTP/1.1" % path] + lines + ["", ""]).encode())
        while b"\r\n\r\n" not in self.bytes:
            self.bytes += self.more()
        self.head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)

    def more(self):
        got = self.socket.recv(65536)
        if not got:
            raise EOFError
        return got

    def take(self, count):
        while len(self.bytes) < count:
            self.bytes += self.more()
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def frame(self):
        first, length = self.take(2)
        assert length < 128, "a server's frame is masked"
        if length == 126:
            length, = struct.unpack(">H", self.take(2))
        elif length == 127:
            length, = struct.unpack(">Q", self.take(8))
        return first, self.take(length)

    def transcript(self):
        """What comes until the close or the end."""
        said, message, kind = [], b"", None
        while True:
            try:
                first, payload = self.frame()
            except (EOFError, ConnectionError, ssl.SSLError):
                return "; ".join(said + ["end"])
            except socket.timeout:
                return "; ".join(said) or "silence"
            opcode = first & 15
            if opcode == 8:
                number = struct.unpack(">H", payload[:2]) if payload else ()
                return "; ".join(said + ["close %d" % number if number else "close"])
            if opcode in (9, 10):
                said.append("%s %s" % ("pong" if opcode == 10 else "ping", shown(payload, True)))
                continue
            if opcode:
                message, kind, compressed = b"", opcode, first & RSV1
            message += payload
            if first & 0x80:
                if compressed:
                    message = zlib.decompressobj(-15).decompress(message + b"\0\0\xff\xff")
                said.append("%s %s" % ("text" if kind == 1 else "binary", shown(message, kind == 1)))


def shown(data, text):
    if len(data) > 50:
        return "of %d" % len(data)
    return repr(data.decode()) if text or not data else repr(data)


def run_case(port, sent, step=None):
    client = Client(port)
    try:
        if step:
            for at in range(0, len(sent), step):
                client.socket.sendall(sent[at:at + step])
        else:
            client.socket.sendall(sent)
    except OSError:
        pass  # it was closed while we wrote
    client.socket.settimeout(1.5)
    said = client.transcript()
    client.socket.close()
    return said


def handshake(port, line, headers):
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as s:
        text = "\r\n".join([line] + headers + ([""] if "" in headers else ["", ""]))
        s.sendall(text.encode())
        said = b""
        while b"\r\n\r\n" not in said:
            got = s.recv(4096)
            if not got:
                break
            said += got
    return said.decode("latin-1")


def accept():
    return base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
