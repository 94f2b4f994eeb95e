"""Settlements held against what was settled: a terminal's journal, the log's totals, what the switch answered (I15, I18).

Totals are eight numbers as in a receipt: minor units and count of domestic debit, domestic credit, foreign debit, foreign credit.
"""
import collections

import ledgers

WORDS = ("domestic debit", "domestic debits", "domestic credit", "domestic credits", "foreign debit", "foreign debits", "foreign credit",
         "foreign credits")


class Totals:
    def __init__(self):
        self.numbers = [0] * 8
        self.rows = {}  # amounts in force by trace number

    def add(self, stan, amount, is_debit, is_foreign):
        place = (4 if is_foreign else 0) + (0 if is_debit else 2)
        self.numbers[place] += amount
        self.numbers[place + 1] += 1
        self.rows[stan] = amount

    def change(self, original_stan, difference, is_foreign):
        """An adjustment is no transaction more; it is in its original's amount."""
        self.numbers[4 if is_foreign else 0] += difference
        if original_stan in self.rows:
            self.rows[original_stan] += difference


def difference(left, right):
    return ", ".join(f"{word} {here} and {there}" for word, here, there in zip(WORDS, left, right) if here != there)


def receipts_totals(receipts):
    """By batch, from the printed receipts alone."""
    totals, amounts = collections.defaultdict(Totals), {}
    for key, receipt in receipts.of.items():  # in the order they were printed
        if receipt["outcome"] != "approved":
            continue
        batch, stan, kind, amount = key[:3], key[3], receipt["type"], receipt["amount"]
        is_foreign = receipt.get("foreign", False)
        if receipt.get("kind") in ("adjustment", "tip"):
            original = (*key[:2], receipt["original_batch"], receipt["original_stan"])
            totals[batch].change(original[3], amount - amounts.get(original, amount), is_foreign)
            amounts[original] = amount
        elif kind in ledgers.DEBITS or kind == "offline_advice" or kind in ledgers.CREDITS:
            totals[batch].add(stan, amount, kind not in ledgers.CREDITS, is_foreign)
            amounts[key] = amount
    return totals


def log_totals(log):
    """By batch, from the log's rows: what is approved and not reversed."""
    totals, in_force = collections.defaultdict(Totals), {}
    live = sorted((payment for payment in log.payments.values() if payment.is_live()), key=lambda payment: payment.reference)
    for payment in live:
        batch, stan = payment.key[:3], payment.key[3]
        if payment.is_change():
            before = in_force.get(payment.original, payment.amount)
            original = log.payments.get(payment.original)
            totals[batch].change(original.key[3] if original else 0, payment.amount - before, payment.is_foreign)
            in_force[payment.original] = payment.amount
        elif payment.kind in ledgers.DEBITS or payment.kind == "offline_advice" or payment.kind in ledgers.CREDITS:
            totals[batch].add(stan, payment.amount, payment.kind not in ledgers.CREDITS, payment.is_foreign)
            in_force[payment.reference] = payment.amount
    return totals


def judge_details(settlement, ours, batch, log):
    """The details that were uploaded differ from the log's rows in the one that was meant to, and nowhere else."""
    details = collections.Counter(map(tuple, settlement["details"]))
    rows = collections.Counter(ours.rows.items())
    odd = sorted({stan for stan, _ in (details - rows) + (rows - details)})
    if odd != [settlement["deviation_stan"]]:
        yield f"the details differ from the log in traces {odd}, expected {[settlement['deviation_stan']]} (I15)"
    kept = collections.Counter(log.details.get(batch, []))
    if kept != details:
        stans = sorted({stan for stan, _ in (details - kept) + (kept - details)})
        yield f"{sum(details.values())} details were uploaded, the log keeps {sum(kept.values())}; different: traces {stans[:10]} (I15)"


def judge_settlement(settlement, own_journal, ours, batch, log):
    own, answer = settlement["own"], settlement["answer"]
    if settlement["result"] == "":
        yield "the terminal's totals were never answered (I18)"
        return
    if batch not in log.settlements:
        yield "the terminal settled, and the log has no such settlement (I5, I18)"
    if settlement["ended"] and log.batch_ends[batch] != 1:
        yield f"the terminal ended its batch, and the log ended it {log.batch_ends[batch]} times (I18)"
    if not settlement["ended"]:
        yield "the batch was settled and not ended (I18)"
    is_equal = settlement["result"] == "11"
    if not settlement["deviation"]:
        if own != own_journal.numbers:
            yield f"the terminal's totals are not its receipts': {difference(own, own_journal.numbers)} (I15)"
        if own != ours.numbers:
            yield f"the terminal's totals and the log's rows differ: {difference(own, ours.numbers)} (I15)"
        if not is_equal:
            yield f"the terminal was told that its totals differ ({settlement['result']}): {difference(own, answer)} (I18)"
    else:
        if is_equal:
            yield f"the terminal's totals were wrong on purpose ({settlement['deviation']}), and it was told that they are equal (I18)"
        yield from judge_details(settlement, ours, batch, log)
    if answer != ours.numbers:
        yield f"the switch answered with totals that are not its rows': {difference(answer, ours.numbers)} (I15)"


def judge_batches(receipts, log):
    """(key, sentence) for every batch that a terminal settled, or the log did."""
    own, ours = receipts_totals(receipts), log_totals(log)
    for batch, settlement in receipts.settlements.items():
        for fault in judge_settlement(settlement, own[batch], ours[batch], batch, log):
            yield (*batch, settlement["stan"]), fault
    for batch in log.settlements:
        if batch not in receipts.settlements:
            yield (*batch, log.settlements[batch]["stan"]), "the log settled a batch that no terminal did (I18)"
    for batch, count in log.batch_ends.items():
        if batch not in receipts.settlements or count > 1:
            yield (*batch, 0), f"the log ended a batch {count} times, the terminal {int(batch in receipts.settlements)} times (I18)"


def batch_counts(receipts):
    """For the report: settled, of these with equal totals, different on purpose, different without."""
    settled = [settlement for settlement in receipts.settlements.values() if settlement["result"]]
    return {"settled": len(settled), "equal": sum(settlement["result"] == "11" for settlement in settled),
            "wrong_on_purpose": sum(bool(settlement["deviation"]) for settlement in settled),
            "details": sum(len(settlement["details"]) for settlement in settled if settlement["result"] != "11")}
