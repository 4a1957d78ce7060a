"""How each peer is started: one worker, quiet, on 127.0.0.1.

A peer is what a reader would otherwise use, set up the way its own documentation sets it up for
production. Where a choice had to be made it was made in the peer's favour; bench/README.md lists
them.
"""
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from typing import Callable, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
HELLO = '{"message":"Hello, World!"}'


@dataclasses.dataclass
class Place:
    """Where one start of a server lives: a folder of its own, removed when it has ended."""

    folder: str  # has `files`, what is served as such
    port: int
    database: str
    access_log: str
    h2c_port: int  # HTTP/2 without TLS, of a server with own_h2c_port
    tls: bool  # whether it serves on tls_port, too
    tls_port: int
    certificate: str
    key: str


@dataclasses.dataclass
class Command:
    argv: list
    env: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Server:
    name: str
    kinds: Tuple[str, ...]  # what it serves: json, item, page, post, file; tls, and inside it HTTP/2; h2c without
    command: Callable[[Place], Command]
    version: str = ""
    missing: str = ""  # why it cannot run here; empty when it can
    logs: bool = False  # whether it writes place.access_log
    own_h2c_port: bool = False  # others speak HTTP/2 without TLS beside HTTP/1


def output(argv, timeout=30, **options):
    """What a command prints, on either stream; None when it is not there or fails."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout, **options)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def python_with(modules, packages):
    """The first Python that has the modules, and what it has: (path, "package version, ...").

    Not just our own Python: a distribution's packages are seen by the distribution's Python only.
    """
    probe = (f"import {', '.join(modules)}\n"
             "import importlib.metadata as metadata\n"
             f"print(', '.join(p + ' ' + metadata.version(p) for p in {packages!r}))")
    for python in (os.environ.get("BENCH_PYTHON"), sys.executable, "/usr/bin/python3"):
        found = output([python, "-c", probe]) if python else None
        if found:
            return python, found.splitlines()[-1]
    return None, ""


def with_app(peer, argv):
    """A Python application runs from a copy of its module: __pycache__ stays out of the tree."""

    def command(place):
        shutil.copy(os.path.join(HERE, peer, "app.py"), place.folder)
        return Command([word.format(port=place.port) for word in argv],
                       {"BENCH_DB": place.database, "PYTHONPATH": place.folder})

    return command


def django():
    kinds = ("json", "item", "page")
    python, version = python_with(("django", "rest_framework", "gunicorn"),
                                  ("Django", "djangorestframework", "gunicorn"))
    missing = "" if python else "needs Django, djangorestframework and gunicorn"
    gunicorn = [python, "-m", "gunicorn", "--workers", "1", "--log-level", "error",
                "--bind", "127.0.0.1:{port}"]
    # A sync worker closes the connection after each answer; gthread keeps it open.
    for name, worker in (("django", ["--worker-class", "sync"]),
                         ("django-gthread", ["--worker-class", "gthread", "--threads", "1",
                                             "--keep-alive", "75"])):
        argv = gunicorn + worker + ["app:application"]
        yield Server(name, kinds, with_app("django", argv), version, missing)


def fastapi():
    python, version = python_with(("fastapi", "uvicorn", "uvloop", "httptools"),
                                  ("fastapi", "pydantic", "uvicorn"))
    missing = "" if python else "needs fastapi, uvicorn, uvloop and httptools"
    argv = [python, "-m", "uvicorn", "--workers", "1", "--loop", "uvloop", "--http", "httptools",
            "--no-access-log", "--log-level", "error", "--host", "127.0.0.1", "--port", "{port}",
            "app:app"]
    yield Server("fastapi", ("json", "item", "page"), with_app("fastapi", argv), version, missing)


def fastify_modules():
    """Install the pinned modules outside the tree, once: (folder, "" or why not)."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(cache, "calzone-bench", "fastify")
    wanted = os.path.join(HERE, "fastify", "package.json")
    installed = os.path.join(folder, "installed.json")  # written last: an install that ended
    with open(wanted, encoding="utf-8") as file:
        text = file.read()
    try:
        with open(installed, encoding="utf-8") as file:
            if file.read() == text:
                return folder, ""
    except OSError:
        pass
    if not shutil.which("npm"):
        return folder, "needs npm"
    print("fastify: npm install, once, into " + folder, file=sys.stderr)
    os.makedirs(folder, exist_ok=True)
    shutil.copy(wanted, folder)
    npm = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
    try:
        subprocess.run(npm, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        return folder, "npm install failed"
    # better-sqlite3 is compiled or downloaded by its install script; only loading it proves it.
    if output(["node", "-e", "require('fastify'); require('better-sqlite3')(':memory:')"],
              cwd=folder) is None:
        return folder, "the installed modules do not load"
    write(installed, text)
    return folder, ""


def fastify():
    node = output(["node", "--version"])
    folder, missing = fastify_modules() if node else ("", "needs node")

    def command(place):
        return Command(["node", os.path.join(HERE, "fastify", "app.js")],
                       {"BENCH_DB": place.database, "BENCH_PORT": str(place.port),
                        "NODE_ENV": "production",
                        "NODE_PATH": os.path.join(folder, "node_modules")})

    with open(os.path.join(HERE, "fastify", "package.json"), encoding="utf-8") as file:
        pinned = json.load(file)["dependencies"]
    version = ", ".join([f"{name} {number}" for name, number in pinned.items()] + [f"node {node}"])
    yield Server("fastify", ("json", "item", "page"), command, version, missing)


def nginx():
    program = shutil.which("nginx", path=SYSTEM_PATH)
    user = "user root;" if os.getuid() == 0 else ""  # or its worker may not write to our folder
    config = """
        daemon off; worker_processes 1; %(user)s
        pid %(folder)s/nginx.pid; error_log %(folder)s/error.log crit;
        events { worker_connections 2048; }
        http {
            client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/proxy;
            fastcgi_temp_path %(folder)s/fastcgi; uwsgi_temp_path %(folder)s/uwsgi;
            scgi_temp_path %(folder)s/scgi;
            access_log %(log)s combined buffer=64k flush=1s;
            keepalive_requests 1000000000;
            sendfile on; tcp_nopush on;
            server {
                listen 127.0.0.1:%(port)d;
                listen 127.0.0.1:%(h2c_port)d http2;
                %(tls_lines)s
                location = /json { default_type application/json; return 200 '%(hello)s'; }
                location /files/ { root %(folder)s; }
            }
        }
        """

    tls_lines = """listen 127.0.0.1:%(tls_port)d ssl http2;
                ssl_protocols TLSv1.2 TLSv1.3;
                ssl_certificate %(certificate)s; ssl_certificate_key %(key)s;"""

    def command(place):
        path = os.path.join(place.folder, "nginx.conf")
        lines = tls_lines % vars(place) if place.tls else ""
        write(path, config % {**vars(place), "user": user, "log": place.access_log, "hello": HELLO, "tls_lines": lines})
        return Command([program, "-e", os.path.join(place.folder, "error.log"),
                        "-p", place.folder, "-c", path])

    version = (output([program, "-v"]) or "").replace("nginx version: ", "") if program else ""
    yield Server("nginx", ("json", "file", "tls", "h2c"), command, version, "" if program else "needs nginx",
                 logs=True, own_h2c_port=True)


def h2o():
    program = shutil.which("h2o", path=SYSTEM_PATH)
    user = "user: root" if os.getuid() == 0 else ""
    config = """\
listen: {host: 127.0.0.1, port: %(port)d}
%(tls_line)s
num-threads: 1
%(user)s
pid-file: %(folder)s/h2o.pid
error-log: %(folder)s/error.log
access-log: %(log)s
hosts:
  "*":
    paths:
      "/":
        file.dir: %(folder)s/json
        file.mime.setdefaulttype: application/json
      "/files":
        file.dir: %(folder)s/files
"""
    tls_line = ("listen: {host: 127.0.0.1, port: %(tls_port)d, "
                "ssl: {certificate-file: %(certificate)s, key-file: %(key)s}}")

    def command(place):
        files = os.path.join(place.folder, "json")
        os.mkdir(files)
        write(os.path.join(files, "json"), HELLO)
        path = os.path.join(place.folder, "h2o.conf")
        line = tls_line % vars(place) if place.tls else ""
        write(path, config % {**vars(place), "user": user, "log": place.access_log, "tls_line": line})
        return Command([program, "-c", path])

    version = (output([program, "-v"]) or "").split("\n")[0] if program else ""
    yield Server("h2o", ("json", "file", "tls", "h2c"), command, version, "" if program else "needs h2o",
                 logs=True)


NAMES = ("django", "django-gthread", "fastapi", "fastify", "nginx", "h2o")


def servers(wanted):
    """The peers named in `wanted`, whether they can run here or not."""
    makers = (django, fastapi, fastify, nginx, h2o)
    for maker in makers:
        # By name first: to ask for nginx alone must not install fastify.
        if any(name.split("-")[0] == maker.__name__ for name in wanted):
            yield from (server for server in maker() if server.name in wanted)
