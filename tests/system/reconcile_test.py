#!/usr/bin/env python3
"""The reconciler judged: a small world whose three ledgers agree, then the same world with one thing wrong at a time. Each must be found,
under the key where it was planted, and nothing else may be reported."""
import contextlib
import hashlib
import importlib.util
import io
import json
import pathlib
import sqlite3
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
loader = importlib.util.spec_from_file_location("reconcile", ROOT / "loadtest/reconcile.py")
reconcile = importlib.util.module_from_spec(loader)
loader.loader.exec_module(reconcile)

NUMBERS = ("wall_us epoch seq original_epoch original_seq state attempt batch stan amount_minor currency channel_stan merchant_fee issuer_fee"
           " scheme_fee ruleset_version route_rule fee_rule").split()
BYTES = "pan_hash pan_sealed icc keys".split()
COLUMNS = ("kind wall_us epoch seq original_epoch original_seq payment_kind state reason attempt terminal_id merchant_id batch stan amount_minor"
           " currency pan_masked pan_hash pan_sealed expiry card_sequence processing_code condition_code type_code entry_mode channel channel_stan"
           " sent_at rrn mcc channel_reference response_code auth_code settlement_date local_time local_date acquirer_id merchant_fee issuer_fee"
           " scheme_fee ruleset_version route_rule fee_rule icc keys").split()
TERMINAL, MERCHANT = "10000001", "898290054110000"


class World:
    """Eight payments: two approved, declined, refused, reversed by the terminal, unknown and reversed by the switch, blocked by a tombstone,
    refused without the terminal hearing of it."""

    def __init__(self):
        self.receipts, self.log, self.postings, self.journal = [], [], [], []
        for stan in (1, 2):
            self.forward(stan, 1000 * stan)
            self.result(stan, "00")
            self.post(stan, 1000 * stan, "posted")
            self.receipt(stan, 1000 * stan, "approved", "00", rrn=self.rrn(stan), auth=f"{stan:06d}")
        self.forward(3, 300)
        self.result(3, "51")
        self.post(3, 300, "declined", "51")
        self.receipt(3, 300, "declined", "51")
        self.append("refused", 4, amount_minor=400, response_code="15", reason="routing")
        self.receipt(4, 400, "declined", "15")
        self.forward(5, 500)
        self.result(5, "00")
        self.reversal(5, 500, "terminal_reversed")
        self.post(5, 500, "reversed")
        self.receipt(5, 500, "reversed", "", reversal_code="00")
        self.forward(6, 600)
        self.reversal(6, 600, "no_answer")
        self.post(6, 600, "reversed")
        self.receipt(6, 600, "unknown", "98", rrn=self.rrn(6))
        self.append("tombstone", 7, amount_minor=700, response_code="25", payment_kind="reversal", reason="original_unknown")
        self.receipt(7, 700, "reversed", "", reversal_code="25")
        self.append("refused", 8, amount_minor=800, response_code="91", reason="channel_down")  # and the answer was lost
        self.receipt(8, 800, "reversed", "", reversal_code="00")

    @staticmethod
    def rrn(stan):
        return f"00001{stan:07d}"

    def append(self, kind, stan, **members):
        row = {name: 0 if name in NUMBERS else b"" if name in BYTES else "" for name in COLUMNS}
        row |= {"kind": kind, "epoch": 1, "seq": stan, "payment_kind": "purchase", "terminal_id": TERMINAL, "merchant_id": MERCHANT, "batch": 1,
                "stan": stan, "currency": 156, "rrn": self.rrn(stan), "channel": "bank_a", "merchant_fee": 5, "pan_hash": bytes(16)}
        self.log.append(row | members)

    def forward(self, stan, amount):
        self.append("intent", stan, amount_minor=amount, channel_stan=stan + 100)
        self.came("0200", stan, amount)

    def result(self, stan, code):
        amount = next(row["amount_minor"] for row in self.log if row["kind"] == "intent" and row["stan"] == stan)
        self.append("result", stan, amount_minor=amount, response_code=code, reason="channel_answered", channel_stan=stan + 100)

    def reversal(self, stan, amount, reason):
        members = {"seq": stan + 1000, "original_epoch": 1, "original_seq": stan, "amount_minor": amount, "channel_stan": stan + 200}
        self.append("reversal", stan, reason=reason, **members)
        self.append("reversal_done", stan, response_code="00", **members)
        self.came("0420", stan, amount, original_stan=stan + 100)
        self.came("0421", stan, amount, original_stan=stan + 100)

    def came(self, mti, stan, amount, original_stan=0):
        self.journal.append({"direction": "in", "mti": mti, "terminal_id": TERMINAL, "stan": stan + 100, "rrn": self.rrn(stan), "amount": amount,
                             "original_stan": original_stan})

    def post(self, stan, amount, state, code="00"):
        self.postings.append({"terminal_id": TERMINAL, "merchant_id": MERCHANT, "stan": stan + 100, "rrn": self.rrn(stan), "amount": amount,
                              "currency": 156, "state": state, "response_code": code, "auth_code": f"{stan:06d}" if code == "00" else ""})

    def receipt(self, stan, amount, outcome, code, rrn="", auth="", reversal_code=""):
        self.receipts.append({"terminal": TERMINAL, "merchant": MERCHANT, "batch": 1, "stan": stan, "type": "purchase", "amount": amount,
                              "currency": 156, "outcome": outcome, "code": code, "rrn": rrn, "auth": auth, "reversal_code": reversal_code})

    # ---- finding what a plant changes

    def receipt_of(self, stan):
        return next(receipt for receipt in self.receipts if receipt["stan"] == stan)

    def posting_of(self, stan):
        return next(posting for posting in self.postings if posting["rrn"] == self.rrn(stan))

    def row_of(self, kind, stan):
        return next(row for row in self.log if row["kind"] == kind and row["stan"] == stan)

    def without(self, kind, stan):
        self.log = [row for row in self.log if (row["kind"], row["stan"]) != (kind, stan)]

    # ---- files

    def write(self, folder, tamper=None):
        folder = pathlib.Path(folder)
        folder.joinpath("receipts").write_text("".join(json.dumps(receipt) + "\n" for receipt in self.receipts))
        with contextlib.closing(sqlite3.connect(folder / "log.db")) as file, file:
            file.execute(f"CREATE TABLE log (position INTEGER PRIMARY KEY, {', '.join(COLUMNS)}, hash BLOB)")
            previous = bytes(32)
            for position, row in enumerate(self.log, 1):
                values = [position, *(row[name] for name in COLUMNS)]
                previous = self.hash(previous, values)
                file.execute(f"INSERT INTO log VALUES ({','.join('?' * (len(values) + 1))})", [*values, previous])
            if tamper:
                file.execute(tamper)
        with contextlib.closing(sqlite3.connect(folder / "bank.db")) as file, file:
            for table, rows in (("postings", self.postings), ("journal", self.journal)):
                names = list(rows[0])
                file.execute(f"CREATE TABLE {table} ({', '.join(names)})")
                file.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(names))})", [[row[name] for name in names] for row in rows])

    @staticmethod
    def hash(previous, values):
        digest = hashlib.sha256(previous)
        for value in values:
            if isinstance(value, int):
                digest.update(value.to_bytes(8, "big", signed=True))
            else:
                value = value.encode() if isinstance(value, str) else value
                digest.update(len(value).to_bytes(2, "big") + value)
        return digest.digest()


