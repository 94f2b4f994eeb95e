"""What must hold for each row of the three ledgers, and for those that belong together.

Each judge gives sentences: what cannot be explained, and the invariant it breaks. `judge_rows` gives (key, sentence) for all of them.
"""
import collections

CAPTURE_CEILING_PERCENT = 115  # of what was pre-authorised, as the switch's option stands by default

# ---- what a terminal holds in hand -----------------------------------------------------------------------------------------------------


def judge_approved(receipt, payment, books):
    """I2: exactly one live posting; I13: of the same amount; I15: and the log says so too."""
    if payment is None or not payment.is_sent():
        yield "the terminal printed a receipt, and the log knows no such payment (I2, I5)"
        return
    if not payment.is_approved():
        yield f"the terminal printed a receipt, and the log says {payment.told() or 'no result'} (I2)"
    elif payment.is_reversing():
        yield "the terminal printed a receipt, and the log reversed the payment (I6)"
    if receipt["type"] != payment.kind:
        yield f"receipt of a {receipt['type']}, log of a {payment.kind} (I11)"
    if receipt["type"] == "balance":
        return
    if (receipt["amount"], receipt["currency"]) != (payment.amount, payment.currency) and payment.is_money():
        yield f"receipt of {receipt['amount']} {receipt['currency']}, log of {payment.amount} {payment.currency} (I13)"
    if payment.is_money():
        if receipt["rrn"] != payment.rrn:
            yield f"receipt names reference {receipt['rrn']}, log {payment.rrn} (I11)"
        yield from judge_approved_posting(receipt, payment, books)


def judge_approved_posting(receipt, payment, books):
    live = books.live(payment.rrn)
    if len(live) != 1 and not (payment.advice_cases and not live):
        yield f"the terminal printed a receipt, and the bank holds {len(live)} live postings (I2)"
    for posting in live:
        if (posting["amount"], posting["currency"]) != (receipt["amount"], receipt["currency"]):
            yield f"receipt of {receipt['amount']} {receipt['currency']}, posting of {posting['amount']} {posting['currency']} (I13)"
        if posting["auth_code"] is None:  # wallets give none
            continue
        if receipt["auth"] != posting["auth_code"] and not payment.advices:  # an advice is answered before the bank has it
            yield f"receipt names authorisation {receipt['auth']!r}, the bank gave {posting['auth_code']!r} (I11)"


def judge_declined(receipt, payment, books):
    if payment is None:
        return  # refused before the engine saw it (a wrong MAC, say): nobody else may know of it
    if payment.is_live() and payment.is_money():
        yield f"the terminal was told {receipt['code']}, and the log holds an approval (I1)"
    elif receipt["code"] == "":
        return  # an enquiry without an answer: nothing was moved
    elif payment.told() and payment.told() != receipt["code"]:
        yield f"the terminal was told {receipt['code']}, the log says {payment.told()} (I15)"
    elif payment.intents and not payment.told() and not payment.is_reversing():
        yield f"the terminal was told {receipt['code']}, and the log has no result (I5)"


def judge_reversed(receipt, payment, books):
    """The terminal had no valid answer, reversed, and was told that this is done."""
    code = receipt["reversal_code"]
    if code == "25" and (payment is None or not payment.tombstones):
        yield "the terminal's reversal was answered 25, and the log holds no tombstone (I12)"
    if code == "00" and (payment is None or not (payment.is_sent() or payment.refusals)):
        yield "the terminal's reversal was answered 00, and the log knows no such payment (I5)"
    if payment is not None and payment.is_live():
        yield "the terminal's reversal was acknowledged, and the log still holds the approval (I5, I7)"


def is_kept(receipt):
    """The switch would not undo an approval of an earlier settlement day: the money stays, and an operator decides."""
    return receipt is not None and receipt["outcome"] == "unknown" and receipt["reversal_code"] == "22"


def stands(receipt, payment):
    """In force although the terminal does not know so: kept, or a void that a wallet carried out in the end."""
    is_told_nothing = receipt is not None and receipt["outcome"] == "unknown"
    return payment is not None and payment.is_live() and (is_kept(receipt) or (is_told_nothing and payment.is_resent()))


def judge_unknown(receipt, payment, books):
    if payment is not None and payment.is_resent():
        return  # whether it has been answered since is asked of every payment
    if is_kept(receipt):
        if payment is None or not (payment.is_live() or payment.kind == "void"):  # a wallet may have refused the void
            yield "the terminal's reversal was answered 22, and the log holds no approval to be kept (I18)"
    elif receipt["code"] == "":
        yield "still open at the end: the terminal got no final answer in time (I7)"
    elif payment is None or not payment.is_sent():
        yield f"the terminal was told {receipt['code']}, and the log knows no such payment (I5)"
    elif not payment.is_reversing():
        yield f"the terminal was told {receipt['code']} (outcome unknown), and the log does not reverse it (I7)"


