"""Whether a server answers right, before anybody measures how fast.

Answers are compared as parsed JSON with the database. Members may come in any order and dates in
any of the usual forms; every name, type and value must be there, and nothing else.
"""
import gzip
import http.client
import json
import os
import re
import socket
import sqlite3
import ssl
import subprocess

import items

PIPELINED = 16
PAGE_SIZE = 50
COLUMNS = ("id", "name", "description", "price", "quantity", "created_at")

# What a browser sends: about 700 bytes of head, where wrk alone sends 44.
BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "application/json, text/plain, */*",
    "Accept-Language": "en-GB,en;q=0.7,de;q=0.3",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://shop.example.com/items?category=kitchen&sort=price",
    "Cookie": "sessionid=x7c1e0b8d7a4c5542f0d9b61; csrftoken=Zk3x9QpL0vT7hYwRb2Nc8SgUe5Jd1MfA",
    "DNT": "1",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "Priority": "u=4",
    "Pragma": "no-cache",
    "Cache-Control": "no-cache",
}


class Wrong(Exception):
    """An answer that is not the right one; the text says which and how."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


class Checker:
    def __init__(self, database, files):
        self.files = files
        connection = sqlite3.connect(database)
        query = f"select {', '.join(COLUMNS)} from items order by id"
        self.rows = connection.execute(query).fetchall()
        connection.close()

    # ---- one request ----

    def ask(self, port, path, status, method="GET", sent=None, headers=None):
        """The answer, which has this status, and its body."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, sent, headers or {})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Wrong(f"{path}: {error!r}") from error
        finally:
            connection.close()
        expect(answer.status == status, f"{path}: status {answer.status}, not {status}: {body[:200]!r}")
        return answer, body

    def get(self, port, path, headers=None, status=200):
        answer, body = self.ask(port, path, status, headers=headers)
        if status != 200:
            return None
        kind = answer.headers.get_content_type()
        expect(kind == "application/json", f"{path}: content type {kind}")
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return self.parsed(body, path)

    @staticmethod
    def parsed(body, path):
        try:
            return json.loads(body)
        except ValueError as error:
            raise Wrong(f"{path}: not JSON: {body[:60]!r}") from error

    # ---- what an answer must be ----

    @staticmethod
    def hello(answer, path="/json"):
        expect(answer == {"message": "Hello, World!"}, f"{path}: {answer!r}")

    @staticmethod
    def item(answer, row, path):
        expect(isinstance(answer, dict) and set(answer) == set(COLUMNS), f"{path}: {answer!r:.200}")
        for name, value in zip(COLUMNS, row):
            got = answer[name]
            if name == "created_at":
                date = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.0+)?(Z|\+00:?00)?",
                                    str(got))
                right = date and f"{date.group(1)} {date.group(2)}" == value
            elif name == "price":  # 12 and 12.0 are one number in JSON
                right = type(got) in (int, float) and got == value
            else:
                right = type(got) is type(value) and got == value
            expect(right, f"{path}: {name} of id {row[0]} is {got!r}, not {value!r}")

    def page(self, port, path, number):
        answer = self.get(port, path)
        expect(isinstance(answer, dict) and set(answer) == {"count", "next", "previous", "results"},
               f"{path}: {answer!r:.200}")
        expect(answer["count"] == len(self.rows), f"{path}: count {answer['count']!r}")
        last = -(-len(self.rows) // PAGE_SIZE)
        base = f"http://127.0.0.1:{port}/items"
        following = f"{base}?page={number + 1}" if number < last else None
        # DRF links to page 1 without its number; with it is as good.
        before = {1: [None], 2: [base, base + "?page=1"]}.get(number, [f"{base}?page={number - 1}"])
        expect(answer["next"] == following, f"{path}: next is {answer['next']!r}")
        expect(answer["previous"] in before, f"{path}: previous is {answer['previous']!r}")
        rows = self.rows[(number - 1) * PAGE_SIZE:number * PAGE_SIZE]
        expect(isinstance(answer["results"], list) and len(answer["results"]) == len(rows),
               f"{path}: not {len(rows)} results")
        for got, row in zip(answer["results"], rows):
            self.item(got, row, path)

    def pipelined(self, port):
        """Sixteen requests in one write must bring sixteen answers, in order, on the connection."""
        number = 0
        request = f"GET /json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
                connection.sendall(request * PIPELINED)
                stream = connection.makefile("rb")
                for number in range(1, PIPELINED + 1):
                    status = stream.readline()
                    expect(b" 200 " in status, f"answer {number} of {PIPELINED} is {status!r}")
                    headers = http.client.parse_headers(stream)
                    body = stream.read(int(headers["Content-Length"]))
                    self.hello(self.parsed(body, "/json"))
        except (OSError, TypeError, http.client.HTTPException) as error:
            raise Wrong(f"answer {number} of {PIPELINED}: {error!r}") from error

    def post(self, port, document):
        """What was sent comes back with a key, and what is wrong with it is told."""
        sent = json.loads(document)
        for status, body in ((201, sent), (400, {**sent, "author_email": "nobody", "rating": 9})):
            _, text = self.ask(port, "/articles", status, "POST", json.dumps(body), {"Content-Type": "application/json"})
            got = self.parsed(text, "/articles")
            if status == 201:
                expect(got == {**sent, "id": got.get("id")}, f"/articles: {got!r:.200}")
            else:
                expect(set(got) == {"author_email", "rating"}, f"/articles: {got!r:.200}")

    def file(self, port, name):
        """All of it, and a part."""
        with open(os.path.join(self.files, name), "rb") as file:
            whole = file.read()
        for status, headers, body in ((200, {}, whole), (206, {"Range": "bytes=1000-1099"}, whole[1000:1100])):
            answer, got = self.ask(port, f"/files/{name}", status, headers=headers)
            expect(got == body, f"/files/{name}: {len(got)} bytes, which are not the {len(body)} of the file")
            expect(answer.headers["ETag"], f"/files/{name}: no ETag")

    def tls(self, port):
        """HTTP/1.1 inside TLS."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        try:
            connection.request("GET", "/json")
            answer = connection.getresponse()
            expect(answer.status == 200, f"/json inside TLS: status {answer.status}")
            self.hello(self.parsed(answer.read(), "/json"))
        except (OSError, http.client.HTTPException) as error:
            raise Wrong(f"/json inside TLS: {error!r}") from error
        finally:
            connection.close()

    def http2(self, url, option):
        """HTTP/2, and not what a client falls back to."""
        done = subprocess.run(["curl", "-sk", option, "-w", "\n%{http_version} %{http_code}", url], stdout=subprocess.PIPE,
                              timeout=10, check=False)
        body, _, told = done.stdout.decode().rpartition("\n")
        expect(told == "2 200", f"{url}: HTTP version and status are {told!r}")
        self.hello(self.parsed(body, url))

    # ---- one server ----

    def check(self, kind, port):
        """Raise Wrong unless the server on `port` answers right whatever a pass of `kind` asks."""
        if kind == "json":
            self.hello(self.get(port, "/json"))
        elif kind == "browser":
            self.hello(self.get(port, "/json", BROWSER_HEADERS))
        elif kind == "pipelined":
            self.pipelined(port)
        elif kind == "post":
            self.post(port, items.article())
        elif kind == "file10k":
            self.file(port, "10k.bin")
        elif kind == "file1m":
            self.file(port, "1m.bin")
        elif kind in ("tls", "handshake"):
            self.tls(port)
        elif kind in ("h2", "h2one"):
            self.http2(f"https://127.0.0.1:{port}/json", "--http2")
        elif kind == "h2c":
            self.http2(f"http://127.0.0.1:{port}/json", "--http2-prior-knowledge")
        elif kind == "item":
            for number in (7, 1, len(self.rows)):
                path = f"/items/{number}"
                self.item(self.get(port, path), self.rows[number - 1], path)
            self.get(port, f"/items/{len(self.rows) + 1}", status=404)
        elif kind == "page":
            last = -(-len(self.rows) // PAGE_SIZE)
            self.page(port, "/items", 1)
            for number in (1, 2, last):
                self.page(port, f"/items?page={number}", number)
            self.get(port, f"/items?page={last + 1}", status=404)
