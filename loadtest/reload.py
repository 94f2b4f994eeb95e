"""What live payments feel of a reload of large tables, and how long it holds the engine's loop.

Latency is measured before any reload and while one reload follows the other, in the same run; so the second figure is the worst that reloads can
do, not one of them in a day.
"""
import json
import re
import signal
import statistics
import time

import growth
import machine
from carriers import Switch
from run_folder import RunFailed, wait_until

BINS, MERCHANTS = 1_000_000, 100_000
LIVE_TPS, LIVE_S, RELOAD_S = 300, 20, 120
P99_LIMIT, SWAP_LIMIT_US = 2.0, 1000


class LargeTables(growth.Registered):
    """A fleet among a million BIN ranges and a hundred thousand merchants."""

    def __init__(self, folder, programs, cores, bins, merchants):
        super().__init__(folder, programs, cores, 0)
        self.bins, self.merchants = bins, merchants

    def prepare_fleet(self, terminals, seed):
        super().prepare_fleet(terminals, seed)
        fleet = self.folder / "fleet"
        growth.extend_merchants(fleet, self.merchants)
        growth.extend_bins(fleet, self.bins)


class Swaps:
    """(µs to get ready, µs to swap) of each reload so far, as the switch logs them. What was read once is not read again: looking must cost
    the load nothing."""

    def __init__(self, switch):
        self.switch, self.file, self.begun, self.found = switch, open(switch.log, encoding="utf-8", errors="replace"), "", []

    def read(self):
        self.switch.check()
        *lines, self.begun = (self.begun + self.file.read()).split("\n")
        for line in lines:
            if "reload_refused" in line:
                raise RunFailed(f"a reload was refused: {line}")
            if "reload_swapped" in line:
                self.found.append(tuple(int(re.search(rf"{name}_us=(\d+)", line).group(1)) for name in ("ready", "swap")))
        return self.found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def reload_until(swaps, is_over):
    """One reload after the other; answers how many seconds each took, from the signal to the swap."""
    took = []
    while not is_over():
        before, began = len(swaps.read()), time.monotonic()
        swaps.switch.process.send_signal(signal.SIGHUP)
        wait_until("a reload is done", RELOAD_S, lambda: len(swaps.read()) > before, 0.1)
        took.append(time.monotonic() - began)
    return took


def measure(folder, terminals, say, figures):
    """Adds the figures; answers the details."""
    live = Switch(folder)
    options = ["--terminals", terminals, "--seconds", LIVE_S, "--warmup", 1, "--tps", LIVE_TPS]
    before = live.load("before", LIVE_S, options)
    if before["void"]:
        raise RunFailed(f"before any reload: {before['void']}")
    result = folder.folder / "reloading.json"
    child = folder.start("load-reloading", [*live.command(options), "--quiet", "--json", result], folder.load_core)
    with Swaps(folder.switch) as swaps, machine.kept_to(folder.load_core):
        took = reload_until(swaps, lambda: child.process.poll() is not None)
    during = json.loads(result.read_text())
    lost = {name: during["counts"][name] for name in ("dropped", "unanswered", "unknown", "declined", "lost") if during["counts"][name]}
    if lost:
        raise RunFailed(f"while reloading: {lost}")
    ready_us, swap_us = (statistics.median(column) for column in zip(*swaps.found))
    p99 = [found["latency_us"]["p99"] for found in (before, during)]
    say(f"{len(took)} reloads of {folder.bins:,} BIN ranges and {folder.merchants:,} merchants, {min(took):.1f} to {max(took):.1f} s each; the longest "
        f"swap took {max(swap for _, swap in swaps.found)} us")
    figures.add("reload.p99_while_reloading", p99[1], "us", ("before", p99[0]), aim=(f"<= {P99_LIMIT} x", p99[1] <= P99_LIMIT * p99[0]))
    figures.add("reload.swap", swap_us, "us of the engine's loop", ("p99 of a payment before", p99[0]),
                aim=(f"<= {SWAP_LIMIT_US} us", swap_us <= SWAP_LIMIT_US))
    figures.add("reload.ready", ready_us, "us of the engine's loop", ("p99 of a payment before", p99[0]))
    return {"reloads": len(took), "seconds": took, "before": before["latency_us"], "during": during["latency_us"], "swaps_us": swaps.found}