JUDGES = {"approved": judge_approved, "declined": judge_declined, "reversed": judge_reversed, "unknown": judge_unknown}


# ---- what the log holds ------------------------------------------------------------------------------------------------------------


def judge_payment(payment, receipt, books):
    """What must hold for a payment of the log, whatever the terminal says."""
    if len(payment.results) > 1:
        yield f"{len(payment.results)} results in the log for one payment (I6)"
    if payment.case_at > payment.done_at:
        yield "the reversal became a case: the bank never acknowledged it (I7)"
    elif payment.is_pending():
        yield "the reversal is still pending: the bank has not acknowledged it (I7)"
    if payment.is_undelivered():
        yield "the advice is still pending: the bank has not acknowledged it (I7)"
    if payment.is_sent() and receipt is None:
        yield "the switch forwarded a payment that no terminal remembers (I15)"
    fees = {(row["merchant_fee"], row["issuer_fee"], row["scheme_fee"]) for row in payment.intents + payment.results}
    if payment.intents and len(fees) != 1:
        yield f"fees changed between intent and result: {sorted(fees)} (I16)"
    if payment.is_money():
        yield from judge_money(payment, receipt, books)
    yield from judge_usage(payment)


TAKING = {"purchase", "other_sale", "capture", "capture_advice", "offline_sale", "offline_advice"}
GIVING = {"void", "other_void", "capture_void"}


def judge_usage(payment):
    """I15: what a payment's rows add to the usage that limits look at: all of it until it is declined or reversed; a void takes off."""
    if payment.usage_day == 0 or payment.is_change():  # of a change the difference
        return
    is_undone = payment.done_at > payment.reversal_at or (payment.results and not payment.is_approved() and not payment.is_reversing())
    wanted = payment.amount if payment.kind in TAKING and not is_undone else -payment.amount if payment.kind in GIVING and payment.is_live() else 0
    if payment.usage_minor != wanted:
        yield f"limits count {payment.usage_minor} for it, expected {wanted} (I15)"


def judge_money(payment, receipt, books):
    live = books.live(payment.rrn) if payment.is_sent() else []
    if live and not payment.is_live():
        yield "the bank holds a live posting, and the log " + ("reversed it (I8)" if payment.is_reversing() else "has no approval (I1)")
    if payment.is_live() and not live and not payment.advice_cases:
        yield "the log holds an approval, and the bank no live posting (I1)"
    if payment.is_live() and (receipt is None or receipt["outcome"] != "approved") and not stands(receipt, payment):
        outcome = "none" if receipt is None else receipt["outcome"]
        yield f"bank and log hold the money, and the terminal no printed receipt (its outcome: {outcome}) (I1)"
    for posting in books.postings.get(payment.rrn, ()) if payment.is_sent() else ():
        if (posting["amount"], posting["currency"]) != (payment.amount, payment.currency):
            yield f"log of {payment.amount} {payment.currency}, bank of {posting['amount']} {posting['currency']} (I13)"
        if posting["terminal_id"] != payment.key[0]:
            yield f"the bank has it from terminal {posting['terminal_id']} (I11)"


# ---- what follows what -------------------------------------------------------------------------------------------------------------


def live_of(payment, *kinds):
    return [follower for follower in payment.followers if follower.kind in kinds and follower.is_live()]


def judge_followers(payment):
    """I13: what voids, refunds and completions take from their original, in the log."""
    voids = live_of(payment, "void", "other_void", "capture_void", "preauth_void")
    refunded = sum(refund.amount for refund in live_of(payment, "refund"))
    captures = live_of(payment, "capture", "capture_advice")
    # A completion that was voided gives the pre-authorisation back.
    captures = [capture for capture in captures if not live_of(capture, "capture_void")]
    granted = payment.amount + sum(more.amount for more in live_of(payment, "preauth_increment"))
    if voids and not payment.is_live():
        yield "voided, and never approved (I13)"
    if len(voids) > 1:
        yield f"voided {len(voids)} times (I13)"
    for void in voids:
        if void.amount != granted:
            yield f"of {granted}, voided by {void.amount} (I13)"
        if void.kind != "preauth_void" and void.key[:3] != payment.key[:3]:
            yield f"voided in batch {void.key[2]} of terminal {void.key[0]}, not its own (I18)"
    if refunded > 0 and voids:
        yield f"voided, and {refunded} refunded (I13)"
    changes = [change.amount for change in sorted(live_of(payment, "offline_advice"), key=lambda change: change.advices[0]["position"])]
    in_force = changes[-1] if changes else payment.amount
    if refunded > in_force:
        yield f"of {in_force}, {refunded} refunded (I13)"
    if len(captures) > 1:
        yield f"completed {len(captures)} times (I13)"
    if captures and any(void.kind == "preauth_void" for void in voids):
        yield "completed, and voided as a pre-authorisation (I13)"
    for capture in captures:
        if 100 * capture.amount > CAPTURE_CEILING_PERCENT * granted:
            yield f"pre-authorised {granted}, completed with {capture.amount} (I13)"


