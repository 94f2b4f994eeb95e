#!/usr/bin/env python3
"""Holds three ledgers against each other, row by row: the terminals' receipts, the switch's log, the banks' books.

    reconcile.py --receipts receipts.ndjson --log log.db --bank bank_a.db [--bank bank_b.db] [--json OUT]

Prints the sums of each ledger and every row that cannot be explained, with a sentence why. Exit code 0: they agree; 1: some row is
unexplained; 2: a file cannot be read. It is written from the invariants (I1, I2, I3, I4, I5, I8, I13, I15, I20) and the pages that describe
the files (switch/store/README.md, loadtest/README.md); it shares no code with the switch or the simulators.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import sqlite3
import sys

APPROVALS = {"00", "10", "11", "A2", "A4", "A5", "A6"}  # the only codes that post money
SHOWN_MAX = 50


class Unreadable(Exception):
    pass


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


# ---- the three ledgers ------------------------------------------------------------------------------------------------------------


class Payment:
    """One transaction of the switch's log: all rows that share its reference, and the reversals that name it as their original."""

    def __init__(self, reference):
        self.reference = reference
        self.key = None
        self.rrn = self.merchant = ""
        self.amount = self.currency = 0
        self.kind = ""
        self.intents, self.results, self.refusals, self.tombstones = [], [], [], []
        self.reversal_at = self.done_at = self.case_at = 0  # positions of the last such row
        self.done_codes = []

    def take(self, row):
        if self.key is None or row["kind"] == "intent":
            self.key = (row["terminal_id"], row["merchant_id"], row["batch"], row["stan"])
            self.rrn, self.amount, self.currency, self.kind = row["rrn"], row["amount_minor"], row["currency"], row["payment_kind"]
        {"intent": self.intents, "result": self.results, "refused": self.refusals, "tombstone": self.tombstones}[row["kind"]].append(row)

    def is_approved(self):
        return any(row["reason"] == "channel_answered" and row["response_code"] in APPROVALS for row in self.results)

    def is_reversing(self):
        return self.reversal_at > 0

    def is_pending(self):
        return self.reversal_at > self.done_at

    def is_live(self):
        return self.is_approved() and not self.is_reversing()

    def told(self):
        rows = self.results or self.refusals
        return rows[-1]["response_code"] if rows else ""


class Log:
    def __init__(self, path):
        self.path = path
        self.payments, self.by_key, self.by_rrn = {}, collections.defaultdict(list), {}
        self.faults = []
        file = open_readonly(path)
        self.verify_chain(file)
        orphans = []
        for row in query(path, file, "SELECT * FROM log ORDER BY position"):
            self.take(row, orphans)
        file.close()
        for row in orphans:
            self.faults.append((row_key(row), f"log position {row['position']}: {row['kind']} of a transaction without an intent"))
        for payment in self.payments.values():
            self.by_key[payment.key].append(payment)
            if payment.intents:
                self.by_rrn[payment.rrn] = payment

    def take(self, row, orphans):
        kind = row["kind"]
        if kind in ("intent", "result", "refused", "tombstone"):
            if kind != "tombstone" and row["payment_kind"] in ("signon", "signoff", "echo", "reversal"):
                return  # a refused reversal or sign-on moves no money
            reference = (row["epoch"], row["seq"])
            self.payments.setdefault(reference, Payment(reference)).take(row)
        elif kind in ("reversal", "reversal_done", "reversal_case"):
            payment = self.payments.get((row["original_epoch"], row["original_seq"]))
            if payment is None or not payment.intents:
                orphans.append(row)
            elif kind == "reversal":
                payment.reversal_at = row["position"]
            elif kind == "reversal_done":
                payment.done_at = row["position"]
                payment.done_codes.append(row["response_code"])
            else:
                payment.case_at = row["position"]

    def verify_chain(self, file):
        """I20: no row changed, taken out or put in between (switch/store/README.md, hash chain)."""
        cursor = file.execute("SELECT * FROM log ORDER BY position")
        names = [column[0] for column in cursor.description]
        columns = [index for index, name in enumerate(names) if name != "hash"]
        previous, expected = bytes(32), 1
        for row in cursor:
            if row["position"] != expected:
                self.faults.append((("log", "", 0, expected), f"log position {expected} is missing (I19, I20)"))
                return
            parts = [previous]
            for index in columns:
                value = row[index]
                if isinstance(value, int):
                    parts.append(value.to_bytes(8, "big", signed=True))
                else:
                    value = value.encode() if isinstance(value, str) else value
                    parts.append(len(value).to_bytes(2, "big") + value)
            previous, expected = hashlib.sha256(b"".join(parts)).digest(), expected + 1
            if previous != row["hash"]:
                self.faults.append((("log", "", 0, row["position"]), f"log position {row['position']} does not fit the hash chain (I20)"))
                return


