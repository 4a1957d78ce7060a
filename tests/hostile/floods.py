"""Floods over HTTP/2, by who connects again as soon as it is cut off, and the throughput of good clients beside them.

One worker has a processor to itself. Its good clients ask for half a millisecond of that, over HTTP/1 and HTTP/2, one request after
another on connections that are kept: so many that the worker is never idle, and whatever else it does is missing from what they are
answered. The attackers' processes stand behind the good clients on the other processor, and come from another address.
"""
import multiprocessing
import os
import select
import socket
import statistics
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from lab import Lab  # noqa: E402

BURN_US = 500
CONNECTIONS_A_SECOND, ATTACKERS = 100, 2  # of each attacker, at most
GOODBYE_SECONDS, GROWTH_KB, KEPT = 1, 16384, 0.8
FLOOD_BYTES = 256 << 10

# ---- frames ----

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
ENHANCE_YOUR_CALM = 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, content=b""):
    return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content


def fields(path, method=b"\x82"):
    return method + b"\x86\x04" + bytes([len(path)]) + path + b"\x01\x09localhost"


def get(stream, path=b"/sleep/1000"):
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, fields(path))


BEGIN = PREFACE + frame(SETTINGS, 0, 0)


def table(n):
    """A field of 4,000 bytes that the decoder keeps, and 8,000 names of it by a byte each."""
    kept = b"\x40\x01a\x7f\x91\x1e" + b"x" * (127 + 17 + 30 * 128) if n == 0 else b""
    return frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, fields(b"/notes") + kept + b"\xbe" * 8000)


FLOODS = {
    "rapid reset": lambda n: get(2 * n + 1) + frame(RST_STREAM, 0, 2 * n + 1, struct.pack(">I", 8)),
    "the server is made to reset": lambda n: frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, b"\x82\x86\x84\x01\x09localhost\x00\x03X-A\x01x"),
    "settings": lambda n: frame(SETTINGS, 0, 0, b"\0\3\0\0\0\x64"),
    "pings": lambda n: frame(PING, 0, 0, b"12345678"),
    "priorities": lambda n: frame(PRIORITY, 0, 2 * n + 1, b"\0\0\0\0\x10"),
    "continuations": lambda n: (frame(HEADERS, END_STREAM, 1, fields(b"/notes")) if n == 0 else b"") + frame(CONTINUATION, 0, 1, b"\0" if n % 2 == 0 else b""),
    "empty data": lambda n: (frame(HEADERS, END_HEADERS, 1, fields(b"/echo", b"\x83")) if n == 0 else b"") + frame(DATA, 0, 1),
    "windows that grow by one byte": lambda n: frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
    "frames nobody knows": lambda n: frame(0xee, 0, 0, b"12345678"),
    "references to a large field": table,
}
# These are not ended: one that ends itself before it is a flood, and one that is none, but as many connections.
SHORT_OF = "resets that stop short"
HARMLESS = "connections, and no flood"
SPREAD = "rapid reset, each from elsewhere"  # told, and not judged: no address is known for it


def bytes_of(name):
    if name == HARMLESS:
        return BEGIN + get(1, b"/sleep/0")
    if name == SHORT_OF:
        return BEGIN + b"".join(FLOODS["rapid reset"](n) for n in range(195))
    make = FLOODS["rapid reset" if name == SPREAD else name]
    pieces, length, n = [BEGIN], 0, 0
    while length < FLOOD_BYTES and n < 20000:
        pieces.append(make(n))
        length += len(pieces[-1])
        n += 1
    return b"".join(pieces)


# ---- attackers ----

def attack_once(port, address, data, ends_itself):
    """How long it took until the connection was over, whether it was told to be calm, and whether it was refused."""
    begin = time.monotonic()
    received = b""
    with socket.socket() as connection:
        connection.bind((address, 0))
        connection.settimeout(10)
        try:
            connection.connect(("127.0.0.1", port))
            connection.sendall(data)
        except OSError:
            pass  # cut off before it took all
        try:
            while True:
                piece = connection.recv(1 << 16)
                received += piece
                if not piece or (ends_itself and len(received) > 60):
                    break
        except OSError:
            pass
    goodbye = b"\0\0\x08\x07\0\0\0\0\0"
    at = received.rfind(goodbye)
    calm = at >= 0 and received[at + 13:at + 17] == struct.pack(">I", ENHANCE_YOUR_CALM)
    return time.monotonic() - begin, calm, received == b"" or received.startswith(b"HTTP/1.1 503")


