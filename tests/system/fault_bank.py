#!/usr/bin/env python3
"""Faults of banks and of the way to them, each in a run of its own that must end with three ledgers that agree (F8, F9, F10, F16 to F20).

    fault_bank.py --bin DIR [--long] [--only WORD]
"""
import pathlib
import shutil
import sys
import time

import stage
from stage import LATE_MS, Failed, all_were_answered, expect
import log_reader
import run_folder


def counts(result):
    return result["counts"]


def a_bank_byte_at_a_time(run):
    """F8"""
    run.up(bank_rules=["action=split,direction=both"], is_patient=True)
    all_were_answered(run.pay(seconds=3))
    run.settle()


def many_messages_in_one_segment(run):
    """F8"""
    run.up(bank_rules=["action=merge,direction=both,count_in_one=10,ms=40"], is_patient=True)
    all_were_answered(run.pay(tps=150, seconds=4))
    expect("nothing was merged", run.struck("before_bank_a", "merge") > 20)
    run.settle()


def links_reset_in_mid_message(run):
    """F9: each way, on either side and both."""
    run.up(bank_rules=["action=reset,every=50,direction=to_server", "action=reset,every=55,direction=to_client",
                       "action=reset,every=90,side=receiver", "action=reset,every=100,side=sender"])
    run.pay(seconds=4)
    expect("no link was reset", run.struck("before_bank_a") >= 3)
    run.settle()


def links_ended_in_mid_message(run):
    """F9"""
    run.up(bank_rules=["action=fin,every=40,direction=to_server", "action=fin,every=45,direction=to_client", "action=half_close,every=60"])
    run.pay(seconds=4)
    expect("no link was ended", run.struck("before_bank_a") >= 3)
    run.settle()


def a_bank_that_vanishes_is_noticed_by_its_silence(run):
    """F10: nothing is read and nothing comes, and the connection stands."""
    run.up(bank_rules=["action=stall,direction=to_server,skip=40,count=1", "action=stall,direction=to_client,skip=40,count=1"])
    run.pay(seconds=4)
    run.wait_line("link_down")
    run.settle()


def a_silent_bank(run):
    """F16: posts, or does not, and answers no payment; it answers sign-ons, or nothing would be sent to it."""
    run.up(bank_rules=["action=drop,direction=to_server,mti=0200,percent=50", "action=drop,mti=0210"])
    result = run.pay(seconds=2)
    expect(f"somebody was told an approval: {counts(result)}", counts(result)["approved"] == 0)
    expect(f"nobody waited in vain: {counts(result)}", counts(result)["unknown"] + counts(result)["reversed"] > 10)
    expect("the bank posted nothing", run_folder.query(run.ledger("bank_a"), "SELECT count(*) FROM postings", 0) > 0)
    run.settle()


def a_slow_bank(run):
    """F16: up to nearly the time-out, and beyond it for some."""
    run.up(bank_options=["--slow", 60, "--slow-ms", 1700])
    result = run.pay(seconds=3)
    expect(f"nobody was served: {counts(result)}", counts(result)["approved"] > 100)
    run.settle()


def a_window_of_one(run):
    """F16: one request at a time, and what does not fit is refused, not lost."""
    run.up(bank_options=["--slow", 100, "--slow-ms", 30], options={"channels.0.window": 1, "channels.1.window": 1})
    result = run.pay(seconds=3)
    expect(f"nobody was served: {counts(result)}", counts(result)["approved"] > 50)
    run.settle()


def a_bank_that_comes_and_goes(run):
    """F16: killed and started again on the same books."""
    run.up()
    with run.paying(seconds=6):
        for name in run_folder.BANKS:
            time.sleep(1.5)
            run.banks[name].kill()
            time.sleep(0.7)
            run.start_bank(run.ledger(name), ["--seed", 9], name=name)
    run.settle()


def answers_twice_late_and_out_of_order(run):
    """F17"""
    run.up(bank_rules=["action=duplicate,mti=0210,percent=20", "action=reorder,mti=0210,percent=20,after=2,ms=500",
                       f"action=replay,mti=0210,percent=10,ms={LATE_MS}", "action=delay,mti=0210,percent=1,ms=2000"])
    run.pay(seconds=4)
    expect("nothing was done", run.struck("before_bank_a") > 20)
    run.settle()


