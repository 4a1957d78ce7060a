"""Tables and verdicts from the samples of a run, as Markdown.

Every figure is the median over the rounds; [least-most] is their spread, and says how much a
difference between two rows is worth.
"""
import statistics

MB = 1024 * 1024

# The goals: CPU of one request, in microseconds and as a multiple of the limit's.
ITEM_US, PAGE_US, TIMES_LIMIT = 8.0, 40.0, 1.4
PIPELINED_US = 1.0
PAGE_TIMES_LESS = {"django": 30.0, "fastify": 4.0}  # CPU of a page: how many times less than these
POST_TIMES_INSERT = 3.0
WORKER_MB = 8.0
FIRST_ANSWER_MS = 15.0


def spread(values, form="{:.2f}"):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{form.format(middle)} [{form.format(low)}-{form.format(high)}]"


def number(value):
    """Three digits or so: 4.51, 27.6, 3008."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


class Report:
    """Reads the samples of a run: a list of dicts, one for each pass over one server."""

    def __init__(self, samples, first_answers, inserts=()):
        self.samples = samples
        self.inserts = inserts  # us of CPU of the insert of a POST, alone
        self.first_answers = first_answers  # {server: [ms]}

    def values(self, server, name, key):
        return [s[key] for s in self.samples if s["server"] == server and s["pass"] == name]

    def median(self, server, name, key="cpu_us"):
        values = self.values(server, name, key)
        return statistics.median(values) if values else None

    # ---- tables ----

    def table(self, name, title, servers):
        lines = [f"### {title}", "",
                 "| server | req/s | CPU us/req | ratio to limit | core busy | p50 ms | p99 ms "
                 "| RSS MB: worker / all | errors |",
                 "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
        limit = self.median("limit", name)
        for server in servers:
            cpu = self.median(server, name)
            if cpu is None:
                continue
            p50, p99 = (self.median(server, name, key) for key in ("p50_ms", "p99_ms"))
            lines.append("| " + " | ".join((
                server,
                f"{self.median(server, name, 'rps'):.0f}",
                spread(self.values(server, name, "cpu_us")),
                number(cpu / limit) if limit else "-",
                f"{self.median(server, name, 'busy'):.2f}",
                f"{p50:.2f}" if p50 else "-",  # wrk often has none for batches
                f"{p99:.2f}" if p99 else "-",
                f"{self.median(server, name, 'rss_worker') / MB:.1f} / "
                f"{self.median(server, name, 'rss_all') / MB:.1f}",
                str(sum(self.values(server, name, "errors"))),
            )) + " |")
        return "\n".join(lines) + "\n"

    def first_answer_table(self, servers):
        lines = ["### First answer, ms from exec to the first 200 on `/json`", "",
                 "| server | ms |", "|---|--:|"]
        for server in servers:
            if self.first_answers.get(server):
                lines.append(f"| {server} | {spread(self.first_answers[server], '{:.1f}')} |")
        return "\n".join(lines) + "\n"

    def disturbance(self):
        """What other programs took of the servers' core, as a share: median and worst pass."""
        shares = [s["foreign"] for s in self.samples]
        return (statistics.median(shares), max(shares)) if shares else (0.0, 0.0)

    # ---- verdicts ----

    def verdicts(self, server):
        """Each goal as (goal, what was measured, True or False, or None when not measured)."""
        yield self.at_most(server, "json", "`/json`", "nginx")
        yield self.against_limit(server, "item", "`/items/{id}`", ITEM_US)
        yield self.against_limit(server, "page", "`/items` 50 rows", PAGE_US)

        for peer, times in PAGE_TIMES_LESS.items():
            yield self.against_peer(server, peer, times)
        yield self.against_insert(server)
        for name, title in (("tls", "TLS"), ("handshake", "TLS, a connection each"), ("h2", "HTTP/2 in TLS"),
                            ("h2one", "HTTP/2 in TLS, one stream"), ("h2c", "HTTP/2")):
            yield self.at_most(server, name, title, "h2o")

        cpu = self.median(server, "pipelined")
        yield (f"pipelined x16 <= {PIPELINED_US} us", f"{cpu:.2f} us" if cpu is not None else "",
               cpu <= PIPELINED_US if cpu is not None else None)

        sizes = [s["rss_worker"] / MB for s in self.samples if s["server"] == server and not s["tls"]]
        yield (f"RSS <= {WORKER_MB:.0f} MB a worker, without TLS", f"{max(sizes):.1f} MB" if sizes else "",
               max(sizes) <= WORKER_MB if sizes else None)

        times = self.first_answers.get(server)
        first = statistics.median(times) if times else None
        yield (f"first answer <= {FIRST_ANSWER_MS:.0f} ms", f"{first:.1f} ms" if times else "",
               first <= FIRST_ANSWER_MS if times else None)

    def at_most(self, server, name, title, peer):
        goal = f"{title}: CPU <= {peer}'s"
        own, other = self.values(server, name, "cpu_us"), self.values(peer, name, "cpu_us")
        if not own or not other:
            return goal, "", None
        text = f"{statistics.median(own):.2f} against {statistics.median(other):.2f} us"
        if min(own) <= max(other) and min(other) <= max(own):
            text += "; the spreads overlap"
        return goal, text, statistics.median(own) <= statistics.median(other)

    def against_limit(self, server, name, title, most):
        goal = f"{title} <= {most:.0f} us or {TIMES_LIMIT} x limit"
        cpu, limit = self.median(server, name), self.median("limit", name)
        if cpu is None:
            return goal, "", None
        text = f"{cpu:.2f} us"
        if limit:
            text += f", {cpu / limit:.2f} x limit"
        return goal, text, cpu <= most or bool(limit) and cpu <= TIMES_LIMIT * limit

    def against_peer(self, server, peer, times):
        goal = f"`/items` 50 rows: {times:.0f} times less CPU than {peer}"
        own, other = self.median(server, "page"), self.median(peer, "page")
        if own is None or other is None:
            return goal, "", None
        return goal, f"{other / own:.1f} times less, {own:.2f} against {other:.0f} us", other / own >= times

    def insert_spread(self):
        return spread(self.inserts)

    def against_insert(self, server):
        goal = f"`POST` of 2 KB <= {POST_TIMES_INSERT:.0f} x its insert alone"
        own = self.median(server, "post")
        if own is None or not self.inserts:
            return goal, "", None
        alone = statistics.median(self.inserts)
        return goal, f"{own:.2f} us, {own / alone:.2f} x {alone:.2f} us", own <= POST_TIMES_INSERT * alone
