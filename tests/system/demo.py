#!/usr/bin/env python3
"""The demo in small, three ways: calm, with a faulty bank, and with the switch killed in mid-run. Each must end with three ledgers that
agree row by row."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

RUNS = {
    "calm": ["--terminals", "30", "--tps", "60", "--seconds", "5"],
    "faulty bank": ["--terminals", "30", "--tps", "60", "--seconds", "6", "--bank-faults", "5"],
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
