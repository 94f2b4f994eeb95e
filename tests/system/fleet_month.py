#!/usr/bin/env python3
"""Three weeks of a small fleet through the watcher: what goes wrong is found and little else, and a restart in the middle changes nothing.

The second seed puts five times the business on the busiest shop.
"""
import argparse
import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "loadtest" / "fleet_month.py"
SEEDS = (1, 17)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    options = parser.parse_args()
    return max(subprocess.run([sys.executable, SCRIPT, "--bin", options.bin, "--fleet", "200", "--days", "21", "--compressed", "--seed", str(seed)]).returncode
               for seed in SEEDS)


if __name__ == "__main__":
    sys.exit(main())
