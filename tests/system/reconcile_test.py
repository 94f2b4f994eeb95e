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
sys.path.insert(0, str(ROOT / "loadtest"))
loader = importlib.util.spec_from_file_location("reconcile", ROOT / "loadtest/reconcile.py")
reconcile = importlib.util.module_from_spec(loader)
loader.loader.exec_module(reconcile)

NUMBERS = ("wall_us epoch seq original_epoch original_seq state attempt batch stan amount_minor currency channel_stan merchant_fee issuer_fee"
           " scheme_fee ruleset_version route_rule fee_rule settlement_day is_foreign usage_day usage_minor").split()
BYTES = "pan_hash pan_sealed answer payload".split()
COLUMNS = ("kind wall_us epoch seq original_epoch original_seq payment_kind state reason attempt terminal_id merchant_id batch stan amount_minor"
           " currency pan_masked pan_hash pan_sealed expiry card_sequence processing_code condition_code type_code entry_mode channel channel_stan"
           " sent_at rrn mcc channel_reference response_code auth_code settlement_date local_time local_date acquirer_id merchant_fee issuer_fee"
           " scheme_fee ruleset_version route_rule fee_rule settlement_day is_foreign totals usage_day usage_minor answer payload").split()
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
                previous = self.hash(previous, ["position", *COLUMNS], values)
                file.execute(f"INSERT INTO log VALUES ({','.join('?' * (len(values) + 1))})", [*values, previous])
            if tamper:
                file.execute(tamper)
        with contextlib.closing(sqlite3.connect(folder / "bank.db")) as file, file:
            for table, rows in (("postings", self.postings), ("journal", self.journal)):
                names = list(dict.fromkeys(name for row in rows for name in row))
                file.execute(f"CREATE TABLE {table} ({', '.join(names)})")
                file.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(names))})", [[row.get(name, "") for name in names] for row in rows])

    @staticmethod
    def hash(previous, names, values):
        parts = {True: b"", False: b""}  # secret columns, and the others
        for name, value in zip(names, values, strict=True):
            if isinstance(value, int):
                parts[False] += value.to_bytes(8, "big", signed=True)
            else:
                encoded = value.encode() if isinstance(value, str) else value
                parts[isinstance(value, bytes) or name == "expiry"] += len(encoded).to_bytes(2, "big") + encoded
        secrets = hashlib.sha256(previous + parts[True]).digest() if parts[True].strip(b"\0") else bytes(32)
        return hashlib.sha256(previous + parts[False] + secrets).digest()


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


@plant(("I15", 1))
def limits_count_another_amount(world):
    world.row_of("intent", 1).update(usage_day=20261129, usage_minor=999)


@plant(("I15", 3))
def limits_still_count_what_was_declined(world):
    world.row_of("intent", 3).update(usage_day=20261129, usage_minor=300)


@plant(("I15", 6))
def limits_give_back_twice(world):
    world.row_of("intent", 6).update(usage_day=20261129, usage_minor=600)
    world.row_of("reversal", 6).update(usage_minor=-600)
    world.row_of("reversal_done", 6).update(usage_minor=-600)


@plant(("I15", 3))
def no_terminal_remembers_a_declined_one(world):
    world.receipts.remove(world.receipt_of(3))


@plant(("I20", 4))
def row_changed_in_the_log(_world):
    return "UPDATE log SET auth_code = 'X' WHERE position = 4"


@plant(("I20", 5))
def row_taken_out_of_the_log(_world):
    return "DELETE FROM log WHERE position = 5"


