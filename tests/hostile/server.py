"""The hostile application on a database of its own, and a client that sends many requests at once."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

here = os.path.dirname(os.path.realpath(__file__))
root = os.path.dirname(os.path.dirname(here))
PROGRAM = os.environ.get("HOSTILE_PROGRAM", os.path.join(root, "build", "bin", "hostile"))
START_SECONDS, ANSWER_SECONDS = 20, 30
ALONE_BYTES = 6000  # more than that goes in one request at a time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgresql:
    """A private server that writes each statement into its log, without its values."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "postgresql")
        os.chmod(folder, 0o755)
        done = subprocess.run([os.path.join(root, "tests", "postgresql"), "start", self.folder], capture_output=True, text=True)
        self.installed = done.returncode != 77
        if not self.installed:
            return
        if done.returncode:
            sys.exit("PostgreSQL does not start: " + done.stderr)
        self.url = done.stdout.strip()
        for setting in ("log_statement = 'all'", "log_parameter_max_length = 0", "log_parameter_max_length_on_error = 0",
                        "log_min_error_statement = 'panic'"):
            self.sql("ALTER SYSTEM SET " + setting)
        self.sql("SELECT pg_reload_conf()")

    def sql(self, text):
        return subprocess.run([os.path.join(root, "tests", "postgresql"), "sql", self.folder, text], check=True, capture_output=True, text=True).stdout

    def log(self):
        with open(os.path.join(self.folder, "server", "log"), "rb") as file:
            return file.read()

    def stop(self):
        if self.installed:
            subprocess.run([os.path.join(root, "tests", "postgresql"), "stop", self.folder], check=False)


class Server:
    """`hostile run`; ends with the block it is used in."""

    def __init__(self, folder, url, **more):
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder, "DATABASE_URL": url, "ENV": "test", **more}
        self.folder, self.port = folder, free_port()
        self.log = tempfile.TemporaryFile()

    def command(self, *arguments, said=""):
        done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=self.environment, input=said, capture_output=True, text=True)
        if done.returncode:
            sys.exit("hostile %s: %s%s" % (" ".join(arguments), done.stdout, done.stderr))
        return done.stdout

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM, "run", "--bind", "127.0.0.1:%d" % self.port], cwd=self.folder, env=self.environment,
                                        stdout=self.log, stderr=self.log)
        for _ in range(START_SECONDS * 50):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        sys.exit("hostile does not start: " + self.said())

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-4000:]

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Client:
    """One connection; requests are sent together and answered in order."""

    def __init__(self, port):
        self.port, self.socket, self.buffer = port, None, b""

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_SECONDS)
        self.buffer = b""

    def fill(self):
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise ConnectionError("the server closed the connection")
        self.buffer += piece

    def answer(self):
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        length, closes = 0, False
        for line in head.split(b"\r\n")[1:]:
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"connection":
                closes = value.strip().lower() == b"close"
        while len(self.buffer) < length:
            self.fill()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        if closes:
            self.socket.close()
            self.socket = None
        return int(head.split(b" ", 2)[1]), body

    def send_alone(self, request):
        """A request that may be refused before it is sent whole."""
        method, target, body = request
        self.connect()
        try:
            self.socket.sendall(b"%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                                % (method.encode(), target, len(body), body))
        except OSError:
            pass  # the answer may be there all the same
        try:
            answer = self.answer()
        except OSError:
            answer = 431, b""  # reset with what was not read
        if self.socket:
            self.socket.close()
        self.socket = None
        return answer

    def send(self, requests, together=32):
        """[(status, body)] of [(method, target, body)]; after one that closed the connection the rest is sent anew."""
        answers = []
        while len(answers) < len(requests):
            if not self.socket:
                self.connect()
            part = requests[len(answers):len(answers) + together]
            if len(part[0][1]) + len(part[0][2]) > ALONE_BYTES:
                answers.append(self.send_alone(part[0]))
                continue
            while len(part) > 1 and max(len(t) + len(b) for _, t, b in part) > ALONE_BYTES:
                part = part[:-1]
            self.socket.sendall(b"".join(
                b"%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (method.encode(), target, len(body), body) for method, target, body in part))
            for _ in part:
                answers.append(self.answer())
                if not self.socket:
                    break
        return answers


def target(place, /, **query):
    """A request's target, its values percent-encoded byte by byte."""
    return (place + "?" + "&".join("%s=%s" % (name, urllib.parse.quote_from_bytes(v if isinstance(v, bytes) else str(v).encode(), safe=""))
                                  for name, v in query.items())).encode()
