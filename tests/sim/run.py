#!/usr/bin/env python3
"""Runs ranges of seeds on all cores and reports the first failing seed.

run.py --bin DIR [--layer engine | node] [--seeds N] [--first S] [--bug K | --bugs] [--replay SEED | --shrink SEED] [--until E]
       [--terminals T] [--transactions T] [--without BITS] [--expect-failure]

Exit 0: every invariant held, and of at least 10,000 seeds every mark was hit. Exit 1: an invariant broke (the seed, the
invariant and the smallest set of faults are printed), or a mark was never hit. With --expect-failure the answers are
turned round: the planted bug must be found. --bugs runs all planted bugs and prints which seed found each.
"""
import argparse
import os
import subprocess
import sys
import time

SLICE = {"engine": 500, "node": 25}
PROGRAM = {"engine": "sim", "node": "sim_node"}  # node: with the shipped store on a simulated disk
MARKS_FROM = {"engine": 10_000, "node": 600}  # seeds: fewer need not hit every rare path
EARLY = 1_000  # four fifths of the bugs must be found within so many seeds


class Total:
    """What the slices of a range add up to."""

    def __init__(self):
        self.failures, self.events, self.hash = [], 0, 0
        self.marks = {}

    def take(self, start, out):
        if out.startswith("seed "):
            self.failures.append((start, out.strip().splitlines()[0]))
            return
        for line in out.splitlines():
            words = line.split(" ", 3)
            if words[0] == "hash":
                self.hash = (self.hash + int(words[1], 16)) % 2**64
            elif words[0] == "mark":
                count, _ = self.marks.get(words[1], (0, ""))
                self.marks[words[1]] = (count + int(words[2]), words[3])
            elif words[0] == "seeds":
                self.events += int(line.split()[-2])

    def failure(self):
        return min(self.failures)[1] if self.failures else None


def run_range(program, first, count, size):
    """Hands out slices of seeds in order; stops at the lowest failing one."""
    total = Total()
    waiting = [(start, min(size, first + count - start)) for start in range(first, first + count, size)]
    running = []
    while (waiting and not total.failures) or running:
        while waiting and not total.failures and len(running) < (os.cpu_count() or 2):
            start, length = waiting.pop(0)
            running.append((start, subprocess.Popen([program, "--first", str(start), "--seeds", str(length)],
                                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)))
        start, process = running.pop(0)
        out, said = process.communicate()
        if process.returncode not in (0, 1) or not out.startswith("seed"):
            sys.exit(f"the simulator itself stopped with {process.returncode} between seeds {start} and {start + size - 1}\n{out}{said}")
        total.take(start, out)
    return total


def print_marks(total):
    for name, (count, text) in total.marks.items():
        print(f"  {count:>10}  {name.lower()}: {text}")


def run_clean(program, asked):
    began = time.monotonic()
    total = run_range(program, asked.first, asked.seeds, SLICE[asked.layer])
    seconds = time.monotonic() - began
    failure = total.failure()
    if failure:
        print(f"{failure} ({seconds:.1f} s)")
        sys.stdout.flush()
        if asked.layer == "engine":
            subprocess.run([program, "--shrink", failure.split()[1]])
        else:
            print(f"see it: {os.path.basename(program)} --replay {failure.split()[1]}")
        return 1
    print_marks(total)
    missed = [name for name, (count, _) in total.marks.items() if count == 0]
    print(f"{asked.seeds} seeds from {asked.first}: all invariants held over {total.events} events, "
          f"hash {total.hash:016x} ({seconds:.1f} s)")
    if missed and asked.seeds >= MARKS_FROM[asked.layer]:
        print(f"never hit: {', '.join(missed).lower()}: the seeds no longer reach these paths")
        return 1
    return 0


def run_bug(program, asked):
    began = time.monotonic()
    failure = run_range(program, asked.first, asked.seeds, SLICE[asked.layer]).failure()
    seconds = time.monotonic() - began
    print(failure or f"the planted bug {asked.bug} was not found in {asked.seeds} seeds", f"({seconds:.1f} s)")
    return int((failure is not None) != asked.expect_failure)


def planted_bugs(asked):
    start = f"{PROGRAM[asked.layer]}_bug_"
    return sorted(int(name[len(start):]) for name in os.listdir(asked.bin) if name.startswith(start))


def run_bugs(asked):
    """Every planted bug: the first seed that finds it, and as what."""
    found = {}
    bugs = planted_bugs(asked)
    for bug in bugs:
        failure = run_range(os.path.join(asked.bin, f"{PROGRAM[asked.layer]}_bug_{bug}"), asked.first, asked.seeds,
                            SLICE[asked.layer]).failure()
        if failure:
            words = failure.split()
            found[bug] = int(words[1])
            print(f"bug {bug:>2}  seed {words[1]:>6}  {words[3]:<5}  {failure.split(': ', 2)[-1]}", flush=True)
        else:
            print(f"bug {bug:>2}  not found in {asked.seeds} seeds", flush=True)
    early = sum(seed < asked.first + EARLY for seed in found.values())
    print(f"{len(found)} of {len(bugs)} planted bugs found, {early} of them within {EARLY} seeds")
    is_good = len(found) == len(bugs) > 0 and early * 5 >= len(bugs) * 4
    if not is_good:
        print(f"expected: all of them, and four fifths within {EARLY} seeds")
    return int(not is_good)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--layer", choices=tuple(PROGRAM), default="engine")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--bug", type=int, default=0)
    parser.add_argument("--bugs", action="store_true")
    parser.add_argument("--replay", type=int)
    parser.add_argument("--shrink", type=int)
    parser.add_argument("--expect-failure", action="store_true")
    for name in ("until", "terminals", "transactions", "without"):
        parser.add_argument(f"--{name}", type=int)
    asked = parser.parse_args()
    if asked.layer == "node":
        asked.seeds = asked.seeds or (3_000 if asked.bugs else 1_000)
    asked.seeds = asked.seeds or (100_000 if asked.bugs else 10_000)
    return asked


def main():
    asked = parse()
    if asked.bugs:
        return run_bugs(asked)
    program = os.path.join(asked.bin, f"{PROGRAM[asked.layer]}_bug_{asked.bug}" if asked.bug else PROGRAM[asked.layer])
    if not os.path.exists(program):
        print(f"{program} does not exist: `./dev build release` makes it; planted bugs are {planted_bugs(asked)}")
        return 2
    for mode in ("replay", "shrink"):
        if getattr(asked, mode) is not None:
            command = [program, f"--{mode}", str(getattr(asked, mode))]
            for name in ("until", "terminals", "transactions", "without"):
                if getattr(asked, name) is not None:
                    command += [f"--{name}", str(getattr(asked, name))]
            return subprocess.run(command).returncode
    return run_bug(program, asked) if asked.bug else run_clean(program, asked)


sys.exit(main())