class Day(World):
    """The same, and what a day adds: a refund in part, a void, a completion after an increment, one by advice, a tip, an offline sale that became
    a case, a signature, and two settled batches, of which the second terminal's was wrong on purpose."""

    OTHER = "10000002"
    DEBITS, CREDITS = [1000, 2000, 3000, 500, 1600, 900, 1100, 700], [1000, 500]

    def __init__(self):
        super().__init__()
        self.sale(21, 3000)
        self.follow(22, "refund", 1000, 21)
        self.sale(23, 500)
        self.follow(24, "void", 500, 23)
        self.sale(25, 1000, "preauth")
        self.follow(26, "preauth_increment", 500, 25)
        self.follow(27, "capture", 1600, 25)
        self.sale(28, 1000, "preauth")
        self.advice(29, "capture_advice", 900, 28)
        self.sale(30, 50)  # reversed by its terminal after the cut-over: kept, and told to an operator
        self.change(30, batch=2)
        self.receipt_of(30).update(outcome="unknown", code="", reversal_code="22", batch=2)
        self.append("anomaly", 30, payment_kind="reversal", seq=930, batch=2, reason="earlier_day")
        self.sale(31, 1000)
        self.advice(32, "offline_advice", 1100, 31, kind="tip", type_code="34")
        self.advice(33, "offline_advice", 700, kind="offline", type_code="30", end="advice_case")
        self.append("signature", 0, payment_kind="signature", amount_minor=1000, original_epoch=1, original_seq=31, seq=34)
        self.receipts.append({"terminal": TERMINAL, "merchant": MERCHANT, "batch": 1, "stan": 31, "type": "signature", "kind": "signature", "amount": 1000,
                              "outcome": "approved", "original_rrn": self.rrn(31)})
        self.settle(TERMINAL, 40, [sum(self.DEBITS), 8, sum(self.CREDITS), 2, 0, 0, 0, 0])
        for stan, amount in ((51, 100), (52, 200)):
            self.sale(stan, amount, terminal_id=self.OTHER)
        self.settle(self.OTHER, 53, [100, 1, 0, 0, 0, 0, 0, 0], answer=[300, 2, 0, 0, 0, 0, 0, 0], result="21", deviation="forgotten", deviation_stan=52,
                    details=[[51, 100]])
        self.append("batch_detail", 54, terminal_id=self.OTHER, payment_kind="batch_upload", payload=b"000051 000000000100 00 622500******0014\n")

    def sale(self, stan, amount, type="purchase", original=0, **members):
        names = {"original_epoch": 1, "original_seq": original} if original else {}
        self.append("intent", stan, amount_minor=amount, channel_stan=stan + 100, payment_kind=type, sent_at=f"11{stan:08d}", **names, **members)
        self.append("result", stan, amount_minor=amount, response_code="00", reason="channel_answered", channel_stan=stan + 100, payment_kind=type,
                    sent_at=f"11{stan:08d}", **names, **members)
        self.keep(stan, amount, type, type, original, **members)

    def follow(self, stan, type, amount, original):
        self.sale(stan, amount, type, original)

    def advice(self, stan, type, amount, original=0, kind="", type_code="", end="advice_done"):
        members = {"payment_kind": type, "amount_minor": amount, "type_code": type_code, "channel_stan": stan + 100, "sent_at": f"11{stan:08d}"}
        members |= {"original_epoch": 1, "original_seq": original} if original else {}
        self.append("advice", stan, response_code="00", **members)
        self.append(end, stan, response_code="00" if end == "advice_done" else "05", **members)
        self.keep(stan, amount, type, kind or type, original, is_posted=end == "advice_done")

    def keep(self, stan, amount, type, kind, original, is_posted=True, terminal_id=TERMINAL):
        """In the terminal's hands and in the bank's books."""
        if is_posted:
            self.post(stan, amount, "posted")
            self.postings[-1] |= {"terminal_id": terminal_id, "original_stan": original + 100 if original else 0,
                                  "original_sent_at": f"11{original:08d}" if original else ""}
        self.came("0200", stan, amount)
        self.receipt(stan, amount, "approved", "00", rrn=self.rrn(stan), auth=f"{stan:06d}")
        self.receipts[-1] |= {"terminal": terminal_id, "type": type, "kind": kind}
        if original:
            self.receipts[-1] |= {"original_rrn": self.rrn(original), "original_stan": original, "original_batch": 1}

    def settle(self, terminal, stan, own, answer=None, result="11", deviation="", deviation_stan=0, details=()):
        self.append("settlement", stan, terminal_id=terminal, payment_kind="settlement")
        self.append("batch_end", stan, terminal_id=terminal, payment_kind="batch_upload", seq=stan + 500)
        self.receipts.append({"terminal": terminal, "merchant": MERCHANT, "batch": 1, "stan": stan, "type": "settlement", "result": result, "ended": True,
                              "deviation": deviation, "deviation_stan": deviation_stan, "own": own, "answer": answer or own, "details": list(details)})

    def settlement_of(self, stan):
        return next(receipt for receipt in self.receipts if receipt["type"] == "settlement" and receipt["stan"] == stan)

    def change(self, stan, **members):
        """Every row, posting and receipt of one transaction."""
        for row in self.log:
            if row["stan"] == stan:
                row |= {name: value for name, value in members.items() if name in row}

    def set_amount(self, stan, amount):
        self.change(stan, amount_minor=amount)
        self.receipt_of(stan)["amount"] = amount
        self.posting_of(stan)["amount"] = amount


DAY_PLANTS = []


def day_plant(invariant, stan):
    return lambda function: DAY_PLANTS.append((invariant, stan, function)) or function


@day_plant("I13", 21)
def refunded_beyond_the_original(world):
    world.set_amount(22, 3001)


@day_plant("I13", 23)
def voided_by_another_amount(world):
    world.set_amount(24, 499)


