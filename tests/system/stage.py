"""What the system tests stand on: a small switch without a bank for tests about single messages, and a whole run (banks, proxies, switch, load,
reconciliation) for tests about faults.

    with stage.small_switch(binaries, workers=1) as switch: ...
    class/def story(run): run.up(); run.load(); ...; run.settle()        stage.tell(STORIES)
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "loadtest"))
import log_reader  # noqa: E402
import run_folder  # noqa: E402
import wire  # noqa: E402

START_S, END_S = 60, 60
RELOAD_S = 120  # it runs behind all else that wants a processor
PATIENT_MS = 60000  # for who begins a message or a handshake; a test about slow ones gives less

CONFIG = """
node: 0
acquirer_id: 48021000
workers: {workers}
log: {{format: plain, level: info}}
listeners:
  - {{name: secure, address: 127.0.0.1, port: {tls_port}, dialect: unionpay-pos, framing: {{length: binary_2, tpdu: true, http: true}},
     tls: {{certificate: server.crt, key: server.key}}, first_message_timeout_ms: {half_ms}, handshake_timeout_ms: {half_ms}}}
  - {{name: plain, address: 127.0.0.1, port: {plain_port}, dialect: unionpay-pos, framing: {{length: binary_2, tpdu: true, http: true}},
     first_message_timeout_ms: {half_ms}}}
channels:
  - {{name: bank_a, address: 127.0.0.1, port: {bank_port}, dialect: iso8583-1987-ascii, mac: {{algorithm: unionpay_ecb}}}}
  - {{name: bank_b, address: 127.0.0.1, port: {bank_port}, dialect: iso8583-1987-ascii, mac: {{algorithm: unionpay_ecb}}}}
store: {{folder: log}}
hsm: {{module: soft, master_key: test, pin_policy: lab}}
tables: {{bins: {root}/config/demo/bins.csv, merchants: fleet/merchants.csv, terminals: fleet/terminals.csv, keys: fleet/keys.csv}}
routes: {root}/config/demo/routes.yaml
fees: {root}/config/demo/fees.yaml
specs: {root}/config/specs
control: {{socket: control.sock}}
drain: {{deadline_ms: 5000}}
"""


class Failed(Exception):
    pass


def expect(what, is_true):
    if not is_true:
        raise Failed(what)


def all_were_answered(result):
    """Of a load tool's result: somebody paid, and nothing is in doubt."""
    counts = result["counts"]
    expect(f"nobody paid: {counts}", counts["approved"] > 0)
    expect(f"not all were answered: {counts}", counts["unknown"] == counts["reversed"] == counts["lost"] == 0)


def make_certificate(folder, name="localhost"):
    """A key and a certificate that vouches for itself: server.key, server.crt."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "server.key",
                    "-out", folder / "server.crt", "-days", "2", "-subj", f"/CN={name}"], check=True, capture_output=True)


# ---- a small switch, whose banks are not there


class Switch:
    def __init__(self, binaries, folder, workers, half_ms=PATIENT_MS):
        self.folder, self.tls_port, self.plain_port = folder, run_folder.free_port(), run_folder.free_port()
        make_certificate(folder)
        subprocess.run([binaries / "tillway-load", "fleet", "--banks", "bank_a,bank_b", "--terminals", "3", "--merchants", "1",
                        "--seed", "1", "--out", folder / "fleet"],
                       check=True, capture_output=True)
        (folder / "tillway.yaml").write_text(CONFIG.format(workers=workers, tls_port=self.tls_port, plain_port=self.plain_port, bank_port=run_folder.free_port(),
                                                           root=ROOT, half_ms=half_ms))
        self.log = folder / "tillwayd.log"
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([binaries / "tillwayd", "--config", folder / "tillway.yaml"], stdout=out, stderr=out)
        deadline = time.monotonic() + START_S
        while " ready " not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"tillwayd does not start:\n{self.log.read_text()}")
            time.sleep(0.05)
        self.fleet = wire.Fleet(folder)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failed(f"tillwayd did not end within {END_S} s of SIGTERM") from None
        return self.process.returncode

    def lines(self):
        """Lines about what peers did; those about our own channel without its bank are left out."""
        return [line for line in self.log.read_text().splitlines()
                if any(f" {event} " in line for event in ("conn_closed", "request_rejected", "conn_refused", "txn"))]


@contextlib.contextmanager
def small_switch(binaries, workers, half_ms=PATIENT_MS):
    """A switch in a folder that is gone afterwards, and so is the switch."""
    folder, switch = pathlib.Path(tempfile.mkdtemp(prefix="tillway-system-")), None
    try:
        switch = Switch(binaries, folder, workers, half_ms)
        yield switch
    except BaseException:
        run_folder.show_logs(folder, 40)
        raise
    finally:
        if switch is not None and switch.process.poll() is None:
            switch.process.kill()
            switch.process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def with_workers(run, counts=(1, 2)):
    """Calls run(binaries, workers), which answers its failures, once for each count. Answers all failures."""
    failures = 0
    for workers in counts:
        print(f"-- {workers} worker{'s' if workers > 1 else ''}")
        try:
            failures += run(binaries_asked(), workers)
        except (Failed, OSError, subprocess.SubprocessError) as fault:
            failures += 1
            print(f"FAILED  with {workers}: {fault}", flush=True)
    return failures


def sanitizer_of(program):
    """The sanitizers' library that a program is built with, as a list of one; empty: it is built without."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=20).stdout
    return [line.split()[2] for line in linked.splitlines() if "libasan" in line]


