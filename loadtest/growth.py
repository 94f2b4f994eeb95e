"""What a purchase costs as everything grows: terminals, merchants and BIN ranges registered; rows in the log.

One switch each with banks of its own, all up at once and loaded in turn, so that a ratio compares runs of the same minute.
"""
import shutil
import statistics
import subprocess

from carriers import BenchFolder, Switch
from run_folder import ROOT

REGISTERED = (1_000, 100_000, 1_000_000)
LOG_ROWS = (10_000, 10_000_000)  # the larger one takes some 10 GB of disk and two minutes
LOG_FILL_S = 1800
SEGMENT_ROWS = 1_000_000
LIMIT = 1.3
FILLER_MERCHANT, FILLER_TERMINAL = 700_000_000_000_000, 20_000_000  # no fleet has such numbers
FILLER_RANGE = 9_000_000_000  # ten digits; no scheme's cards begin so


class Registered(BenchFolder):
    """A fleet among `count` terminals, merchants and BIN ranges."""

    def __init__(self, folder, programs, cores, count):
        super().__init__(folder, programs, cores)
        self.count = count

    def settings(self):
        return {**super().settings(), "tables.bins": self.folder / "fleet/bins.csv"}

    def prepare_fleet(self, terminals, seed):
        super().prepare_fleet(terminals, seed)
        fleet = self.folder / "fleet"
        shutil.copy(ROOT / "config/demo/bins.csv", fleet / "bins.csv")
        fillers = extend_merchants(fleet, self.count)
        extend(fleet / "terminals.csv", self.count, lambda n: f"{FILLER_TERMINAL + n},{FILLER_MERCHANT + n % fillers},active,landi,E350\n")
        extend_bins(fleet, self.count)


class LongLog(BenchFolder):
    """A log of `count` rows, in segments as the switch makes them; the last one has room, so that none is sealed while a purchase is timed."""

    def __init__(self, folder, programs, cores, count):
        super().__init__(folder, programs, cores)
        self.count = count

    def settings(self):
        # After-sales would read a log that it has never seen, beside the payments: that is no cost of its length to them.
        return {**super().settings(), "aftersales.folder": ""}

    def prepare_fleet(self, terminals, seed):
        super().prepare_fleet(terminals, seed)
        rows = self.count if self.count < SEGMENT_ROWS else self.count + SEGMENT_ROWS // 10
        subprocess.run([self.program("log_fill"), self.log, str(rows)], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=LOG_FILL_S)


def extend(path, count, line):
    """Fills a table up to `count` rows; answers how many that took."""
    with open(path, encoding="utf-8") as file:
        present = sum(1 for _ in file) - 1
    missing = max(0, count - present)
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(line(n) for n in range(missing))
    return missing


def extend_merchants(fleet, count):
    return extend(fleet / "merchants.csv", count, lambda n: f"{FILLER_MERCHANT + n},Merchant,5411,standard,SP1,0,active\n")


def extend_bins(fleet, count):
    return extend(fleet / "bins.csv", count, lambda n: f"{FILLER_RANGE + n},19,unionpay,debit,1\n")


class Grown(Switch):
    """A carrier of a growth bench, named after its size."""

    def __init__(self, folder, words):
        super().__init__(folder)
        self.name = words


def words_of(count, what):
    return f"{count:.0e}".replace("e+0", "e") + " " + what


def measure(make, counts, what, plan, measure_rounds, cpu_us, figures):
    """`make(count)` opens a folder. Answers CPU µs a purchase for each size, and adds the ratio of each to the first."""
    folders = []
    try:
        carriers = []
        for count in counts:
            folder = make(count)
            folders.append(folder)
            folder.prepare_fleet(plan.terminals, 1)
            carriers.append(Grown(folder, words_of(count, what)))
        rounds = measure_rounds(f"growth {what}", carriers, plan, ["--closed"])
        first = carriers[0].name
        for carrier in carriers:
            costs = [cpu_us(each[carrier.name]) for each in rounds]
            ratio = statistics.median(cpu_us(each[carrier.name]) / cpu_us(each[first]) for each in rounds)
            base = statistics.median(cpu_us(each[first]) for each in rounds)
            figures.add(f"growth.{carrier.name}", statistics.median(costs), "us CPU/purchase", (first, base), ratio,
                        ("", None) if carrier is carriers[0] else (f"<= {LIMIT} x", ratio <= LIMIT), len(rounds))
        return {carrier.name: [cpu_us(each[carrier.name]) for each in rounds] for carrier in carriers}
    finally:
        for folder in folders:
            folder.close()
            shutil.rmtree(folder.folder, ignore_errors=True)
