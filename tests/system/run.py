#!/usr/bin/env python3
"""Runs the system tests: real processes, real sockets on loopback, real files.

run.py --bin DIR [NAME ...]: each tests/system/NAME.py is a program that takes --bin DIR and exits 0 (passed), 77 (skipped, having said
why) or anything else (failed). Their output is shown when they fail.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TIMEOUT_S = 600
NO_TESTS = {"run", "log_maker", "stage", "wire", "ordeal", "fragile_disk"}


def environment(reports):
    """What AddressSanitizer finds goes into files of that folder: a process that a test kills, or starts again, has no other witness. Undefined
    behaviour cannot be sent there; it ends its process with code 1."""
    given = os.environ.get("ASAN_OPTIONS")
    return {**os.environ, "ASAN_OPTIONS": f"{given}:log_path={reports}/report" if given else f"log_path={reports}/report"}


def run_one(path, folder):
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tillway-sanitizers-") as reports:
        try:
            out = subprocess.run([sys.executable, str(path), "--bin", folder], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                 timeout=TIMEOUT_S, env=environment(reports))
            code, text = out.returncode, out.stdout + out.stderr
        except subprocess.TimeoutExpired as late:
            code, text = 1, f"{late.stdout or ''}\nstill running after {TIMEOUT_S} s"
        for report in sorted(pathlib.Path(reports).iterdir()):
            code, text = 1, f"{text}\n{report.name}:\n{report.read_text(errors='replace')[:3000]}"
    verdict = {0: "passed", 77: "skipped"}.get(code, "FAILED")
    print(f"system/{path.stem}: {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    if verdict == "FAILED":
        print(text[-6000:])
    elif verdict == "skipped":
        print("  " + (text.strip().splitlines() or ["no reason given"])[-1])
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    folder = pathlib.Path(__file__).parent
    paths = [path for path in sorted(folder.glob("*.py")) if path.stem not in NO_TESTS and (not asked.names or path.stem in asked.names)]
    verdicts = [run_one(path, asked.bin) for path in paths]
    print(f"{verdicts.count('passed')} passed, {verdicts.count('FAILED')} failed, {verdicts.count('skipped')} skipped")
    return 1 if "FAILED" in verdicts or not verdicts else 0


sys.exit(main())
