#!/usr/bin/env python3
"""Runs the system tests: real processes, real sockets on loopback, real files.

run.py --bin DIR [NAME ...]: each tests/system/NAME.py is a program that takes --bin DIR and exits 0 (passed), 77 (skipped, having said
why) or anything else (failed). Their output is shown when they fail.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TIMEOUT_S, CLEAN_UP_S = 900, 30
SHOWN_CHARACTERS, SHOWN_COMPLAINTS = 20000, 20
COMPLAINTS = ("FAILED", "FAIL:", "ERROR:", "ERROR: AddressSanitizer", "runtime error:")
NO_TESTS = {"run", "log_maker", "stage", "admin_stage", "wire", "ordeal", "fragile_disk"}


def environment(reports):
    """What AddressSanitizer finds goes into files of that folder: a process that a test kills, or starts again, has no other witness. Undefined
    behaviour cannot be sent there; it ends its process with code 1."""
    given = os.environ.get("ASAN_OPTIONS")
    return {**os.environ, "PYTHONUNBUFFERED": "1", "ASAN_OPTIONS": f"{given}:log_path={reports}/report" if given else f"log_path={reports}/report"}


def end(process):
    """As Ctrl-C would: the script says where it stood, and ends what it has started, which nobody else knows of."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(CLEAN_UP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def code_and_text(path, folder, reports):
    """Into a file: what a forgotten child may hold open, no pipe has to wait for."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([sys.executable, str(path), "--bin", folder], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment(reports))
        late = ""
        try:
            code = process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            end(process)
            code, late = 1, f"\nFAILED: still running after {TIMEOUT_S} s; above is where it stood"
        except BaseException:
            end(process)
            raise
        out.seek(0)
        return code, out.read().decode(errors="replace") + late


def show(text):
    """All of it when it is short; else what complains in the part that is left out, and the end."""
    cut = max(0, len(text) - SHOWN_CHARACTERS)
    complaints = [line for line in text[:cut].splitlines() if any(word in line for word in COMPLAINTS)]
    print(*(line[:500] for line in complaints[:SHOWN_COMPLAINTS]), f"[{cut} characters are left out here]" if cut else "", text[cut:], sep="\n", flush=True)


def run_one(path, folder):
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tillway-sanitizers-", ignore_cleanup_errors=True) as reports:
        code, text = code_and_text(path, folder, reports)
        for report in sorted(pathlib.Path(reports).iterdir()):
            code, text = 1, f"{text}\n{report.name}:\n{report.read_text(errors='replace')[:3000]}"
    verdict = {0: "passed", 77: "skipped"}.get(code, "FAILED")
    print(f"system/{path.stem}: {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    if verdict == "FAILED":
        show(text)
    elif verdict == "skipped":
        print("  " + (text.strip().splitlines() or ["no reason given"])[-1])
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background job, and then by the scripts, too
    folder = pathlib.Path(__file__).parent
    paths = [path for path in sorted(folder.glob("*.py")) if path.stem not in NO_TESTS and (not asked.names or path.stem in asked.names)]
    began, verdicts = time.monotonic(), {path.stem: run_one(path, asked.bin) for path in paths}
    said = list(verdicts.values())
    print(f"{said.count('passed')} passed, {said.count('FAILED')} failed, {said.count('skipped')} skipped within {time.monotonic() - began:.0f} s")
    failed = [name for name, verdict in verdicts.items() if verdict == "FAILED"]
    if failed:
        print(f"failed: {' '.join(failed)}; again with: python3 tests/system/run.py --bin {asked.bin} {' '.join(failed)}")
    return 1 if failed or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
