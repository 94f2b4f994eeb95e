#!/usr/bin/env python3
"""A short day and the morning after through the real processes: sign-on, every kind of trade, settlement with terminals that are wrong on
purpose, batch upload, cut-over, late refunds. Then the settlement files of both days agree with the log, and the batches that differed are
told row by row."""
import argparse
import csv
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "loadtest")]
import demo as demo_module  # noqa: E402
import run_folder  # noqa: E402
from log_reader import Log  # noqa: E402

TERMINALS = 20
DIFFERENT = ord("2")  # the last digit of field 48: the totals differ
PROFILE = """
sign_on: {"003": 8, "004": 1, "001": 1}
phases:
  - name: opening
    seconds: 10
    errands: [parameters, ca_keys, aids, status, echo]
  - name: trading
    seconds: 12
    tps: 60
    reversals: 4
    trade: {purchase: 400, instalment: 20, mail_order: 30, void: 60, instalment_void: 8, mail_order_void: 10, refund: 40, preauth: 80, increment: 20,
            preauth_void: 15, capture: 35, capture_advice: 20, capture_void: 10, balance: 40, offline: 30, adjustment: 10, tip: 25,
            offline_sale: 20, script_result: 15, signature: 20}
  - name: settlement
    seconds: 20
    errands: [settle]
    mismatch: 20
  - name: cut-over
    seconds: 3
    cut_over: true
  - name: next day
    seconds: 8
    tps: 40
    reversals: 2
    trade: {purchase: 300, refund: 150, void: 20, preauth: 30, capture: 40, capture_advice: 20, preauth_void: 10, balance: 20, offline: 15, tip: 10}
  - name: next settlement
    seconds: 20
    errands: [settle]
"""


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


class SmallSegments(demo_module.Demo):
    def settings(self):
        return {**super().settings(), "store.segment_row_count_max": 1000}


class SettlementDay(unittest.TestCase):
    """One run, looked at from several sides."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-settlement-day-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        (cls.folder / "short.yaml").write_text(PROFILE)
        cls.demo = SmallSegments(demo_module.parse(["--bin", BIN, "--profile", str(cls.folder / "short.yaml"), "--terminals", str(TERMINALS)]), cls.folder)
        cls.addClassCleanup(cls.demo.close)
        try:
            cls.demo.prepare()
            cls.demo.start_all()
            cls.demo.run_load()
            cls.demo.drain()
            cls.demo.stop_all()
        except Exception:
            run_folder.show_logs(cls.folder)
            raise
        cls.is_settled = cls.demo.settle()
        cls.log = Log(cls.demo.log)
        cls.days = sorted(cls.folder.glob("settlement/*"))

    def test_the_three_ledgers_agree(self):
        self.assertTrue(self.demo.reconcile())

    def test_the_files_of_both_days_agree_with_the_log(self):
        self.assertTrue(self.is_settled)
        self.assertEqual(len(self.days), 2, self.days)

    def test_every_kind_that_moves_money_is_in_the_files(self):
        kinds = set()
        for path in self.folder.glob("settlement/*/merchant-*.csv"):
            rows = read(path)
            kinds |= {row[rows[1].index("kind")] for row in rows if row[0] == "L"}
        self.assertEqual(kinds, {"purchase", "other_sale", "void", "other_void", "refund", "capture", "capture_advice", "capture_void", "offline_advice",
                                 "offline_sale", "adjustment", "reversal"})

    def test_refunds_of_the_day_before_count_on_the_new_day(self):
        rows = [row for path in self.days[1].glob("merchant-*.csv") for row in read(path)]
        originals = {row[2] for row in rows if row[0] == "L" and "refund" in row}
        before = {row[1] for path in self.days[0].glob("merchant-*.csv") for row in read(path) if row[0] == "L"}
        self.assertTrue(originals & before)

    def test_nothing_is_left_open(self):
        for day in self.days:
            self.assertEqual([row for row in read(day / "open.csv") if row[0] == "L"], [])

    def test_batches_that_differed_are_told_row_by_row(self):
        different = {(row["terminal_id"], row["batch"]) for row in self.log.rows(where="kind = 'settlement'")
                     if row["payload"].split(b"ours ")[1][61] == DIFFERENT}
        details = {}
        for row in self.log.rows(where="kind = 'batch_detail'"):
            if (row["terminal_id"], row["batch"]) in different:
                for line in row["payload"].decode().splitlines():
                    stan, amount = line.split()[:2]
                    details[(row["terminal_id"], str(row["batch"]), str(int(stan)))] = int(amount)
        rows = [row for day in self.days for row in read(day / "mismatch.csv")]
        self.assertEqual({(row[1], int(row[3])) for row in rows if row[0] == "B"}, different)
        joined = {(row[1], row[3], row[4]): row for row in rows if row[0] == "L"}
        told = {key: int(row[9]) for key, row in joined.items() if row[9] != ""}
        self.assertTrue(different and details)
        self.assertEqual(told, details)
        for batch in different:
            of_batch = [row for key, row in joined.items() if (key[0], int(key[1])) == batch]
            self.assertTrue(any(row[5] != "both" for row in of_batch), f"{batch} differs in nothing: {of_batch}")

    def test_the_log_of_the_day_holds(self):
        self.assertEqual(self.log.chain_faults(), [])
        self.assertGreaterEqual(len(self.log.segments()), 3)


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    BIN = parser.parse_args().bin
    unittest.main(argv=[sys.argv[0]])


if __name__ == "__main__":
    main()
