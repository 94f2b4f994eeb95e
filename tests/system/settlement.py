#!/usr/bin/env python3
"""tillway-settle judged on logs made for it: a day with every kind of movement over a cut-over and several segments, its files held against
sums made here from the log; then each way it must refuse."""
import argparse
import collections
import csv
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "loadtest"), str(ROOT / "tests/system")]
from log_maker import LogMaker  # noqa: E402
from log_reader import Log  # noqa: E402

DAY, NEXT = 20260921, 20260922
NOON_US = 1789963200000000  # 2026-09-21 12:00 in UTC+8
MERCHANTS, CHANNELS = ("898290054110000", "898290058120001", 'odd,"id"'), ("bank_a", "bank_b")
BIN = None


def half_up(numerator, denominator):
    return (2 * numerator + denominator) // (2 * denominator)


class Day:
    """Writes what a switch would, and keeps in plain Python what of it counts on which day."""

    def __init__(self, seed=1):
        self.random = random.Random(seed)
        self.log = LogMaker(currency=156)
        self.seq = 0
        self.lines = []  # dictionaries: day, merchant, channel, rrn, amount, fees (signed)
        self.open = collections.Counter()

    def row(self, kind, txn, day=0, **members):
        self.log.append(kind, wall_us=NOON_US + txn["seq"], settlement_day=day, rrn=f"00001{txn['rrn_seq']:07d}", epoch=1, seq=txn["seq"],
                        terminal_id=txn["terminal"], merchant_id=txn["merchant"], channel=txn["channel"], batch=txn["batch"], stan=txn["stan"],
                        amount_minor=txn["amount"], merchant_fee=txn["fees"][0], issuer_fee=txn["fees"][1], scheme_fee=txn["fees"][2],
                        agent_fee=sum(txn["shares"].values()), fee_basis="" if txn["fees"] == (0, 0, 0) else txn["basis"],
                        agent_shares=" ".join(f"{agent}:520000:-:70000000:{minor}" for agent, minor in txn["shares"].items()),
                        payment_kind=txn["kind"], original_epoch=1 if txn["original"] else 0, original_seq=txn["original"],
                        pan_masked="622202*********1234", **members)

    def begin(self, kind, amount, original=None, fees=None, record="intent", told=None, **members):
        self.seq += 1
        merchant = original["merchant"] if original else self.random.choice(MERCHANTS)
        fees = fees or (half_up(amount * 60, 10000), half_up(amount * 45, 10000), half_up(amount * 325, 1000000))
        txn = {"kind": kind, "seq": self.seq, "rrn_seq": self.seq, "amount": amount, "merchant": merchant,
               "terminal": f"{10000001 + MERCHANTS.index(merchant)}", "batch": 7, "stan": self.seq, "fees": fees,
               "channel": original["channel"] if original else self.random.choice(CHANNELS), "original": original["seq"] if original else 0,
               "back": 0, "returned": (0, 0, 0), "basis": "SP1 proportional unionpay credit standard ic 0", "shares": {}}
        margin = fees[0] - fees[1] - fees[2]
        if merchant == MERCHANTS[0] and fees != (0, 0, 0):
            txn["shares"] = {"A17": half_up(margin * 50, 100), "B2": margin - half_up(margin * 50, 100)}
        txn.update(told or {})
        self.row(record, txn, **members)
        return txn

    def end(self, txn, day=DAY, code="00"):
        self.row("result", txn, day, reason="channel_answered", response_code=code)
        return txn

    def count(self, txn, day, amount, fees):
        self.lines.append({"day": day, "merchant": txn["merchant"], "channel": txn["channel"], "rrn": f"00001{txn['rrn_seq']:07d}", "amount": amount,
                           "fees": tuple(fees)})

    def sale(self, amount, day=DAY, kind="purchase"):
        txn = self.end(self.begin(kind, amount), day)
        self.count(txn, day, amount, txn["fees"])
        return txn

    def pay_back(self, kind, original, amount, day=DAY):
        txn = self.end(self.begin(kind, amount, original, fees=(0, 0, 0)), day)
        original["back"] += amount
        due = tuple(half_up(fee * original["back"], original["amount"]) for fee in original["fees"])
        txn["line_fees"] = tuple(before - now for before, now in zip(original["returned"], due))
        original["returned"] = due
        self.count(txn, day, -amount, txn["line_fees"])
        return txn

    def reversal(self, txn, day=DAY, sign=-1, done=True):
        self.seq += 1
        own = txn | {"seq": self.seq, "original": txn["seq"]}
        self.row("reversal", own)
        if done:
            self.row("reversal_done", own, day, response_code="00")
            self.count(txn, day, sign * txn["amount"], [sign * fee for fee in txn.get("line_fees", txn["fees"])]
                       if "line_fees" not in txn else [-fee for fee in txn["line_fees"]])

    def advice(self, kind, amount, original=None, fees=None, day=DAY, done=True):
        txn = self.begin(kind, amount, original, fees, record="advice", totals="1 1")
        if done:
            self.row("advice_done", txn, day, response_code="00")
        return txn

    def settlement(self, txn, different=True):
        self.seq += 1
        own = txn | {"seq": self.seq, "rrn_seq": self.seq, "kind": "settlement", "amount": 0, "original": 0, "fees": (0, 0, 0)}
        self.row("settlement", own, payload=f"asked {'1' * 62}\nours {'0' * 61}{2 if different else 1}\nreversals 0\n".encode())

    def detail(self, txn, lines):
        self.seq += 1
        own = txn | {"seq": self.seq, "rrn_seq": self.seq, "kind": "batch_upload", "amount": 0, "original": 0, "fees": (0, 0, 0)}
        self.row("batch_detail", own, payload="".join(f"{stan:06d} {amount:012d} 00 622202*********1234\n" for stan, amount in lines).encode())


