"""A demo in which somebody hurts the switch again and again while its terminals pay; afterwards the books must agree.

Subclasses say what hurts: hurt(number) is called with the switch stopped and must leave it running, until it answers False or the load is
over. The load ends soon after the last hurt: its seconds are a limit only.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "loadtest"))

import demo  # noqa: E402
from run_folder import START_S, RunFailed, can_connect, show_logs  # noqa: E402

LAST_S = 2  # of load, after the last hurt


class Ordeal(demo.Demo):
    flags_only = True

    def __init__(self, programs, folder, *words):
        super().__init__(demo.parse(["--bin", str(programs), "--crash", "1", *map(str, words)]), pathlib.Path(folder))
        self.fault, self.hurt_count = None, 0

    def hurt(self, number):
        raise NotImplementedError

    def is_load_over(self):
        return self.load is None or self.load.poll() is not None

    def crash_at(self, moments, began):
        """In place of the demo's own kills."""
        time.sleep(1)
        with self.lock:
            try:
                while not self.is_load_over() and self.hurt(self.hurt_count):
                    self.hurt_count += 1
            except Exception as fault:  # in a thread of its own: whatever it is must end the run and be told
                self.fault = fault
        if self.fault is None:
            time.sleep(LAST_S)
        if not self.is_load_over():
            self.load.terminate()  # in order: what is open is answered, and nothing new begins
        while not self.is_load_over():  # some of what hurt() started dies with the thread that did
            time.sleep(0.1)

    def start_hurt(self, command, watch):
        """Starts the switch by another command and watches it: until it is dead, or listens and has lived for `watch` seconds. Answers whether it
        lives."""
        self.switch = self.start("tillwayd", command)
        deadline = time.monotonic() + START_S
        while not can_connect(self.port):
            if self.switch.process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                raise RunFailed(f"tillwayd neither listens nor ends:\n{self.switch.tail()}")
            time.sleep(0.01)
        deadline = time.monotonic() + watch
        while self.switch.process.poll() is None and time.monotonic() < deadline and not self.is_load_over():
            time.sleep(0.01)
        return self.switch.process.poll() is None

    def go_through(self):
        self.prepare()
        self.start_all()
        stopped = None
        try:
            self.run_load()
        except RunFailed as fault:  # that the switch is down may be all that is seen here of what went wrong there
            stopped = fault
        if self.fault:
            raise RunFailed(f"hurt number {self.hurt_count}: {self.fault!r}") from self.fault
        if stopped:
            raise stopped

    def books_agree(self):
        """After go_through(): everything drains, then the reconciler has its say."""
        self.drain()
        self.stop_all()
        return self.reconcile()

    def unexplained(self):
        return json.loads((self.folder / "reconcile.json").read_text())


def kill(pid):
    """A process below one that we started."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def arguments(text, **numbers):
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--bin", required=True)
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    return parser.parse_args()


def main(body):
    """Runs `body(folder)` in a folder of its own, which stays when it fails. Answers the exit code."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-ordeal-"))
    try:
        code = body(folder)
    except Exception as fault:  # whatever it is, it is told beside the logs
        print(f"FAILED: {fault}\n{traceback.format_exc(limit=-6)}", flush=True)
        code = 1
    if code == 1:
        show_logs(folder)
        print(f"everything is in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return code
