"""Other servers with the routes of tests/apps/wire, as far as each can have them: started on loopback ports in a folder, as who runs the
tests or, for root, as "nobody". Nothing is installed here, and what is not there is left out."""
import copy
import email.utils
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

# Groups of routes that a row may need: "echo": POST /echo; "app": /stream, /empty, /reset, /upgrade; "state": /state/1 with an ETag;
# "view": the same as JSON that PUT changes; "file": /file.txt, of 100 bytes, with ETag and Last-Modified; "auth": /members; "slash": a
# redirect from /hello/; "h1": HTTP/2 is not spoken on the same port; "coded": /wordy, of 20,000 bytes, and /stream come in
# gzip. All have /, /hello, /canary and /large.
FILE_TIME = 1577880000
FILE_TEXT = "0123456789" * 10
START_SECONDS = 15


class Missing(Exception):
    pass


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for_port(port, process, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


def ask(port, request):
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(request)
        data = b""
        while got := sock.recv(65536):
            data += got
    return data


def write_file(name, text=FILE_TEXT):
    with open(name, "w", encoding="ascii") as file:
        file.write(text)
    os.utime(name, (FILE_TIME, FILE_TIME))


# ---- what differs between servers in the rows ----

def probe(port):
    """The names and dates of what a server has, by the marks that stand for them in rows."""
    def of(path, name, default):
        text = ask(port, ("GET %s HTTP/1.1\r\nHost: wire.example\r\nConnection: close\r\n\r\n" % path).encode())
        found = re.search(rb"(?im)^%s: *(.*?)\r$" % name, text.split(b"\r\n\r\n")[0])
        return found[1].decode("latin-1") if found else default
    etag = of("/state/1", b"ETag", '"none"')
    strong = etag.removeprefix("W/")
    opaque = strong.strip('"')
    date = of("/file.txt", b"Last-Modified", email.utils.formatdate(FILE_TIME, usegmt=True))
    seconds = time.gmtime(email.utils.parsedate_to_datetime(date).timestamp())
    return {"@ETAG@": etag, "@STRONG@": strong, "@TAG@": strong, "@OPAQUE@": opaque,
            "@SWAPPED@": '"%s"' % (opaque.swapcase() if opaque.swapcase() != opaque else opaque + "x"),
            "@FILETAG@": of("/file.txt", b"ETag", '"none"'), "@DATE@": date, "@DATE850@": time.strftime("%A, %d-%b-%y %H:%M:%S GMT", seconds),
            "@ASCTIME@": time.strftime("%a %b %e %H:%M:%S %Y", seconds)}


def resolved(rows, marks):
    found = []
    for row in rows:
        row = copy.copy(row)
        for mark, text in marks.items():
            row.request = row.request.replace(mark.encode(), text.encode("latin-1"))
        found.append(row)
    return found


# ---- the servers ----

class Peer:
    """A process in a folder of its own."""

    program = name = None
    routes = frozenset()

    def __init__(self, folder):
        if not shutil.which(self.program, path=os.environ["PATH"] + ":/usr/sbin"):
            raise Missing(self.program)
        self.port = free_port()
        self.folder = os.path.join(folder, self.name)
        self.make_files()
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if user:
            for path, _, names in os.walk(self.folder):
                for item in (path, *(os.path.join(path, name) for name in names)):
                    os.chown(item, user.pw_uid, user.pw_gid)
        self.name += " " + self.version()
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(self.command(), cwd=self.folder, stdout=self.log, stderr=self.log, start_new_session=True,
                                        env={"PATH": os.environ["PATH"] + ":/usr/sbin", "HOME": self.folder},
                                        **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}))
        if not wait_for_port(self.port, self.process, START_SECONDS):
            self.stop()
            with open(self.log.name, encoding="utf-8", errors="replace") as file:
                raise RuntimeError("%s does not start: %s" % (self.name, file.read()[-2000:]))

    def make_files(self):
        os.makedirs(os.path.join(self.folder, "files", "state"))
        os.makedirs(os.path.join(self.folder, "tmp"))
        for path, text in (("index.html", "root\n"), ("hello", "hello\n"), ("canary", "canary\n"), ("large", "L" * 100000), ("state/1", "state\n"),
                           ("file.txt", FILE_TEXT)):
            write_file(os.path.join(self.folder, "files", path), text)
        with open(os.path.join(self.folder, self.config_name), "w", encoding="ascii") as file:
            file.write(self.config())

    def version(self):
        done = subprocess.run([shutil.which(self.program, path=os.environ["PATH"] + ":/usr/sbin"), "-v"], capture_output=True, text=True)
        return re.search(r"\d+\.\d+[.\d]*", done.stdout + done.stderr)[0]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)  # the session that was started here
            self.process.wait()
        return []


