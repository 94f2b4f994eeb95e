"""Who carries the terminals' messages in a bench, each on a port of its own: the switch with its banks, a bare echo behind TLS, and
HAProxy that ends TLS before a plain echo.

Life: Switch | Echo | Haproxy -> load ... -> (closed with the run folder)
"""
import contextlib
import json
import os
import pathlib
import re

import log_reader
import machine
import run_folder
from run_folder import BANKS, ROOT, RunFailed, wait_until

ANSWER_TIMEOUT_S, GRACE_S, ONLINE_S = 5, 10, 60
TRACES_A_RUN = 5000  # trace numbers that one run may use up at each terminal
HAPROXY_CONFIG = """\
global
    nbthread 1
    maxconn 4000
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend terminals
    bind 127.0.0.1:{port} ssl crt {certificate}
    default_backend echo
backend echo
    server echo 127.0.0.1:{echo_port}
"""


class BenchFolder(run_folder.RunFolder):
    """A run folder whose banks keep their books in memory, so that the disk belongs to the switch's log."""

    def __init__(self, folder, programs, cores):
        super().__init__(folder, programs)
        self.server_core, self.load_core = cores
        memory = pathlib.Path("/dev/shm")
        self.books = memory if os.access(memory, os.W_OK) else folder

    def ledger(self, name):
        return self.books / f"{self.folder.name}-{name}.db"

    def settings(self):
        # One worker: cores are not what is measured, the server has only one.
        return {**super().settings(), "workers": 1}

    def close(self):
        super().close()
        for path in self.books.glob(f"{self.folder.name}-*.db*"):
            path.unlink(missing_ok=True)


class Carrier:
    """One server under measurement: `pid` is the process whose time and memory count."""

    name, words, is_echo = "", "", True

    def __init__(self, folder):
        self.folder, self.trace_next = folder, 1
        self.pid = self.port = None

    def command(self, options):
        here = self.folder.folder
        command = [self.folder.program("tillway-load"), "run", "--connect", f"127.0.0.1:{self.port}", "--ca", here / "server.crt", "--fleet", here / "fleet",
                   "--bins", ROOT / "config/demo/bins.csv", "--spec", ROOT / "config/specs/unionpay-pos.yaml", "--timeout", ANSWER_TIMEOUT_S, "--grace",
                   GRACE_S, "--online", ONLINE_S, "--stan", self.trace_next, "--receipts", "/dev/null", "--server-pid", self.pid, *options]
        self.trace_next += TRACES_A_RUN
        return command + (["--echo"] if self.is_echo else [])

    def load(self, label, seconds, options):
        """One run of the load tool; its result, with what makes it void under "void" ("" when nothing does)."""
        result = self.folder.folder / f"{label}-{self.name}.json"
        child = self.folder.start(f"load-{label}-{self.name}", [*self.command(options), "--json", result, "--quiet"], self.folder.load_core)
        limit = ONLINE_S + seconds + GRACE_S + 20
        with machine.kept_to(self.folder.load_core):
            wait_until(f"tillway-load against {self.name}", limit, lambda: child.process.poll() is not None, 0.05)
        if child.process.returncode != 0:
            raise RunFailed(f"tillway-load against {self.name} ended with code {child.process.returncode}:\n{child.tail()}")
        found = json.loads(result.read_text())
        found["void"] = void_reason(found)
        return found

    def resident_bytes(self):
        """Anonymous memory in use: what the process itself keeps, without files and kernel."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^RssAnon:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024


def void_reason(found):
    counts = found["counts"]
    if not found["were_all_ready"]:
        return f"only {found['ready']} terminals came online"
    for name in ("dropped", "unanswered", "unknown", "reversed", "declined", "bad_mac", "garbled", "lost", "sign_ons_refused"):
        if counts[name]:
            return f"{counts[name]} {name}"
    return "" if found["window"]["answers"] else "no answer within the window"


class Switch(Carrier):
    name, words, is_echo = "tillwayd", "a whole payment: TLS, MAC, PIN, route, fee, two durable rows, a bank's answer", False

    def __init__(self, folder):
        super().__init__(folder)
        for bank in BANKS:
            folder.start_bank(folder.ledger(bank), [], folder.load_core, bank)
        folder.start_switch(folder.server_core)
        for bank in BANKS:
            folder.wait_for_bank_link(bank)
        self.pid, self.port = folder.switch.pid, folder.port

    def durable_results(self):
        return log_reader.count_rows(self.folder.log, "kind = 'result'", 0)


class Echo(Carrier):
    name, words = "echo", "bare libuv and OpenSSL: the same bytes, nothing done"

    def __init__(self, folder, reply_bytes, is_plain=False):
        super().__init__(folder)
        self.port = run_folder.free_port()
        sealed = [] if is_plain else ["--certificate", folder.folder / "server.crt", "--key", folder.folder / "server.key"]
        name = "tillway-echo-plain" if is_plain else "tillway-echo"
        child = folder.start_listening(name, [folder.program("tillway-echo"), "--port", self.port, "--reply-bytes", reply_bytes, *sealed], self.port,
                                       folder.load_core if is_plain else folder.server_core)
        self.pid = child.pid


class Haproxy(Carrier):
    name, words = "haproxy", "HAProxy ends TLS and carries the same bytes to a plain echo"

    def __init__(self, folder, reply_bytes):
        super().__init__(folder)
        behind = Echo(folder, reply_bytes, is_plain=True)
        here, self.port = folder.folder, run_folder.free_port()
        certificate = here / "haproxy.pem"
        certificate.touch(0o600)
        certificate.write_text((here / "server.crt").read_text() + (here / "server.key").read_text())
        config = here / "haproxy.cfg"
        config.write_text(HAPROXY_CONFIG.format(port=self.port, certificate=certificate, echo_port=behind.port))
        self.pid = folder.start_listening("haproxy", ["haproxy", "-db", "-f", config], self.port, folder.server_core).pid


@contextlib.contextmanager
def held_online(carrier, terminals, seconds):
    """All terminals signed on and idle while the body runs."""
    child = carrier.folder.start(f"load-idle-{carrier.name}", [*carrier.command(["--terminals", terminals, "--connecting", 128]), "--idle", seconds],
                                 carrier.folder.load_core)
    is_ready = re.compile(rf"^\s*\d+s load\b.*\bready {terminals} ", re.MULTILINE)
    try:
        wait_until(f"{terminals} terminals of {carrier.name} are online", ONLINE_S + 5, lambda: child.check() or is_ready.search(child.log.read_text()), 0.2)
        yield
        child.check()
    finally:
        child.kill()
