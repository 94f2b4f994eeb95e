#!/usr/bin/env python3
"""The demo: a whole switch on this machine, banks, terminals, load, faults, crashes; then the three ledgers are held against each other.

    demo.py --bin DIR [--mix cards|full] [--profile constant|day] [--terminals N] [--tps N] [--seconds N] [--bank-faults P] [--crash K] [--json FILE] [--keep]

Exit code 0: receipts, log, books and settlement files agree row by row. Everything lies in a folder of its own, on loopback ports that were free; no step
waits without a deadline; Ctrl-C ends all that was started.
"""
import argparse
import contextlib
import json
import pathlib
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import full_mix
import run_folder
from log_reader import Log, LogTable, Unreadable
from run_folder import ROOT, START_S, RunFailed, cpu_seconds, wait_until

FOLLOW_UPS_PERCENT = 15  # voids and refunds of a constant rate with all in the mix
DRAIN_S, RECONCILE_S, GRACE_S, DAY_S_MAX, ERRANDS_S = 90, 300, 45, 400, 5
# Short enough that every fault has run its course within seconds; production stands at 45, 60 and 180 s.
RESPONSE_TIMEOUT_MS, LATE_MS, INFLIGHT_LIFE_MS, TERMINAL_TIMEOUT_S = 3000, 5000, 8000, 6


def say(text):
    print(f"demo: {text}", flush=True)


