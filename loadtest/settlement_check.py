#!/usr/bin/env python3
"""Has tillway-settle write every settlement day of a log, and holds its files against the log, line by line and to the fen.

    settlement_check.py --settle PROGRAM --log LOG --out FOLDER [--json OUT]

Exit code 0: each movement of money stands in one merchant's file and in one channel's, on its day, with its fees; 1: one does not, or a
day was refused; 2: something cannot be read. What counts, and what a refund gives back of its fees, is worked out here from the pages that
describe log and files (switch/store/README.md, switch/settlement/README.md), not from the program's code.
"""
import argparse
import collections
import csv
import datetime
import json
import pathlib
import subprocess
import sys

from log_reader import Log, Unreadable

APPROVALS = {"00", "10", "11", "A2", "A4", "A5", "A6"}
SALES = {"purchase", "other_sale", "capture", "capture_advice", "offline_sale", "offline_advice"}
PAID_BACK = {"void", "other_void", "capture_void", "refund"}
OWNERS = ("merchant", "channel")
COLUMNS = ("position, kind, wall_us, epoch, seq, original_epoch, original_seq, payment_kind, reason, merchant_id, channel, rrn, response_code,"
           " amount_minor, settlement_day, merchant_fee, issuer_fee, scheme_fee, agent_shares, fee_basis")
WHERE = "kind IN ('result', 'advice_done', 'reversal_done')"
SETTLE_S = 300
SHOWN_MAX = 20

Line = collections.namedtuple("Line", "merchant channel rrn amount merchant_fee issuer_fee scheme_fee agent_fee")
Share = collections.namedtuple("Share", "agent merchant rrn amount share")
COSTS = ("issuer", "scheme")  # come back in proportion, whatever the plan's policy


def part_of(fee, refunded, amount):
    """Half up."""
    return (2 * fee * refunded + amount) // (2 * amount) if amount else 0


def day_of(row):
    if row["settlement_day"]:
        return row["settlement_day"]
    china = datetime.timezone(datetime.timedelta(hours=8))
    return int(datetime.datetime.fromtimestamp(row["wall_us"] / 1e6, china).strftime("%Y%m%d"))


def fees_of(row):
    """merchant, issuer, scheme, and each agent under its name with an @ before it."""
    fees = {"merchant": row["merchant_fee"], "issuer": row["issuer_fee"], "scheme": row["scheme_fee"]}
    for share in row["agent_shares"].split():
        name, *_, minor = share.split(":")
        fees["@" + name] = int(minor)
    return fees


def add(left, right, sign=1):
    return {name: left.get(name, 0) + sign * right.get(name, 0) for name in left.keys() | right.keys()}


class Sale:
    """What stands of one original: what was taken, and what of it was paid back."""

    def __init__(self):
        self.amount, self.fees, self.back, self.returned, self.policy = 0, {}, 0, {}, "proportional"

    def due(self, is_void):
        """What of the fees has to have come back by now."""
        if is_void:
            return dict(self.fees)
        part = {"none": 0, "full": self.amount if self.back else 0}.get(self.policy, self.back)
        return {name: part_of(fee, self.back if name in COSTS else part, self.amount) for name, fee in self.fees.items()}


class Book:
    """Folds the log, row by row, into the lines of each day."""

    def __init__(self):
        self.days = collections.defaultdict(collections.Counter)  # day -> how often each line
        self.shares = collections.defaultdict(collections.Counter)  # day -> how often each agent's share
        self.sales, self.sale_of = {}, {}  # by reference; of a follow-up: whose it is
        self.counted = {}  # reference -> (Line, fees, is it a pay-back); until it is undone

    def take(self, row):
        own, original = (row["epoch"], row["seq"]), (row["original_epoch"], row["original_seq"])
        if row["kind"] == "reversal_done":
            if original in self.counted:
                self.undo(row, original)
        elif row["response_code"] not in APPROVALS or (row["kind"] == "result" and row["reason"] != "channel_answered") or own in self.counted:
            return
        elif row["payment_kind"] in PAID_BACK:
            self.pay_back(row, own, self.sale_of.get(original, original))
        elif row["payment_kind"] == "offline_advice" and original[1]:
            self.adjust(row, own, self.sale_of.get(original, original))
        elif row["payment_kind"] in SALES:
            self.sell(row, own)

    def write(self, row, amount, fees):
        agents = {name[1:]: minor for name, minor in fees.items() if name.startswith("@") and minor}
        line = Line(row["merchant_id"], row["channel"], row["rrn"], amount, *(fees.get(name, 0) for name in ("merchant", "issuer", "scheme")),
                    sum(agents.values()))
        self.days[day_of(row)][line] += 1
        for agent, minor in agents.items():
            self.shares[day_of(row)][Share(agent, row["merchant_id"], row["rrn"], amount, minor)] += 1
        return line

    def put(self, row, own, amount, fees):
        self.counted[own] = self.write(row, amount, fees), fees, row["payment_kind"] in PAID_BACK

    def charge(self, row, own, sale, before):
        sale.amount, sale.fees = row["amount_minor"], fees_of(row)
        sale.policy = row["fee_basis"].split()[1] if row["fee_basis"] else "proportional"
        self.put(row, own, sale.amount - before[0], add(sale.fees, before[1], -1))

    def sell(self, row, own):
        self.sales[own] = Sale()
        self.sale_of[own] = own
        self.charge(row, own, self.sales[own], (0, {}))

    def adjust(self, row, own, root):
        sale = self.sales[root]
        self.sale_of[own] = root
        self.charge(row, own, sale, (sale.amount, sale.fees))

    def pay_back(self, row, own, root):
        sale = self.sales[root]
        self.sale_of[own] = root
        sale.back += row["amount_minor"]
        due = sale.due(row["payment_kind"] != "refund")
        self.put(row, own, -row["amount_minor"], add(sale.returned, due, -1))
        sale.returned = due

    def undo(self, row, reference):
        line, fees, is_paid_back = self.counted.pop(reference)
        sale = self.sales[self.sale_of[reference]]
        if is_paid_back:
            sale.back, sale.returned = sale.back + line.amount, add(sale.returned, fees)
        else:
            sale.amount, sale.fees = sale.amount - line.amount, add(sale.fees, fees, -1)
        self.write(row, -line.amount, add({}, fees, -1))


