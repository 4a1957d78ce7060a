"""The processes of a site that runs: a keeper, its master, and the master's workers."""


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return sorted(int(child) for child in file.read().split())


def workers(keeper):
    """Those of all generations that live."""
    return sorted(worker for master in children(keeper) for worker in children(master))
