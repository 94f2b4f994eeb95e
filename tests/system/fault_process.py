#!/usr/bin/env python3
"""Faults of processes and of the machine they stand on, each in a run of its own that must end with three ledgers that agree (F3, F7, F14,
F28, F29, F30, F31).

    fault_process.py --bin DIR [--long] [--only WORD]
"""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import stage
from stage import RESPONSE_TIMEOUT_MS, TERMINAL_TIMEOUT_S, Failed, all_were_answered, expect
import run_folder
import wire

DESCRIPTOR_COUNT, CROWD_COUNT = 192, 400
HELD_COUNT, SIGN_ON_COUNT = 64, 1200  # the core's list of what waits for the end of a turn has 1024 places beside the held ones
FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
FAKETIME_ARM = pathlib.Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1")


# ---- F3


def stop_for(child, seconds):
    child.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    child.process.send_signal(signal.SIGCONT)


def the_switch_stands_still(run):
    """F3: shorter than the time-outs, and longer than all of them."""
    long_s = 60 if run.is_long else TERMINAL_TIMEOUT_S + 1
    run.up()
    with run.paying(seconds=4 + long_s):
        time.sleep(1)
        stop_for(run.switch, 1)
        time.sleep(1)
        stop_for(run.switch, long_s)
    run.settle()


def a_bank_stands_still(run):
    """F3: its answers come after the switch has given up, all at once."""
    run.up()
    with run.paying(seconds=7):
        time.sleep(1)
        stop_for(run.banks["bank_a"], 1)
        stop_for(run.banks["bank_b"], 60 if run.is_long else RESPONSE_TIMEOUT_MS / 1000 + 1.5)
    run.settle()


# ---- F7


def every_transfer_is_cut_short(run):
    """F7: reads and writes of 1 to 61 bytes, EINTR, EAGAIN: what is said is the same."""
    run.up(prefix=run.preloaded(run.bin / "short_io.so"), is_patient=True)
    all_were_answered(run.pay(seconds=4))
    run.settle()


# ---- F14


def the_clock_jumps(run):
    """F14: an hour and a day, ahead and back, under load. Nothing may time out by it (I28)."""
    library = FAKETIME if FAKETIME.is_file() else FAKETIME_ARM
    expect("libfaketime is missing; `./dev setup` installs it", library.is_file())
    stamp = run.folder / "clock"
    stamp.write_text("+0\n")
    run.up(prefix=run.preloaded(library, FAKETIME_TIMESTAMP_FILE=stamp, FAKETIME_NO_CACHE=1, FAKETIME_DONT_FAKE_MONOTONIC=1), is_patient=True)
    jumps = ("+3600", "-3600", "+86400", "-86400", "+0")
    with run.paying(ends_with_body=True) as result:
        for jump in jumps:
            lines = len(run.lines("type=purchase"))
            run_folder.wait_until("payments go on", 60, lambda: len(run.lines("type=purchase")) > lines + 20)
            new = run.folder / "clock.new"
            new.write_text(jump + "\n")
            new.replace(stamp)
    all_were_answered(result)
    expect("no log line carries tomorrow's date", len({line[:10] for line in run.lines("20")}) >= 2)
    down = run.lines("channel_down")
    expect(f"a link was given up by the wall clock: {down[:3]}", not down)
    run.settle()


# ---- F28


def started(run, at):
    """The switch with the `at`-th call for memory failing: it gets ready and ends in order, or is refused with a sentence. Answers whether it got ready."""
    log = run.folder / f"start{at}.log"
    with open(log, "wb") as out:
        child = subprocess.Popen(list(map(str, [*run.preloaded(run.bin / "short_memory.so", MEMORY_FAILS_AT=at, MEMORY_SPARES="libcrypto"), *run.server_command("tillwayd")])),
                                 stdout=out, stderr=out, cwd=run_folder.ROOT, start_new_session=True)
    try:
        run_folder.wait_until("ready, or refused", 60, lambda: child.poll() is not None or " ready " in log.read_text(errors="replace"), 0.01)
        is_ready = child.poll() is None
        if is_ready:
            child.send_signal(signal.SIGTERM)
        code = child.wait(60)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    said = log.read_text(errors="replace")
    expect(f"call {at} fails: the start ends by signal {-code}\n{said[-600:]}", code >= 0)
    expect(f"call {at} fails: code {code} without a word", code == 0 or said)
    return is_ready