FOLLOWERS = {"void", "other_void", "capture_void", "preauth_void", "preauth_increment", "capture", "capture_advice", "refund"}


def judge_link(receipt, payment, log, books):
    """A follow-up names the same original in all three ledgers."""
    if payment is None or not payment.is_live():
        return
    original = log.payments.get(payment.original)
    if payment.kind in FOLLOWERS or payment.is_change():
        if original is None:
            yield f"a {payment.kind} whose original the log does not name (I15)"
            return
    if original is None or "original_stan" not in receipt:
        return
    named = (receipt["original_batch"], receipt["original_stan"])
    if receipt["original_rrn"] != original.rrn or named != original.key[2:]:
        yield f"the terminal named {receipt['original_rrn']} (batch and trace {named}) as its original, the log {original.rrn} {original.key[2:]} (I15)"
    for posting in books.live(payment.rrn) if payment.is_money() else ():
        if "original_stan" not in posting.keys():
            continue
        if (posting["original_stan"], posting["original_sent_at"]) != (original.channel_stan, original.sent_at):
            yield (f"the bank was told original {posting['original_stan']} of {posting['original_sent_at'] or 'no time'}, "
                   f"the log says {original.channel_stan} of {original.sent_at} (I15)")


# ---- what the banks hold -----------------------------------------------------------------------------------------------------------


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
        if sum(payment.is_sent() for payment in payments) > 1:
            yield key, "forwarded under two references (I4)"


# ---- all rows ----------------------------------------------------------------------------------------------------------------------


def judge_rows(receipts, log, books):
    """The full outer join."""
    for key, receipt in receipts.of.items():
        judge, payment = JUDGES.get(receipt["outcome"]), log.of_key(key)
        faults = judge(receipt, payment, books) if judge else [f"outcome {receipt['outcome']!r} is none of the four"]
        yield from ((key, fault) for fault in faults)
        if is_kept(receipt) and not log.has_anomaly(key):
            yield key, "the terminal's reversal was answered 22, and nothing in the log tells an operator (I31)"
        yield from ((key, fault) for fault in judge_link(receipt, payment, log, books))
    for receipt in receipts.signatures:
        if receipt["outcome"] == "approved" and not log.has_signature(receipt):
            yield (receipt["terminal"], receipt["merchant"], receipt["batch"], receipt["stan"]), "a signature was accepted that the log has not (I5)"
    for payment in log.payments.values():
        yield from ((payment.key, fault) for fault in judge_payment(payment, receipts.of.get(payment.key), books))
        yield from ((payment.key, fault) for fault in judge_followers(payment))
    yield from judge_books(log, books)
    yield from judge_keys(log)


# ---- sums --------------------------------------------------------------------------------------------------------------------------


def group_sums(receipts, log, books):
    """I15: count and sum of what is in force, by (merchant, terminal, batch, currency, type), in each ledger. An advice that became a case is
    in the banks' column too: what it came to is in an operator's hands."""
    sums = {name: collections.defaultdict(lambda: [0, 0]) for name in ("receipts", "log", "bank")}

    def add(name, key, currency, kind, amount):
        cell = sums[name][(key[1], key[0], key[2], currency, kind)]
        cell[0] += 1
        cell[1] += amount

    quiet = {payment.kind for payment in log.payments.values() if not payment.is_money()}
    for key, receipt in receipts.of.items():
        if (receipt["outcome"] == "approved" or stands(receipt, log.of_key(key))) and receipt["type"] not in quiet:
            add("receipts", key, receipt["currency"], receipt["type"], receipt["amount"])
    for payment in log.payments.values():
        if payment.is_live() and payment.is_money():
            add("log", payment.key, payment.currency, payment.kind, payment.amount)
            if payment.advice_cases and not books.live(payment.rrn):
                add("bank", payment.key, payment.currency, payment.kind, payment.amount)
    for rrn, rows in books.postings.items():
        payment = log.by_rrn.get(rrn)
        for row in rows:
            if row["state"] == "posted" and (payment is None or payment.is_money()):
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