class Demo(run_folder.RunFolder):
    def __init__(self, asked, folder):
        super().__init__(folder, asked.bin)
        self.asked, self.crashes, self.cpu = asked, [], 0.0
        self.admin = self.load = None
        self.table = None  # the log, as far as open_reversals() has read it
        self.events = folder / "events.ndjson"  # what the load tool tells of a day's phases
        self.lock = threading.Lock()
        self.mix = full_mix.FullMix(self) if asked.mix == "full" else None
        if self.mix:
            self.config, self.bank_wires = self.mix.config, self.mix.bank_wires
        self.say = say

    # ---- before

    def prepare(self):
        self.prepare_fleet(self.asked.terminals, self.asked.seed)
        self.make_token()
        if self.mix:
            self.mix.prepare()

    def make_token(self):
        """An operator of this run, for tillwayctl; the token is printed once and kept by nobody but its file."""
        if not (self.bin / "tillway-admin").is_file():
            return
        made = subprocess.run([str(self.program("tillway-admin")), "token", "add", "demo", "operator", "--tokens", str(self.folder / "tokens")],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_S)
        if made.returncode != 0:
            raise RunFailed(f"tillway-admin token add: {made.stderr}")
        path = self.folder / "demo.token"
        path.touch(0o600)
        path.write_text(made.stdout)

    def settings(self):
        # A link that a fault has dropped is wanted back while its payments are still waiting.
        links = {f"channels.{index}.{option}": value for index in range(len(run_folder.BANKS))
                 for option, value in (("reconnect_min_ms", 10), ("reconnect_max_ms", 50), ("reply_timeout_ms", 100))}
        return {**super().settings(), **links, **(self.mix.settings() if self.mix else {}), "engine.response_timeout_ms": RESPONSE_TIMEOUT_MS, "engine.inflight_life_ms": INFLIGHT_LIFE_MS,
                "engine.saf_retry_min_ms": 200, "engine.saf_retry_max_ms": 2000}

    def start_one_bank(self, name):
        number = run_folder.BANKS.index(name)
        faults = ["--faults", self.asked.bank_faults, "--late-ms", LATE_MS] if self.asked.bank_faults else []
        self.start_bank(self.ledger(name), ["--seed", self.asked.seed + number, *faults, *shlex.split(self.asked.bank_args)], name=name)

    def start_all(self):
        for name in run_folder.BANKS:
            self.start_one_bank(name)
        if self.mix:
            self.mix.start()
        self.start_switch()
        self.cpu -= cpu_seconds(self.switch.pid)  # a start is no payment
        for name in run_folder.BANKS:
            self.wait_for_bank_link(name)
        self.start_admin()
        say(f"terminals port {self.port} (TLS), banks' ports {' and '.join(map(str, self.bank_ports.values()))}, control socket {self.folder}/control.sock"
            + (f", admin https://127.0.0.1:{self.admin_port}" if self.admin else ""))
        if self.admin:
            say(f"look in with: {self.bin}/tillwayctl --url https://127.0.0.1:{self.admin_port} --ca {self.folder}/server.crt"
                f" --token-file {self.folder}/demo.token status")

    def start_admin(self):
        if (self.bin / "tillway-admin").is_file():
            self.admin = self.start_listening("tillway-admin", self.server_command("tillway-admin"), self.admin_port)

    # ---- under load

    def crash_at(self, moments, began):
        """Kills the switch with SIGKILL at these moments and starts it again."""
        for moment in moments:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            with self.lock:
                if self.load is None or self.load.poll() is not None:
                    return
                self.cpu += cpu_seconds(self.switch.pid)
                self.switch.kill()
                try:
                    seconds = self.start_switch()
                    self.cpu -= cpu_seconds(self.switch.pid)
                except RunFailed as fault:
                    self.crashes.append({"at_s": round(moment, 2), "fault": str(fault)})
                    self.load.terminate()
                    return
                self.crashes.append({"at_s": round(moment, 2), "back_after_s": round(seconds, 3)})
                say(f"tillwayd was killed (SIGKILL) after {moment:.1f} s of load and listens again after {seconds:.2f} s")

    def load_command(self):
        asked = self.asked
        pace = (["--profile", asked.profile, "--events", self.events] if asked.profile else
                ["--tps", asked.tps, "--seconds", asked.seconds])
        codes = ["--qr-share", self.asked.qr_share] if self.mix else []
        follow_ups = ["--follow-ups", FOLLOW_UPS_PERCENT] if self.mix and not asked.profile else []
        return [self.program("tillway-load"), "run", *codes, *follow_ups, "--connect", f"127.0.0.1:{self.port}", "--ca", self.folder / "server.crt", "--fleet",
                self.folder / "fleet", "--bins", ROOT / "config/demo/bins.csv", "--spec", ROOT / "config/specs/unionpay-pos.yaml", *pace,
                "--timeout", asked.terminal_timeout, "--grace", GRACE_S, "--online", 60, "--seed", asked.seed, "--devices", "--receipts",
                self.folder / "receipts.ndjson", "--json", self.folder / "load.json", "--hlog", self.folder / "load.hlog"]

    def run_load(self):
        self.load = subprocess.Popen([str(word) for word in self.load_command()], stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True)
        helpers = [threading.Thread(target=target, daemon=True) for target, is_wanted in
                   ((self.crash, self.asked.crash > 0), (self.follow_day, self.asked.profile), (self.mix and self.mix.outage, self.mix),
                    (self.mix and self.mix.watch, self.mix)) if is_wanted]
        for helper in helpers:
            helper.start()
        code = self.wait_for_load(60 + self.load_seconds_max() + GRACE_S + 30)
        for helper in helpers:
            helper.join(START_S + 5)
        for crash in self.crashes:
            if "fault" in crash:
                raise RunFailed(f"restart after the crash: {crash['fault']}")
        if self.mix:
            self.mix.check()
        if code != 0:
            raise RunFailed(f"tillway-load ended with code {code}")

    def load_seconds_max(self):
        return DAY_S_MAX if self.asked.profile else self.asked.seconds

    def crash(self):
        """At random moments of the load; of a day, at moments of its phases, errands counted as short."""
        seconds = self.asked.seconds
        if self.asked.profile:
            wait_until("the day's plan", 60, self.read_events, 0.1)
            seconds = sum(phase["seconds"] if phase["tps"] else min(phase["seconds"], ERRANDS_S) for phase in self.read_events()[0]["plan"])
        chance = random.Random(self.asked.seed)
        moments = sorted(chance.uniform(0.1, 0.9) * seconds for _ in range(self.asked.crash))
        # The first second goes to connecting; a moment early or late only moves the kill.
        self.crash_at(moments, time.monotonic() + (0 if self.asked.profile else 1))

    def read_events(self):
        with contextlib.suppress(OSError, ValueError):
            return [json.loads(line) for line in self.events.read_text().splitlines()]
        return []

    def follow_day(self):
        """The banks begin their next day when the terminals rest."""
        seen = 0
        while self.load.poll() is None:
            events = self.read_events()
            for event in events[seen:]:
                if event.get("cut_over"):
                    say("the banks cut over: their next settlement day begins")
                    for bank in self.banks.values():
                        bank.process.send_signal(signal.SIGUSR2)
            seen = len(events)
            time.sleep(0.1)

    def wait_for_load(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.load.wait(0.5)
            if self.lock.acquire(blocking=False):
                try:
                    self.switch.check()
                    for simulator in self.simulators():
                        simulator.check()
                finally:
                    self.lock.release()
        raise RunFailed(f"tillway-load did not end within {seconds:.0f} s")

    def simulators(self):
        """Banks, and the wallets where there are any."""
        return [*self.banks.values(), *([self.mix.child] if self.mix else [])]

    # ---- after

    def operate(self):
        """What an operator would ask next: the switch at a glance, one payment with its records, its terminal."""
        if not self.admin or not (self.bin / "tillwayctl").is_file():
            return
        if self.admin.process.poll() is not None:
            say("tillway-admin was ended in mid-run; no payment needs it: started again")
            self.start_admin()
        ctl = [self.bin / "tillwayctl", "--url", f"https://127.0.0.1:{self.admin_port}", "--ca", self.folder / "server.crt", "--token-file",
               self.folder / "demo.token"]
        with open(self.folder / "receipts.ndjson", encoding="utf-8") as file:
            receipt = next((receipt for receipt in map(json.loads, file) if receipt["outcome"] == "approved"), None)
        self.run([*ctl, "status"])
        if receipt:
            self.run([*ctl, "terminal", "show", receipt["terminal"]])
            self.run([*ctl, "txn", "search", "--terminal", receipt["terminal"], "--limit", "5"])
            found = json.loads(self.run([*ctl, "--json", "txn", "show", receipt["rrn"]]))
            say(f"tillwayctl txn show {receipt['rrn']} says: {found.get('outcome')}")

    def open_reversals(self):
        """Reversals and advices without an end, and requests without an outcome, as the log on disk has them."""
        pending = ("SELECT count(*) FROM (SELECT max(CASE kind WHEN 'reversal' THEN position ELSE 0 END) AS begun,"
                   " max(CASE kind WHEN 'reversal' THEN 0 ELSE position END) AS ended FROM log"
                   " WHERE kind IN ('reversal', 'reversal_done', 'reversal_case') GROUP BY original_epoch, original_seq) WHERE begun > ended")
        open_requests = ("SELECT count(*) FROM (SELECT epoch, seq FROM log WHERE kind = 'intent' EXCEPT SELECT epoch, seq FROM log WHERE kind IN"
                         " ('result', 'advice') EXCEPT SELECT original_epoch, original_seq FROM log WHERE kind = 'reversal')")
        advices = ("SELECT count(*) FROM (SELECT epoch, seq FROM log WHERE kind = 'advice' EXCEPT SELECT epoch, seq FROM log WHERE kind IN"
                   " ('advice_done', 'advice_case'))")
        try:
            if self.table is None:
                self.table = LogTable(Log(self.log), ("kind", "epoch", "seq", "original_epoch", "original_seq"))
            self.table.refresh()
        except Unreadable as fault:
            raise RunFailed(str(fault)) from fault
        return sum(map(self.table.value, (pending, open_requests, advices)))

    def drain(self):
        for simulator in self.simulators():
            simulator.process.send_signal(signal.SIGUSR1)
        left = self.open_reversals()
        if left:
            say(f"banks healed; {left} open outcomes to be reversed or ended")
        wait_until("all reversals are acknowledged", DRAIN_S, lambda: self.switch.check() or self.open_reversals() == 0, 0.5)

    def stop_all(self):
        if self.admin and self.admin.process.poll() is None:
            self.admin.stop()
        self.cpu += self.switch.stop()
        for simulator in self.simulators():
            simulator.stop()

    def reconcile(self):
        done = subprocess.run([sys.executable, ROOT / "loadtest/reconcile.py", "--receipts", self.folder / "receipts.ndjson", "--log",
                               self.log, *[word for name in run_folder.BANKS for word in ("--bank", self.ledger(name))],
                               *(["--wallet", self.mix.ledger] if self.mix else []), "--json", self.folder / "reconcile.json"],
                              stdin=subprocess.DEVNULL, cwd=ROOT, timeout=RECONCILE_S)
        return done.returncode == 0

    def settle(self):
        """The settlement files of each day, held against the log line by line."""
        (self.folder / "settlement").mkdir(exist_ok=True)
        done = subprocess.run([sys.executable, ROOT / "loadtest/settlement_check.py", "--settle", self.program("tillway-settle"), "--log", self.log, "--out",
                               self.folder / "settlement", "--json", self.folder / "settlement.json"], stdin=subprocess.DEVNULL, cwd=ROOT, timeout=RECONCILE_S)
        return done.returncode == 0

    def result(self, is_agreed):
        load = json.loads((self.folder / "load.json").read_text())
        reconciled = self.folder / "reconcile.json"
        sent = max(1, load["counts"]["sent"])
        return {"schema": "tillway-demo/1", "mix": self.asked.mix, "full": self.mix.result() if self.mix else None, "agree": is_agreed, "profile": self.asked.profile.stem if self.asked.profile else "constant", "terminals": self.asked.terminals, "tps": None if self.asked.profile else self.asked.tps,
                "seconds": None if self.asked.profile else self.asked.seconds, "day_complete": load["day_complete"],
                "bank_faults_percent": self.asked.bank_faults, "crashes": self.crashes, "switch_cpu_us_per_payment": round(self.cpu * 1e6 / sent, 1),
                "load": load, "reconcile": json.loads(reconciled.read_text()) if reconciled.is_file() else None,
                "settlement": json.loads((self.folder / "settlement.json").read_text())["days"] if (self.folder / "settlement.json").is_file() else None}

    def stay(self):
        """Starts all again on the same books and waits until somebody interrupts."""
        self.start_all()
        if self.admin:
            say(f"cases, flags and orders are for other roles: {self.bin}/tillway-admin token add NAME after-sales --tokens {self.folder}/tokens"
                " (or risk) prints a token; put it into a file of your own for --token-file")
        say(f"all is up again, its folder is {self.folder}; press Ctrl-C to end it")
        while True:
            for child in (*self.simulators(), self.switch):  # the admin port may be killed to see that nothing happens
                child.check()
            time.sleep(1)

    def close(self):
        super().close()
        if self.load and self.load.poll() is None:
            self.load.kill()
            self.load.wait()


def summary(result):
    load, counts, latency = result["load"], result["load"]["counts"], result["load"]["latency_us"]
    offered = f" of {result['tps']:g}/s offered" if result["tps"] else ""
    say(f"{counts['sent']} payments of {result['terminals']} terminals: {counts['approved']} approved, {counts['declined']} declined, "
        f"{counts['unknown']} unknown and {counts['reversed']} reversed; {load['achieved_tps']:.0f} answers/s{offered}")
    if not result["tps"]:
        say(f"{counts['errands']} errands done, {counts['errands_refused']} not; {counts['settlements']} batches settled, {counts['settlements_different']} of them with "
            f"details because the totals differed; {counts['wishes']} answers asked a terminal for something")
    if not result["day_complete"]:
        say("the day was cut short: some terminal could not do all its errands")
    say(f"latency from the intended moment: p50 {latency['p50'] / 1000:.2f} ms, p99 {latency['p99'] / 1000:.2f} ms, p99.9 {latency['p99_9'] / 1000:.2f} ms; "
        f"tillwayd {result['switch_cpu_us_per_payment']:.0f} us of CPU a payment, connecting and sign-on included")
    codes = ", ".join(f"{code} x {count}" for code, count in sorted(load["response_codes"].items()))
    say(f"answers: {codes} (-- is none)")
    if counts["dropped"]:
        say(f"{counts['dropped']} payments could not begin in time: too few free terminals for this rate and these faults")
    if result["full"]:
        breaker = result["full"]["breaker"]
        say(f"breaker of {full_mix.VICTIM}: {' -> '.join(['closed', *breaker['states']])}")
    if result["crashes"]:
        say(f"{len(result['crashes'])} crashes of tillwayd")
    say("the three ledgers and the settlement files agree" if result["agree"] else "ledgers or settlement files do NOT agree")


def interrupt(_number, _frame):
    raise KeyboardInterrupt


def profile_path(word):
    """None: a constant rate."""
    if word == "constant":
        return None
    for path in (ROOT / f"loadtest/profiles/{word}.yaml", pathlib.Path(word)):
        if path.is_file():
            return path.resolve()
    raise argparse.ArgumentTypeError(f"{word}: neither 'constant' nor the name of a profile in loadtest/profiles nor a file")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="folder of the built programs")
    parser.add_argument("--profile", type=profile_path, default="constant",
                        help="constant: purchases at a rate; day: loadtest/profiles/day.yaml; or another file like it")
    parser.add_argument("--mix", choices=("cards", "full"), default="cards",
                        help="full: codes of Alipay and WeChat Pay beside cards, and a bank that is killed and revived in mid-run")
    parser.add_argument("--qr-share", type=float, default=40, help="per cent of purchases by code, with --mix full (40)")
    parser.add_argument("--terminals", type=int, help="how many (200; with --mix full 400)")
    parser.add_argument("--tps", type=float, help="of a constant rate (200)")
    parser.add_argument("--seconds", type=float, help="of a constant rate (20)")
    parser.add_argument("--bank-faults", type=float, help="late, silent and drop at so many per cent each, at wallets other faults too (0; with --mix full 5)")
    parser.add_argument("--crash", type=int, default=0, help="kill the switch so many times in mid-run")
    parser.add_argument("--terminal-timeout", type=float, default=TERMINAL_TIMEOUT_S, help="seconds until a terminal gives up and reverses")
    parser.add_argument("--bank-args", default="", help="more options for tillway-bank, such as '--duplicate 5 --decline 10'")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", help="write the result here")
    parser.add_argument("--keep", action="store_true", help="afterwards start all again on the same books, print the addresses and stay up until Ctrl-C; the run's folder stays")
    asked = parser.parse_args(arguments)
    if asked.profile and (asked.tps, asked.seconds) != (None, None):
        parser.error("--tps and --seconds are a constant rate's; a profile says both for each of its phases")
    is_full = asked.mix == "full"
    asked.tps, asked.seconds = asked.tps or 200, asked.seconds or (40 if is_full else 20)
    asked.terminals = asked.terminals or (400 if is_full else 200)
    asked.bank_faults = (5 if is_full else 0) if asked.bank_faults is None else asked.bank_faults
    if asked.json and not pathlib.Path(asked.json).resolve().parent.is_dir():
        parser.error(f"--json {asked.json}: its folder does not exist; make it first")
    return asked


def run(demo):
    demo.prepare()
    demo.start_all()
    demo.run_load()
    demo.operate()
    demo.drain()
    demo.stop_all()
    is_agreed = demo.reconcile()
    is_agreed = demo.settle() and is_agreed  # both speak, whatever the first one says
    result = demo.result(is_agreed)
    summary(result)
    return result


def main(arguments):
    asked = parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-demo-"))
    code, demo = 1, Demo(asked, folder)
    try:
        result = run(demo)
        if asked.json:
            pathlib.Path(asked.json).write_text(json.dumps(result, indent=1) + "\n")
        code = 0 if result["agree"] and result["day_complete"] else 1
        if asked.keep:
            with contextlib.suppress(KeyboardInterrupt):
                demo.stay()
            demo.stop_all()
    except KeyboardInterrupt:
        say("interrupted")
        code = 130
    except (RunFailed, subprocess.TimeoutExpired, OSError, ValueError) as fault:
        say(f"FAILED: {fault}")
        code = 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # what was started is ended, whatever is pressed now
            signal.signal(number, signal.SIG_IGN)
        demo.close()
    if code == 1:
        run_folder.show_logs(folder)
    if asked.keep or code == 1:
        say(f"everything is in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
