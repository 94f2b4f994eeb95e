"""A switch, a bank and their terminals' keys in a folder of their own, on loopback ports that were free: what demo and bench share.

Life: RunFolder -> prepare_fleet -> start_bank, start_switch ... -> close. No step waits without a deadline.
"""
import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import sqlite3
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
START_S, STOP_S = 60, 60  # deadlines for what has gone wrong; a busy machine may take its time
BANK_MAC = "unionpay_ecb"
BANKS = ("bank_a", "bank_b")  # in the order of the configuration's channels
BANK_WIRE = ("--spec", ROOT / "config/specs/iso8583-1987-ascii.yaml")  # what a bank speaks, and in which frames
LINK_COUNT = 2  # of each channel in config/demo


class RunFailed(Exception):
    pass


# The kernel deals out the ports from there on to whoever connects: one of those that was free a moment ago may be taken when it is wanted.
PORT_RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
PORT_FIRST, PORT_LAST = 10240, 32767
reserved = []  # names that only one process of this machine can hold, one a port


def ports():
    first_dealt = int(PORT_RANGE.read_text().split()[0]) if PORT_RANGE.exists() else PORT_LAST + 1
    return range(PORT_FIRST, min(PORT_LAST + 1, first_dealt) if first_dealt > 2 * PORT_FIRST else PORT_LAST + 1)


def free_port():
    """A loopback port that nobody listens on, and that no other caller on this machine is given while this process lives."""
    choice = random.SystemRandom()
    for _ in range(1000):
        port = choice.choice(ports())
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0tillway-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        reserved.append(name)
        return port
    raise RunFailed("no free loopback port was found")


def wait_until(what, seconds, is_true, every=0.1):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_true():
            return
        time.sleep(every)
    raise RunFailed(f"{what}: not within {seconds} s")