def row_key(row):
    return row["terminal_id"], row["merchant_id"], row["batch"], row["stan"]


class Books:
    """All banks' books together; what is asked of a posting does not depend on which bank has it."""

    def __init__(self, paths):
        self.postings = collections.defaultdict(list)  # by RRN
        self.first_forwards, self.first_reversals = collections.Counter(), collections.Counter()
        for path in paths:
            file = open_readonly(path)
            for row in query(path, file, "SELECT * FROM postings WHERE state IN ('posted', 'reversed', 'declined', 'blocked')"):
                self.postings[row["rrn"]].append(row)
            for row in query(path, file, "SELECT mti, rrn, original_stan, terminal_id FROM journal WHERE direction = 'in'"):
                if row["mti"] in ("0100", "0200"):
                    self.first_forwards[row["rrn"]] += 1
                elif row["mti"] in ("0400", "0420"):
                    self.first_reversals[(row["rrn"], row["terminal_id"], row["original_stan"])] += 1
            file.close()

    def live(self, rrn):
        return [row for row in self.postings.get(rrn, ()) if row["state"] == "posted"]


def read_receipts(path):
    receipts, faults = {}, []
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                receipt = json.loads(line)
                key = (receipt["terminal"], receipt["merchant"], receipt["batch"], receipt["stan"])
                if key in receipts:
                    faults.append((key, f"{path}:{number}: two receipts under one key (I3)"))
                receipts[key] = receipt
    except (OSError, ValueError, KeyError) as fault:
        raise Unreadable(f"{path}: {fault!r}") from fault
    return receipts, faults


# ---- the rules --------------------------------------------------------------------------------------------------------------------


def judge_approved(receipt, payment, books):
    """I2: exactly one live posting; I13: of the same amount; I15: and the log says so too."""
    if payment is None or not payment.intents:
        yield "the terminal printed a receipt, and the log knows no such payment (I2, I5)"
        return
    if not payment.is_approved():
        yield f"the terminal printed a receipt, and the log says {payment.told() or 'no result'} (I2)"
    elif payment.is_reversing():
        yield "the terminal printed a receipt, and the log reversed the payment (I6)"
    if (receipt["amount"], receipt["currency"]) != (payment.amount, payment.currency):
        yield f"receipt of {receipt['amount']} {receipt['currency']}, log of {payment.amount} {payment.currency} (I13)"
    if receipt["rrn"] != payment.rrn:
        yield f"receipt names reference {receipt['rrn']}, log {payment.rrn} (I11)"
    live = books.live(payment.rrn)
    if len(live) != 1:
        yield f"the terminal printed a receipt, and the bank holds {len(live)} live postings (I2)"
    for posting in live:
        if (posting["amount"], posting["currency"]) != (receipt["amount"], receipt["currency"]):
            yield f"receipt of {receipt['amount']} {receipt['currency']}, posting of {posting['amount']} {posting['currency']} (I13)"
        if receipt["auth"] != posting["auth_code"]:
            yield f"receipt names authorisation {receipt['auth']!r}, the bank gave {posting['auth_code']!r} (I11)"


def judge_declined(receipt, payment, books):
    if payment is None:
        return  # refused before the engine saw it (a wrong MAC, say): nobody else may know of it
    if payment.is_live():
        yield f"the terminal was told {receipt['code']}, and the log holds an approval (I1)"
    elif payment.told() and payment.told() != receipt["code"]:
        yield f"the terminal was told {receipt['code']}, the log says {payment.told()} (I15)"
    elif payment.intents and not payment.told() and not payment.is_reversing():
        yield f"the terminal was told {receipt['code']}, and the log has no result (I5)"


def judge_reversed(receipt, payment, books):
    """The terminal had no valid answer, reversed, and was told that this is done."""
    code = receipt["reversal_code"]
    if code == "25" and (payment is None or not payment.tombstones):
        yield "the terminal's reversal was answered 25, and the log holds no tombstone (I12)"
    if code == "00" and (payment is None or not (payment.intents or payment.refusals)):
        yield "the terminal's reversal was answered 00, and the log knows no such payment (I5)"
    if payment is not None and payment.is_live():
        yield "the terminal's reversal was acknowledged, and the log still holds the approval (I5, I7)"


def judge_unknown(receipt, payment, books):
    if receipt["code"] == "":
        yield "still open at the end: the terminal's reversal was not acknowledged in time (I7)"
    elif payment is None or not payment.intents:
        yield f"the terminal was told {receipt['code']}, and the log knows no such payment (I5)"
    elif not payment.is_reversing():
        yield f"the terminal was told {receipt['code']} (outcome unknown), and the log does not reverse it (I7)"


