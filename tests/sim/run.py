#!/usr/bin/env python3
"""Runs ranges of seeds on all cores and reports the first failing seed.

run.py --bin DIR [--seeds N] [--first S] [--bug K] [--replay SEED [--until E]] [--expect-failure]
Exit 0: every invariant held. Exit 1: one broke (seed and invariant are printed). With --expect-failure the
answers are turned round: the planted bug must be found.
"""
import argparse
import os
import subprocess
import sys
import time

SLICE = 1000


def find_first_failure(program, first, count):
    """Hands out slices of seeds in order; answers the report of the lowest failing seed, or None."""
    waiting = [(start, min(SLICE, first + count - start)) for start in range(first, first + count, SLICE)]
    running, failures = [], []
    while (waiting and not failures) or running:
        while waiting and not failures and len(running) < (os.cpu_count() or 2):
            start, length = waiting.pop(0)
            running.append((start, subprocess.Popen([program, "--first", str(start), "--seeds", str(length)],
                                                    stdout=subprocess.PIPE, text=True)))
        start, process = running.pop(0)
        out, _ = process.communicate()
        if process.returncode == 1 and out.startswith("seed "):
            failures.append((start, out.strip()))
        elif process.returncode != 0:
            sys.exit(f"the simulator itself stopped with {process.returncode} between seeds {start} and {start + SLICE - 1}\n{out}")
    return min(failures)[1] if failures else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seeds", type=int, default=10000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--bug", type=int, default=0)
    parser.add_argument("--replay", type=int)
    parser.add_argument("--until", type=int)
    parser.add_argument("--expect-failure", action="store_true")
    asked = parser.parse_args()
    program = os.path.join(asked.bin, f"sim_bug_{asked.bug}" if asked.bug else "sim")
    if not os.path.exists(program):
        print(f"{program} does not exist: `./dev build release` makes it; --bug 1 to --bug 11 are planted")
        return 2
    if asked.replay is not None:
        until = ["--until", str(asked.until)] if asked.until else []
        return subprocess.run([program, "--replay", str(asked.replay), *until]).returncode
    began = time.monotonic()
    failure = find_first_failure(program, asked.first, asked.seeds)
    seconds = time.monotonic() - began
    print(failure or f"{asked.seeds} seeds from {asked.first}: all invariants held", f"({seconds:.1f} s)")
    has_failed = failure is not None
    if asked.expect_failure and not has_failed:
        print(f"the planted bug {asked.bug} was not found")
    return int(has_failed != asked.expect_failure)


sys.exit(main())
