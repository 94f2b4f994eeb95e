#!/usr/bin/env python3
"""Every rule of the house that a program can check. Exits 1 and prints one line for each fault.

layers    arrows between folders, lengths of functions and files
format    clang-format 14
calls     forbidden functions
symbols   what the pure libraries reference outside themselves (nm)
tidy      clang-tidy
cppcheck  cppcheck
tree      only the agreed names stand at the top; every folder has its README
words     leftovers and machine paths
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import symbols

CODE = ("protocols", "config", "routing", "hsm", "switch", "loadtest", "tests")
TOP = {"CMakeLists.txt", "CMakePresets.json", "switch", "protocols", "routing", "hsm", "config", "loadtest", "tests",
       "docker", "README.md", "dev", "LICENSE"}
FORBIDDEN = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atoll|alloca|strtok|strncpy)\(")
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|(?<![\w.])/(work|root)/")
PRODUCT = ("protocols", "config", "routing", "hsm", "switch")


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
                         capture_output=True, text=True, check=True).stdout.split()
    return [name for name in out if os.path.exists(name)]


def sources():
    return [name for name in tracked("*.c", "*.h") if name.startswith(CODE)]


def check_layers(_):
    out = subprocess.run([sys.executable, "tests/lint/layers.py"], capture_output=True, text=True)
    return out.stdout.splitlines()


def check_format(_):
    tool = shutil.which("clang-format-14") or "clang-format"
    out = subprocess.run([tool, "--dry-run", *sources()], capture_output=True, text=True)
    places = re.findall(r"^(\S+?:\d+):\d+: warning", out.stderr, re.M)
    return sorted({f"{place}: not formatted; run ./dev format" for place in places})


def check_calls(_):
    faults = []
    for name in sources():
        for number, line in enumerate(pathlib.Path(name).read_text().split("\n"), 1):
            code = re.sub(r"/\*.*?\*/|//.*|\"(\\.|[^\"])*\"", "", line)
            found = FORBIDDEN.search(code)
            if found and not code.lstrip().startswith("*"):
                faults.append(f"{name}:{number}: {found.group(1)}() is forbidden")
    return faults


def check_tree(_):
    top = {name.split("/")[0] for name in tracked()}
    faults = [f"{name}: does not belong at the top level" for name in sorted(top)
              if name not in TOP and not name.startswith(".")]
    for folder in ("protocols", "config", "routing", "hsm", "switch", "loadtest", "tests"):
        if not os.path.exists(f"{folder}/README.md"):
            faults.append(f"{folder}/README.md: missing; each top-level folder has one")
    return faults


def check_words(_):
    faults = []
    for name in tracked():
        if name.startswith(("tests/fuzz/corpus/", "tests/lint/")) or not os.path.isfile(name):
            continue
        try:
            text = pathlib.Path(name).read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = WORDS.search(line)
            if found:
                faults.append(f"{name}:{number}: '{found.group(0)}' does not belong here")
    return faults


def product_database(build):
    """The compile commands of what ships, without the simulator's builds with planted bugs; answers its folder and files."""
    root = os.getcwd() + "/"
    rows = [row for row in json.loads(pathlib.Path(build, "compile_commands.json").read_text())
            if row["file"].startswith(root) and row["file"][len(root):].startswith(PRODUCT + ("loadtest",)) and "-DTILLWAY_BUG" not in row["command"]]
    folder = pathlib.Path(build, "tidy")
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(rows))
    return str(folder), sorted({row["file"][len(root):] for row in rows})


def tidy_one(job):
    tool = shutil.which("clang-tidy-14") or "clang-tidy"
    folder, name = job
    out = subprocess.run([tool, "-p", folder, "--quiet", name], capture_output=True, text=True)
    return re.findall(r"^\S+?:\d+:\d+: (?:warning|error): .*$", out.stdout, re.M)


def check_tidy(build):
    folder, names = product_database(build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        found = pool.map(tidy_one, [(folder, name) for name in names])
    root = os.getcwd() + "/"
    return sorted({line.replace(root, "") for lines in found for line in lines})


def check_cppcheck(_):
    names = [name for name in sources() if name.endswith(".c") and name.startswith(PRODUCT + ("loadtest",))]
    out = subprocess.run(
        ["cppcheck", "--quiet", "--enable=warning,portability,performance", "--std=c11", "--inline-suppr", "-j",
         str(os.cpu_count() or 2), "--max-configs=1", "-I.", "-D_POSIX_C_SOURCE=200809L", "--suppress=missingIncludeSystem",
         "--suppress=unknownMacro", "--template={file}:{line}: {severity}: {message} [{id}]", *names],
        capture_output=True, text=True)
    return [line for line in out.stderr.splitlines() if re.match(r"\S+:\d+: ", line)]


CHECKS = {"layers": check_layers, "format": check_format, "calls": check_calls, "symbols": symbols.check, "tree": check_tree,
          "words": check_words, "cppcheck": check_cppcheck, "tidy": check_tidy}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release", help="a build folder with the libraries and compile_commands.json")
    parser.add_argument("checks", nargs="*", help="; ".join(CHECKS))
    chosen = parser.parse_args()
    failed = passed = 0
    for name in chosen.checks or CHECKS:
        faults = CHECKS[name](chosen.build)
        print(f"lint {name}: {'ok' if not faults else f'{len(faults)} faults'}", flush=True)
        for fault in faults:
            print(f"  {fault}")
        failed, passed = failed + bool(faults), passed + (not faults)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
