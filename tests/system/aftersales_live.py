#!/usr/bin/env python3
"""The switch watches itself: killed, started again and ended in order it has the flags of a replay of its log, none lost and none twice. Where its
database cannot be written, payments go on, and the flags come later.

    aftersales_live.py --bin DIR
"""
import contextlib
import csv
import os
import socket
import sqlite3
import sys
import threading
import time

import stage
import log_reader  # from the folder that stage has made known
import run_folder
import wire
from stage import expect

TELLS_BACK_S = 2  # hours are told so long after they struck
COLUMNS = ("signal", "subject_kind", "subject", "position", "end_us", "begin_us", "value", "threshold", "severity", "watched", "linked")
SELECT = ("SELECT signal, subject, subject_id, position, window_end_us, window_begin_us, value, threshold, severity, is_watched_only, is_fleet_linked"
          " FROM flag")
# So sharp that hundreds are flagged within seconds.
RULES = """
T1: {count_min: 1, quiet: 1s}
T10: {count_min: 1, quiet: 1s}
T17: {count_min: 1, times_percent: 100, level_ppm: 100000, quiet: 1s}
C1: {count_min: 1, quiet: 1s}
C2: {same_amount_min: 2, count_min: 2, quiet: 1s, mode: watch}
C3: {sample_min: 20, times_percent: 100, quiet: 1s}
C4: {per_mille: 1, count_min: 1, quiet: 1s}
C7: {count_min: 2, quiet: 1s}
"""


class SickTerminal(threading.Thread):
    """Signs on and pays under a key that is not its own, again and again; a switch that is away for a while is asked again."""

    def __init__(self, run, every_s=0.3):
        super().__init__(daemon=True)
        self.run_folder, self.every_s, self.is_over = run, every_s, False
        self.fleet = wire.Fleet(run.folder)

    def run(self):
        while not self.is_over:
            with contextlib.suppress(OSError, AttributeError), wire.Peer(self.run_folder.port, tls=True) as peer:
                peer.send(wire.frame(self.fleet.signon()))
                while not self.is_over and peer.send(wire.frame(wire.message("0200", self.fleet.sale()))) and peer.answer():
                    time.sleep(self.every_s)
            time.sleep(self.every_s)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.join()


def up(run, image_every_ms=1000, **how):
    rules = run.folder / "anomalies.yaml"
    rules.write_text(RULES)
    run.up(terminals=20, options={"aftersales.image_every_ms": image_every_ms, "aftersales.card_count_max": 1024, "aftersales.rules": rules}, **how)


def words(row):
    """A flag of the database in the words of the replay's file."""
    return tuple({"yes": "1", "no": "0"}.get(str(cell), str(cell)) for cell in row)


def flags_kept(run):
    with contextlib.closing(sqlite3.connect(f"file:{run.folder}/aftersales/aftersales.db?mode=ro", uri=True)) as database:
        return [words(row) for row in database.execute(SELECT)]


def flags_replayed(run, until_us):
    out = run.folder / "flags.csv"
    settings = [word for item in run.settings().items() for word in ("--set", "{}={}".format(*item))]
    run.run([run.program("tillway-watch"), "replay", "--config", run.config, *settings, "--flags", out, "--until", until_us])
    with open(out, newline="") as file:
        return [tuple(row[column] for column in COLUMNS) for row in csv.DictReader(file)]


def expect_same_flags(run):
    """After the end. Answers how many there are."""
    until_us = int(((run.folder / "aftersales/watch.image").stat().st_mtime - TELLS_BACK_S) * 1e6)
    kept, replayed = flags_kept(run), flags_replayed(run, until_us)
    expect(f"flags of the switch are twice there: {kept}", len(kept) == len(set(kept)))
    lost, more = sorted(set(replayed) - set(kept)), sorted(set(kept) - set(replayed))
    expect(f"{len(lost)} of {len(replayed)} flags are lost: {lost[:5]}; {len(more)} of {len(kept)} are of the switch alone: {more[:5]}", not lost and not more)
    signals = {row[0] for row in kept}
    expect(f"nobody was found sick: {signals}", signals & {"T1", "T10"})
    return len(kept)


def is_all_watched(run):
    with contextlib.suppress(OSError):  # the control socket is the last that a start opens
        return run.metric("aftersales_up") == 1 and run.metric("aftersales_lag_rows") == 0
    return False


def watched_all(run):
    run_folder.wait_until("all is watched", 60, lambda: run.switch.check() or is_all_watched(run), 0.1)


def positions_begun(run):
    """Where the watcher began at each start."""
    return [int(line.split("position=")[1].split()[0]) for line in run.lines(" aftersales_watches ")]


def killed_and_started_again_it_has_the_flags_of_its_log(run):
    up(run)
    with run.paying(tps=60, seconds=18, first=1, terminals=19, extra=["--devices"]), SickTerminal(run):
        time.sleep(5)
        run.switch.kill()
        run.start_switch()
        time.sleep(5)
        run.switch.kill()
        time.sleep(1)
        run.start_switch()
        time.sleep(3)
        watched_all(run)
        expect("no image was written", run.metric("aftersales_images_total", "written") > 0)
    run.settle()
    begun = positions_begun(run)
    expect(f"the log was read anew at each start: {begun}", len(begun) == 3 and 0 == begun[0] < begun[1] < begun[2])
    return f"{expect_same_flags(run)} flags, from positions {begun}"


def a_database_that_cannot_be_made_holds_no_payment_up(run):
    blocked = run.folder / "aftersales"
    blocked.write_text("in the way")
    up(run)
    with run.paying(tps=60, seconds=10, first=1, terminals=19) as result, SickTerminal(run):
        time.sleep(4)
        expect("nobody is told that the database cannot be made", run.lines(" aftersales_waits ", str(blocked)))
        expect("something is watched without a database", run.metric("aftersales_up") == 0 and run.metric("aftersales_failures_total") > 0)
        blocked.unlink()
        watched_all(run)
    stage.all_were_answered(result)
    run.settle()
    return f"{expect_same_flags(run)} flags"


