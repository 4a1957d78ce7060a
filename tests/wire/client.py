"""Many connections at once, each with bytes to send in parts and answers to read; and whether the answers are a row's."""
import collections
import re
import select
import socket
import time
from dataclasses import dataclass

from rows import HOST

CANARY_REQUEST = b"GET /canary HTTP/1.1\r\n" + HOST + b"\r\n"
LAST_CANARY_REQUEST = b"GET /canary HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
CANARY_BODY = b"canary\n"
AT_ONCE = 160
RECEIVED_BYTES_MAX = 1 << 18  # of one connection: a server that does not stop is wrong
PAUSE_SECONDS = 0.004  # between two parts, so that the first is read before the second comes
NOW, LATER, INTERIM, ANSWERED = "now", "later", "interim", "answered"  # when a part is sent


@dataclass
class Got:
    version: bytes
    status: int
    headers: list
    body: bytes

    def header(self, name):
        values = [value for found, value in self.headers if found == name.lower()]
        return ", ".join(values) if values else None


class Malformed(Exception):
    pass


class Talk:
    """A connection: what is sent when, and what came."""

    def __init__(self, row, mode, parts, heads, shut=False):
        self.row, self.mode, self.heads, self.shut = row, mode, heads, shut
        self.parts = collections.deque(parts)  # (when, bytes)
        self.received = bytearray()
        self.unsent = b""
        self.ended = self.timed_out = False
        self.sock = None

    def gate(self):
        return self.parts[0][0] if self.parts else None

    def may_go_on(self):
        try:
            interims, finals, _ = parse(bytes(self.received), self.heads, False)
        except Malformed:
            return False
        return interims > 0 if self.gate() == INTERIM else len(finals) >= len(self.row.want.answers) > 0


# ---- reading answers, strictly ----

STATUS_LINE = re.compile(rb"(HTTP/1\.\d) (\d\d\d) ([\t -~\x80-\xff]*)")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")


def parse_head(data):
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None, data
    first, *lines = data[:end].split(b"\r\n")
    line = STATUS_LINE.fullmatch(first)
    if not line:
        raise Malformed("status line %r" % bytes(first[:60]))
    headers = []
    for text in lines:
        found = FIELD_LINE.fullmatch(text)
        if not found:
            raise Malformed("header line %r" % bytes(text[:60]))
        headers.append((found[1].decode().lower(), found[2].decode("latin-1")))
    return Got(line[1], int(line[2]), headers, b""), data[end + 4:]


def parse_chunks(data):
    body = bytearray()
    while True:
        end = data.find(b"\r\n")
        if end < 0:
            return None, data
        size = re.fullmatch(rb"([0-9A-Fa-f]{1,16})([ \t]*;.*)?", data[:end])
        if not size:
            raise Malformed("chunk size %r" % bytes(data[:end][:40]))
        length = int(size[1], 16)
        data = data[end + 2:]
        if length == 0:
            end = 0 if data[:2] == b"\r\n" else data.find(b"\r\n\r\n") + 2 if b"\r\n\r\n" in data else -1
            return (bytes(body), data[end + 2:]) if end >= 0 else (None, data)
        if len(data) < length + 2:
            return None, data
        if data[length:length + 2] != b"\r\n":
            raise Malformed("chunk without its end")
        body += data[:length]
        data = data[length + 2:]


def parse_body(got, data, is_head, ended):
    """The body and what is left; None when it is not all there."""
    codings, lengths = got.header("transfer-encoding"), got.header("content-length")
    if codings and lengths:
        raise Malformed("an answer with Content-Length and Transfer-Encoding")
    if lengths and not lengths.isdigit():
        raise Malformed("Content-Length %r" % lengths)
    if got.status in (204, 304) or is_head:
        return b"", data
    if codings:
        if codings.lower() != "chunked":
            raise Malformed("Transfer-Encoding %r" % codings)
        return parse_chunks(data)
    if lengths:
        return (data[:int(lengths)], data[int(lengths):]) if len(data) >= int(lengths) else (None, data)
    return (data, b"") if ended else (None, data)