JUDGES = {"approved": judge_approved, "declined": judge_declined, "reversed": judge_reversed, "unknown": judge_unknown}


def judge_payment(payment, receipt, books):
    """What must hold for a payment of the log, whatever the terminal says."""
    if len(payment.results) > 1:
        yield f"{len(payment.results)} results in the log for one payment (I6)"
    if payment.case_at > payment.done_at:
        yield "the reversal became a case: the bank never acknowledged it (I7)"
    elif payment.is_pending():
        yield "the reversal is still pending: the bank has not acknowledged it (I7)"
    if payment.intents and receipt is None:
        yield "the switch forwarded a payment that no terminal remembers (I15)"
    fees = {(row["merchant_fee"], row["issuer_fee"], row["scheme_fee"]) for row in payment.intents + payment.results}
    if payment.intents and len(fees) != 1:
        yield f"fees changed between intent and result: {sorted(fees)} (I16)"
    live = books.live(payment.rrn) if payment.intents else []
    if live and not payment.is_live():
        yield "the bank holds a live posting, and the log " + ("reversed it (I8)" if payment.is_reversing() else "has no approval (I1)")
    if payment.is_live() and not live:
        yield "the log holds an approval, and the bank no live posting (I1)"
    if payment.is_live() and (receipt is None or receipt["outcome"] != "approved"):
        outcome = "none" if receipt is None else receipt["outcome"]
        yield f"bank and log hold the money, and the terminal no printed receipt (its outcome: {outcome}) (I1)"
    for posting in books.postings.get(payment.rrn, ()) if payment.intents else ():
        if (posting["amount"], posting["currency"]) != (payment.amount, payment.currency):
            yield f"log of {payment.amount} {payment.currency}, bank of {posting['amount']} {posting['currency']} (I13)"
        if posting["terminal_id"] != payment.key[0]:
            yield f"the bank has it from terminal {posting['terminal_id']} (I11)"


def judge_books(log, books):
    """What must hold for the banks' rows, whatever the log says."""
    for rrn, rows in books.postings.items():
        payment = log.by_rrn.get(rrn)
        key = payment.key if payment else (rows[0]["terminal_id"], rows[0]["merchant_id"], 0, rows[0]["stan"])
        if payment is None:
            yield key, f"the bank decided a request (reference {rrn}) that the log has no intent for (I1, I5)"
        if sum(row["state"] == "posted" for row in rows) > 1:
            yield key, f"{len(rows)} postings under reference {rrn} (I3)"
    for rrn, count in books.first_forwards.items():
        payment = log.by_rrn.get(rrn)
        if count > 1:
            yield (payment.key if payment else ("", "", 0, 0)), f"reference {rrn} was forwarded {count} times as a first attempt (I4)"
        if payment is None and rrn not in books.postings:
            yield ("", "", 0, 0), f"the bank got a request (reference {rrn}) that the log has no intent for (I5)"
    for (rrn, terminal, stan), count in books.first_reversals.items():
        if count > 1:
            yield (terminal, "", 0, stan), f"the reversal of reference {rrn} came {count} times without the repeat type (I8)"


def judge_keys(log):
    for key, payments in log.by_key.items():
        if sum(bool(payment.intents) for payment in payments) > 1:
            yield key, "forwarded under two references (I4)"


def payment_of(log, key):
    """The payment that was forwarded under this key; else the refusal or tombstone."""
    payments = log.by_key.get(key, [])
    forwarded = [payment for payment in payments if payment.intents]
    blocked = [payment for payment in payments if payment.tombstones]
    return (forwarded or blocked or payments or [None])[0]


def reconcile(receipts, receipt_faults, log, books):
    """The full outer join. Gives (key, sentence) for each row that cannot be explained."""
    unexplained = list(receipt_faults) + list(log.faults)
    for key, receipt in receipts.items():
        judge = JUDGES.get(receipt["outcome"])
        faults = judge(receipt, payment_of(log, key), books) if judge else [f"outcome {receipt['outcome']!r} is none of the four"]
        unexplained += [(key, fault) for fault in faults]
    for payment in log.payments.values():
        unexplained += [(payment.key, fault) for fault in judge_payment(payment, receipts.get(payment.key), books)]
    unexplained += judge_books(log, books)
    unexplained += judge_keys(log)
    return unexplained


# ---- sums -------------------------------------------------------------------------------------------------------------------------