def preloaded(program, library, **environment):
    """What to put before the program's command, so that it begins with this library; the sanitizers' must stand before it."""
    libraries = ":".join([*sanitizer_of(program), str(library)])
    return ["env", f"LD_PRELOAD={libraries}", *(f"{name}={value}" for name, value in environment.items())]


def binaries_asked():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    return pathlib.Path(parser.parse_args().bin).resolve()


# ---- a whole run, for faults

# Short enough that every fault has run its course within seconds; production stands at 45, 180 and 60 s.
RESPONSE_TIMEOUT_MS, INFLIGHT_LIFE_MS, TERMINAL_TIMEOUT_S = 1500, 4000, 4
# Where nothing may be lost: what is late there has been slow, on whatever machine.
PATIENT = {"engine.response_timeout_ms": 6000, "engine.inflight_life_ms": 15000,
           **{f"channels.{index}.reply_timeout_ms": 6000 for index in range(len(run_folder.BANKS))}}
PATIENT_TIMEOUT_S = 12
LATE_MS = 2500  # after the switch has given up, before "original not found" is final
DRAIN_S, LOAD_S = 120, 180
BANK_SPEC = ROOT / "config/specs/iso8583-1987-ascii.yaml"


class StallWatch(threading.Thread):
    """How long this machine lets somebody wait who wants next to nothing of it: what a payment took beyond that is the switch's doing.

    with StallWatch() as watch: ...; watch.worst_us"""

    NAP_S = 0.005

    def __init__(self):
        super().__init__(daemon=True)
        self.worst_us, self.is_over = 0, False

    def run(self):
        while not self.is_over:
            began = time.monotonic()
            time.sleep(self.NAP_S)
            self.worst_us = max(self.worst_us, round((time.monotonic() - began - self.NAP_S) * 1e6))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.join()


