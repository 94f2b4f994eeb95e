#!/usr/bin/env python3
"""./dev demo --fleet N --days D --compressed: a month of a fleet in a minute, and how well the rules see what goes wrong in it.

Writes a month from a seed, plays it through the watcher, once more with a restart in the middle, and prints the table of watch_quality.py.
Exit code 1: below what is demanded, or a restart that gave other flags.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

FILES = ("flags.csv", "cases.csv")


def program(options, name, *arguments):
    result = subprocess.run([options.bin / name, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"{name} {arguments[0]} ended with {result.returncode}")
    return result.stdout.strip()


def replay(options, month, out, *more):
    """What tillway-watch says at the end, with the hash of its memory."""
    out.mkdir()
    return program(options, "tillway-watch", "replay", "--observations", month / "observations.csv", "--facts", month / "facts.csv",
                   "--rules", month / "anomalies.yaml", "--flags", out / "flags.csv", "--cases", out / "cases.csv", *more)


def run(options, folder):
    month, whole, restarted = folder / "month", folder / "whole", folder / "restarted"
    program(options, "tillway-load", "fleet-month", "--terminals", options.fleet, "--days", options.days, "--seed", options.seed, "--out", month)
    told = replay(options, month, whole)
    print(told)
    again = replay(options, month, restarted, "--restart-at", int(told.split()[0]) // 2)
    is_same = again == told and all((whole / name).read_bytes() == (restarted / name).read_bytes() for name in FILES)
    print(f"a restart in the middle: {'the same flags, cases and memory' if is_same else 'OTHER FLAGS, CASES OR MEMORY: ' + again}\n", flush=True)
    quality = [sys.executable, pathlib.Path(__file__).with_name("watch_quality.py"), "--month", month, "--flags", whole / "flags.csv",
               "--cases", whole / "cases.csv"]
    code = subprocess.run(quality + (["--json", options.json] if options.json else [])).returncode
    return code if is_same else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--fleet", type=int, default=2000, help="terminals")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compressed", action="store_true", required=True, help="events carry the month's time; nothing waits for it")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tillway-month-") as folder:
        return run(options, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
