"""What a ```console block of a page says, typed and compared with what comes back.

    $ ./shop check
    shop: no issues in ...

Any time is as good as another, and "..." stands for any text, alone on a line for any lines. A command that ends in
"&" is a server: it runs until the next one is started or stop() is called. Addresses on 127.0.0.1:8000 are those of
servers of the page; a run takes a free port instead.
"""
import os
import re
import signal
import socket
import subprocess
import time

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.M | re.S)
ADDRESS = "127.0.0.1:8000"
TIME = re.compile(r"(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d(\.\d+)?Z?")
COMMAND_SECONDS, SERVER_SECONDS, STOP_SECONDS = 60, 30, 10
SHOWN_CHARS = 3000  # of an output that is not as the page says


def blocks(text):
    """The code blocks of a page: line, what stands behind the ticks, code."""
    return [(text.count("\n", 0, match.start()) + 2, *match.groups()) for match in BLOCK.finditer(text)]


def commands(text):
    """The commands of a console block, with what each is said to print."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, expected = part.partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command = command[:-1] + more
        yield command, expected


def matches(expected, output):
    pattern = re.escape(TIME.sub("TIME", expected.strip("\n"))).replace(r"\.\.\.", ".*?")
    return re.fullmatch(pattern, TIME.sub("TIME", output.strip("\n")), re.S) is not None


class Console:
    """A terminal in a directory of its own, whose `cd` lasts, and the server that runs beside it."""

    def __init__(self, directory, path=None):
        self.home = self.directory = directory
        self.path = path or os.environ["PATH"]
        self.server = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % probe.getsockname()[1]

    def stop(self):
        """End the server, if there is one."""
        if not self.server:
            return
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
        self.server = None

    def environment(self):
        # errors are told as GCC words them
        return {"PATH": self.path, "HOME": self.home, "CC": "gcc", "BIND": self.address, "WORKERS": "1"}

    def command(self, text):
        """Run a command to its end: its exit code, and what it printed."""
        place = os.path.join(self.home, ".directory")
        script = 'trap \'pwd >"%s"\' EXIT\n%s' % (place, text.replace(ADDRESS, self.address))
        result = subprocess.run(["bash", "-c", script], cwd=self.directory, env=self.environment(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=COMMAND_SECONDS)
        with open(place, encoding="utf-8") as file:
            self.directory = file.read().rstrip("\n")
        os.unlink(place)
        return result.returncode, self.shown(result.stdout)

    def start(self, text):
        """Start a server, and wait until it serves or has ended: what it printed until then."""
        self.stop()
        log = os.path.join(self.home, ".server.log")
        with open(log, "wb") as file:
            self.server = subprocess.Popen(
                ["bash", "-c", "exec env " + text.rstrip("& ").replace(ADDRESS, self.address)], cwd=self.directory,
                env=self.environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                start_new_session=True)
        end = time.monotonic() + SERVER_SECONDS
        output, ended = "", False
        while "is served on" not in output and not ended and time.monotonic() < end:
            time.sleep(0.01)
            ended = self.server.poll() is not None  # before it is read: then nothing more comes
            with open(log, "rb") as file:
                output = self.shown(file.read())
        return output

    def shown(self, output):
        return output.decode().replace(self.address, ADDRESS).replace("\r", "")

    def differences(self, text):
        """Type what a console block says; the commands that print something else, each with what it printed."""
        found = []
        for command, expected in commands(text):
            output = self.start(command) if command.endswith("&") else self.command(command)[1]
            if not matches(expected, output):
                found.append("$ %s\nprints:\n%s" % (command, output[:SHOWN_CHARS]))
        return found
