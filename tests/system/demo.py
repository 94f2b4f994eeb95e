#!/usr/bin/env python3
"""The demo in small: calm, with a faulty bank, a whole day, with wallets and a bank that dies, and with the switch killed in mid-run. Each must end with three ledgers that
agree row by row, and settlement files that agree with the log."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

RUNS = {
    "calm": ["--terminals", "30", "--tps", "60", "--seconds", "5"],
    "faulty bank": ["--terminals", "30", "--tps", "60", "--seconds", "6", "--bank-faults", "5"],
    "whole day": ["--profile", str(pathlib.Path(__file__).with_name("short_day.yaml")), "--terminals", "25", "--bank-faults", "3", "--crash", "1"],
    "all channels at once, a bank killed and revived": ["--mix", "full", "--terminals", "80", "--tps", "60", "--seconds", "12"],
    "killed switch": ["--terminals", "30", "--tps", "60", "--seconds", "8", "--crash", "2"],
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    asked = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    failed = 0
    for name, options in RUNS.items():
        with tempfile.TemporaryDirectory() as folder:
            result = pathlib.Path(folder, "result.json")
            out = subprocess.run([sys.executable, root / "loadtest/demo.py", "--bin", asked.bin, "--json", result, *options], stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=280)
            has_passed = out.returncode == 0 and json.loads(result.read_text())
            print(f"{name}: {'agrees' if has_passed else 'FAILED'}")
            if not has_passed:
                failed += 1
                print(out.stdout[-3000:], out.stderr[-3000:])
    return 1 if failed else 0


sys.exit(main())