class Run(run_folder.RunFolder):
    """Two banks, a switch, proxies where a story wants them, terminals that pay, and the reckoning.

    Life: up -> paying ... -> settle"""

    flags_only = True

    def __init__(self, folder, programs, is_long):
        super().__init__(folder, programs)
        self.is_long, self.options, self.prefix, self.is_patient = is_long, {}, [], False
        self.proxies, self.link_ports, self.loads, self.healed = {}, {}, [], []
        self.load_port, self.table = self.port, None

    # ---- set-up

    def settings(self):
        links = {}
        for index, name in enumerate(run_folder.BANKS):
            links |= run_folder.link_settings(index, self.link_ports.get(name, self.bank_ports[name]))
            links |= {f"channels.{index}.{option}": value for option, value in
                      (("reconnect_min_ms", 10), ("reconnect_max_ms", 50), ("reply_timeout_ms", 500), ("echo_every_ms", 1000))}
        return {**super().settings(), **links, "engine.response_timeout_ms": RESPONSE_TIMEOUT_MS, "engine.inflight_life_ms": INFLIGHT_LIFE_MS,
                "engine.saf_retry_min_ms": 200, "engine.saf_retry_max_ms": 1000, **(PATIENT if self.is_patient else {}), **self.options}

    def sanitizer(self):
        return sanitizer_of(self.program("tillwayd"))

    def preloaded(self, library, **environment):
        return preloaded(self.program("tillwayd"), library, **environment)

    def server_command(self, name):
        return [*(self.prefix if name == "tillwayd" else []), *super().server_command(name)]

    def up(self, terminals=40, bank_options=(), bank_rules=(), terminal_rules=(), options=None, prefix=(), is_patient=False):
        """All there is, running. Rules put a tillway-chaos before each bank, or before the switch (there it sees bytes only).
        Patient: where the story says that nothing is lost."""
        self.options, self.prefix, self.is_patient = options or {}, list(prefix), is_patient
        self.prepare_fleet(terminals, 1)
        for number, name in enumerate(run_folder.BANKS):
            self.start_bank(self.ledger(name), ["--seed", 1 + number, "--late-ms", LATE_MS, *bank_options], name=name)
            if bank_rules:
                self.link_ports[name] = self.start_proxy(f"before_{name}", self.bank_ports[name], bank_rules, "--spec", BANK_SPEC, "--keys",
                                                         self.folder / f"fleet/{name}.keys", "--mac", run_folder.BANK_MAC, "--seed", 1 + number)
        self.start_switch()
        if terminal_rules:
            self.load_port = self.start_proxy("before_switch", self.port, terminal_rules, "--framing", "none")
        for name in run_folder.BANKS:
            self.wait_for_bank_link(name)

    def start_proxy(self, name, port, rules, *options):
        """Answers its port. It is known by its first line: a connection to find out would be carried to the server."""
        words = [word for rule in rules for word in ("--rule", rule)]
        child = self.start(name, [self.program("tillway-chaos"), "--to", f"127.0.0.1:{port}", "--journal", self.folder / f"{name}.ndjson", *options,
                                  *words])
        run_folder.wait_until(f"{name} listens", START_S, lambda: child.check() or "listening on" in child.log.read_text(), 0.02)
        self.proxies[name] = child
        return int(child.log.read_text().split("listening on", 1)[1].split("\n")[0].rsplit(":", 1)[1])

    def struck(self, name, action=None):
        """How often the rules of a proxy struck."""
        lines = map(json.loads, (self.folder / f"{name}.ndjson").read_text().splitlines())
        return sum("rule" in line and action in (None, line["action"]) for line in lines)

    # ---- load

    @contextlib.contextmanager
    def paying(self, tps=60, seconds=5, first=0, terminals=0, stan=1, port=None, extra=(), ends_with_body=False):
        """Terminals pay while the body runs, or for so many seconds if they may go on; afterwards it is waited for their end. Gives a dictionary that
        then holds the tool's result."""
        name, result = f"load{len(self.loads)}", {}
        seconds = LOAD_S if ends_with_body else seconds
        command = [self.program("tillway-load"), "run", "--connect", f"127.0.0.1:{port or self.load_port}", "--ca", self.folder / "server.crt", "--fleet",
                   self.folder / "fleet", "--bins", ROOT / "config/demo/bins.csv", "--spec", ROOT / "config/specs/unionpay-pos.yaml", "--tps", tps,
                   "--seconds", seconds, "--timeout", PATIENT_TIMEOUT_S if self.is_patient else TERMINAL_TIMEOUT_S, "--grace", 45, "--online", 60, "--seed", 1, "--first", first, "--terminals",
                   terminals, "--stan", stan, "--quiet", "--receipts", self.folder / f"{name}.ndjson", "--json", self.folder / f"{name}.json", *extra]
        child = self.start(name, command)
        self.loads.append(name)
        with StallWatch() as watch:
            yield result
            if ends_with_body:
                child.check()
                child.process.send_signal(signal.SIGTERM)
            try:
                code = child.process.wait(LOAD_S + seconds)
            except subprocess.TimeoutExpired:
                raise Failed(f"tillway-load did not end within {LOAD_S + seconds} s") from None
        expect(f"tillway-load ended with code {code}:\n{child.tail()}", code == 0)
        result.update(json.loads((self.folder / f"{name}.json").read_text()), stall_us=watch.worst_us)

    def pay(self, **how):
        with self.paying(**how) as result:
            pass
        return result

    # ---- what is seen

    def lines(self, *words):
        """The switch's log lines that hold all the words."""
        return [line for line in (self.folder / "tillwayd.log").read_text(errors="replace").splitlines() if all(word in line for word in words)]

    def wait_line(self, *words, count=1, seconds=60):
        run_folder.wait_until(f"{count} lines with {words}", seconds, lambda: self.switch.check() or len(self.lines(*words)) >= count, 0.02)

    def metric(self, name, label=None):
        return sum(value for (found, labels), value in wire.metrics(self.folder / "control.sock").items()
                   if found.endswith(name) and (label is None or label in labels))

    # ---- the reckoning

    def open_outcomes(self):
        """Reversals without an end, and requests without an outcome, as the log on disk has them."""
        if self.table is None:
            self.table = log_reader.LogTable(log_reader.Log(self.log), ("kind", "epoch", "seq", "original_epoch", "original_seq"))
        self.table.refresh()
        pending = ("SELECT count(*) FROM (SELECT max(CASE kind WHEN 'reversal' THEN position ELSE 0 END) AS begun,"
                   " max(CASE kind WHEN 'reversal' THEN 0 ELSE position END) AS ended FROM log"
                   " WHERE kind IN ('reversal', 'reversal_done', 'reversal_case') GROUP BY original_epoch, original_seq) WHERE begun > ended")
        unknown = ("SELECT count(*) FROM (SELECT epoch, seq FROM log WHERE kind = 'intent' EXCEPT SELECT epoch, seq FROM log WHERE kind = 'result'"
                   " EXCEPT SELECT original_epoch, original_seq FROM log WHERE kind = 'reversal')")
        return self.table.value(pending) + self.table.value(unknown)

    def heal(self):
        """A proxy's rules end at the first signal and come back at the second."""
        for child in (*self.proxies.values(), *self.banks.values()):
            if child not in self.healed:
                child.process.send_signal(signal.SIGUSR1)
                self.healed.append(child)

    def settle(self, must_agree=True):
        """Faults end, everything drains and stops in order, and the three ledgers are held against each other. Answers the reconciler's result."""
        self.heal()
        run_folder.wait_until("all reversals are acknowledged", DRAIN_S, lambda: self.switch.check() or self.open_outcomes() == 0, 0.2)
        for child in (self.switch, *self.banks.values(), *self.proxies.values()):
            child.stop()
        receipts, result = self.folder / "receipts.ndjson", self.folder / "reconcile.json"
        receipts.write_text("".join((self.folder / f"{name}.ndjson").read_text() for name in self.loads))
        done = subprocess.run([sys.executable, ROOT / "loadtest/reconcile.py", "--receipts", receipts, "--log", self.log, "--json", result,
                               *[word for name in run_folder.BANKS for word in ("--bank", self.ledger(name))]], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, cwd=ROOT, timeout=120)
        expect(f"the reconciler ended with code {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}", done.returncode in (0, 1))
        expect(f"the ledgers do not agree:\n{done.stdout[-3000:]}", done.returncode == 0 or not must_agree)
        return json.loads(result.read_text())


def tell(stories, text):
    """The main program of a file of stories: each is a function of a Run, named as the sentence it proves, with its F numbers in its first line."""
    parser = argparse.ArgumentParser(description=text.split("\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--long", action="store_true", help="the faults last longer, and come more often")
    parser.add_argument("--only", help="tell only the stories whose name holds this")
    asked = parser.parse_args()
    failures = 0
    for story in stories:
        if asked.only and asked.only not in story.__name__:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tillway-fault-", ignore_cleanup_errors=True) as folder:
            run = Run(pathlib.Path(folder), asked.bin, asked.long)
            try:
                said = story(run)
                print(f"ok      {story.__name__} ({time.monotonic() - began:.1f} s){': ' + said if said else ''}", flush=True)
            except Exception as fault:  # whatever it is: the other stories are told all the same
                failures += 1
                print(f"FAILED  {story.__name__} ({time.monotonic() - began:.1f} s): {fault}", flush=True)
                print(traceback.format_exc(limit=-4), flush=True)
                run_folder.show_logs(run.folder)
            finally:
                run.close()
    return 1 if failures else 0
