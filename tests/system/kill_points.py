#!/usr/bin/env python3
"""The switch is killed at its Nth write, sync, truncation, creation, rename and removal of a file, N = 1, 2, 3 … until it survives, and started again
each time; terminals and banks go on. Not a single row may be left unexplained (F1; I1 to I5, I19 to I21).

    kill_points.py --bin DIR [--points 300]
"""
import pathlib
import sys

import ordeal
from run_folder import RunFailed

# What reaches the disk, and the share of the points that each gets.
CALLS = (("pwrite64", 0.48), ("fdatasync,fsync", 0.32), ("ftruncate,unlink,rename,renameat2,link", 0.03), ("openat,mkdir,chmod,fchmod", 0.17))
SEGMENT_ROWS = 1000  # many segments begin and are sealed in mid-run
WATCH_S = 1.2  # of load, after it listens


def tracee(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


class KillPoints(ordeal.Ordeal):
    def __init__(self, programs, folder, points):
        super().__init__(programs, folder, "--terminals", 60, "--tps", 60, "--seconds", 30 + 15 * points, "--bank-faults", 2, "--terminal-timeout", 4)
        self.points, self.call, self.when, self.killed, self.survived = points, 0, 0, {}, []

    def settings(self):
        return {**super().settings(), "store.segment_row_count_max": SEGMENT_ROWS}

    def next_when(self):
        """Each of the first, then ever wider steps: the start is dense in writes that differ, the middle is not. Few points are spread wider."""
        self.when += max(1, self.when * 3 // self.points)

    def next_call(self):
        self.when, self.call = 0, self.call + 1

    def hurt(self, number):
        if number == self.points or self.call == len(CALLS):
            self.end_traced()
            self.start_switch()
            return False
        self.end_traced()
        self.next_when()
        calls, share = CALLS[self.call]
        strace = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:signal=SIGKILL:when={self.when}"]
        if self.start_hurt([*strace, "--", *self.server_command("tillwayd")], WATCH_S):
            self.survived.append((calls, self.when))
            self.next_call()
        else:
            self.killed[calls] = self.killed.get(calls, 0) + 1
            self.expect_killed()
            if self.killed[calls] >= share * self.points:
                self.next_call()  # leave room for the others
        return True

    def expect_killed(self):
        code = self.switch.process.returncode
        if code not in (-9, 137):
            raise RunFailed(f"tillwayd was to be killed at {CALLS[self.call][0]} number {self.when}, but ended with code {code}:\n{self.switch.tail()}")

    def end_traced(self):
        """Kills what runs; strace's own child first, which does not die with it."""
        if self.switch.process.poll() is None:
            child = tracee(self.switch.pid) if pathlib.Path(f"/proc/{self.switch.pid}/comm").read_text().strip() == "strace" else None
            if child:
                ordeal.kill(child)
            self.switch.kill()


def body(folder):
    asked = ordeal.arguments(__doc__.split("\n")[0], points=16)
    trial = KillPoints(asked.bin, folder, asked.points)
    try:
        trial.go_through()
        killed = sum(trial.killed.values())
        if killed < asked.points // 2:
            raise RunFailed(f"only {killed} kills: {trial.killed}, survived {trial.survived}")
        agree = trial.books_agree()
    finally:
        trial.close()
    print(f"{killed} kill points: {trial.killed}; outlived: {trial.survived}")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(ordeal.main(body))