def can_connect(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def query(path, sql, fallback=None):
    """One value out of an SQLite file that somebody else is writing."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as file:
        return file.execute(sql).fetchone()[0]
    return fallback


def cpu_seconds(pid):
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def link_settings(index, port):
    """Every link of a channel of config/demo leads to that port."""
    return {f"channels.{index}.links.{link}.{option}": value for link in range(LINK_COUNT)
            for option, value in (("address", "127.0.0.1"), ("port", port))}


def show_logs(folder, lines_max=12):
    """The last lines of every program's log below a run's folder, without those about good payments: a failure is often told from these alone."""
    for path in sorted(pathlib.Path(folder).rglob("*.log")):
        with contextlib.suppress(OSError):
            lines = [line for line in path.read_text(errors="replace").splitlines() if " info txn " not in line]
            print(f"  -- {path.name}", *(f"    {line[:300]}" for line in lines[-lines_max:]), sep="\n", flush=True)


class Child:
    """A process we started: its output goes to a file, and it is ended by its own id."""

    def __init__(self, name, command, folder, core=None):
        """Bound to one core, with all threads it will have, where one is named."""
        pin = [] if core is None else ["taskset", "--cpu-list", core]
        self.name, self.log = name, folder / f"{name}.log"
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([str(word) for word in [*pin, *command]], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT,
                                            start_new_session=True)
        self.pid = self.process.pid

    def check(self):
        if self.process.poll() is not None:
            raise RunFailed(f"{self.name} ended with code {self.process.returncode}:\n{self.tail()}")

    def tail(self):
        return "".join(f"    {line}\n" for line in self.log.read_text(errors="replace").splitlines()[-12:])

    def stop(self):
        """In order, with SIGTERM. Answers the seconds of CPU it took."""
        self.check()
        cpu = cpu_seconds(self.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise RunFailed(f"{self.name} did not stop within {STOP_S} s of SIGTERM") from None
        if code != 0:
            raise RunFailed(f"{self.name} stopped with code {code}:\n{self.tail()}")
        return cpu

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class RunFolder:
    """What stands on the folder: banks, one switch, and their fleet."""

    config = ROOT / "config/demo/tillway.yaml"
    flags_only = False  # after-sales flags what is odd, and no case stops a terminal or holds a merchant's money

    def __init__(self, folder, programs):
        self.folder, self.bin = folder, pathlib.Path(programs).resolve()
        self.children = []
        self.port, self.admin_port = free_port(), free_port()
        self.bank_ports = {name: free_port() for name in BANKS}
        self.switch, self.banks, self.said_before = None, {}, 0
        self.bank_wires = {}  # of banks that speak something else than BANK_WIRE
        self.log = self.folder / "log"  # the folder that the switch writes and log_reader.py reads

    def program(self, name):
        path = self.bin / name
        if not path.is_file():
            raise RunFailed(f"{path} is missing; `./dev build release` makes it")
        return path

    def run(self, command):
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, timeout=START_S * 6)
        if done.returncode != 0:
            raise RunFailed(f"{' '.join(map(str, command))}: code {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def prepare_fleet(self, terminals, seed):
        """The server's certificate, the fleet with its tables and keys, and a place for copies of the log."""
        (self.folder / "backup").mkdir(exist_ok=True)
        (self.folder / "evidence.key").touch(0o600)
        self.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.folder / "evidence.key"])
        self.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / "server.key",
                  "-out", self.folder / "server.crt", "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        self.run([self.program("tillway-load"), "fleet", "--mac", BANK_MAC, "--banks", ",".join(BANKS), "--terminals", terminals, "--merchants", max(1, terminals // 5), "--seed", seed,
                  "--out", self.folder / "fleet"])

    def rules_of_flags_only(self):
        path, known = self.folder / "flags_only.yaml", (ROOT / "config/production/anomalies.yaml").read_text()
        path.write_text("".join(f"{name}: {{mode: watch}}\n" for name in re.findall(r"^([A-Z]\w+|cohort):", known, re.M)))
        return path

    def settings(self):
        """What the demo's configuration cannot know."""
        fleet, here = self.folder / "fleet", self.folder
        links = {}
        for index, name in enumerate(BANKS):
            links |= {**link_settings(index, self.bank_ports[name]), f"channels.{index}.mac.algorithm": BANK_MAC}
        rules = {"aftersales.rules": self.rules_of_flags_only()} if self.flags_only else {}
        return {**links, **rules, "store.folder": self.log, "aftersales.folder": here / "aftersales", "aftersales.evidence_key": here / "evidence.key", "control.socket": here / "control.sock", "listeners.0.port": self.port,
                "listeners.0.address": "127.0.0.1", "listeners.0.tls.certificate": here / "server.crt", "listeners.0.tls.key": here / "server.key",
                "tables.merchants": fleet / "merchants.csv", "tables.terminals": fleet / "terminals.csv", "tables.keys": fleet / "keys.csv",
                "admin.port": self.admin_port, "admin.certificate": here / "server.crt", "admin.key": here / "server.key",
                "admin.audit": here / "audit.log", "admin.tokens": here / "tokens", "admin.backup_folder": here / "backup"}

    def server_command(self, name):
        overrides = [word for item in self.settings().items() for word in ("--set", "{}={}".format(*item))]
        return [self.program(name), "--config", self.config, *overrides]

    def start(self, name, command, core=None):
        child = Child(name, command, self.folder, core)
        self.children.append(child)
        return child

    def start_listening(self, name, command, port, core=None):
        child = self.start(name, command, core)
        wait_until(f"{name} listens", START_S, lambda: child.check() or can_connect(port), 0.02)
        return child

    def start_switch(self, core=None):
        """Answers the seconds until it listens."""
        began = time.monotonic()
        self.said_before = self.switch_log().stat().st_size if self.switch_log().exists() else 0
        self.switch = self.start_listening("tillwayd", self.server_command("tillwayd"), self.port, core)
        return time.monotonic() - began

    def switch_log(self):
        return self.folder / "tillwayd.log"

    def ledger(self, name):
        return self.folder / f"{name}.db"

    def start_bank(self, ledger, options, core=None, name=BANKS[0]):
        port = self.bank_ports[name]
        command = [self.program("tillway-bank"), "--name", name, "--port", port, "--keys", self.folder / f"fleet/{name}.keys", "--mac", BANK_MAC,
                   "--ledger", ledger, *self.bank_wires.get(name, BANK_WIRE), *options]
        self.banks[name] = self.start_listening(name, command, port, core)

    def is_channel_up(self, name):
        """As the running switch has said last: what the bank has answered may still be on its way."""
        said = self.switch_log().read_bytes()[self.said_before:].decode(errors="replace")
        changes = [line for line in said.splitlines() if f"channel={name}" in line and (" channel_up " in line or " channel_down " in line)]
        return bool(changes) and " channel_up " in changes[-1]

    def wait_for_bank_link(self, name):
        wait_until(f"channel {name} is up", START_S, lambda: self.switch.check() or self.is_channel_up(name), 0.02)

    def close(self):
        for child in reversed(self.children):
            child.kill()
