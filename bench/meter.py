"""What a pass measures: the CPU time and memory of a tree of processes, and what wrk or h2load saw.

Linux only: everything is read from /proc.
"""
import ctypes
import os
import re
import signal
import subprocess
import time

CONNECTIONS = 64
PR_SET_PDEATHSIG = 1
TICK = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LIBC = ctypes.CDLL(None)


def read(path):
    """A file of /proc; empty when its process has ended."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


# ---- processes ----

def stat(pid):
    """The fields of /proc/PID/stat behind the command's name, which may hold spaces."""
    text = read(f"/proc/{pid}/stat")
    return text[text.rindex(")") + 2:].split() if text else None


def tree(root):
    """Ids of `root` and all its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        fields = stat(name) if name.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu_seconds(root):
    """CPU time of a tree, user and system, ended and reaped children included."""
    total = 0.0
    for pid in tree(root):
        fields = stat(pid)
        if not fields:
            continue
        utime, stime, cutime, cstime = (int(field) for field in fields[11:15])
        # stat rounds down to 10 ms. schedstat counts nanoseconds, but only of threads still alive:
        # so it is the larger one unless a thread has ended, and then stat is right.
        exact = 0
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            threads = []
        for thread in threads:
            exact += int((read(f"/proc/{pid}/task/{thread}/schedstat").split() or [0])[0])
        total += max(exact / 1e9, (utime + stime) / TICK) + (cutime + cstime) / TICK
    return total


def resident(root):
    """Resident bytes of each process of a tree, largest first."""
    sizes = []
    for pid in tree(root):
        rollup = re.search(r"^Rss:\s+(\d+) kB", read(f"/proc/{pid}/smaps_rollup"), re.M)
        if rollup:
            sizes.append(int(rollup.group(1)) * 1024)
        else:  # a process that forbids being dumped hides smaps_rollup; statm is coarser
            statm = read(f"/proc/{pid}/statm").split()
            sizes += [int(statm[1]) * PAGE_BYTES] if statm else []
    return sorted(sizes, reverse=True)


def core_busy(core):
    """Seconds a core has been busy with anything at all, and seconds the hypervisor took."""
    for line in read("/proc/stat").splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq) / TICK, steal / TICK
    return 0.0, 0.0


def start(argv, core, env=None, folder=None, stdout=None, stderr=None):
    """Run a command in a session of its own, pinned to a core, to be ended by stop().

    If this program dies without stopping it, the kernel does.
    """

    def prepare():
        os.sched_setaffinity(0, {core})
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    # prepare() runs between fork and exec; this program has one thread, so that is safe.
    return subprocess.Popen(argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout,
                            stderr=stderr, start_new_session=True, preexec_fn=prepare)


def alive(process):
    """Whether a process runs. It is not reaped here: so long, its id cannot be given away."""
    if process.returncode is not None:
        return False
    flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
    return os.waitid(os.P_PID, process.pid, flags) is None


def stop(process, patience=5.0):
    """End a process started by start(): SIGTERM, then SIGKILL for whatever of its tree is left."""
    if process.returncode is not None:
        return
    born = {pid: stat(pid) for pid in tree(process.pid)}
    os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pid, then in born.items():
        now = stat(pid)
        # The time of birth tells a left-over child from a stranger that was given its id.
        if then and now and now[19] == then[19] and now[0] != "Z":
            os.kill(pid, signal.SIGKILL)


# ---- the tools of load ----

def output_of(argv, seconds, core):
    """What a tool prints that runs so many seconds on a core."""
    process = start(argv, core, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        return process.communicate(timeout=seconds + 15)[0].decode()
    finally:
        stop(process, patience=0.5)


UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def milliseconds(text):
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    return float(match.group(1)) * UNITS_MS[match.group(2)] if match else 0.0


def wrk(url, seconds, core, arguments=(), script_arguments=()):
    """One run of wrk: a dict of requests, rps, p50_ms, p99_ms and errors."""
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *arguments, url]
    if script_arguments:
        argv += ["--", *script_arguments]
    text = output_of(argv, seconds, core)
    done = re.search(r"(\d+) requests in ", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if not done or not rate:
        raise RuntimeError("wrk: " + (text.strip().splitlines() or ["printed nothing"])[-1])
    share = dict(re.findall(r"^\s+(50|99)%\s+(\S+)", text, re.M))
    errors = re.findall(r"(?:connect|read|write|timeout) (\d+)", text)
    errors += re.findall(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "requests": int(done.group(1)),
        "rps": float(rate.group(1)),
        "p50_ms": milliseconds(share.get("50", "")),
        "p99_ms": milliseconds(share.get("99", "")),
        "errors": sum(map(int, errors)),
    }


def h2load(url, seconds, core, arguments):
    """One run of h2load, as wrk(); it tells no percentiles."""
    argv = ["h2load", "-t1", *arguments, f"-D{seconds}", url]
    text = output_of(argv, seconds, core)
    counts = re.search(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    rate = re.search(r"finished in [\d.]+m?s, ([\d.]+) req/s", text)
    if not counts or not rate:
        raise RuntimeError("h2load: " + (text.strip().splitlines() or ["printed nothing"])[-1])
    _, succeeded, failed, errored, late = map(int, counts.groups())
    return {
        "requests": succeeded,
        "rps": float(rate.group(1)),
        "p50_ms": 0.0,
        "p99_ms": 0.0,
        "errors": failed + errored + late,
    }
