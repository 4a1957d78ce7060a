"""WebSockets over HTTP/2 (RFC 8441): the same cases through bridge.mjs, Node's own client, and Chromium over TLS."""
import os
import shutil
import signal
import socket
import subprocess
import time

import raw
import server

here = os.path.dirname(os.path.realpath(__file__))
root = os.path.dirname(os.path.dirname(here))
CALZONE = os.path.join(root, "build", "bin", "calzone")
SECONDS = 120
# Of raw.HANDSHAKES those whose line and headers say something over HTTP/2.
HANDSHAKES = {"as it should be": 101, "with compression": 101, "no Upgrade": 101, "no Connection": 101, "no key": 101, "two keys": 101, "no version": 426,
              "version 8": 426, "another origin": 403, "malformed extensions": 400, "malformed subprotocols": 400,
              "a host that is not allowed": 400}


class Bridge:
    """A port whose WebSockets become streams."""

    def __init__(self, port):
        self.process = subprocess.Popen(["node", os.path.join(here, "bridge.mjs"), "http://127.0.0.1:%d" % port], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()


def run_node(checks, what, folder, script, *arguments, least):
    """A script that prints "ok   NAME" or "FAIL NAME: why"."""
    shutil.copy(os.path.join(here, script), folder)
    done = subprocess.run(["node", script, *arguments], cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    lines = [line for line in done.stdout.splitlines() if line[:4] in ("ok  ", "FAIL")]
    for line in lines:
        checks.check("%s: %s" % (what, line[5:]), line.startswith("ok"), line)
    checks.check("%s: came to its end" % what, len(lines) >= least, done.stdout[-500:] + done.stderr[-2000:])


def check_streams(checks, folder, running):
    """Whatever is said over HTTP/1 is said and heard over HTTP/2."""
    with Bridge(running.port) as bridge:
        for name, sent, wanted, *_ in raw.CASES:
            checks.same("HTTP/2: " + name, raw.run_case(bridge.port, sent), wanted)
            if len(sent) < 300:
                checks.same("HTTP/2, byte by byte: " + name, raw.run_case(bridge.port, sent, 1), wanted)
        for name, line, headers, _ in raw.HANDSHAKES:
            if name in HANDSHAKES:
                said = raw.handshake(bridge.port, line, headers)
                checks.check("HTTP/2, handshake: " + name, said.startswith("HTTP/1.1 %d " % HANDSHAKES[name]), said)
        for deflate in ("off", "on"):
            run_node(checks, "HTTP/2, ws as client, compression " + deflate, folder, "client.mjs", "ws://127.0.0.1:%d" % bridge.port, deflate, "400", least=41)
    run_node(checks, "HTTP/2", folder, "streams.mjs", "http://127.0.0.1:%d" % running.port, least=20)
    checks.check("HTTP/2: the access log has them", '"method":"CONNECT","path":"/echo","status":200' in running.said(), running.said()[-500:])


def check_drain(checks, running, how, code):
    """A signal to the server; a socket is told why, and its stream ends with its own close."""
    with Bridge(running.port) as bridge:
        client = raw.Client(bridge.port)
        running.process.send_signal(how)
        checks.same("HTTP/2: a socket is told of %s" % how.name, client.transcript(), "close %d" % code)
        client.socket.sendall(raw.frame(raw.CLOSE, raw.code(code)))
        try:
            rest = client.socket.recv(100)
        except OSError as error:
            rest = str(error)
        checks.same("HTTP/2: its stream ends at %s" % how.name, rest, b"")
        client.socket.close()


def made_certificates(own):
    """(pair, why not): by `calzone cert`, in a project of its own."""
    project = os.path.join(own, "certified")
    if not os.path.exists(CALZONE):
        return None, "there is no build/bin/calzone"
    for command, where in ((["new", "certified"], own), (["cert"], project)):
        done = subprocess.run([CALZONE, *command], cwd=where, capture_output=True, text=True)
        if done.returncode:
            return None, done.stdout + done.stderr
    return (os.path.join(project, "certs", "localhost.pem"), os.path.join(project, "certs", "localhost.key")), ""


def check_browser(checks, own, folder):
    """A page, its requests and its WebSockets over TLS and HTTP/2 in Chromium, and without TLS over HTTP/1.1."""
    chromium = shutil.which("chromium")
    pair, why = made_certificates(own) if chromium else (None, "chromium is not there")
    if not pair:
        checks.skip("Chromium", why)
        return
    plain, secure = server.free_port(), server.free_port()
    running = server.Server(own, "sqlite:///" + own + "/browser.db", WORKERS="1", TLS_CERTIFICATES=pair[0], TLS_KEYS=pair[1],
                            ALLOWED_HOSTS="127.0.0.1,localhost")
    process = subprocess.Popen([server.PROGRAM, "run", "--bind", "https://127.0.0.1:%d, 127.0.0.1:%d" % (secure, plain)], cwd=own,
                               env=running.environment, stdout=running.log, stderr=running.log)
    try:
        wait_for(plain)
        run_node(checks, "Chromium", folder, "browser.mjs", chromium, "https://localhost:%d" % secure, "http://127.0.0.1:%d" % plain, least=9)
    finally:
        process.terminate()
        process.wait(20)
    running.log.seek(0)
    lines = running.log.read().decode(errors="replace").splitlines()
    sockets = [line for line in lines if '"path":"/echo"' in line]
    streams = [line for line in sockets if '"method":"CONNECT"' in line and '"status":200' in line]
    checks.check("Chromium: the access log says that its WebSockets over TLS were streams, and the one without was not",
                 len(streams) == 21 and len(sockets) == 22, "%d of %d: %s" % (len(streams), len(sockets), running.said()[-500:]))


def wait_for(port):
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit("nobody listens at %d" % port)