def group_sums(receipts, log, books):
    """I15: count and sum of what is in force, by (merchant, terminal, batch, currency, type), in each ledger."""
    sums = {name: collections.defaultdict(lambda: [0, 0]) for name in ("receipts", "log", "bank")}

    def add(name, key, currency, kind, amount):
        cell = sums[name][(key[1], key[0], key[2], currency, kind)]
        cell[0] += 1
        cell[1] += amount

    for key, receipt in receipts.items():
        if receipt["outcome"] == "approved":
            add("receipts", key, receipt["currency"], receipt["type"], receipt["amount"])
    for payment in log.payments.values():
        if payment.is_live():
            add("log", payment.key, payment.currency, payment.kind, payment.amount)
    for rrn, rows in books.postings.items():
        payment = log.by_rrn.get(rrn)
        for row in rows:
            if row["state"] == "posted":
                key = payment.key if payment else (row["terminal_id"], row["merchant_id"], 0, 0)
                add("bank", key, row["currency"], payment.kind if payment else "unmatched", row["amount"])
    return sums


def judge_sums(sums):
    for group in sorted(set().union(*sums.values()), key=str):
        cells = [tuple(ledger.get(group, (0, 0))) for ledger in sums.values()]
        if len(set(cells)) != 1:
            merchant, terminal, batch, currency, kind = group
            said = ", ".join(f"{name} {count} of {amount}" for name, (count, amount) in zip(sums, cells))
            yield (terminal, merchant, batch, 0), f"sums of {kind} in {currency} differ: {said} (I15)"


def totals(sums):
    answer = {}
    for name, ledger in sums.items():
        for (_, _, _, currency, kind), (count, amount) in ledger.items():
            cell = answer.setdefault(f"{kind} {currency}", {}).setdefault(name, [0, 0])
            cell[0] += count
            cell[1] += amount
    return answer


def report(receipts, log, books, sums, unexplained):
    print(f"{'in force':<20}{'receipts':>20}{'switch log':>20}{'banks':>20}   (count, minor units)")
    for kind, ledgers in sorted(totals(sums).items()):
        cells = "".join(f"{ledgers.get(name, [0, 0])[0]:>8}{ledgers.get(name, [0, 0])[1]:>12}" for name in sums)
        print(f"{kind:<20}{cells}")
    outcomes = collections.Counter(receipt["outcome"] for receipt in receipts.values())
    print("receipts: " + ", ".join(f"{outcomes[name]} {name}" for name in JUDGES))
    states = collections.Counter(row["state"] for rows in books.postings.values() for row in rows)
    print("banks: " + ", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    reversing = [payment for payment in log.payments.values() if payment.is_reversing()]
    print(f"log: {len(log.by_rrn)} forwarded, {len(reversing)} reversed, {sum(map(Payment.is_pending, reversing))} reversals pending")
    for (terminal, merchant, batch, stan), sentence in unexplained[:SHOWN_MAX]:
        print(f"UNEXPLAINED terminal {terminal} merchant {merchant} batch {batch} stan {stan}: {sentence}")
    if len(unexplained) > SHOWN_MAX:
        print(f"... and {len(unexplained) - SHOWN_MAX} more")
    print(f"{len(unexplained)} unexplained: the three ledgers " + ("do NOT agree" if unexplained else "agree"))


def result_json(receipts, log, books, sums, unexplained):
    return {"schema": "tillway-reconcile/1", "agree": not unexplained, "unexplained_count": len(unexplained),
            "unexplained": [{"terminal": key[0], "merchant": key[1], "batch": key[2], "stan": key[3], "why": why}
                            for key, why in unexplained[:1000]],
            "totals": totals(sums), "receipts": dict(collections.Counter(receipt["outcome"] for receipt in receipts.values())),
            "forwarded": len(log.by_rrn), "reversed": sum(payment.is_reversing() for payment in log.payments.values()),
            "postings": dict(collections.Counter(row["state"] for rows in books.postings.values() for row in rows))}


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--receipts", required=True, help="what tillway-load wrote")
    parser.add_argument("--log", required=True, help="the switch's SQLite log")
    parser.add_argument("--bank", required=True, action="append", help="a bank's SQLite books; may be given several times")
    parser.add_argument("--json", help="write the result here too")
    asked = parser.parse_args(arguments)
    try:
        receipts, faults = read_receipts(asked.receipts)
        log, books = Log(asked.log), Books(asked.bank)
    except Unreadable as fault:
        print(f"reconcile: {fault}", file=sys.stderr)
        return 2
    sums = group_sums(receipts, log, books)
    unexplained = reconcile(receipts, faults, log, books)
    unexplained += judge_sums(sums)
    report(receipts, log, books, sums, unexplained)
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps(result_json(receipts, log, books, sums, unexplained), indent=1) + "\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
