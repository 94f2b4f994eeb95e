#!/usr/bin/env python3
"""Builds the simulator with gcc, with clang and with sanitizers, runs the same seeds, and compares the hash of the trace.

same_hash.py --out DIR [--seeds N]
Exit 0: one hash in all builds. Exit 1: they differ, or a build has none. Exit 77: no second compiler is here.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILDS = {
    "gcc": ["--preset", "debug", "-DCMAKE_C_COMPILER=gcc"],
    "clang": ["--preset", "debug", "-DCMAKE_C_COMPILER=clang", "-DCMAKE_C_FLAGS=-O2"],
    "asan": ["--preset", "asan", "-DCMAKE_C_COMPILER=gcc"],
}


def find_clang():
    return next((name for name in ("clang", "clang-14") if shutil.which(name)), None)


def build(name, arguments, out):
    folder = out / name
    for command in (["cmake", "-S", str(SOURCE), "-B", str(folder), *arguments],
                    ["cmake", "--build", str(folder), "--target", "sim"]):
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{name}: {' '.join(command)} stopped with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return folder / "bin" / "sim"


def trace_hash(program, seeds):
    done = subprocess.run([str(program), "--seeds", str(seeds)], capture_output=True, text=True)
    found = re.search(r"^hash ([0-9a-f]{16})$", done.stdout, re.M)
    return found.group(1) if found else f"none: exit {done.returncode}: {(done.stdout + done.stderr)[:400].strip()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=300)
    asked = parser.parse_args()
    clang = find_clang()
    if clang is None or shutil.which("gcc") is None:
        print("skipped: this compares compilers, and gcc and clang are not both here (apt-get install gcc clang-14)")
        return 77
    hashes = {}
    for name, arguments in BUILDS.items():
        arguments = [word.replace("=clang", f"={clang}") for word in arguments]
        hashes[name] = trace_hash(build(name, arguments, asked.out), asked.seeds)
        print(f"{name:<6} {hashes[name]}", flush=True)
    if len(set(hashes.values())) != 1 or hashes["gcc"].startswith("none"):
        print(f"the same {asked.seeds} seeds gave different traces: something depends on the compiler or on unwritten memory;\n"
              "compare `sim --replay SEED` of two builds to find where they part")
        return 1
    return 0


sys.exit(main())
