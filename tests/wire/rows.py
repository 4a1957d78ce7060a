"""What a row of the table is: a rule of an RFC, the bytes of a request that it speaks of, and the answers that keep it."""
import re
from dataclasses import dataclass, field, replace

HOST = b"Host: wire.example\r\n"
MUST, SHOULD, MAY = "MUST", "SHOULD", "MAY"  # of a MAY the row's text says what we decided
IMF_DATE = re.compile(r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$")


@dataclass(frozen=True)
class Answer:
    """One final answer. `headers` has for each name what must be there: a text (whatever its case), a pattern, True for any
    value, None for no such header. `body` is None (whatever it is), the bytes, or a pattern."""
    statuses: tuple
    body: object = None
    headers: dict = field(default_factory=dict)
    head: bool = False  # it answers HEAD


@dataclass(frozen=True)
class Outcome:
    """What comes back: so many answers, and whether the connection is closed behind them (None: either). `interim`: whether
    a 100 comes before the first (None: either)."""
    answers: tuple
    closed: object
    interim: object = False


@dataclass
class Row:
    section: str  # "9112 2.2"
    level: str
    text: str
    request: bytes
    want: Outcome
    also: tuple  # what the RFC permits besides what we decided; peers are judged by both
    needs: str   # what of the routes it asks for: see ROUTES of peers.py; "" is what every server has
    pending: str  # why ours cannot keep it yet
    then: bytes  # sent when a 100 has come
    shut: bool   # the client sends no more: it shuts its side
    id: str = ""

    @property
    def permitted(self):
        """What the RFC permits: as `want` and `also`, but that a server may end a connection when it likes (9112, 9.5), unless the
        row is about that."""
        if self.section.startswith("9112 9.3"):
            return (self.want, *self.also)
        return tuple(replace(outcome, closed=outcome.closed or None) for outcome in (self.want, *self.also))

    @property
    def heads(self):
        """Which of the answers have no body because they answer HEAD."""
        return [answer.head for answer in self.want.answers]


def answer(*statuses, body=None, head=False, **headers):
    return Answer(statuses, body, {name.replace("_", "-"): value for name, value in headers.items()}, head)


def kept(*answers, interim=False):
    return Outcome(answers, False, interim)


def ended(*answers, interim=False):
    return Outcome(answers, True, interim)


def either(*answers, interim=False):
    return Outcome(answers, None, interim)


def refused(*statuses):
    return ended(answer(*(statuses or (400,))))


HELLO = answer(200, body=b"hello\n")
CANARY = answer(200, body=b"canary\n")
SILENT = ended()
GREETED, GREETED_AND_ENDED = kept(HELLO), ended(HELLO)


def echoed(body):
    return answer(200, body=body)


def head(line, *lines):
    """A request's head; `line` is "GET /hello HTTP/1.1" or shorter, and the host is added behind it."""
    parts = line.encode("latin-1").split(b" ")
    if len(parts) == 2:
        parts.append(b"HTTP/1.1")
    return b" ".join(parts) + b"\r\n" + HOST + fields(*lines) + b"\r\n"


def fields(*lines):
    return b"".join((line if isinstance(line, bytes) else line.encode("latin-1")) + b"\r\n" for line in lines)


def get(*lines, path="/hello"):
    return head("GET " + path, *lines)


def bare(line, *lines):
    """The same without a host."""
    return line.encode("latin-1") + b"\r\n" + fields(*lines) + b"\r\n"


def post(*lines, body=b"", path="/echo"):
    return head("POST " + path, *lines) + body


def chunked(body, *lines):
    return post("Transfer-Encoding: chunked", *lines, body=body)


class Table:
    def __init__(self):
        self.rows = []

    def row(self, section, level, text, request, want, *also, needs="", pending="", then=b"", shut=False):
        if request.startswith(b"HEAD ") and len(want.answers) == 1:
            want, also = as_head(want), tuple(as_head(outcome) for outcome in also)
        self.rows.append(Row(section, level, text, request, want, also, needs, pending, then, shut))

    def numbered(self):
        """The rows in the order of their sections, each with its name: "9112-2.2-1" is the first of that section."""
        self.rows.sort(key=lambda row: section_key(row.section))
        counts = {}
        for row in self.rows:
            counts[row.section] = counts.get(row.section, 0) + 1
            row.id = "%s-%d" % (row.section.replace(" ", "-"), counts[row.section])
        return self.rows


def section_key(section):
    rfc, _, number = section.partition(" ")
    order = ("9112", "9110", "9111", "3986")
    return order.index(rfc), [int(part) for part in number.split(".")]


def as_head(outcome):
    return Outcome(tuple(Answer(a.statuses, a.body, a.headers, True) for a in outcome.answers), outcome.closed, outcome.interim)