def plant(name):
    return lambda function: PLANTS.append((name, function)) or function


PLANTS = []  # (invariant and stan where it must be found, function that spoils the world; may return SQL to run on the log)


@plant(("I2", 1))
def posting_missing_for_a_receipt(world):
    world.postings.remove(world.posting_of(1))


@plant(("I2", 1))
def posting_reversed_under_a_receipt(world):
    world.posting_of(1)["state"] = "reversed"


@plant(("I3", 1))
def posted_twice(world):
    world.post(1, 1000, "posted")


@plant(("I13", 1))
def bank_posted_another_amount(world):
    world.posting_of(1)["amount"] = 1001


@plant(("I13", 1))
def terminal_printed_another_amount(world):
    world.receipt_of(1)["amount"] = 999


@plant(("I13", 1))
def bank_posted_another_currency(world):
    world.posting_of(1)["currency"] = 840


@plant(("I1", 1))
def receipt_lost(world):
    world.receipts.remove(world.receipt_of(1))


@plant(("I1", 1))
def terminal_says_declined(world):
    world.receipt_of(1).update(outcome="declined", code="51")


@plant(("I1", 109))
def bank_posted_what_the_switch_never_sent(world):
    world.post(9, 900, "posted")


@plant(("I2", 1))
def log_has_no_result(world):
    world.without("result", 1)


@plant(("I5", 1))
def log_has_no_intent(world):
    world.without("intent", 1)


@plant(("I11", 1))
def receipt_of_another_reference(world):
    world.receipt_of(1)["rrn"] = world.rrn(2)


