"""How fast store-and-forward empties itself after an outage, and what live payments feel of it.

A bank's answers are swallowed (tillway-chaos) until so many reversals are pending; then they pass again. Live payments are measured before
the outage and from the moment it ends, in the same run.
"""
import json
import signal
import time

import log_reader
from carriers import BenchFolder, Carrier
from run_folder import BANKS, ROOT, RunFailed, free_port, link_settings, wait_until

PENDING, DRAIN_LIMIT_S, P99_LIMIT = 10_000, 60, 2.0
LIVE_TPS, LIVE_S, OUTAGE_S = 300, 20, 240
OUT_BANK = BANKS[1]


class OutageFolder(BenchFolder):
    """One of the banks stands behind a proxy."""

    def __init__(self, folder, programs, cores):
        super().__init__(folder, programs, cores)
        self.proxy_port, self.proxy = free_port(), None

    def routes(self):
        """The demo's, with a breaker that never opens: it would keep payments away from the bank, and nothing would pile up."""
        path, text = self.folder / "routes.yaml", (ROOT / "config/demo/routes.yaml").read_text()
        patient = text.replace("request_min: 20", "request_min: 1000000")
        if patient == text:
            raise RunFailed("config/demo/routes.yaml has no request_min: 20 any more")
        path.write_text(patient)
        return path

    def settings(self):
        index = BANKS.index(OUT_BANK)
        # Short enough that an outage of a minute makes thousands unknown; pauses between attempts stay those of production.
        return {**super().settings(), **link_settings(index, self.proxy_port), "routes": self.routes(), "engine.response_timeout_ms": 1000, "engine.inflight_life_ms": 2000}

    def start_proxy(self):
        self.proxy = self.start_listening("tillway-chaos", [
            self.program("tillway-chaos"), "--listen", f"127.0.0.1:{self.proxy_port}", "--to", f"127.0.0.1:{self.bank_ports[OUT_BANK]}", "--spec",
            ROOT / "config/specs/iso8583-1987-ascii.yaml", *[word for mti in ("0210", "0430") for word in ("--rule", f"action=drop,direction=to_client,mti={mti}")]],
            self.proxy_port, self.load_core)
        self.toggle()  # all is well at first

    def toggle(self):
        self.proxy.process.send_signal(signal.SIGUSR1)

    def pending(self):
        log = log_reader.Log(self.log)
        return log.count("kind = 'reversal'") - log.count("kind IN ('reversal_done', 'reversal_case')")


class Live(Carrier):
    name, is_echo = "tillwayd", False

    def __init__(self, folder):
        super().__init__(folder)
        for bank in BANKS:
            folder.start_bank(folder.ledger(bank), [], folder.load_core, bank)
        folder.start_proxy()
        folder.start_switch(folder.server_core)
        for bank in BANKS:
            folder.wait_for_bank_link(bank)
        self.pid, self.port = folder.switch.pid, folder.port

    def p99_us(self, label, terminals):
        found = self.load(label, LIVE_S, ["--terminals", terminals, "--seconds", LIVE_S, "--warmup", 1, "--tps", LIVE_TPS])
        if found["counts"]["unknown"] or found["counts"]["dropped"]:
            raise RunFailed(f"{label}: {found['void']}")
        return found["latency_us"]["p99"]


def make_pending(folder, live, terminals, wanted):
    folder.toggle()
    options = ["--terminals", terminals, "--seconds", OUTAGE_S, "--tps", 3 * LIVE_TPS, "--timeout", 5]
    child = folder.start("load-outage", [*live.command(options), "--quiet", "--json", "/dev/null"], folder.load_core)
    try:
        wait_until(f"{wanted} reversals are pending", OUTAGE_S, lambda: child.check() or folder.pending() >= wanted, 1)
    finally:
        child.kill()


def measure(folder, terminals, wanted, say, figures):
    """Adds the figures; answers the details."""
    live = Live(folder)
    before = live.p99_us("before", terminals)
    make_pending(folder, live, terminals, wanted)
    pending = folder.pending()
    say(f"{pending:,} reversals are pending; the bank answers again")
    began = time.monotonic()
    folder.toggle()
    moments = {}

    def is_empty():
        left = folder.pending()
        for share in (0.5, 0.1, 0.01):
            if left <= pending * share:
                moments.setdefault(share, time.monotonic() - began)
        return left == 0

    child = folder.start("load-drain", [*live.command(["--terminals", terminals, "--seconds", LIVE_S, "--warmup", 1, "--tps", LIVE_TPS]), "--quiet", "--json",
                                        folder.folder / "drain.json"], folder.load_core)
    wait_until("all pending reversals are acknowledged", 10 * DRAIN_LIMIT_S, lambda: folder.switch.check() or is_empty(), 0.5)
    seconds = time.monotonic() - began
    wait_until("the load ends", LIVE_S + 90, lambda: child.process.poll() is not None, 0.2)
    during = json.loads((folder.folder / "drain.json").read_text())["latency_us"]["p99"]
    say(f"drained in {seconds:.1f} s: " + ", ".join(f"{100 * (1 - share):.0f} % after {at:.1f} s" for share, at in moments.items()))
    figures.add("saf.drain", seconds, f"s for {pending:,}", aim=(f"<= {DRAIN_LIMIT_S} s", seconds <= DRAIN_LIMIT_S))
    figures.add("saf.p99_while_draining", during, "us", ("before the outage", before), aim=(f"<= {P99_LIMIT} x", during <= P99_LIMIT * before))
    return {"pending": pending, "seconds": seconds, "p99_before_us": before, "p99_during_us": during}
