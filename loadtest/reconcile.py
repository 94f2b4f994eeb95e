#!/usr/bin/env python3
"""Holds three ledgers against each other, row by row: the terminals' receipts, the switch's log, the books of banks and wallets.

    reconcile.py --receipts receipts.ndjson --log LOG --bank bank_a.db [--bank bank_b.db] [--wallet wallet.db] [--json OUT]

Prints the sums of each ledger and every row that cannot be explained, with a sentence why. Exit code 0: they agree; 1: some row is
unexplained; 2: a file cannot be read. It is written from the invariants (I1 to I8, I11 to I13, I15, I16, I18, I20) and the pages that describe
the files (switch/store/README.md, loadtest/README.md); LOG is the folder of segments. It shares no code with the switch or the simulators.
The ledgers stand in ledgers.py and wallet_books.py, the rules for rows in judges.py and wallet_judges.py, those for batches in batch_judges.py.
"""
import argparse
import collections
import json
import pathlib
import sys

import batch_judges
import judges
import wallet_judges
from ledgers import Books, Payment, Receipts, SwitchLog
from log_reader import Unreadable
from wallet_books import WalletBooks

SHOWN_MAX = 50


def totals(sums):
    answer = {}
    for name, ledger in sums.items():
        for (_, _, _, currency, kind), (count, amount) in ledger.items():
            cell = answer.setdefault(f"{kind} {currency}", {}).setdefault(name, [0, 0])
            cell[0] += count
            cell[1] += amount
    return answer


def cases(log):
    """What is in an operator's hands."""
    return sum(len(payment.advice_cases) for payment in log.payments.values())


def report_wallets(wallets):
    for wallet, states in wallets.states().items():
        count, amount = wallets.refunded().get(wallet, (0, 0))
        print(f"{wallet}: " + ", ".join(f"{number} {state}" for state, number in sorted(states.items())) + f"; {count} refunds of {amount}")
    if wallets.orders:
        print("calls of wallets befallen: " + (", ".join(f"{count} {fault}" for fault, count in sorted(wallets.faults_met.items()) if fault) or "none"))


def report(receipts, log, books, wallets, sums, unexplained):
    print(f"{'in force':<24}{'receipts':>20}{'switch log':>20}{'banks and wallets':>20}   (count, minor units)")
    for kind, ledgers in sorted(totals(sums).items()):
        cells = "".join(f"{ledgers.get(name, [0, 0])[0]:>8}{ledgers.get(name, [0, 0])[1]:>12}" for name in sums)
        print(f"{kind:<24}{cells}")
    outcomes = collections.Counter(receipt["outcome"] for receipt in receipts.of.values())
    print("receipts: " + ", ".join(f"{outcomes[name]} {name}" for name in judges.JUDGES))
    states = collections.Counter(row["state"] for rows in books.postings.values() for row in rows if "wallet" not in row.keys())
    print("banks: " + ", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    report_wallets(wallets)
    reversing = [payment for payment in log.payments.values() if payment.is_reversing()]
    print(f"log: {len(log.by_rrn)} forwarded, {len(reversing)} reversed, {sum(map(Payment.is_pending, reversing))} reversals pending")
    if receipts.settlements:
        counts = batch_judges.batch_counts(receipts)
        print(f"batches: {counts['settled']} settled, {counts['equal']} of them with equal totals, {counts['wrong_on_purpose']} wrong on purpose and told so "
              f"with {counts['details']} details; {cases(log)} advices became cases")
    for (terminal, merchant, batch, stan), sentence in unexplained[:SHOWN_MAX]:
        print(f"UNEXPLAINED terminal {terminal} merchant {merchant} batch {batch} stan {stan}: {sentence}")
    if len(unexplained) > SHOWN_MAX:
        print(f"... and {len(unexplained) - SHOWN_MAX} more")
    print(f"{len(unexplained)} unexplained: the three ledgers " + ("do NOT agree" if unexplained else "agree"))


def result_json(receipts, log, books, wallets, sums, unexplained):
    return {"schema": "tillway-reconcile/1", "agree": not unexplained, "unexplained_count": len(unexplained),
            "unexplained": [{"terminal": key[0], "merchant": key[1], "batch": key[2], "stan": key[3], "why": why}
                            for key, why in unexplained[:1000]],
            "totals": totals(sums), "receipts": dict(collections.Counter(receipt["outcome"] for receipt in receipts.of.values())),
            "forwarded": len(log.by_rrn), "reversed": sum(payment.is_reversing() for payment in log.payments.values()),
            "postings": dict(collections.Counter(row["state"] for rows in books.postings.values() for row in rows)),
            "wallets": {"orders": wallets.states(), "refunds": wallets.refunded(), "faults": dict(wallets.faults_met)},
            "batches": batch_judges.batch_counts(receipts), "cases": cases(log)}


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--receipts", required=True, help="what tillway-load wrote")
    parser.add_argument("--log", required=True, help="the switch's log: its folder of segments")
    parser.add_argument("--bank", required=True, action="append", help="a bank's SQLite books; may be given several times")
    parser.add_argument("--wallet", action="append", default=[], help="the wallets' SQLite books; may be given several times")
    parser.add_argument("--json", help="write the result here too")
    asked = parser.parse_args(arguments)
    try:
        receipts, log, wallets = Receipts(asked.receipts), SwitchLog(asked.log), WalletBooks(asked.wallet)
        books = Books(asked.bank, wallets.postings)
    except Unreadable as fault:
        print(f"reconcile: {fault}", file=sys.stderr)
        return 2
    sums = judges.group_sums(receipts, log, books)
    unexplained = receipts.faults + log.faults
    unexplained += judges.judge_rows(receipts, log, books)
    unexplained += wallet_judges.judge_wallets(log, wallets)
    unexplained += judges.judge_sums(sums)
    unexplained += batch_judges.judge_batches(receipts, log)
    report(receipts, log, books, wallets, sums, unexplained)
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps(result_json(receipts, log, books, wallets, sums, unexplained), indent=1) + "\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
