"""The three ledgers of a run as the reconciler sees them: the terminals' receipts, the switch's log, the banks' books.

Life: receipts = Receipts(path); log = SwitchLog(path); books = Books([path ...]). Each raises Unreadable for what is no such file.

Kinds of transactions are told by the words of the log's payment_kind (protocols/payment.h), in receipts by "type" with "kind" for the finer
word. What counts where is the scheme's rule (Q/CUP settlement: debit is sale, completion, offline settlement and adjustment; credit is refund,
void, completion void), written down here again, so that it is not taken from the switch.
"""
import collections
import json
import pathlib
import sqlite3

import log_reader
from log_reader import Unreadable

APPROVALS = {"00", "10", "11", "A2", "A4", "A5", "A6"}  # the only codes that post money
# Kinds that move no money: their rows are looked at, but no posting is asked for.
QUIET = {"balance", "other_query", "script_result", "signature"}
ADVICES = {"capture_advice", "offline_advice", "offline_sale", "script_result"}  # accepted at once, delivered later
OTHERS = {"signon", "signoff", "echo", "reversal", "parameter", "status_upload", "ca_key_list", "ca_key", "aid_list", "aid", "download_end", "bin_list",
          "master_key", "settlement", "batch_upload", "key_change", "cut_over"}  # no transaction of a card
DEBITS = {"purchase", "other_sale", "capture", "capture_advice", "offline_sale"}
CREDITS = {"refund", "void", "other_void", "capture_void"}
CHANGES = {"32", "34"}  # field 60.1 of an offline advice: adjustment, tip


def open_readonly(path):
    if not pathlib.Path(path).is_file():
        raise Unreadable(f"{path}: no such file")
    file = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    file.row_factory = sqlite3.Row
    return file


def query(path, file, sql):
    try:
        return file.execute(sql).fetchall()
    except sqlite3.Error as fault:
        raise Unreadable(f"{path}: {fault}") from fault


def row_key(row):
    return row["terminal_id"], row["merchant_id"], row["batch"], row["stan"]


def column(row, name, fallback):
    """Of a row that an older log may lack."""
    return row[name] if name in row.keys() else fallback


def reference_of(row):
    return row["epoch"], row["seq"]


# ---- the switch's log --------------------------------------------------------------------------------------------------------------


class Payment:
    """One transaction: all rows that share its reference, and the reversals that name it as their original."""

    ROWS = {"intent": "intents", "result": "results", "refused": "refusals", "tombstone": "tombstones", "advice": "advices",
            "advice_done": "advices_done", "advice_case": "advice_cases"}

    def __init__(self, reference):
        self.reference, self.original = reference, (0, 0)
        self.key = None
        self.rrn = self.kind = self.type_code = self.channel = self.sent_at = ""
        self.amount = self.currency = self.channel_stan = self.settlement_day = 0
        self.is_foreign = False
        self.usage_day = self.usage_minor = 0  # the day limits count it for, and what its rows add up to
        for name in self.ROWS.values():
            setattr(self, name, [])
        self.reversal_at = self.done_at = self.case_at = 0  # positions of the last such row
        self.done_codes = []
        self.followers = []  # payments that name this one as their original

    def take(self, row):
        if self.key is None or row["kind"] in ("intent", "advice"):
            self.key = row_key(row)
            self.rrn, self.amount, self.currency, self.kind = row["rrn"], row["amount_minor"], row["currency"], row["payment_kind"]
            self.channel, self.channel_stan, self.sent_at = row["channel"], row["channel_stan"], row["sent_at"]
            self.type_code = row["type_code"]
        if row["kind"] != "tombstone" and row["original_seq"]:
            self.original = (row["original_epoch"], row["original_seq"])
        self.settlement_day = column(row, "settlement_day", 0) or self.settlement_day
        self.is_foreign |= bool(column(row, "is_foreign", 0))
        self.take_usage(row)
        getattr(self, self.ROWS[row["kind"]]).append(row)

    def take_usage(self, row):
        self.usage_day = column(row, "usage_day", 0) or self.usage_day
        self.usage_minor += column(row, "usage_minor", 0)

    def is_sent(self):
        """Meant for a channel: it may have reached it."""
        return bool(self.intents or self.advices)

    def is_approved(self):
        """As the terminal was told, or will be when it asks again."""
        if self.kind in ADVICES:
            return bool(self.advices)
        answered = [row for row in self.results if row["reason"] == "channel_answered"] + self.advices_done
        return any(row["response_code"] in APPROVALS for row in answered)

    def is_reversing(self):
        return self.reversal_at > 0

    def is_pending(self):
        return self.reversal_at > self.done_at

    def is_undelivered(self):
        return bool(self.advices) and not self.advices_done and not self.advice_cases

    def is_resent(self):
        """A void of a wallet that was in doubt: nothing can undo it, so it is sent again until it is answered."""
        return self.kind == "void" and bool(self.advices)

    def is_live(self):
        return self.is_approved() and not self.is_reversing()

    def is_money(self):
        return self.kind not in QUIET

    def is_change(self):
        return self.kind == "offline_advice" and self.type_code in CHANGES

    def told(self):
        rows = self.results or self.refusals
        return rows[-1]["response_code"] if rows else "00" if self.advices else ""