@plant(("I11", 1))
def receipt_of_another_authorisation(world):
    world.receipt_of(1)["auth"] = "999999"


@plant(("I15", 3))
def terminal_was_told_another_code(world):
    world.receipt_of(3)["code"] = "05"


@plant(("I8", 6))
def unknown_stayed_posted(world):
    world.posting_of(6)["state"] = "posted"


@plant(("I7", 6))
def unknown_never_reversed(world):
    world.without("reversal", 6)
    world.without("reversal_done", 6)


@plant(("I7", 6))
def reversal_pending_at_the_end(world):
    world.without("reversal_done", 6)


@plant(("I7", 6))
def reversal_became_a_case(world):
    world.without("reversal_done", 6)
    world.append("reversal_case", 6, original_epoch=1, original_seq=6, seq=1006, amount_minor=600)


@plant(("I7", 5))
def terminal_reversal_never_acknowledged(world):
    world.receipt_of(5).update(outcome="unknown", reversal_code="")


@plant(("I7", 5))
def acknowledged_reversal_not_in_the_log(world):
    world.without("reversal", 5)
    world.without("reversal_done", 5)


@plant(("I5", 8))
def acknowledged_reversal_of_nothing(world):
    world.without("refused", 8)


@plant(("I12", 7))
def tombstone_missing(world):
    world.without("tombstone", 7)


@plant(("I4", 2))
def forwarded_twice_under_one_reference(world):
    world.came("0200", 2, 2000)


@plant(("I4", 2))
def forwarded_under_two_references(world):
    world.append("intent", 2, seq=900, rrn=world.rrn(900), amount_minor=2000)
    world.append("result", 2, seq=900, rrn=world.rrn(900), amount_minor=2000, response_code="51", reason="channel_answered")


@plant(("I8", 106))
def reversal_repeated_as_a_first_attempt(world):
    world.came("0420", 6, 600, original_stan=106)


@plant(("I6", 1))
def reversed_under_a_printed_receipt(world):
    world.reversal(1, 1000, "terminal_reversed")
    world.posting_of(1)["state"] = "reversed"


@plant(("I3", 1))
def two_receipts_under_one_key(world):
    world.receipts.append(dict(world.receipt_of(1)))


@plant(("I16", 1))
def fee_changed_after_intent(world):
    world.row_of("result", 1)["merchant_fee"] = 6


@plant(("I15", 3))
def no_terminal_remembers_a_declined_one(world):
    world.receipts.remove(world.receipt_of(3))


@plant(("I20", 4))
def row_changed_in_the_log(_world):
    return "UPDATE log SET auth_code = 'X' WHERE position = 4"


@plant(("I20", 5))
def row_taken_out_of_the_log(_world):
    return "DELETE FROM log WHERE position = 5"


class ReconcileTest(unittest.TestCase):
    def run_on(self, world, tamper=None):
        with tempfile.TemporaryDirectory() as folder:
            world.write(folder, tamper)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                code = reconcile.main(["--receipts", f"{folder}/receipts", "--log", f"{folder}/log.db", "--bank", f"{folder}/bank.db", "--json",
                                       f"{folder}/result.json"])
            return code, out.getvalue(), json.loads(pathlib.Path(folder, "result.json").read_text())

    def test_a_sound_world_agrees(self):
        code, text, result = self.run_on(World())
        self.assertEqual((code, result["unexplained"]), (0, []), text)
        self.assertEqual(result["totals"], {"purchase 156": {"receipts": [2, 3000], "log": [2, 3000], "bank": [2, 3000]}})

    def test_each_planted_discrepancy_is_found_where_it_is(self):
        for (invariant, stan), function in PLANTS:
            with self.subTest(function.__name__):
                world = World()
                code, text, result = self.run_on(world, function(world))
                self.assertEqual(code, 1, text)
                found = [entry for entry in result["unexplained"] if invariant in entry["why"] and entry["stan"] == stan]
                self.assertTrue(found, f"{invariant} is not named for {stan} in:\n{text}")
                others = [entry for entry in result["unexplained"] if entry["stan"] not in (stan, 0, stan + 100) and "I20" not in entry["why"]]
                if invariant != "I20":
                    self.assertEqual(others, [], text)

    def test_a_file_that_is_not_there_is_no_agreement(self):
        with contextlib.redirect_stderr(io.StringIO()) as out:
            code = reconcile.main(["--receipts", "/nonexistent", "--log", "/nonexistent", "--bank", "/nonexistent"])
        self.assertEqual(code, 2)
        self.assertIn("/nonexistent", out.getvalue())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