def attacker(port, name, address, stop, results):
    os.nice(19)  # the good clients are measured, not what attackers take of their processor
    data, counts, longest, due = bytes_of(name), [0, 0, 0], 0, time.monotonic()
    ends_itself = name in (HARMLESS, SHORT_OF)
    while not stop.is_set():
        due = max(due + 1 / CONNECTIONS_A_SECOND, time.monotonic() - 0.1)
        if name == SPREAD:
            address = "127.%d.%d.%d" % (128 + os.getpid() % 100, counts[0] // 200, 1 + counts[0] % 200)
        took, calm, refused = attack_once(port, address, data, ends_itself)
        counts[0] += 1
        counts[1] += calm
        counts[2] += refused
        longest = max(longest, took if calm else 0)
        if stop.wait(max(due - time.monotonic(), 0)):
            break
    results.put((counts, longest))


# ---- good clients ----

class Http1:
    request = b"GET /burn/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % BURN_US

    def __init__(self, port):
        self.connection, self.input, self.answered = socket.create_connection(("127.0.0.1", port)), b"", 0

    def begin(self):
        self.connection.sendall(self.request)

    def ready(self):
        piece = self.connection.recv(1 << 16)
        if not piece:
            raise ConnectionError("a good client was cut off")
        self.input += piece
        if not self.input.endswith(b"\r\n\r\nburnt"):
            return
        self.answered += self.input.startswith(b"HTTP/1.1 200")
        self.input = b""
        self.begin()


class Http2(Http1):
    def __init__(self, port):
        super().__init__(port)
        self.stream = 1
        self.connection.sendall(BEGIN)

    def begin(self):
        self.connection.sendall(get(self.stream, b"/burn/%d" % BURN_US) + (frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 65535)) if self.stream % 2001 == 0 else b""))
        self.stream += 2

    def ready(self):
        piece = self.connection.recv(1 << 16)
        if not piece:
            raise ConnectionError("a good client over HTTP/2 was cut off")
        self.input += piece
        while len(self.input) >= 9:
            length = int.from_bytes(self.input[:3], "big")
            if len(self.input) < 9 + length:
                return
            kind, flags, content = self.input[3], self.input[4], self.input[9:9 + length]
            self.input = self.input[9 + length:]
            if kind == SETTINGS and not flags & ACK:
                self.connection.sendall(frame(SETTINGS, ACK, 0))
            if kind in (RST_STREAM, GOAWAY):
                raise ConnectionError("a good client over HTTP/2 was told to end")
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                self.answered += content == b"burnt"
                self.begin()


class Good:
    def __init__(self, port):
        self.clients = [kind(port) for kind in (Http1, Http1, Http2, Http2)]
        self.poll = select.epoll()
        self.by_fd = {client.connection.fileno(): client for client in self.clients}
        for fd, client in self.by_fd.items():
            self.poll.register(fd, select.EPOLLIN)
            client.begin()

    def answered(self, seconds):
        """How many a second, of HTTP/1 and of HTTP/2."""
        before = [client.answered for client in self.clients]
        begin = time.monotonic()
        while time.monotonic() < begin + seconds:
            for fd, _ in self.poll.poll(0.1):
                self.by_fd[fd].ready()
        took = time.monotonic() - begin
        rates = [(client.answered - was) / took for client, was in zip(self.clients, before)]
        return rates[0] + rates[1], rates[2] + rates[3]

    def close(self):
        for client in self.clients:
            client.connection.close()


# ---- one against the other ----

def useful(lab, good, seconds):
    """What good clients are answered a second, and the part of the worker's time that went into it."""
    before = lab.worker_seconds()
    rates = good.answered(seconds)
    return rates, sum(rates) * seconds * BURN_US / 1e6 / max(lab.worker_seconds() - before, 0.01)


def beside(lab, good, name, address, seconds):
    stop, results = multiprocessing.Event(), multiprocessing.Queue()
    attackers = [multiprocessing.Process(target=attacker, args=(lab.port, name, address, stop, results)) for _ in range(ATTACKERS)]
    for process in attackers:
        process.start()
    good.answered(0.3)  # until they are there
    found = useful(lab, good, seconds)
    stop.set()
    told = []
    while len(told) < ATTACKERS:
        good.answered(0.05)
        while not results.empty():
            told.append(results.get())
    for process in attackers:
        process.join()
    return found, [sum(counts[i] for counts, _ in told) for i in range(3)], max(longest for _, longest in told)


def measure(lab, rounds):
    """Why it fails. The good clients are the same for all, so that none is ever cut off."""
    failures, good = [], Good(lab.port)
    good.answered(1)
    for number, name in enumerate([HARMLESS, SHORT_OF, SPREAD, *FLOODS]):
        kb, kept, parts, counts, longest = lab.worker_kb(), [], [], [0, 0, 0], 0
        for round_number in range(rounds):
            alone, alone_part = useful(lab, good, 1)
            address = "127.1.%d.%d" % (number, round_number + 1)  # not yet known for anything
            (rates, part), came, took = beside(lab, good, name, address, 1)
            kept.append([there / before for there, before in zip(rates, alone)])
            parts.append(part / alone_part)
            counts, longest = [a + b for a, b in zip(counts, came)], max(longest, took)
        grown = lab.worker_kb() - kb
        http1, http2 = (statistics.median(round[i] for round in kept) for i in (0, 1))
        part = statistics.median(parts)
        print("%-32s HTTP/1 keeps %3.0f %%, HTTP/2 %3.0f %%, of the worker's time %3.0f %%; %4d connections, %3d told to be calm, the last after %3.0f ms, "
              "%d refused; %+d kB" % (name, 100 * http1, 100 * http2, 100 * part, counts[0], counts[1], 1000 * longest, counts[2], grown))
        if part < KEPT and name not in (HARMLESS, SPREAD):
            failures.append("beside %s good clients keep %.0f %%" % (name, 100 * part))
        if name in FLOODS and (not counts[1] or counts[1] + counts[2] < counts[0]):
            failures.append("%s: of %d connections %d were told to be calm, and %d refused" % (name, *counts))
        if longest > GOODBYE_SECONDS:
            failures.append("%s: %.1f s until one was told" % (name, longest))
        if grown > GROWTH_KB:
            failures.append("%s: %d kB more" % (name, grown))
    good.close()
    return failures


def floods(build, folder, rounds):
    with Lab(build, folder) as lab:
        failures = measure(lab, rounds)
    if lab.process.returncode or "Sanitizer" in lab.said():
        failures.append("the lab ended with %s: %s" % (lab.process.returncode, lab.said()[-3000:]))
    return failures
