"""The processes of a site that runs: a keeper, its master, the master's workers, and with TLS the process of the keys."""


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return sorted(int(child) for child in file.read().split())


def name(pid):
    with open("/proc/%d/comm" % pid, encoding="ascii") as file:
        return file.read().strip()


def workers(keeper):
    """Those of all generations that live."""
    return sorted(
        worker for master in children(keeper) for worker in children(master) if name(worker) != "calzone-keys"
    )
