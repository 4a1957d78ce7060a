"""tests/apps/lab as it runs, for the programs in Python that load it."""
import os
import re
import signal
import subprocess

import processes


class Failure(Exception):
    pass


class Lab:
    """`lab run` with one worker, which has a processor to itself, and its clients another; ends with the block it is used in."""

    def __init__(self, build, folder, **environment):
        self.log_path = os.path.join(folder, "log")
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder, "ENV": "test", "ACCESS_LOG": "off", "LOG_LEVEL": "warning",
                            "HTTP_CONNECTIONS_PER_ADDRESS": "100000", "HTTP_CONNECTIONS_MAX": "100000",
                            "DATABASE_URL": "sqlite://" + os.path.join(folder, "lab.db"), **environment}
        self.program, self.folder = os.path.join(os.path.abspath(build), "bin", "lab"), folder

    def __enter__(self):
        processors = sorted(os.sched_getaffinity(0))
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([self.program, "run", "--bind", "127.0.0.1:0", "--workers", "1"], cwd=self.folder,
                                            env=self.environment, stdout=subprocess.PIPE, stderr=log)
        found = re.search(r"127\.0\.0\.1:(\d+)", self.process.stdout.readline().decode())
        if not found:
            raise Failure("the lab does not start: " + self.said())
        self.port = int(found.group(1))
        self.worker, = processes.workers(self.process.pid)
        if len(processors) > 1:
            os.sched_setaffinity(self.worker, processors[:1])
            os.sched_setaffinity(0, processors[1:])
        return self

    def worker_seconds(self):
        """Of a processor, that the worker has had."""
        with open("/proc/%d/stat" % self.worker, encoding="ascii") as file:
            return sum(int(ticks) for ticks in file.read().rpartition(")")[2].split()[11:13]) / os.sysconf("SC_CLK_TCK")

    def worker_kb(self):
        """Of memory that is the worker's alone."""
        with open("/proc/%d/smaps_rollup" % self.worker, encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Private"))

    def said(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.process.stdout.close()
