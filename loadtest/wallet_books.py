"""The wallets' ledger as the reconciler sees it: orders and refunds of tillway-wallet, each as a posting under the reference number it carries.

An order number says whose it is: RRN (12), terminal (8), channel's trace number (6); a refund's number is the same three of the request that asked
for it, or "V" and the order number where the order itself was undone.
"""
import collections
import re

from ledgers import open_readonly, query

NUMBER = re.compile(r"([0-9A-Za-z]{12})([0-9A-Za-z]{8})([0-9]{6})")
# What a wallet's state means in a bank's words: only money that moved and stayed is posted.
STATES = {"paid": "posted", "reversed": "reversed", "failed": "declined", "closed": "declined", "waiting": "waiting"}


def parts_of(number):
    """(rrn, terminal, stan), or None."""
    found = NUMBER.fullmatch(number)
    return (found[1], found[2], int(found[3])) if found else None


class WalletBooks:
    """`orders`: by (wallet, out_trade_no); `refunds`: lists by the same key; `postings`: rows as a bank's, all of a reference together."""

    def __init__(self, paths):
        self.orders, self.refunds, self.postings = {}, collections.defaultdict(list), []
        self.calls, self.faults_met = collections.Counter(), collections.Counter()
        for path in paths:
            file = open_readonly(path)
            for row in query(path, file, "SELECT * FROM orders"):
                self.orders[(row["wallet"], row["out_trade_no"])] = row
            for row in query(path, file, "SELECT * FROM refunds ORDER BY id"):
                self.refunds[(row["wallet"], row["out_trade_no"])].append(row)
            for row in query(path, file, "SELECT wallet, operation, fault, count(*) AS count FROM journal GROUP BY wallet, operation, fault"):
                self.calls[(row["wallet"], row["operation"])] += row["count"]
                self.faults_met[row["fault"]] += row["count"]
            file.close()
        for key, order in self.orders.items():
            self.take_order(key, order)
        for key, refunds in self.refunds.items():
            for refund in refunds:
                self.take_refund(key, refund)

    def undone(self, key):
        """What was given back because the order itself was undone."""
        return sum(refund["amount"] for refund in self.refunds.get(key, ()) if refund["refund_no"] == "V" + key[1])

    def take_order(self, key, order):
        state = STATES.get(order["state"], order["state"])
        if state == "posted" and self.undone(key) == order["amount"]:
            state = "reversed"
        self.add(key, order["out_trade_no"], order["amount"], order["currency"], state)

    def take_refund(self, key, refund):
        if refund["refund_no"] != "V" + key[1]:
            self.add(key, refund["refund_no"], refund["amount"], self.orders[key]["currency"] if key in self.orders else 0, "posted")

    def add(self, key, number, amount, currency, state):
        parts = parts_of(number)
        if parts:
            rrn, terminal, stan = parts
            self.postings.append({"wallet": key[0], "order": key[1], "rrn": rrn, "terminal_id": terminal, "merchant_id": "", "stan": stan, "amount": amount,
                                  "currency": currency, "state": state, "auth_code": None})

    def states(self):
        """How many orders stand where, by wallet."""
        return {wallet: dict(collections.Counter(order["state"] for (of, _), order in self.orders.items() if of == wallet))
                for wallet in sorted({key[0] for key in self.orders})}

    def refunded(self):
        """Count and sum of what went back, by wallet."""
        sums = collections.defaultdict(lambda: [0, 0])
        for (wallet, _), refunds in self.refunds.items():
            for refund in refunds:
                sums[wallet][0] += 1
                sums[wallet][1] += refund["amount"]
        return dict(sums)
