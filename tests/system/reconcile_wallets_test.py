#!/usr/bin/env python3
"""The reconciler judged on wallets: payments by code that agree in receipts, log and the wallets' orders, then one thing wrong at a time. Each must be
found, under the key where it was planted."""
import contextlib
import io
import json
import pathlib
import sqlite3
import sys
import tempfile
import unittest

from reconcile_test import TERMINAL, World, reconcile


class Codes(World):
    """On top of the banks' payments: paid, refunded in part, voided, reversed by cancel, reversed by refund, declined, never heard of, closed."""

    def __init__(self):
        super().__init__()
        self.orders, self.refunds, self.journal_of_wallets = [], [], []
        self.paid(61, 6100)
        self.paid(62, 6200)
        self.back(63, 200, "refund", 62)
        self.paid(64, 6400, "wechat")
        self.back(65, 6400, "void", 64)
        self.undone(66, 6600, "reversed")
        self.undone(67, 6700, "paid", refund=6700)
        self.undone(68, 6800, "closed")
        self.undone(69, 6900, None)
        self.by_code(70, 7000, "51", "declined")
        self.order(70, 7000, "failed")

    def number(self, stan):
        return f"{self.rrn(stan)}{TERMINAL}{stan + 100:06d}"

    def by_code(self, stan, amount, code, outcome, kind="purchase", original=0):
        names = {"original_epoch": 1, "original_seq": original} if original else {}
        self.append("intent", stan, amount_minor=amount, channel_stan=stan + 100, payment_kind=kind, channel="alipay", **names)
        if code:
            self.append("result", stan, amount_minor=amount, channel_stan=stan + 100, payment_kind=kind, channel="alipay", response_code=code,
                        reason="channel_answered", **names)
        self.receipt(stan, amount, outcome, code or "98", rrn=self.rrn(stan))
        self.receipts[-1] |= {"type": kind, "kind": kind, "code_of": "alipay"}
        if original:
            self.receipts[-1] |= {"original_rrn": self.rrn(original), "original_stan": original, "original_batch": 1}

    def order(self, stan, amount, state, wallet="alipay"):
        self.orders.append({"wallet": wallet, "out_trade_no": self.number(stan), "amount": amount, "currency": 156, "state": state, "refunded": 0})

    def order_of(self, stan):
        return next(order for order in self.orders if order["out_trade_no"] == self.number(stan))

    def refund(self, number, amount, of):
        order = self.order_of(of)
        order["refunded"] += amount
        self.refunds.append({"wallet": order["wallet"], "out_trade_no": order["out_trade_no"], "refund_no": number, "amount": amount})

    def refund_of(self, number):
        return next(refund for refund in self.refunds if refund["refund_no"] == number)

    def set_refund(self, stan, amount):
        self.refund_of(self.number(stan))["amount"] = self.order_of(62)["refunded"] = self.receipt_of(stan)["amount"] = amount
        for row in self.log:
            if row["stan"] == stan:
                row["amount_minor"] = amount

    def paid(self, stan, amount, wallet="alipay"):
        self.by_code(stan, amount, "00", "approved")
        self.order(stan, amount, "paid", wallet)

    def back(self, stan, amount, kind, original):
        self.by_code(stan, amount, "00", "approved", kind, original)
        self.refund(self.number(stan), amount, original)

    def undone(self, stan, amount, state, refund=0):
        """No answer in time: told 98, reversed, acknowledged."""
        self.by_code(stan, amount, "", "unknown")
        members = {"seq": stan + 1000, "original_epoch": 1, "original_seq": stan, "amount_minor": amount, "channel_stan": stan + 200, "channel": "alipay"}
        self.append("reversal", stan, reason="no_answer", **members)
        self.append("reversal_done", stan, response_code="00", **members)
        if state:
            self.order(stan, amount, state)
        if refund:
            self.refund("V" + self.number(stan), refund, stan)

    def write(self, folder, tamper=None):
        super().write(folder, tamper)
        names = {"orders": "wallet out_trade_no amount currency state refunded", "refunds": "wallet out_trade_no refund_no amount",
                 "journal": "wallet operation fault"}
        with contextlib.closing(sqlite3.connect(pathlib.Path(folder, "wallet.db"))) as file, file:
            for table, rows in (("orders", self.orders), ("refunds", self.refunds), ("journal", self.journal_of_wallets)):
                columns = names[table].split()
                file.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {', '.join(columns)})")
                file.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({','.join('?' * len(columns))})",
                                 [[row[column] for column in columns] for row in rows])


