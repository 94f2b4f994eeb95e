#!/usr/bin/env python3
"""Each fault of a wallet, told of Alipay, WeChat Pay v3 and v2: a wallet channel in a process of its own against tillway-wallet, whose books
say what became of the order.

wallet_faults.py --bin DIR
"""
import subprocess
import sys

from stage import binaries_asked

PROGRAM, ENOUGH_S = "switch_channel_wallet_channel_test", 400


def main():
    program = binaries_asked() / PROGRAM
    try:
        done = subprocess.run([program, "--all"], capture_output=True, text=True, timeout=ENOUGH_S)
    except subprocess.TimeoutExpired:
        print(f"FAILED  {PROGRAM} did not end within {ENOUGH_S} s")
        return 1
    told = (done.stdout + done.stderr).splitlines()
    print("\n".join(line for line in told if done.returncode != 0 and "[       OK" not in line and "[ RUN" not in line or "[  PASSED" in line))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