class SwitchLog:
    def __init__(self, path):
        self.payments, self.by_key, self.by_rrn = {}, collections.defaultdict(list), {}
        self.settlements, self.details, self.batch_ends = {}, collections.defaultdict(list), collections.Counter()
        self.anomalies, self.cut_overs, self.signatures = [], [], []
        log = log_reader.Log(path)
        self.faults = [(("log", "", 0, fault.position), str(fault)) for fault in log.chain_faults()]
        orphans = []
        for row in log.rows():
            self.take(row, orphans)
        for row in orphans:
            self.faults.append((row_key(row), f"log position {row['position']}: {row['kind']} of a transaction without an intent"))
        for payment in self.payments.values():
            self.by_key[payment.key].append(payment)
            if payment.is_sent():
                self.by_rrn[payment.rrn] = payment
            if payment.original in self.payments:
                self.payments[payment.original].followers.append(payment)

    def take(self, row, orphans):
        kind = row["kind"]
        if kind in Payment.ROWS:
            if kind != "tombstone" and row["payment_kind"] in OTHERS:
                return  # a refused reversal or sign-on moves no money
            self.payments.setdefault(reference_of(row), Payment(reference_of(row))).take(row)
        elif kind in ("reversal", "reversal_done", "reversal_case"):
            self.take_reversal(row, orphans)
        elif kind in ("settlement", "batch_detail", "batch_end"):
            self.take_batch(row)
        elif kind == "anomaly":
            self.anomalies.append(row)
        elif kind == "signature":
            self.signatures.append(row)
        elif kind == "cut_over":
            self.cut_overs.append(row)

    def take_reversal(self, row, orphans):
        payment = self.payments.get((row["original_epoch"], row["original_seq"]))
        if payment is None or not payment.is_sent():
            orphans.append(row)
            return
        payment.take_usage(row)
        if row["kind"] == "reversal":
            payment.reversal_at = row["position"]
        elif row["kind"] == "reversal_done":
            payment.done_at = row["position"]
            payment.done_codes.append(row["response_code"])
        else:
            payment.case_at = row["position"]

    def take_batch(self, row):
        batch = (row["terminal_id"], row["merchant_id"], row["batch"])
        if row["kind"] == "settlement":
            self.settlements[batch] = row
        elif row["kind"] == "batch_end":
            self.batch_ends[batch] += 1
        else:  # lines "trace amount class card"
            for line in bytes(row["payload"]).decode("ascii", "replace").splitlines():
                words = line.split()
                if len(words) == 4 and words[0].isdigit() and words[1].isdigit():
                    self.details[batch].append((int(words[0]), int(words[1])))

    def of_key(self, key):
        """What was forwarded under this key; else the refusal or tombstone."""
        payments = self.by_key.get(key, [])
        sent = [payment for payment in payments if payment.is_sent()]
        blocked = [payment for payment in payments if payment.tombstones]
        return (sent or blocked or payments or [None])[0]

    def has_anomaly(self, key):
        return any(row_key(row) == key for row in self.anomalies)

    def has_signature(self, receipt):
        """Under its original where the switch still remembered that one; else by terminal, batch and amount."""
        for row in self.signatures:
            original = self.payments.get((row["original_epoch"], row["original_seq"]))
            is_of_terminal = (row["terminal_id"], row["merchant_id"], row["batch"], row["amount_minor"]) == (
                receipt["terminal"], receipt["merchant"], receipt["batch"], receipt["amount"])
            if is_of_terminal and (original is None or original.rrn == receipt["original_rrn"]):
                return True
        return False


# ---- the banks' books --------------------------------------------------------------------------------------------------------------


class Books:
    """All banks' books together, and the wallets' postings (wallet_books.py); what is asked of a posting does not depend on who has it."""

    def __init__(self, paths, wallet_postings=()):
        self.postings = collections.defaultdict(list)  # by RRN
        self.first_forwards, self.first_reversals = collections.Counter(), collections.Counter()
        for path in paths:
            file = open_readonly(path)
            for row in query(path, file, "SELECT * FROM postings WHERE state IN ('posted', 'reversed', 'declined', 'blocked')"):
                self.postings[row["rrn"]].append(row)
            for row in query(path, file, "SELECT mti, rrn, original_stan, terminal_id FROM journal WHERE direction = 'in'"):
                if row["mti"] in ("0100", "0200", "0220", "0620"):
                    self.first_forwards[row["rrn"]] += 1
                elif row["mti"] in ("0400", "0420"):
                    self.first_reversals[(row["rrn"], row["terminal_id"], row["original_stan"])] += 1
            file.close()
        for row in wallet_postings:
            self.postings[row["rrn"]].append(row)

    def live(self, rrn):
        return [row for row in self.postings.get(rrn, ()) if row["state"] == "posted"]


# ---- the terminals' receipts -------------------------------------------------------------------------------------------------------


class Receipts:
    """`of`: by (terminal, merchant, batch, trace number); `settlements`: by (terminal, merchant, batch), the last one of each; `signatures`: a
    list, for a signature has the trace number of what was signed."""

    def __init__(self, path):
        self.of, self.settlements, self.signatures, self.faults = {}, {}, [], []
        try:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    self.take(json.loads(line), f"{path}:{number}")
        except (OSError, ValueError, KeyError) as fault:
            raise Unreadable(f"{path}: {fault!r}") from fault

    def take(self, receipt, place):
        key = (receipt["terminal"], receipt["merchant"], receipt["batch"], receipt["stan"])
        if receipt["type"] == "settlement":
            self.settlements[key[:3]] = receipt
            return
        if receipt["type"] == "signature":
            self.signatures.append(receipt)
            return
        if key in self.of:
            self.faults.append((key, f"{place}: two receipts under one key (I3)"))
        self.of[key] = receipt
