#!/usr/bin/env python3
"""Keeps the arrows between folders, and the length of files and functions, as README.md draws them.

Run from the repository root. Prints one line for each fault; exits 1 when there is any.
"""
import pathlib
import re
import sys

ARROWS = {  # folder: what it may include from, besides itself
    "protocols": (),
    "config": ("protocols/base/",),
    "routing": ("protocols/",),
    "hsm": ("protocols/",),
    "switch": ("protocols/", "config/", "routing/", "hsm/"),
    "loadtest": ("protocols/", "config/", "hsm/"),
    "tests": ("protocols/", "config/", "routing/", "hsm/", "switch/", "loadtest/"),
}
# Inside switch/, from upstream to downstream: a folder includes only what stands after it, and the
# files of switch/ itself (main.c, server.c) stand before them all. net/ is everybody's but the pure.
STREAM = ["admin", "control", "terminal", "channel", "security", "settlement", "versions", "evidence", "watch", "followup", "desk", "store", "aftersales", "engine", "net"]
# Libraries of their own in switch/ which introduce config/ to routing/ or aftersales/ and touch nothing of the rim: any folder may
# ask them.
LOADERS = ("switch/ruleset_load.h", "switch/anomaly_load.h")
PURE = ("protocols/", "config/", "routing/", "hsm/", "switch/engine/", "switch/aftersales/")
PURE_IN_SWITCH = ("routing/", "protocols/", "switch/engine/", "switch/aftersales/")
OUTSIDE = re.compile(r"^(uv|openssl/ssl|hiredis/.*|sqlite3|curl/.*|sys/socket|netinet/.*|pthread|time|sys/time|unistd|fcntl)\.h$")
FILE_LINES_MAX, FUNCTION_LINES_MAX = 800, 70


def stream_rank(path):
    parts = path.split("/")
    return STREAM.index(parts[1]) if len(parts) > 2 else -1


def include_faults(path, text):
    folder = path.split("/")[0]
    for quoted, angled in re.findall(r'^#include (?:"([^"]+)"|<([^>]+)>)', text, re.M):
        target = quoted.split("/")[0]
        if quoted.endswith(".pb-c.h"):
            if path.startswith(PURE):
                yield f"{path} is pure and may not include generated {quoted}"
            continue
        if quoted and "/" not in quoted:
            yield f"{quoted} is not written from the repository root"
            continue
        if quoted and target != folder and not quoted.startswith(ARROWS[folder]):
            yield f"{folder}/ may not include {quoted}"
        if quoted and folder == target == "switch" and quoted not in LOADERS and stream_rank(quoted) < stream_rank(path):
            yield f"{quoted} lies upstream of this file"
        if angled and path.startswith(PURE) and OUTSIDE.match(angled):
            yield f"{path} is pure and may not touch the outside world through <{angled}>"
        if quoted and path.startswith(("switch/engine/", "switch/aftersales/")) and not quoted.startswith(PURE_IN_SWITCH):
            yield f"{path} is pure and may not include {quoted}"


def length_faults(text):
    lines = text.split("\n")
    if len(lines) - 1 > FILE_LINES_MAX:
        yield f"{len(lines) - 1} lines in one file, {FILE_LINES_MAX} at most"
    opened = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            opened = number
        elif line == "}" and opened is not None:
            if number - opened - 1 > FUNCTION_LINES_MAX:
                yield f"function body of {number - opened - 1} lines at line {opened}"
            opened = None


def main():
    faults = 0
    for folder in ARROWS:
        for file in sorted(pathlib.Path(folder).rglob("*.[ch]")):
            text = file.read_text()
            for fault in [*include_faults(file.as_posix(), text), *length_faults(text)]:
                print(f"{file}: {fault}")
                faults += 1
    return 1 if faults else 0


sys.exit(main())
