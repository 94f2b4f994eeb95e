#!/usr/bin/env python3
"""Reloads one after another while terminals pay: each changes something that may change (routes, fees, BINs, message specs, a channel, listeners, the
certificate), every fifth finds a bad file. No connection is dropped, no payment fails, a bad file leaves the old ones in force and says why, and the
three ledgers agree (I30).

    reloads.py --bin DIR [--long] [--only WORD]      --long: 100 reloads, 20 of them with bad files
"""
import shutil
import signal
import subprocess
import sys
import time

import stage
from stage import ROOT, expect
import run_folder

COUNT, COUNT_LONG = 30, 100
BAD_EVERY = 5
TPS, TERMINALS = 60, 200  # so many that a stall of the machine leaves somebody free to pay
PAUSE_S = 0.3


class Files:
    """The configuration's files, copied so that they may be changed, and put back when they were spoilt."""

    def __init__(self, run):
        self.run = run
        self.folder = run.folder / "files"
        shutil.copytree(ROOT / "config/demo", self.folder / "demo")
        shutil.copytree(ROOT / "config/specs", self.folder / "specs")
        run.config = self.folder / "demo/tillway.yaml"
        self.extra_port = run_folder.free_port()

    def rewrite(self, path, *changes):
        text = path.read_text()
        for old, new in changes:
            expect(f"{path.name} does not hold {old!r}", old in text)
            text = text.replace(old, new, 1)
        path.write_text(text)

    def swap(self, path, one, other):
        """The other in place of the one where that stands, else the one in place of the other."""
        text = path.read_text()
        self.rewrite(path, (one, other) if one in text else (other, one))


def demo(files, name):
    return files.folder / "demo" / name


# ---- changes that are good


def routes(files):
    files.swap(demo(files, "routes.yaml"), "channels: [bank_a, bank_b]", "channels: [bank_b, bank_a]")


def fees(files):
    files.swap(demo(files, "fees.yaml"), "merchant_class: standard, rate: 0.60%", "merchant_class: standard, rate: 0.61%")


def bins(files):
    files.swap(demo(files, "bins.csv"), "620000,16,unionpay,debit,2", "620000,16,unionpay,debit,9")


def spec(files):
    files.swap(files.folder / "specs/unionpay-pos.yaml", "60: {name: custom_60, format: n..19 LLL}", "60: {name: custom_60, format: n..18 LLL}")


def bank_spec(files):
    files.swap(files.folder / "specs/iso8583-1987-ascii.yaml", "14: {name: expiry, format: n4, show: hidden}", "14: {name: expires, format: n4, show: hidden}")


def channel(files):
    files.swap(demo(files, "tillway.yaml"), "    window: 4096\n  - name: bank_b", "    window: 4095\n  - name: bank_b")


def listeners(files):
    """Another one comes, and goes again."""
    more = f"  - {{name: extra, address: 127.0.0.1, port: {files.extra_port}, dialect: unionpay-pos}}\n\nchannels:"
    files.swap(demo(files, "tillway.yaml"), more, "\nchannels:")


def certificate(files):
    """Another one for the same key, so that terminals which know the old one would still come in."""
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", files.run.folder / "server.key", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", files.run.folder / "server.crt"], check=True, capture_output=True, timeout=30)


GOOD = [routes, fees, bins, spec, channel, listeners, certificate, bank_spec]


# ---- files that are bad: what is spoilt, by what, and what must be said


def bad_files(files):
    fleet = files.run.folder / "fleet"
    return [
        (demo(files, "tillway.yaml"), ("node: 0", "node: {"), ("tillway.yaml:",)),
        (demo(files, "routes.yaml"), ("bank_a", "bank_x"), ("routes.yaml:", "bank_x")),
        (demo(files, "fees.yaml"), ("rate: 0.50%", "rate: fifty"), ("fees.yaml:", "fifty")),
        (fleet / "terminals.csv", ("10000001,", "10000001,nobody"), ("terminals.csv:",)),
        (fleet / "keys.csv", ("own:pan:hash,", "own:pan:hash,x"), ("keys.csv",)),
        (files.run.folder / "server.crt", ("-----BEGIN", "-----"), ("server.crt",)),
        (files.folder / "specs/iso8583-1987-ascii.yaml", ("format: n4,", "format: q4,"), ("iso8583-1987-ascii.yaml:", "q4")),
    ]


def connections(run):
    """Of terminals: how many are open, and how many were ever made; the links of banks are not TLS."""
    return run.metric("terminal_conns"), run.metric("tls_handshakes_total"), run.metric("frames_rejected_total")


def reload(run, line):
    before = len(run.lines(*line))
    run.switch.process.send_signal(signal.SIGHUP)
    run.wait_line(*line, count=before + 1, seconds=stage.RELOAD_S)


def ruleset(run):
    return run.lines(" reloaded ")[-1].split("ruleset=")[1].split()[0] if run.lines(" reloaded ") else "1"


def reload_bad(run, files, number):
    bad = bad_files(files)
    path, change, words = bad[number % len(bad)]
    good, version = path.read_bytes(), ruleset(run)
    files.rewrite(path, change)
    try:
        reload(run, ["reload_refused", *words])
    finally:
        path.write_bytes(good)
    expect(f"{path.name} is bad, and other rules came into force", ruleset(run) == version)


def reloads_under_load_fail_nothing(run):
    """I30: everything that may change, and bad files between."""
    count = COUNT_LONG if run.is_long else COUNT
    files = Files(run)
    run.up(terminals=TERMINALS, is_patient=True)
    bad = good = 0
    with run.paying(tps=TPS, ends_with_body=True) as result:
        run_folder.wait_until("payments are under way", 60, lambda: run.switch.check() or run.metric("txn_total", "approved") > TPS and run.metric("tls_handshakes_total") >= TERMINALS, 0.1)
        before, began = connections(run), time.monotonic()
        for number in range(count):
            time.sleep(PAUSE_S)
            if number % BAD_EVERY == BAD_EVERY - 1:
                reload_bad(run, files, bad)
                bad += 1
            else:
                GOOD[good % len(GOOD)](files)
                reload(run, [" reloaded "])
                good += 1
        took = time.monotonic() - began
        expect(f"connections were lost or made anew: {before} before, {connections(run)} after", connections(run) == before)
    counts = result["counts"]
    expect(f"payments failed: {counts}", counts["declined"] == counts["unknown"] == counts["reversed"] == counts["dropped"] == 0)
    run.settle()
    return f"{good} taken over and {bad} refused within {took:.1f} s, {counts['approved']} payments"


STORIES = [reloads_under_load_fail_nothing]

if __name__ == "__main__":
    sys.exit(stage.tell(STORIES, __doc__))
