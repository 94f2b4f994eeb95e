#!/usr/bin/env python3
"""The power of the log's disk is cut again and again while terminals pay: every row that anybody was told of survives (F2; I5, I19). The control
run lets SQLite sync as with synchronous=NORMAL and must lose some, or the disk here is no judge.

    power_cut.py --bin DIR [--cuts 100]
"""
import pathlib
import subprocess
import sys
import time

import fragile_disk
import ordeal
import log_reader  # from the folder that ordeal has made known
import stage
from run_folder import START_S, RunFailed, wait_until

DISK_MB = 192  # above the reserve that the switch keeps for reversals
LOAD_S, ROWS = 0.4, 40  # between two cuts, at least

# Takes the place of sqlite3_exec: the one word that makes a commit durable becomes another.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
struct sqlite3;
int sqlite3_exec(struct sqlite3 *database, const char *sql, int (*row)(void *, int, char **, char **), void *argument, char **message)
{
    int (*real)(struct sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **) = dlsym(RTLD_NEXT, "sqlite3_exec");
    const char *found = sql != 0 ? strstr(sql, "synchronous = FULL") : 0;
    char *weak = found != 0 ? strdup(sql) : 0;
    if (weak != 0) {
        memcpy(weak + (found - sql), "synchronous = 1   ", 18); /* NORMAL */
    }
    int answer = real(database, weak != 0 ? weak : sql, row, argument, message);
    free(weak);
    return answer;
}
"""


class PowerCut(ordeal.Ordeal):
    def __init__(self, programs, folder, cuts, shim=None):
        super().__init__(programs, folder, "--terminals", 40, "--tps", 200, "--seconds", 60 + 15 * cuts, "--terminal-timeout", 4)
        self.cuts, self.shim = cuts, shim
        self.disk = fragile_disk.FragileDisk(pathlib.Path(folder) / "disk", DISK_MB)
        self.log = self.disk.at / "log"

    def settings(self):
        """Segments begin and are sealed between the cuts and in them."""
        return {**super().settings(), "store.segment_row_count_max": 1000}

    def server_command(self, name):
        command = super().server_command(name)
        return [*stage.preloaded(command[0], self.shim), *command] if self.shim and name == "tillwayd" else command

    def start_all(self):
        self.disk.mount()
        super().start_all()

    def hurt(self, number):
        if number == self.cuts:
            return False
        rows = log_reader.count_rows(self.log, "1", 0)
        time.sleep(LOAD_S)
        wait_until("payments are in the log again", START_S, lambda: self.switch.check() or log_reader.count_rows(self.log, "1", 0) >= rows + ROWS, 0.02)
        self.disk.hold()
        self.switch.process.kill()  # it may wait for the disk; it dies when the disk is let go
        self.disk.drop()
        self.switch.process.wait()
        self.disk.mount()
        self.start_switch()
        return True

    def close(self):
        super().close()
        self.disk.close()


def make_shim(folder):
    source, shim = folder / "shim.c", folder / "shim.so"
    source.write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True, timeout=60)
    return shim


def books_after(programs, folder, cuts, shim=None):
    folder.mkdir()
    trial = PowerCut(programs, folder, cuts, shim)
    try:
        trial.go_through()
        if trial.hurt_count < cuts:
            raise RunFailed(f"only {trial.hurt_count} of {cuts} cuts before the load was over")
        agree = trial.books_agree()
        if not agree and not trial.unexplained()["unexplained"]:  # as when the log cannot be read: nothing is said about its rows
            raise RunFailed("the reconciler ended without a verdict")
        return agree
    finally:
        trial.close()


def body(folder):
    asked = ordeal.arguments(__doc__.split("\n")[0], cuts=5)
    reason = fragile_disk.missing()
    if reason:
        print(f"no power can be cut here: {reason}")
        return 77
    if not books_after(asked.bin, folder / "full", asked.cuts):
        print("rows that somebody was told of did not survive")
        return 1
    if books_after(asked.bin, folder / "control", min(asked.cuts, 8), make_shim(folder)):
        print("the control run without syncs lost nothing: this disk proves nothing")
        return 1
    print(f"{asked.cuts} power cuts: nothing was lost; the control run lost rows, as it must")
    return 0


if __name__ == "__main__":
    sys.exit(ordeal.main(body))