def parse(data, heads, ended):
    """How many interim answers come before the first final one behind the front canary, the final ones, and what is left over."""
    interims, finals = 0, []
    while data:
        got, rest = parse_head(data)
        if not got:
            break
        if got.status < 200:
            interims += 1
            data = rest
            if got.status == 101:
                raise Malformed("the protocol was switched")
            continue
        is_head = len(finals) < len(heads) and heads[len(finals)]
        got.body, rest = parse_body(got, rest, is_head, ended)
        if got.body is None:
            break
        finals.append(got)
        if len(finals) > len(heads) + 1:
            raise Malformed("more answers than requests")
        data = rest
    return interims, finals, data


# ---- the connections ----

class Line:
    """All talks of a run, so many at once."""

    def __init__(self, port, seconds, at_once=AT_ONCE):
        self.port, self.seconds, self.at_once = port, seconds, at_once
        self.epoll = select.epoll()
        self.active = {}
        self.pauses, self.deadlines = collections.deque(), collections.deque()
        self.opened = 0

    def run(self, talks):
        waiting = collections.deque(talks)
        while waiting or self.active:
            while waiting and len(self.active) < self.at_once:
                self.open(waiting.popleft())
            self.turn()

    def open(self, talk):
        talk.sock = socket.socket()
        # Each port is used by many addresses, so that none runs out while the kernel remembers old connections.
        talk.sock.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        talk.sock.bind(("127.0.1.%d" % (self.opened % 250 + 1), 0))
        self.opened += 1
        talk.sock.settimeout(self.seconds)
        try:
            talk.sock.connect(("127.0.0.1", self.port))
        except OSError:
            talk.sock.close()
            talk.sock = None
            return
        talk.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        talk.sock.setblocking(False)
        self.active[talk.sock.fileno()] = talk
        self.epoll.register(talk.sock.fileno(), select.EPOLLIN)
        self.deadlines.append((time.monotonic() + self.seconds, talk))
        self.send_next(talk)

    def send_next(self, talk):
        talk.unsent += talk.parts.popleft()[1]
        self.send(talk)
        if talk.gate() == LATER:
            self.pauses.append((time.monotonic() + PAUSE_SECONDS, talk))
        elif talk.gate() == NOW:
            self.send_next(talk)

    def send(self, talk):
        try:
            sent = talk.sock.send(talk.unsent)
            talk.unsent = talk.unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:  # the server has closed: what it said can still be read
            talk.unsent = b""
        self.epoll.modify(talk.sock.fileno(), select.EPOLLIN | (select.EPOLLOUT if talk.unsent else 0))
        if not talk.unsent and not talk.parts and talk.shut:
            try:
                talk.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def turn(self):
        now = time.monotonic()
        for fd, events in self.epoll.poll(self.wait_seconds(now)):
            talk = self.active.get(fd)
            if talk and events & select.EPOLLOUT and talk.unsent:
                self.send(talk)
            if talk and events & ~select.EPOLLOUT:
                self.receive(talk)
        now = time.monotonic()
        while self.pauses and self.pauses[0][0] <= now:
            talk = self.pauses.popleft()[1]
            if talk.sock:
                self.send_next(talk)
        while self.deadlines and (self.deadlines[0][0] <= now or not self.deadlines[0][1].sock):
            talk = self.deadlines.popleft()[1]
            if talk.sock:
                talk.timed_out = True
                self.close(talk)

    def wait_seconds(self, now):
        due = self.deadlines[0][0]
        if self.pauses:
            due = min(due, self.pauses[0][0])
        return max(0.0, due - now)

    def receive(self, talk):
        try:
            data = talk.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        talk.received += data
        if not data or len(talk.received) > RECEIVED_BYTES_MAX:
            talk.ended = not data
            self.close(talk)
        elif talk.gate() in (INTERIM, ANSWERED) and talk.may_go_on():
            self.send_next(talk)

    def close(self, talk):
        fd = talk.sock.fileno()
        self.epoll.unregister(fd)
        del self.active[fd]
        talk.sock.close()
        talk.sock = None


# ---- how a row is sent ----

