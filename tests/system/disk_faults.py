#!/usr/bin/env python3
"""The log's disk fails in ways short of a power cut: it fills up, a sync fails once or for ever, a sync takes seconds. No approval without its row;
reversals go on while there is room; the process stops at a failed sync, and a restart goes on from the log (F4, F5, F6; I22, I23, I25).

    disk_faults.py --bin DIR
"""
import errno
import os
import pathlib
import subprocess
import time

import ordeal
import log_reader  # from the folder that ordeal has made known
from run_folder import START_S, RunFailed, can_connect, wait_until

STORE_EXIT_CODE = 69
TMPFS_MB, RESERVE_MB = 96, 48
PIECE_BYTES = 1 << 20
ROUNDS_OF_EIO = 6
CONNECT_S_MAX = 2  # while a sync takes three


class FullDisk(ordeal.Ordeal):
    """On a small memory disk: first slowly to below the reserve, then to the last byte, then room again."""

    def __init__(self, programs, folder):
        super().__init__(programs, folder, "--terminals", 20, "--tps", 120, "--seconds", 150, "--bank-faults", 4, "--terminal-timeout", 4)
        self.at = pathlib.Path(folder) / "small"
        self.at.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MB}m", "tmpfs", self.at], check=True)
        self.log, self.filler = self.at / "log", self.at / "filler"
        self.refused = 0

    def settings(self):
        return {**super().settings(), "store.reserve_bytes": RESERVE_MB << 20}

    def free(self):
        state = os.statvfs(self.at)
        return state.f_bavail * state.f_frsize

    def fill(self, left):
        """The switch writes meanwhile and may be faster: so piece by piece, each of what is free now."""
        with open(self.filler, "ab") as file:
            while (rest := self.free() - left) > 0:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, min(rest, PIECE_BYTES))
                except OSError as fault:
                    if fault.errno != errno.ENOSPC:
                        raise

    def count_refused(self):
        self.refused = log_reader.count_rows(self.log, "kind = 'refused' AND reason = 'log_short'", 0)
        return self.refused

    def reversals(self):
        return log_reader.count_rows(self.log, "kind = 'reversal_done'", 0)

    def hurt(self, number):
        self.fill(RESERVE_MB // 2 << 20)
        began = self.reversals()
        wait_until("a purchase is refused on a nearly full disk", 30, lambda: self.switch.check() or self.count_refused() > 0, 0.3)
        wait_until("a reversal ends on a nearly full disk", 30, lambda: self.switch.check() or self.reversals() > began, 0.3)
        self.fill(0)
        # What its journal has room for already is written over first, up to some megabytes.
        wait_until("tillwayd stops when nothing can be written", 60, lambda: self.switch.process.poll() is not None)
        expect_store_exit(self.switch)
        self.filler.unlink()
        self.start_switch()
        return False

    def close(self):
        super().close()
        subprocess.run(["umount", "-l", self.at], check=True)


def expect_store_exit(child):
    if child.process.returncode != STORE_EXIT_CODE:
        raise RunFailed(f"tillwayd ended with code {child.process.returncode}, not {STORE_EXIT_CODE}:\n{child.tail()}")


class FailingSync(ordeal.Ordeal):
    """A sync or a write of the log fails with EIO, at another moment each time: the process must end there and then."""

    ROUNDS = [("fdatasync", 3), ("fdatasync", 40), ("pwrite64", 60), ("fdatasync", 200), ("pwrite64", 400), ("fdatasync", "300+")]

    def __init__(self, programs, folder):
        super().__init__(programs, folder, "--terminals", 20, "--tps", 100, "--seconds", 30 * ROUNDS_OF_EIO, "--bank-faults", 2, "--terminal-timeout", 4)

    def hurt(self, number):
        self.switch.kill()
        call, when = self.ROUNDS[number]
        strace = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={when}"]
        if self.start_hurt([*strace, "--", *self.server_command("tillwayd")], 60):
            raise RunFailed(f"tillwayd lives on after {call} number {when} failed:\n{self.switch.tail()}")
        expect_store_exit(self.switch)
        self.start_switch()
        return number + 1 < len(self.ROUNDS)


class SlowSync(ordeal.Ordeal):
    """Every hundredth sync takes three seconds: payments wait, nothing is lost, and what promises nothing is answered meanwhile."""

    def __init__(self, programs, folder):
        super().__init__(programs, folder, "--terminals", 40, "--tps", 60, "--seconds", 16, "--terminal-timeout", 8)
        self.worst_connect = 0.0

    def hurt(self, number):
        self.switch.kill()
        strace = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=3000000:when=60+60"]
        self.switch = self.start("tillwayd", [*strace, "--", *self.server_command("tillwayd")])
        wait_until("tillwayd listens", START_S, lambda: can_connect(self.port))
        while not self.is_load_over():
            began = time.monotonic()
            if not can_connect(self.port):
                raise RunFailed(f"the switch does not accept:\n{self.switch.tail()}")
            self.worst_connect = max(self.worst_connect, time.monotonic() - began)
            time.sleep(0.2)
        return False

    def end_slowness(self):
        """The load is over; what is left drains without strace."""
        children = pathlib.Path(f"/proc/{self.switch.pid}/task/{self.switch.pid}/children").read_text().split()
        for child in children:
            ordeal.kill(int(child))
        self.switch.kill()
        # It dies a moment later, and what accepts until then must not pass for the next one.
        wait_until("the slowed tillwayd is gone", 20, lambda: not can_connect(self.port))
        self.start_switch()


def judge(name, trial, after=lambda trial: None):
    try:
        trial.go_through()
        after(trial)
        if not trial.books_agree():
            raise RunFailed(f"{name}: the books do not agree")
    finally:
        trial.close()
    print(f"{name}: the books agree")


def expect_refusals(trial):
    if trial.refused == 0:
        raise RunFailed("no purchase was refused on the nearly full disk")


def expect_accepting(trial):
    trial.end_slowness()
    if trial.worst_connect > CONNECT_S_MAX:
        raise RunFailed(f"a connection took {trial.worst_connect:.2f} s while a sync was slow")


def body(folder):
    asked = ordeal.arguments(__doc__.split("\n")[0])
    if os.geteuid() != 0:
        print("a disk can be filled safely by root alone, on a memory disk of its own")
        return 77
    for name, kind, after in (("full disk", FullDisk, expect_refusals), ("failing sync", FailingSync, lambda trial: None),
                              ("slow sync", SlowSync, expect_accepting)):
        here = folder / name.replace(" ", "-")
        here.mkdir()
        judge(name, kind(asked.bin, here), after)
    return 0


if __name__ == "__main__":
    raise SystemExit(ordeal.main(body))