class Nginx(Peer):
    name = program = "nginx"
    config_name = "nginx.conf"
    module = "/usr/lib/nginx/modules/ngx_http_echo_module.so"
    routes = frozenset({"state", "file", "h1"} | ({"echo"} if os.path.exists(module) else set()))

    def command(self):
        return ["nginx", "-p", self.folder, "-c", os.path.join(self.folder, self.config_name), "-e", "error.log"]

    def config(self):
        loads = "load_module %s;" % self.module if "echo" in self.routes else ""
        echo = """
            location = /echo {
                if ($request_method != POST) { return 405; }
                echo_read_request_body;
                echo_request_body;
            }""" if "echo" in self.routes else ""
        temporary = "".join("%s_temp_path tmp;" % name for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return """
            daemon off; worker_processes 1; pid nginx.pid; error_log error.log; %s
            events { worker_connections 1024; }
            http {
                access_log off; default_type text/plain; client_max_body_size 64k; keepalive_requests 100000; etag on; %s
                server {
                    listen 127.0.0.1:%d; server_name wire.example; root files;
                    location = / { default_type text/plain; try_files /index.html =404; }%s
                }
            }""" % (loads, temporary, self.port, echo)


class H2o(Peer):
    name = program = "h2o"
    config_name = "h2o.conf"
    routes = frozenset({"echo", "state", "file"})

    def command(self):
        return ["h2o", "-c", self.config_name]

    def config(self):
        return """
listen: {host: 127.0.0.1, port: %d}
num-threads: 1
limit-request-body: 65536
file.mime.setdefaulttype: text/plain
hosts:
  "wire.example":
    paths:
      "/echo":
        mruby.handler: |
          Proc.new do |env|
            if env["REQUEST_METHOD"] == "POST"
              [200, {"content-type" => "text/plain"}, [env["rack.input"] ? env["rack.input"].read : ""]]
            else
              [405, {"content-type" => "text/plain", "allow" => "POST"}, ["not allowed"]]
            end
          end
      "/":
        file.dir: %s/files
""" % (self.port, self.folder)


class Apache(Peer):
    name, program = "Apache", "apache2"
    config_name = "apache.conf"
    routes = frozenset({"echo", "state", "file", "h1"})

    def command(self):
        return ["apache2", "-d", self.folder, "-f", os.path.join(self.folder, self.config_name), "-D", "FOREGROUND"]

    def config(self):
        loads = "".join("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n" % (name, name)
                        for name in ("mpm_event", "authz_core", "authz_host", "mime", "dir", "alias", "cgid"))
        script = os.path.join(self.folder, "echo")
        with open(script, "w", encoding="ascii") as file:
            file.write("""#!/bin/sh
[ "$REQUEST_METHOD" = POST ] || { printf 'Status: 405\\nAllow: POST\\nContent-Type: text/plain\\n\\nnot allowed\\n'; exit; }
printf 'Content-Type: text/plain\\n\\n'
exec cat
""")
        os.chmod(script, 0o755)
        return loads + """
Listen 127.0.0.1:%d
ServerName wire.example
ServerLimit 4
StartServers 1
MaxRequestWorkers 100
MaxKeepAliveRequests 0
PidFile apache.pid
ErrorLog error.log
DefaultRuntimeDir tmp
Mutex file:tmp default
LimitRequestBody 65536
TypesConfig /dev/null
DocumentRoot files
<Directory "%s/files">
    Require all granted
    ForceType text/plain
</Directory>
TraceEnable off
ScriptSock cgi
ScriptAlias /echo %s/echo
<Directory "%s">
    Require all granted
</Directory>
""" % (self.port, self.folder, self.folder, self.folder)


class Gunicorn(Peer):
    name = program = "gunicorn"
    config_name = "app.py"
    routes = frozenset({"echo", "app", "h1"})

    def version(self):
        return re.search(r"[\d.]+", subprocess.run(["gunicorn", "--version"], capture_output=True, text=True).stdout)[0].rstrip(".")

    def command(self):
        return ["gunicorn", "--bind", "127.0.0.1:%d" % self.port, "--worker-class", "gthread", "--threads", "16", "--keep-alive", "5", "app:answer"]

    def config(self):
        return """
PAGES = {"/": b"root\\n", "/hello": b"hello\\n", "/canary": b"canary\\n", "/large": b"L" * 100000}
EMPTY = {"/empty": "204 No Content", "/reset": "205 Reset Content"}


def answer(environ, start):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    allowed = "POST" if path == "/echo" else "GET, HEAD"
    if path not in PAGES and path not in EMPTY and path not in ("/echo", "/stream", "/upgrade"):
        status, body, more = "404 Not Found", b"not found\\n", []
    elif method not in allowed.split(", "):
        status, body, more = "405 Method Not Allowed", b"not allowed\\n", [("Allow", allowed)]
    elif path in EMPTY:
        start(EMPTY[path], [] if path == "/empty" else [("Content-Length", "0")])
        return []
    elif path == "/stream":
        start("200 OK", [("Content-Type", "text/plain")])
        return iter([] if method == "HEAD" else [b"hel", b"lo\\n"])
    elif path == "/upgrade":
        status, body, more = "426 Upgrade Required", b"another version\\n", [("Upgrade", "HTTP/3.0")]
    else:
        status, body, more = "200 OK", environ["wsgi.input"].read() if path == "/echo" else PAGES[path], []
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *more])
    return [] if method == "HEAD" else [body]
"""


def all_of(folder, names):
    """How to start each of them, or each that is named."""
    kinds = [kind for kind in (Nginx, H2o, Apache, Gunicorn) if not names or kind.name in names or kind.program in names]
    return [lambda kind=kind: kind(folder) for kind in kinds]