def cuts(length):
    """Where to cut: at each byte; of long requests at each of the first and last hundred, and at some two hundred between."""
    if length <= 1000:
        return list(range(1, length))
    return sorted({*range(1, 100), *range(100, length - 100, 1 + length // 200), *range(length - 100, length)})


DRIPPED_BYTES_MAX = 700  # some four seconds


def whole(row):
    parts = [(NOW, row.request)]
    if row.then:
        parts.append((INTERIM, row.then))
    if not row.shut:
        parts.append((ANSWERED, LAST_CANARY_REQUEST))
    return Talk(row, "whole", parts, row.heads, row.shut)


def behind(row):
    """The end of what is sent where nothing is waited for."""
    return row.then + (b"" if row.shut else LAST_CANARY_REQUEST)


def cut(row, at):
    if row.then:
        parts = [(NOW, row.request[:at]), (LATER, row.request[at:]), (INTERIM, behind(row))]
    else:
        parts = [(NOW, row.request[:at]), (LATER, row.request[at:] + behind(row))]
    return Talk(row, "cut at %d" % at, parts, row.heads, row.shut)


def dripped(row):
    """One byte at a time."""
    parts = [(LATER, row.request[at:at + 1]) for at in range(len(row.request))]
    parts[0] = (NOW, parts[0][1])
    parts.append((INTERIM if row.then else LATER, behind(row)))
    return Talk(row, "dripped", parts, row.heads, row.shut)


def piped(row):
    parts = [(NOW, CANARY_REQUEST + row.request)]
    if row.then:
        parts.append((INTERIM, behind(row)))
    else:
        parts = [(NOW, CANARY_REQUEST + row.request + behind(row))]
    return Talk(row, "piped", parts, [False, *row.heads], row.shut)


# ---- whether it is as the row wants ----

def header_fits(got, name, wanted):
    value = got.version.decode() if name == ":version" else got.header(name)
    if wanted is None:
        return value is None
    if value is None or wanted is True:
        return value is not None
    if isinstance(wanted, re.Pattern):
        return wanted.search(value) is not None
    return value.lower() == wanted.lower()


def answer_fits(got, wanted):
    if got.status not in wanted.statuses:
        return False
    if wanted.body is not None and not (wanted.body.search(got.body) if isinstance(wanted.body, re.Pattern) else wanted.body == got.body):
        return False
    return all(header_fits(got, name, value) for name, value in wanted.headers.items())


def is_canary(got):
    return got.status == 200 and got.body == CANARY_BODY


def fits(outcome, interims, finals, ended, canary_sent):
    count = len(outcome.answers)
    if len(finals) < count or not all(answer_fits(got, wanted) for got, wanted in zip(finals, outcome.answers)):
        return False
    if outcome.interim is not None and outcome.interim != (interims > 0):
        return False
    went_on = canary_sent and len(finals) == count + 1 and is_canary(finals[-1])
    stopped = len(finals) == count and ended
    return (went_on and not outcome.closed) or (stopped and outcome.closed is not False)


def told(finals, interims, ended):
    answers = ["100"] * interims + ["%d%s" % (got.status, "" if len(got.body) > 40 or not got.body else " %r" % got.body.decode("latin-1")) for got in finals]
    return "%s, %s" % (", ".join(answers) or "nothing", "closed" if ended else "no end")


def wanted_text(outcome):
    answers = [("/".join(str(status) for status in answer.statuses)) +
               "".join(" %s: %s" % (name, getattr(value, "pattern", value)) for name, value in answer.headers.items()) +
               ("" if answer.body is None else " %.40r" % (getattr(answer.body, "pattern", answer.body),)) for answer in outcome.answers]
    how = {True: "closed", False: "kept", None: "either"}[outcome.closed]
    return "%s%s, %s" % ("100, " if outcome.interim else "", ", ".join(answers) or "nothing", how)


def judge(talk, outcomes):
    """None when what came is one of the outcomes; else what came."""
    try:
        interims, finals, left = parse(bytes(talk.received), talk.heads, talk.ended)
    except Malformed as error:
        return "malformed: %s" % error
    text = told(finals, interims, talk.ended)
    if left:
        return text + ", and %r" % bytes(left[:60])
    if not talk.ended:
        return text
    if talk.mode == "piped":
        if not finals or not is_canary(finals[0]):
            return "no canary in front: " + text
        finals = finals[1:]
    if any(fits(outcome, interims, finals, talk.ended, not talk.shut) for outcome in outcomes):
        return None
    return text + missing_headers(finals, outcomes[0])


def missing_headers(finals, outcome):
    wrong = ["%s: %s" % (name, got.header(name)) for got, wanted in zip(finals, outcome.answers) for name, value in wanted.headers.items()
             if not header_fits(got, name, value)]
    return " (%s)" % "; ".join(wrong) if wrong else ""