def reversals_answered_twice_late_or_not(run):
    """F17: the answers to reversals, too."""
    run.up(bank_options=["--silent", 10], bank_rules=["action=drop,mti=0430,percent=30", "action=duplicate,mti=0430,percent=30",
                                                       "action=delay,mti=0430,percent=20,ms=700"])
    run.pay(seconds=3)
    run.settle()


def requests_twice(run):
    """F17: the network sends a request again."""
    run.up(bank_rules=["action=duplicate,direction=to_server,mti=0200,percent=30"])
    run.pay(seconds=3)
    # A second copy of a first attempt is nothing that the switch did: the reconciler counts first forwards by what the bank got.
    answer = run.settle(must_agree=False)
    faults = [fault for fault in answer["unexplained"] if "as a first attempt" not in fault["why"]]
    expect(f"money does not agree: {faults[:5]}", not faults)


def answers_that_belong_to_another_request(run):
    """F18: another trace number, reference, amount or terminal, under a good MAC. None may be taken for the answer (I11)."""
    fields = ("stan", "rrn", "amount", "terminal")
    run.up(bank_rules=[f"name={field},action=change,field={field},mti=0210,percent=5" for field in fields])
    result = run.pay()
    for field in fields:
        expect(f"no {field} was changed", any(f'"rule":"{field}"' in line and " to " in line
                                              for line in (run.folder / "before_bank_a.ndjson").read_text().splitlines()))
    changed = run.struck("before_bank_a", "change") + run.struck("before_bank_b", "change")
    expect(f"{changed} answers were changed, and nobody was told that the outcome is unknown: {counts(result)}", counts(result)["unknown"] >= changed / 2)
    anomalies = log_reader.count_rows(run.log, "kind = 'anomaly'")
    expect(f"{changed} answers were changed, and the log holds {anomalies} anomalies", anomalies >= changed * 0.8)
    run.settle()
    return f"{changed} changed, {anomalies} anomalies written down"


def damaged_answers(run):
    """F18: a byte of an answer is another one; where it can still be read, its MAC is wrong."""
    run.up(bank_rules=["action=corrupt,mti=0210,percent=3"])
    run.pay(seconds=4)
    run.settle()


def a_bank_without_tombstones_and_an_original_after_its_reversal(run):
    """F19: the original arrives while "not found" is no final answer yet (I9)."""
    run.up(bank_options=["--no-tombstones"], bank_rules=["action=reorder,direction=to_server,mti=0200,percent=5,after=10000,ms=3000"])
    run.pay(seconds=4)
    expect("nothing was overtaken", run.struck("before_bank_a", "reorder") >= 3)
    run.settle()


def what_a_bank_forgot_is_found(run):
    """F20: its books go back to what they were; the reconciler must say so."""
    run.up()
    run.pay(seconds=3)
    name = run_folder.BANKS[0]
    run.banks[name].stop()
    shutil.copy(run.ledger(name), run.folder / "kept.db")
    run.start_bank(run.ledger(name), [], name=name)
    run.wait_line("channel_up", "bank_a", count=2)
    run.pay(seconds=2, stan=1000)
    run.banks[name].kill()
    for leftover in ("-wal", "-shm"):
        pathlib.Path(f"{run.ledger(name)}{leftover}").unlink(missing_ok=True)
    shutil.copy(run.folder / "kept.db", run.ledger(name))
    run.start_bank(run.ledger(name), [], name=name)
    answer = run.settle(must_agree=False)
    lost = [fault for fault in answer["unexplained"] if "the bank no live posting (I1)" in fault["why"]]
    if not lost:
        raise Failed("the reconciler did not see that the bank lost its postings")
    return f"{len(lost)} lost postings found"


STORIES = [a_bank_byte_at_a_time, many_messages_in_one_segment, links_reset_in_mid_message, links_ended_in_mid_message,
           a_bank_that_vanishes_is_noticed_by_its_silence, a_silent_bank, a_slow_bank, a_window_of_one, a_bank_that_comes_and_goes,
           answers_twice_late_and_out_of_order, reversals_answered_twice_late_or_not, requests_twice, answers_that_belong_to_another_request, damaged_answers,
           a_bank_without_tombstones_and_an_original_after_its_reversal, what_a_bank_forgot_is_found]

if __name__ == "__main__":
    sys.exit(stage.tell(STORIES, __doc__))