@day_plant("I13", 23)
def voided_twice(world):
    world.follow(60, "void", 500, 23)


@day_plant("I18", 23)
def voided_in_another_batch(world):
    world.change(24, batch=2)
    world.receipt_of(24)["batch"] = 2


@day_plant("I13", 23)
def refunded_and_voided(world):
    world.follow(60, "refund", 1, 23)


@day_plant("I13", 25)
def completed_above_the_ceiling(world):
    world.set_amount(27, 1726)


@day_plant("I13", 25)
def completed_twice(world):
    world.follow(60, "capture", 100, 25)


@day_plant("I13", 25)
def completed_and_voided_as_a_preauthorisation(world):
    world.follow(60, "preauth_void", 1500, 25)


@day_plant("I15", 22)
def refund_of_another_sale_in_the_log(world):
    world.change(22, original_seq=31)


@day_plant("I15", 22)
def refund_of_another_sale_at_the_bank(world):
    world.posting_of(22).update(original_stan=131, original_sent_at="1100000031")


@day_plant("I15", 22)
def refund_without_an_original_in_the_log(world):
    world.change(22, original_seq=0, original_epoch=0)


@day_plant("I7", 29)
def advice_still_pending(world):
    world.without("advice_done", 29)


@day_plant("I1", 29)
def advice_acknowledged_and_never_posted(world):
    world.postings.remove(world.posting_of(29))


@day_plant("I2", 33)
def advice_accepted_and_not_in_the_log(world):
    world.without("advice", 33)
    world.without("advice_case", 33)


@day_plant("I11", 29)
def advice_of_another_kind_in_the_log(world):
    world.change(29, payment_kind="capture")


@day_plant("I31", 30)
def kept_without_a_word_to_an_operator(world):
    world.without("anomaly", 30)


@day_plant("I18", 30)
def kept_what_was_never_approved(world):
    world.row_of("result", 30)["response_code"] = "51"


@day_plant("I5", 31)
def signature_lost(world):
    world.log = [row for row in world.log if row["kind"] != "signature"]


@day_plant("I15", 40)
def terminal_adds_up_wrongly(world):
    world.settlement_of(40)["own"] = [1, 1, 0, 0, 0, 0, 0, 0]


@day_plant("I18", 40)
def a_right_settlement_is_told_to_differ(world):
    world.settlement_of(40)["result"] = "21"


@day_plant("I15", 40)
def switch_answers_with_totals_of_its_own_making(world):
    world.settlement_of(40)["answer"] = [1, 1, 0, 0, 0, 0, 0, 0]


@day_plant("I18", 53)
def a_wrong_settlement_is_told_to_be_equal(world):
    world.settlement_of(53)["result"] = "11"


@day_plant("I15", 53)
def details_differ_in_another_row(world):
    world.settlement_of(53)["details"] = [[52, 200]]


@day_plant("I15", 53)
def log_keeps_other_details(world):
    world.row_of("batch_detail", 54)["payload"] = b"000051 000000000101 00 622500******0014\n"


@day_plant("I18", 40)
def settlement_not_in_the_log(world):
    world.without("settlement", 40)


@day_plant("I18", 40)
def batch_ended_twice(world):
    world.append("batch_end", 40, payment_kind="batch_upload", seq=999)


@day_plant("I18", 40)
def batch_never_ended(world):
    world.without("batch_end", 40)
    world.settlement_of(40)["ended"] = False


@day_plant("I18", 53)
def the_log_settles_what_no_terminal_did(world):
    world.receipts.remove(world.settlement_of(53))


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

    def test_a_sound_day_agrees(self):
        code, text, result = self.run_on(Day())
        self.assertEqual((code, result["unexplained"]), (0, []), text)
        self.assertEqual(result["batches"], {"settled": 2, "equal": 1, "wrong_on_purpose": 1, "details": 1})
        self.assertEqual(result["cases"], 1)

    def test_each_discrepancy_of_a_day_is_found_where_it_is(self):
        for invariant, stan, function in DAY_PLANTS:
            with self.subTest(function.__name__):
                world = Day()
                function(world)
                code, text, result = self.run_on(world)
                self.assertEqual(code, 1, text)
                found = [entry for entry in result["unexplained"] if invariant in entry["why"] and entry["stan"] == stan]
                self.assertTrue(found, f"{invariant} is not named for {stan} in:\n{text}")

    def test_a_file_that_is_not_there_is_no_agreement(self):
        with contextlib.redirect_stderr(io.StringIO()) as out:
            code = reconcile.main(["--receipts", "/nonexistent", "--log", "/nonexistent", "--bank", "/nonexistent"])
        self.assertEqual(code, 2)
        self.assertIn("/nonexistent", out.getvalue())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
