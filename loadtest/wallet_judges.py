"""What must hold for the wallets' orders and refunds, whatever their amounts add up to: each belongs to one payment of the log, and stands where that
payment stands. Amounts and sums are judged with the banks' postings (judges.py)."""
from wallet_books import parts_of

NOWHERE = ("", "", 0, 0)


def key_of(payment, number):
    """Where the terminal's key is not known, at least the terminal."""
    parts = parts_of(number)
    return payment.key if payment else (parts[1], "", 0, parts[2]) if parts else NOWHERE


def payment_of(number, log):
    parts = parts_of(number)
    return log.by_rrn.get(parts[0]) if parts else None


def judge_order(key, order, log, wallets):
    wallet, number = key
    payment = payment_of(number, log)
    name = f"{wallet}'s order {number}"
    if payment is None:
        yield f"{name} belongs to no payment of the log (I1, I5)"
        return
    if parts_of(number)[2] != payment.channel_stan or payment.kind != "purchase":
        yield f"{name}: the log has a {payment.kind} of channel trace number {payment.channel_stan} under this reference (I11)"
    if order["state"] == "waiting":
        yield f"{name} still waits for its buyer, and may be paid yet (I7)"
    if payment.is_reversing() and order["state"] == "paid" and wallets.undone(key) != order["amount"]:
        yield f"{name} is paid, and the log reversed it; undone {wallets.undone(key)} of {order['amount']} (I8)"
    if not payment.is_reversing() and (order["state"] == "reversed" or wallets.undone(key) > 0):
        yield f"{name} is undone, and the log has no reversal of it (I8)"
    refunded = sum(refund["amount"] for refund in wallets.refunds.get(key, ()))
    if refunded != order["refunded"]:
        yield f"{name}: refunds of {refunded}, the order says {order['refunded']} (I15)"
    if refunded > order["amount"]:
        yield f"{name}: of {order['amount']}, {refunded} went back (I13)"


def judge_refund(key, refund, log):
    """A refund names the order of the payment that the log's follow-up names."""
    wallet, number = key
    name = f"{wallet}'s refund {refund['refund_no']} of order {number}"
    if refund["refund_no"] == "V" + number:
        return  # judged with its order
    payment = payment_of(refund["refund_no"], log)
    if payment is None:
        yield f"{name} belongs to no request of the log (I1, I5)"
        return
    original = log.payments.get(payment.original)
    if payment.kind not in ("void", "refund"):
        yield f"{name}: the log has a {payment.kind} under this reference (I11)"
    elif original is None or payment_of(number, log) is not original:
        yield f"{name}: the log's {payment.kind} names another original (I15)"


def judge_wallets(log, wallets):
    """(key, sentence) for each row of the wallets that cannot be explained, and for payments that should be there."""
    for key, order in wallets.orders.items():
        yield from ((key_of(payment_of(key[1], log), key[1]), fault) for fault in judge_order(key, order, log, wallets))
    for key, refunds in wallets.refunds.items():
        if key not in wallets.orders:
            yield key_of(None, key[1]), f"{key[0]}'s refund of an order {key[1]} that it does not have (I1)"
        for refund in refunds:
            yield from ((key_of(payment_of(refund["refund_no"], log), refund["refund_no"]), fault) for fault in judge_refund(key, refund, log))