def read_book(path):
    book = Book()
    for row in Log(path).rows(columns=COLUMNS, where=WHERE):
        book.take(row)
    return book


def read_files(folder, owner):
    """How often each line stands in the files of one kind of owner."""
    lines = collections.Counter()
    for path in sorted(folder.glob(f"{owner}-*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                if row[0] == "C":
                    names = row[1:]
                elif row[0] == "L":
                    cells = dict(zip(names, row[1:]))
                    fees = (int(cells[name]) for name in ("merchant_fee", "issuer_fee", "scheme_fee", "agent_fee"))
                    lines[Line(cells["merchant"], cells["channel"], cells["rrn"], int(cells["sign"] + cells["amount"]), *fees)] += 1
    return lines


def read_shares(folder):
    """How often each share stands in the files of agents."""
    shares = collections.Counter()
    for path in sorted(folder.glob("agent-*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                if row[0] == "H":
                    agent = row[4]
                elif row[0] == "C":
                    names = row[1:]
                elif row[0] == "L":
                    cells = dict(zip(names, row[1:]))
                    shares[Share(agent, cells["merchant"], cells["rrn"], int(cells["amount"]), int(cells["share"]))] += 1
    return shares


def settle(asked, day):
    done = subprocess.run([asked.settle, "--log", asked.log, "--day", str(day), "--out", asked.out], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SETTLE_S)
    return done.returncode, (done.stdout or done.stderr).strip()


def sums_of(lines):
    return {"lines": sum(lines.values()), "amount": sum(line.amount * count for line, count in lines.items()),
            "merchant_fee": sum(line.merchant_fee * count for line, count in lines.items()),
            "costs": sum((line.issuer_fee + line.scheme_fee) * count for line, count in lines.items())}


def differences(day, wanted, found, where):
    for line in (wanted - found) + (found - wanted):
        yield f"day {day}: {line} is {'missing from' if wanted[line] > found[line] else 'too many in'} the files of {where}s"


def check_day(asked, day, wanted, shares):
    """Sentences about what is wrong with that day's files."""
    code, text = settle(asked, day)
    print(f"settlement {text}")
    if code != 0:
        return [f"day {day}: tillway-settle ended with code {code}: {text}"]
    faults = []
    for owner in OWNERS:
        found = read_files(pathlib.Path(asked.out) / str(day), owner)
        faults.extend(differences(day, wanted, found, owner))
        if sums_of(found) != sums_of(wanted):
            faults.append(f"day {day}: the files of {owner}s come to {sums_of(found)}, the log to {sums_of(wanted)}")
    return faults + list(differences(day, shares, read_shares(pathlib.Path(asked.out) / str(day)), "agent"))


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settle", required=True, help="the program tillway-settle")
    parser.add_argument("--log", required=True, help="the switch's log: its folder")
    parser.add_argument("--out", required=True, help="folder for the files; made when absent")
    parser.add_argument("--json", help="write the result here too")
    asked = parser.parse_args(arguments)
    try:
        pathlib.Path(asked.out).mkdir(exist_ok=True)
        book = read_book(asked.log)
        days = book.days
        faults = [fault for day in sorted(days) for fault in check_day(asked, day, days[day], book.shares[day])]
    except (Unreadable, OSError, subprocess.TimeoutExpired) as fault:
        print(f"settlement_check: {fault}", file=sys.stderr)
        return 2
    for fault in faults[:SHOWN_MAX]:
        print(f"WRONG {fault}")
    sums = {day: sums_of(lines) for day, lines in sorted(days.items())}
    for day, of_day in sums.items():
        print(f"settlement day {day}: {of_day['lines']} movements, net {of_day['amount']}, merchant fees {of_day['merchant_fee']}, costs {of_day['costs']}")
    print(f"the settlement files {'do NOT agree' if faults else 'agree'} with the log" + (f": {len(faults)} differences" if faults else ""))
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps({"schema": "tillway-settlement/1", "agree": not faults, "faults": faults[:1000], "days": sums},
                                                       indent=1) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