def memory_fails_at_each_call_of_a_start(run):
    """F28: reading the configuration, and a whole start, are refused with a sentence, or succeed; neither ever crashes. OpenSSL is spared:
    its own first set-up (3.0) takes a lock that it could not make, which nobody outside can hinder."""
    if run.sanitizer():
        return "skipped: the sanitizers have a malloc of their own"
    run.prepare_fleet(2, 1)
    library, count = run.bin / "short_memory.so", run.folder / "count"
    check = [*run.server_command("tillwayd"), "--check-config"]
    subprocess.run(list(map(str, [*run.preloaded(library, MEMORY_COUNT=count), *check])), check=True, capture_output=True, timeout=60, cwd=run_folder.ROOT)
    calls, refused = int(count.read_text()), 0
    spread = [round(60 * (calls / 60) ** (n / 60)) for n in range(61)]
    tries = range(1, calls + 1) if run.is_long else sorted({*range(1, 60, 3), *spread})
    for at in tries:
        done = subprocess.run(list(map(str, [*run.preloaded(library, MEMORY_FAILS_AT=at, MEMORY_SPARES="libcrypto"), *check])), capture_output=True, text=True, timeout=60,
                              cwd=run_folder.ROOT)
        refused += done.returncode != 0
        expect(f"call {at} of {calls} fails: the check ends by signal {-done.returncode}\n{done.stderr[-600:]}", done.returncode >= 0)
        expect(f"call {at} of {calls} fails: code {done.returncode} without a word", done.returncode == 0 or done.stderr + done.stdout)
    whole = range(calls // 2, calls + 4000, 1 if run.is_long else 900)
    ready = sum(started(run, at) for at in whole)
    return f"{len(tries)} of {calls} calls of a check failed in turn, {refused} were refused; of {len(whole)} starts {ready} got ready"


def memory_is_short_under_load(run):
    """F28: new work is refused, what began goes on; or the process ends in order, and a restart finds all."""
    if run.sanitizer():
        return "skipped: the sanitizers have a malloc of their own"
    run.up(prefix=run.preloaded(run.bin / "short_memory.so", MEMORY_FAILS_EVERY=25))
    ends = []
    with run.paying(ends_with_body=True):
        for _ in range(3):
            time.sleep(1)
            run.switch.process.send_signal(signal.SIGUSR2)
            time.sleep(0.7)
            with contextlib.suppress(OSError):
                run.switch.process.send_signal(signal.SIGUSR2)
            with contextlib.suppress(subprocess.TimeoutExpired):  # it may be about to end
                ends.append(run.switch.process.wait(2))
                run.start_switch()
    expect(f"the switch crashed: it ended by {ends}", all(code > 0 for code in ends))
    run.settle()
    return f"{len(ends)} of 3 shortages ended the process in order" if ends else "the process stood"


# ---- F29


def descriptors_run_out(run):
    """F29: terminals that only connect take all that are left; who is served stays served, and the log goes on."""
    run.up(terminals=20, options={"listeners.0.handshake_timeout_ms": 60000}, prefix=["prlimit", f"--nofile={DESCRIPTOR_COUNT}"],
           is_patient=True)
    with run.paying(ends_with_body=True) as result:
        run_folder.wait_until("all terminals are there and pay", 60, lambda: run.metric("terminal_conns") >= 20 and run.metric("txn_total", "approved") > 20)
        crowd = []
        for _ in range(CROWD_COUNT):
            with contextlib.suppress(OSError):
                crowd.append(socket.create_connection(("127.0.0.1", run.port), 1))
        time.sleep(1)
        run.banks["bank_a"].kill()  # its link must find a descriptor again
        run.start_bank(run.ledger("bank_a"), [], name="bank_a")
        run.wait_line("channel_up", "bank_a", count=2)
        time.sleep(1)
        for one in crowd:
            one.close()
    counts = result["counts"]
    expect(f"a terminal lost its connection: {counts}", counts["lost"] == 0 and counts["connects"] == counts["sign_ons"] == 20)
    run.settle()


# ---- F30


def a_crowd_signs_on_in_one_turn(run):
    """F30: what a turn brings more than there is room for waits for the next one; a message ends no process."""
    run.up(terminals=20, options={"workers": 1, "engine.held_count_max": HELD_COUNT, "engine.signon_min_interval_ms": 0, "listeners.0.first_message_timeout_ms": 60000})
    fleet = wire.Fleet(run.folder)
    with contextlib.ExitStack() as crowd:
        peers = [crowd.enter_context(wire.Peer(run.port, tls=True)) for _ in range(SIGN_ON_COUNT)]
        run.switch.process.send_signal(signal.SIGSTOP)
        for peer in peers:
            peer.send(wire.frame(fleet.signon()))
        run.switch.process.send_signal(signal.SIGCONT)
        with wire.Peer(run.port, tls=True) as witness:
            answer = witness.send(wire.frame(fleet.echo())).answer()
        run.switch.check()
        expect("an echo behind the crowd is not answered", answer is not None and answer.code == "00")
    run.pay(seconds=2)
    run.settle()


# ---- F31


def when_read(pipe):
    """The writing end of a pipe that has a name, once somebody has opened the other."""
    ends = []

    def opened():
        with contextlib.suppress(OSError):
            ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return ends
    run_folder.wait_until(f"a reload reads {pipe.name}", 60, opened)
    os.set_blocking(ends[0], True)
    return ends[0]


def feed(pipe, text):
    """Gives it to who waits for it, if anybody does."""
    with contextlib.suppress(OSError):
        end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        os.set_blocking(end, True)
        os.write(end, text)
        os.close(end)


def the_thread_pool_is_starved(run):
    """F31: its only thread waits for ever for a file that a reload reads; no payment needs it."""
    run.up(prefix=["env", "UV_THREADPOOL_SIZE=1"], is_patient=True)
    table = run.folder / "fleet/merchants.csv"
    kept = table.read_bytes()
    with run.paying(ends_with_body=True) as result:
        time.sleep(1)
        table.unlink()
        os.mkfifo(table)
        run.switch.process.send_signal(signal.SIGHUP)
        end = when_read(table)
        paid = run.metric("txn_total", "approved")
        time.sleep(2)
        run_folder.wait_until("payments go on", 30, lambda: run.metric("txn_total", "approved") > paid)
        expect("the reload did not wait", not run.lines(" reloaded "))
        os.write(end, kept)
        os.close(end)
        # It is read again for its hash, by whoever comes next.
        run_folder.wait_until("the reload ends", stage.RELOAD_S, lambda: feed(table, kept) or run.lines("reload"))
    all_were_answered(result)
    table.unlink()
    table.write_bytes(kept)
    run.settle()


# ---- stops


def a_second_signal_ends_a_drain_that_waits(run):
    """F3: a stop waits for what has no answer yet; told again it ends at once, and a restart finds all."""
    run.up(bank_rules=["action=drop,mti=0210"], options={"drain.deadline_ms": 600000, "engine.response_timeout_ms": 60000, "engine.inflight_life_ms": 61000})
    with run.paying(ends_with_body=True):
        run_folder.wait_until("banks were asked", 60, lambda: run.switch.check() or run.struck("before_bank_a") > 5)
        run.switch.process.send_signal(signal.SIGTERM)
        run.wait_line(" draining ")
        time.sleep(1)
        expect("the stop did not wait for its payments", run.switch.process.poll() is None)
        run.switch.process.send_signal(signal.SIGTERM)
        code = run.switch.process.wait(stage.END_S)
        expect(f"not ended in order: code {code}", code == 0)
        expect("it is not said why", run.lines(" stopping ", "told a second time"))
        run.options = {}
        run.heal()
        run.start_switch()
    run.settle()


STORIES = [the_switch_stands_still, a_bank_stands_still, every_transfer_is_cut_short, the_clock_jumps, memory_fails_at_each_call_of_a_start,
           memory_is_short_under_load, descriptors_run_out, a_crowd_signs_on_in_one_turn, the_thread_pool_is_starved,
           a_second_signal_ends_a_drain_that_waits]

if __name__ == "__main__":
    sys.exit(stage.tell(STORIES, __doc__))