PLANTS = []


def plant(invariant, stan):
    return lambda function: PLANTS.append((invariant, stan, function)) or function


@plant("I2", 61)
def order_missing_for_a_receipt(world):
    world.orders.remove(world.order_of(61))


@plant("I13", 61)
def wallet_took_another_amount(world):
    world.order_of(61)["amount"] = 6101


@plant("I8", 61)
def undone_and_nobody_reversed(world):
    world.order_of(61)["state"] = "reversed"


@plant("I2", 61)
def closed_under_a_receipt(world):
    world.order_of(61)["state"] = "closed"


@plant("I8", 66)
def reversed_and_still_paid(world):
    world.order_of(66)["state"] = "paid"


@plant("I8", 67)
def undone_in_part_only(world):
    world.refund_of("V" + world.number(67))["amount"] = 6699
    world.order_of(67)["refunded"] = 6699


@plant("I7", 66)
def may_be_paid_yet(world):
    world.order_of(66)["state"] = "waiting"


@plant("I1", 70)
def declined_and_paid(world):
    world.order_of(70)["state"] = "paid"


@plant("I5", 180)
def an_order_of_nobody(world):
    world.order(80, 8000, "paid")


@plant("I5", 0)
def an_order_with_a_number_of_no_form(world):
    world.order(80, 8000, "paid")
    world.orders[-1]["out_trade_no"] = "T1"


@plant("I11", 61)
def an_order_of_another_trace_number(world):
    world.order_of(61)["out_trade_no"] = world.number(61)[:-1] + "9"


@plant("I1", 63)
def refund_missing_for_a_receipt(world):
    world.refunds.remove(world.refund_of(world.number(63)))


@plant("I13", 63)
def refunded_another_amount(world):
    world.refund_of(world.number(63))["amount"] = 201
    world.order_of(62)["refunded"] = 201


@plant("I15", 63)
def refunded_of_another_order(world):
    world.refund_of(world.number(63))["out_trade_no"] = world.number(61)
    world.order_of(61)["refunded"], world.order_of(62)["refunded"] = 200, 0


@plant("I5", 181)
def a_refund_that_nobody_asked_for(world):
    world.refund(world.number(81), 100, 61)


@plant("I15", 61)
def an_order_that_adds_up_wrongly(world):
    world.order_of(61)["refunded"] = 1


@plant("I13", 62)
def refunded_beyond_what_was_paid(world):
    world.set_refund(63, 6201)


@plant("I8", 61)
def given_back_twice(world):
    world.refund("V" + world.number(61), 6100, 61)


class ReconcileWalletsTest(unittest.TestCase):
    def run_on(self, world):
        with tempfile.TemporaryDirectory() as folder:
            world.write(folder)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                code = reconcile.main(["--receipts", f"{folder}/receipts", "--log", f"{folder}/log.db", "--bank", f"{folder}/bank.db", "--wallet",
                                       f"{folder}/wallet.db", "--json", f"{folder}/result.json"])
            return code, out.getvalue(), json.loads(pathlib.Path(folder, "result.json").read_text())

    def test_a_sound_world_agrees(self):
        code, text, result = self.run_on(Codes())
        self.assertEqual((code, result["unexplained"]), (0, []), text)
        self.assertEqual(result["wallets"]["orders"], {"alipay": {"paid": 3, "reversed": 1, "closed": 1, "failed": 1}, "wechat": {"paid": 1}})
        self.assertEqual(result["totals"]["refund 156"], {"receipts": [1, 200], "log": [1, 200], "bank": [1, 200]})

    def test_each_planted_discrepancy_is_found_where_it_is(self):
        for invariant, stan, function in PLANTS:
            with self.subTest(function.__name__):
                world = Codes()
                function(world)
                code, text, result = self.run_on(world)
                self.assertEqual(code, 1, text)
                found = [entry for entry in result["unexplained"] if invariant in entry["why"] and entry["stan"] == stan]
                self.assertTrue(found, f"{invariant} is not named for {stan} in:\n{text}")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