def whole_day():
    day = Day()
    day.log.append("epoch", epoch=1)
    sales = [day.sale(day.random.randrange(1, 500000)) for _ in range(200)]
    day.end(day.begin("purchase", 500), code="51")  # declined
    day.sale(1234, kind="other_sale")
    day.reversal(sales[0])
    day.log.cut(DAY)
    void = day.pay_back("void", sales[1], sales[1]["amount"])
    other = day.pay_back("void", sales[2], sales[2]["amount"])
    day.reversal(other, sign=1)  # the sale stands again
    day.pay_back("refund", sales[3], sales[3]["amount"] // 3)
    day.pay_back("refund", sales[3], sales[3]["amount"] // 3)
    hold = day.end(day.begin("preauth", 10000))
    capture = day.begin("capture", 9000, hold)
    day.end(capture)
    day.count(capture, DAY, 9000, capture["fees"])
    advice = day.advice("capture_advice", 8000, hold)
    day.count(advice, DAY, 8000, advice["fees"])
    tip = day.advice("offline_advice", sales[4]["amount"] + 300, sales[4])
    day.count(tip, DAY, 300, [new - old for new, old in zip(tip["fees"], sales[4]["fees"])])
    offline = day.advice("offline_advice", 700)
    day.count(offline, DAY, 700, offline["fees"])
    lost = day.begin("refund", 100, sales[6], fees=(0, 0, 0))  # no answer; asked again until declined
    day.row("result", lost, DAY, reason="no_answer", response_code="98")
    day.row("advice", lost)
    day.row("advice_done", lost, DAY, response_code="51")
    day.reversal(day.begin("purchase", 600), done=False)  # never answered, being reversed
    day.log.cut(NEXT)
    day.log.append("cut_over", channel="bank_a", settlement_day=NEXT)
    day.pay_back("refund", sales[3], sales[3]["amount"] - 2 * (sales[3]["amount"] // 3), NEXT)  # the rest, with the rest of the fees
    day.reversal(sales[5], NEXT)  # posted after cut-over: a line of the new day, of the old batch (I18)
    late = day.begin("purchase", 4321)
    day.end(late, DAY)  # the bank counted it for the old day
    day.count(late, DAY, 4321, late["fees"])
    day.sale(100, NEXT)
    day.begin("purchase", 7777)  # no answer yet
    day.advice("offline_sale", 888, done=False)
    case = day.begin("purchase", 999)
    day.row("reversal", case | {"seq": 900001, "original": case["seq"]})
    day.row("reversal_case", case | {"seq": 900001, "original": case["seq"]})
    day.void = void
    return day


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


class SettlementTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-settlement-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "out").mkdir()

    def settle(self, day=DAY, log="log", out="out", *words):
        return subprocess.run([BIN / "tillway-settle", "--log", self.folder / log, "--day", str(day), "--out", self.folder / out, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    def must_settle(self, day=DAY):
        done = self.settle(day)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.folder / "out" / str(day)

    def must_refuse(self, code, words, *arguments):
        done = self.settle(*arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual([path for path in (self.folder / "out").rglob("*") if path.is_file()], [])

    def lines(self, folder, kind):
        found = {}
        for path in folder.glob(f"{kind}-*.csv"):
            rows = read(path)
            self.assertEqual([row[0] for row in rows[:2]], ["H", "C"])
            self.assertEqual(rows[0][2:4] + rows[0][5:], [folder.name, kind, "2"])
            names = rows[1][1:]
            lines = [dict(zip(names, row[1:])) for row in rows if row[0] == "L"]
            self.assertEqual([row[0] for row in rows[2:]], ["L"] * len(lines) + ["T"])
            self.check_trailer(rows[-1], lines)
            found[rows[0][4]] = lines
        return found

    def check_trailer(self, trailer, lines):
        signed = [int(line["sign"] + line["amount"]) for line in lines]
        fees = [sum(int(line[name]) for line in lines) for name in ("merchant_fee", "issuer_fee", "scheme_fee", "agent_fee", "margin", "net")]
        debit, credit = [amount for amount in signed if amount >= 0], [-amount for amount in signed if amount < 0]
        self.assertEqual([int(cell) for cell in trailer[1:]], [156, len(lines), len(debit), sum(debit), len(credit), sum(credit), *fees])

    def compare(self, day, number):
        """Each line of the files is one that counts here, to the fen, in the merchants' files and in the channels'."""
        folder = self.must_settle(number)
        for kind in ("merchant", "channel"):
            said = [(owner, line["rrn"], int(line["sign"] + line["amount"]), int(line["merchant_fee"]), int(line["issuer_fee"]), int(line["scheme_fee"]))
                    for owner, lines in self.lines(folder, kind).items() for line in lines]
            wanted = [(line[kind], line["rrn"], line["amount"], *line["fees"]) for line in day.lines if line["day"] == number]
            self.assertEqual(sorted(said), sorted(wanted))
        return folder

    def test_each_movement_is_one_line_of_its_day_to_the_fen(self):
        day = whole_day()
        day.log.write(self.folder / "log")
        self.compare(day, DAY)
        self.compare(day, NEXT)

    def test_the_net_of_merchants_and_channels_and_the_margin_are_all_of_the_amount(self):
        whole_day().log.write(self.folder / "log")
        folder = self.must_settle()
        for line in sum(self.lines(folder, "merchant").values(), []):
            amount, net = int(line["sign"] + line["amount"]), int(line["net"])
            self.assertEqual(amount, net + sum(int(line[name]) for name in ("issuer_fee", "scheme_fee", "agent_fee", "margin")))
        for line in sum(self.lines(folder, "channel").values(), []):
            self.assertEqual(int(line["sign"] + line["amount"]), int(line["net"]) + int(line["issuer_fee"]) + int(line["scheme_fee"]))

    def test_a_reversal_after_cut_over_names_the_old_batch(self):
        day = whole_day()
        day.log.write(self.folder / "log")
        lines = sum(self.lines(self.must_settle(NEXT), "channel").values(), [])
        reversals = [line for line in lines if line["kind"] == "reversal"]
        self.assertEqual([(line["batch"], line["sign"], line["original_rrn"]) for line in reversals], [("7", "-", "000010000006")])

    def test_the_summary_adds_up_and_comes_last(self):
        day = whole_day()
        day.log.write(self.folder / "log")
        folder = self.must_settle()
        rows = read(folder / "summary.csv")
        names = rows[1][1:]
        sums = [dict(zip(names, row[1:])) for row in rows if row[0] == "S"]
        counted = [line for line in day.lines if line["day"] == DAY]
        total = sum(line["amount"] for line in counted)
        for scope in ("day", "merchant", "channel", "batch"):
            of_scope = [row for row in sums if row["scope"] == scope]
            self.assertEqual(sum(int(row["debit"]) - int(row["credit"]) for row in of_scope), total, scope)
            self.assertEqual(sum(int(row["lines"]) for row in of_scope), len(counted), scope)
        self.assertEqual(rows[-1], ["T", str(len(list(folder.glob("*.csv"))) - 1)])

    def test_the_log_says_the_same_sum(self):
        """By SQL of this test over the log itself: approved sales less what was paid back."""
        day = whole_day()
        day.log.write(self.folder / "log")
        debit, credit = ("purchase", "other_sale", "capture"), ("void", "refund")
        total = 0
        for row in Log(self.folder / "log").rows(where=f"settlement_day = {DAY} AND kind = 'result' AND response_code = '00'"):
            total += row["amount_minor"] * ((row["payment_kind"] in debit) - (row["payment_kind"] in credit))
        lines = sum(self.lines(self.must_settle(), "merchant").values(), [])
        said = sum(int(line["sign"] + line["amount"]) for line in lines if line["kind"] in debit + credit)
        self.assertEqual(said, total)

    def test_each_agent_has_a_file_of_its_shares_that_come_to_those_of_the_merchants(self):
        day = whole_day()
        day.log.write(self.folder / "log")
        folder = self.must_settle()
        of_merchants = sum(int(line["agent_fee"]) for line in sum(self.lines(folder, "merchant").values(), []))
        files = sorted(path.name for path in folder.glob("agent-*.csv"))
        self.assertEqual(files, ["agent-A17.csv", "agent-B2.csv"])
        shares = 0
        for name in files:
            rows = read(folder / name)
            lines = [dict(zip(rows[1][1:], row[1:])) for row in rows if row[0] == "L"]
            sums = [sum(int(line[column]) for line in lines) for column in ("amount", "merchant_fee", "share")]
            self.assertEqual([int(cell) for cell in rows[-1][1:]], [156, len(lines), *sums])
            self.assertEqual({line["merchant"] for line in lines}, {MERCHANTS[0]})
            shares += sums[2]
        self.assertEqual(shares, of_merchants)
        self.assertGreater(shares, 0)

    def test_a_refund_gives_back_what_its_plan_says_and_a_void_everything(self):
        # 8 x 3333 / 9999 is 2.67: half up 3, and the rest with the last refund
        wanted = {"proportional": [(-20, -15, -1, -3), (-40, -30, -2, -5)], "full": [(-60, -15, -1, -8), (0, -30, -2, 0)],
                  "none": [(0, -15, -1, 0), (0, -30, -2, 0)]}
        for policy, refunds in wanted.items():
            with self.subTest(policy=policy):
                day = Day()
                told = {"basis": f"P {policy} unionpay credit standard ic 0", "shares": {"A17": 8}}
                sale, other = (day.end(day.begin("purchase", 9999, fees=(60, 45, 3), told=told)) for _ in range(2))
                for amount in (3333, 6666):
                    day.end(day.begin("refund", amount, sale, fees=(0, 0, 0)))
                day.end(day.begin("void", 9999, other, fees=(0, 0, 0)))
                log = f"log-{policy}"
                day.log.write(self.folder / log)
                done = self.settle(DAY, log)
                self.assertEqual(done.returncode, 0, done.stderr)
                lines = sum(self.lines(self.folder / "out" / str(DAY), "merchant").values(), [])
                fees = {kind: [tuple(int(line[name]) for name in ("merchant_fee", "issuer_fee", "scheme_fee", "agent_fee"))
                               for line in lines if line["kind"] == kind] for kind in ("refund", "void")}
                self.assertEqual(fees, {"refund": refunds, "void": [(-60, -45, -3, -8)]})

    def test_agents_shares_that_do_not_add_up_are_refused(self):
        day = Day()
        day.end(day.begin("purchase", 10000, told={"shares": {"A17": 3}}))
        for row in day.log.rows():
            row["agent_fee"] = 4
        day.log.write(self.folder / "log")
        self.must_refuse(1, ["agents' shares that do not add up"])

    def test_what_has_no_outcome_is_listed_and_not_counted(self):
        day = whole_day()
        day.log.write(self.folder / "log")
        rows = [row for row in read(self.must_settle() / "open.csv") if row[0] == "L"]
        self.assertEqual(sorted((row[1], row[-1]) for row in rows), [("advice", "888"), ("case", "999"), ("forwarded", "7777"), ("reversing", "600")])

    def test_money_that_is_held_stands_apart(self):
        def order(day, kind, merchant, standing, terminal=""):
            notes = b"".join(struct.pack(">BBqqQIqHBB", 1, number, NOON_US, until, case, 0, 0, 0, 1, 3) + b"ann" for number, until, case in standing)
            day.log.append(kind, wall_us=NOON_US, merchant_id=merchant, terminal_id=terminal, reason="order_hold", answer=notes)
        def note(number, until, case=0):  # with a case it is one's, beside those of people
            name = b"" if case else b"ann"
            return struct.pack(">BBBqqQB", 2, number, case != 0, NOON_US, until, case, len(name)) + name
        hold, stop = 6, 7  # places in ORDER_KIND_MAP
        day = whole_day()
        order(day, "order", MERCHANTS[0], [(hold, 0, 77)])
        order(day, "order", MERCHANTS[0], [(hold, NOON_US + 86400000000, 77), (stop, 0, 78)])  # the last word counts
        order(day, "order", MERCHANTS[1], [(hold, 0, 0)])
        order(day, "order_over", MERCHANTS[1], [(stop, 0, 0)])
        order(day, "order", MERCHANTS[2], [(stop, 0, 0)], terminal="10000003")  # a terminal's is none of the merchant's money
        order(day, "order", "nobody", [(hold, 0, 0)])  # sold nothing that day
        longer = note(hold, NOON_US + 86400000000) + note(stop, 0) + note(hold, NOON_US + 2 * 86400000000, 79)
        day.log.append("order", wall_us=NOON_US, merchant_id="somebody", reason="order_hold", answer=longer)
        day.log.append("order", wall_us=NOON_US, merchant_id="zoe", reason="order_hold", answer=note(hold, 0) + note(hold, NOON_US + 1000000, 79))
        day.log.write(self.folder / "log")
        folder = self.must_settle()
        own = [line for line in day.lines if line["day"] == DAY and line["merchant"] == MERCHANTS[0]]
        amount, net = sum(line["amount"] for line in own), sum(line["amount"] - line["fees"][0] for line in own)
        self.assertEqual([row for row in read(folder / "held.csv") if row[0] == "L"], [
            ["L", MERCHANTS[0], "2026-09-21T12:00:00+08:00", "2026-09-22T12:00:00+08:00", "77", "ann", "156", str(len(own)), str(amount), str(net)],
            ["L", "nobody", "2026-09-21T12:00:00+08:00", "", "0", "ann", "", "0", "0", "0"],
            ["L", "somebody", "2026-09-21T12:00:00+08:00", "2026-09-23T12:00:00+08:00", "79", "after-sales", "", "0", "0", "0"],
            ["L", "zoe", "2026-09-21T12:00:00+08:00", "", "0", "ann", "", "0", "0", "0"]])
        self.assertTrue((folder / f"merchant-{MERCHANTS[0]}.csv").exists())

    def test_an_order_that_cannot_be_read_is_refused(self):
        day = whole_day()
        day.log.append("order", wall_us=NOON_US, merchant_id=MERCHANTS[0], reason="order_hold", answer=b"\x02")
        day.log.write(self.folder / "log")
        self.must_refuse(4, ["last order about merchant"])

    def test_a_second_run_gives_the_same_files(self):
        whole_day().log.write(self.folder / "log")
        folder = self.must_settle()
        first = {path.name: path.read_bytes() for path in folder.iterdir()}
        (folder / "merchant-gone.csv").write_text("of an earlier run")
        (folder / "notes.txt").write_text("somebody's")
        self.must_settle()
        self.assertEqual({path.name: path.read_bytes() for path in folder.iterdir()}, first | {"notes.txt": b"somebody's"})

    def test_a_batch_with_different_totals_is_joined_with_its_details(self):
        day = Day()
        same, other, ours = day.sale(100), day.sale(200), day.sale(300)
        for txn in (same, other, ours):
            txn |= {"merchant": MERCHANTS[0], "terminal": "10000001"}
        day.log = LogMaker(currency=156)
        for txn in (same, other, ours):
            day.row("intent", txn)
            day.row("result", txn, DAY, reason="channel_answered", response_code="00")
        undone = day.end(day.begin("purchase", 50))
        undone_own = undone | {"merchant": MERCHANTS[0], "terminal": "10000001"}
        day.reversal(undone_own)
        day.settlement(same)
        day.detail(same, [(same["stan"], 100), (other["stan"], 250)])
        day.log.cut(DAY)
        day.detail(same, [(999, 40)])
        day.settlement(same | {"batch": 8}, different=False)
        day.log.write(self.folder / "log")
        rows = read(self.must_settle() / "mismatch.csv")
        self.assertEqual([row[1:4] for row in rows if row[0] == "B"], [["10000001", MERCHANTS[0], "7"]])
        joined = [row[4:6] + row[8:11] for row in rows if row[0] == "L"]
        self.assertEqual(joined, [["1", "both", "100", "100", "0"], ["2", "amount", "200", "250", "50"], ["3", "log", "300", "", "-300"],
                                  ["999", "terminal", "", "40", "40"]])

    def judge(self, program):
        command = [sys.executable, ROOT / "loadtest/settlement_check.py", "--settle", program, "--log", self.folder / "log", "--out", self.folder / "judged"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    def test_the_judge_of_the_demo_agrees_and_finds_what_is_wrong(self):
        """Its own fold of the log comes to the same lines; a file that lacks a fen, or a line, is found."""
        whole_day().log.write(self.folder / "log")
        done = self.judge(BIN / "tillway-settle")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        wrong = self.folder / "wrong.py"
        for change in ("lines[5] = re.sub(r',purchase,(.*),156,(\\d+)', lambda m: f',purchase,{m[1]},156,{int(m[2]) + 1}', lines[5])", "del lines[5]"):
            wrong.write_text(f"#!{sys.executable}\nimport pathlib, re, subprocess, sys\n"
                             f"subprocess.run(['{BIN / 'tillway-settle'}', *sys.argv[1:]], check=True)\n"
                             f"path = pathlib.Path(sys.argv[6]) / sys.argv[4] / 'channel-bank_a.csv'\nlines = path.read_bytes().decode().split('\\r\\n')\n"
                             f"{change}\npath.write_bytes('\\r\\n'.join(lines).encode())\n")
            wrong.chmod(0o700)
            done = self.judge(wrong)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(f"day {DAY}", done.stdout)
            self.assertIn("the files of channels", done.stdout)

    def test_a_day_without_movements_is_refused(self):
        whole_day().log.write(self.folder / "log")
        self.must_refuse(3, ["20250101", "nothing"], 20250101)
        self.must_refuse(2, ["--day", "20261341"], 20261341)

    def test_a_missing_or_unreadable_log_is_refused(self):
        self.must_refuse(1, ["nowhere"], DAY, "nowhere")
        (self.folder / "empty").mkdir()
        self.must_refuse(1, ["segment-000001.db"], DAY, "empty")
        whole_day().log.write(self.folder / "log")
        (self.folder / "log/segment-000002.db").write_bytes(b"no database" * 1000)
        self.must_refuse(1, ["segment-000002.db"])

    def test_a_broken_chain_is_refused(self):
        day = whole_day()
        day.log.segments[1][3]["amount_minor"] += 1
        day.log.write(self.folder / "log")
        good = (self.folder / "log/segment-000003.db").read_bytes()
        day.log.segments[2][0]["channel"] = "bank_b"
        day.log.write(self.folder / "again")
        self.assertNotEqual(good, (self.folder / "again/segment-000003.db").read_bytes())
        shutil.copy(self.folder / "again/segment-000003.db", self.folder / "log/segment-000003.db")
        subprocess.run(["sqlite3", self.folder / "log/segment-000002.db", "UPDATE log SET amount_minor = amount_minor + 1 WHERE kind = 'intent'"], check=True)
        self.must_refuse(4, ["position"])

    def test_fees_that_changed_since_the_intent_are_refused(self):
        day = Day()
        txn = day.begin("purchase", 10000)
        day.end(txn | {"fees": (61, 45, 3)})
        day.log.write(self.folder / "log")
        self.must_refuse(4, ["I16", "000010000001"])

    def test_more_paid_back_than_taken_is_refused(self):
        day = Day()
        sale = day.sale(100)
        day.pay_back("refund", sale, 60)
        day.end(day.begin("refund", 50, sale, fees=(0, 0, 0)))
        day.log.write(self.folder / "log")
        self.must_refuse(4, ["I13", "1/3"])

    def test_an_outcome_that_the_log_holds_twice_is_refused(self):
        day = Day()
        refund = day.pay_back("refund", day.sale(100), 60)
        day.end(refund)
        day.log.write(self.folder / "log")
        self.must_refuse(4, ["I16"])

    def test_a_folder_that_cannot_be_written_is_refused(self):
        whole_day().log.write(self.folder / "log")
        self.must_refuse(1, ["missing"], DAY, "log", "missing")
        (self.folder / "file").write_text("")
        self.must_refuse(1, ["file"], DAY, "log", "file")


def main():
    global BIN
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    asked, rest = parser.parse_known_args()
    BIN = pathlib.Path(asked.bin).resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
