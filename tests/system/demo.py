#!/usr/bin/env python3
"""The demo in small: calm, with a faulty bank, a whole day, with wallets and a bank that dies, and with the switch killed in mid-run. Each must end with three ledgers that
agree row by row, and settlement files that agree with the log."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ENOUGH_S = 400
RUNS = {
    "calm": ["--terminals", "30", "--tps", "60", "--seconds", "5"],
    "faulty bank": ["--terminals", "30", "--tps", "60", "--seconds", "6", "--bank-faults", "5"],
    "whole day": ["--profile", str(pathlib.Path(__file__).with_name("short_day.yaml")), "--terminals", "25", "--bank-faults", "3", "--crash", "1"],
    "all channels at once, a bank killed and revived": ["--mix", "full", "--terminals", "80", "--tps", "60", "--seconds", "12"],
    "killed switch": ["--terminals", "30", "--tps", "60", "--seconds", "8", "--crash", "2"],
}


def run(command):
    """Code and words. One that hangs is told to end: it knows what it has started."""
    with tempfile.TemporaryFile() as out, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as demo:
        try:
            demo.wait(ENOUGH_S)
        except subprocess.TimeoutExpired:
            out.write(f"still running after {ENOUGH_S} s\n".encode())
        finally:
            demo.terminate()
            demo.wait(60)
        out.seek(0)
        return demo.returncode, out.read().decode(errors="replace")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    asked = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    failed = 0
    for name, options in RUNS.items():
        with tempfile.TemporaryDirectory() as folder:
            result = pathlib.Path(folder, "result.json")
            code, told = run([sys.executable, root / "loadtest/demo.py", "--bin", asked.bin, "--json", result, *options])
            has_passed = code == 0 and json.loads(result.read_text())
            print(f"{name}: {'agrees' if has_passed else f'FAILED with code {code}'}", flush=True)
            if not has_passed:
                failed += 1
                print(told[-8000:], flush=True)
    return 1 if failed else 0


sys.exit(main())
