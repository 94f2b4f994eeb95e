"""The machine a figure was taken on, and how much of it was left to us: kernel, processor, versions, steal time, load average, cores."""
import contextlib
import os
import platform
import re
import subprocess

# One core for the server, the other for all that stands around it.
SERVER_CORE, LOAD_CORE = 0, 1


def cores_apart():
    """(core of the server, core of the load); None each where the machine has but one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[SERVER_CORE], usable[LOAD_CORE]) if len(usable) > 1 else (None, None)


@contextlib.contextmanager
def kept_to(core):
    """This process on one core while the body runs, so that who measures takes nothing from the server's; None: wherever it is."""
    usable = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


def _first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.splitlines()[0].strip()
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "not known"


def _processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def describe():
    return {"kernel": platform.release(), "cpu": _processor(), "cores": os.cpu_count(), "compiler": _first_line(["cc", "--version"]),
            "openssl": _first_line(["openssl", "version"]), "haproxy": _first_line(["haproxy", "-v"]).split(" - ")[0],
            "libuv": _first_line(["pkg-config", "--modversion", "libuv"]), "sqlite": _first_line(["pkg-config", "--modversion", "sqlite3"])}


def _ticks():
    """(all, stolen, idle) of all cores since boot."""
    with open("/proc/stat", encoding="utf-8") as file:
        fields = [int(word) for word in file.readline().split()[1:9]]
    return sum(fields), fields[7], fields[3] + fields[4]


class Watch:
    """What others took of the processor between its making and share()."""

    def __init__(self):
        self.began, self.load_before = _ticks(), os.getloadavg()[0]

    def share(self):
        spans = [now - before for now, before in zip(_ticks(), self.began)]
        total = max(1, spans[0])
        return {"steal_percent": round(100 * spans[1] / total, 2), "busy_percent": round(100 * (1 - spans[2] / total), 1),
                "load_average_before": round(self.load_before, 2), "load_average_after": round(os.getloadavg()[0], 2)}