def a_database_that_others_hold_holds_no_payment_up(run):
    up(run, is_patient=True)
    with run.paying(tps=60, seconds=16, first=1, terminals=19) as result, SickTerminal(run):
        watched_all(run)
        with contextlib.closing(sqlite3.connect(run.folder / "aftersales/aftersales.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            run.wait_line(" aftersales_waits ", seconds=30)
            other.execute("ROLLBACK")
        watched_all(run)
    stage.all_were_answered(result)
    run.settle()
    return f"{expect_same_flags(run)} flags"


def effects_pending(run):
    with contextlib.closing(sqlite3.connect(f"file:{run.folder}/aftersales/aftersales.db?mode=ro", uri=True)) as database:
        return database.execute("SELECT count(*) FROM case_effect").fetchone()[0]


def what_a_case_asks_of_the_switch_is_ordered_and_done(run):
    up(run)
    with run.paying(tps=30, seconds=8, first=1, terminals=19), SickTerminal(run):
        run.wait_line(" order ", "by=after-sales", seconds=30)
    run_folder.wait_until("all that cases ask for is done", 60, lambda: run.switch.check() or effects_pending(run) == 0, 0.2)
    run.switch.kill()
    run.start_switch()
    watched_all(run)
    orders = log_reader.count_rows(run.log, "kind = 'order'", 0)
    expect("no order stands in the log", orders > 0)
    expect("what is done is asked for again", effects_pending(run) == 0)
    run.settle()
    return f"{orders} orders, {expect_same_flags(run)} flags"


WAVE_SETTLE_S = 12


def desk_write(run, sql, *rows):
    """As tillway-admin would, beside the switch."""
    with contextlib.closing(sqlite3.connect(run.folder / "aftersales/aftersales.db", timeout=20)) as database, database:
        database.executemany(sql, rows or [()])


def asked(run):
    return len(run.lines(" order ", "kind=ask_update", "by=campaign-1"))


def a_campaign_goes_on_after_it_is_killed_and_asks_nobody_twice(run):
    up(run)
    with run.paying(tps=30, seconds=4, first=1, terminals=19):
        watched_all(run)
    with open(run.folder / "fleet/terminals.csv", encoding="utf-8") as table:
        fleet = [row["terminal_id"] for row in csv.DictReader(table)][:10]
    desk_write(run, "INSERT INTO update_target VALUES (1, ?, ?, 'waiting', 0)", *((terminal, min(place, 1)) for place, terminal in enumerate(fleet)))
    desk_write(run, "INSERT INTO update_campaign VALUES (1, 'PAX', 'A920', '1.2.0', '10 100', ?, ?, 'ann', 'going', 0, ?, ?, 'ann', 'made')",
               (WAVE_SETTLE_S * 10**6, *[int(time.time() * 10**6)] * 3))
    for wanted in (1, 10):
        run_folder.wait_until(f"{wanted} terminals are asked", 60, lambda: run.switch.check() or (asked(run) >= wanted and effects_pending(run) == 0), 0.1)
        run.switch.kill()
        run.start_switch()
        watched_all(run)
        desk_write(run, "INSERT OR REPLACE INTO terminal_seen VALUES (?, 1, '1.2.0')", (fleet[0],))
    time.sleep(3)
    orders = log_reader.count_rows(run.log, "kind = 'order'", 0)
    expect(f"{orders} orders for 10 terminals", orders == 10)
    run.settle()
    return f"{orders} terminals asked in two waves"


@contextlib.contextmanager
def service_manager(run):
    """What the switch tells the one that started it: a list of words that grows."""
    told = []

    def listen(own):
        with contextlib.suppress(OSError):
            while True:
                told.append(own.recv(256).decode())

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind(str(run.folder / "notify"))
        own.settimeout(60)
        os.environ["NOTIFY_SOCKET"] = own.getsockname()
        threading.Thread(target=listen, args=(own,), daemon=True).start()
        try:
            yield told
        finally:
            del os.environ["NOTIFY_SOCKET"]


def an_end_that_waits_for_the_database_is_no_hanging_loop(run):
    with service_manager(run) as told:
        up(run, image_every_ms=3600000, is_patient=True)  # so that there is something to write at the end
        with run.paying(tps=30, seconds=6, first=1, terminals=19), SickTerminal(run):
            run_folder.wait_until("somebody is found sick", 30, lambda: run.metric("aftersales_flags_total") > 0)
            watched_all(run)
        with contextlib.closing(sqlite3.connect(run.folder / "aftersales/aftersales.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            run.switch.stop()
            other.execute("ROLLBACK")
        stopping = next(i for i, word in enumerate(told) if word.startswith("STOPPING=1"))
        alive = told[stopping:].count("WATCHDOG=1")
    expect(f"the loop stood still while after-sales waited: {told[-8:]}", alive >= 4)
    run.start_switch()
    watched_all(run)
    run.settle()
    return f"alive {alive} times while it ended, {expect_same_flags(run)} flags"


STORIES = [killed_and_started_again_it_has_the_flags_of_its_log, a_database_that_cannot_be_made_holds_no_payment_up,
           a_database_that_others_hold_holds_no_payment_up, an_end_that_waits_for_the_database_is_no_hanging_loop,
           what_a_case_asks_of_the_switch_is_ordered_and_done, a_campaign_goes_on_after_it_is_killed_and_asks_nobody_twice]

if __name__ == "__main__":
    sys.exit(stage.tell(STORIES, __doc__))
