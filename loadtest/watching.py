"""What it costs a purchase that after-sales watches: two switches, one that watches and one that does not, loaded in turn."""
import shutil
import statistics

from carriers import BenchFolder, Switch

LIMIT = 1.05


class Unwatched(BenchFolder):
    """A switch without after-sales."""

    def settings(self):
        return {**super().settings(), "aftersales.folder": ""}


class Named(Switch):
    """A carrier of this bench, named after what it does."""

    def __init__(self, folder, words):
        super().__init__(folder)
        self.name = words


def measure(make, plan, measure_rounds, cpu_us, figures):
    """`make(kind)` opens a folder. Answers CPU µs a purchase of each, and adds the ratio."""
    folders = []
    try:
        carriers = []
        for words, kind in (("unwatched", Unwatched), ("watched", BenchFolder)):
            folder = make(kind)
            folders.append(folder)
            folder.prepare_fleet(plan.terminals, 1)
            carriers.append(Named(folder, words))
        rounds = measure_rounds("watching", carriers, plan, ["--closed"])
        costs = {carrier.name: [cpu_us(each[carrier.name]) for each in rounds] for carrier in carriers}
        ratio = statistics.median(watched / unwatched for watched, unwatched in zip(costs["watched"], costs["unwatched"]))
        figures.add("watch.purchase", statistics.median(costs["watched"]), "us CPU/purchase", ("unwatched", statistics.median(costs["unwatched"])), ratio,
                    (f"<= {LIMIT} x", ratio <= LIMIT), len(rounds))
        return costs
    finally:
        for folder in folders:
            folder.close()
            shutil.rmtree(folder.folder, ignore_errors=True)
