#!/usr/bin/env python3
"""How fast and how small, each figure beside a reference of the same run: only the ratios carry over to another machine.

    bench.py --bin DIR [--json FILE] [--quick] [--only micro,route,fee,...] [--keep]

Server and references are measured in turn (A B C A B C ...), ratios are taken pair by pair, and the median of them is told. Processor time
is the server process's own, all threads, over the window after the warm-up. A round in which a payment was dropped, refused or left without
an answer is void. Exit code 0: all was measured; an aim that was missed is shown, not failed.
"""
import argparse
import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import growth
import machine
import reload
import saf_drain
import watching
from carriers import BenchFolder, Echo, Haproxy, Switch, held_online
from run_folder import RunFailed, free_port

MICRO_S, SETTLE_S = 240, 3
# Programs that print figures by themselves, by the part they are asked for by.
PROGRAMS = {"micro": ("codec_bench", "engine_bench", "store_bench"), "route": ("route_bench",), "fee": ("fee_bench",), "watch": ("watch_bench",)}
PARTS = (*PROGRAMS, "wallet", "load", "memory", "saf", "reload", "growth")
SCHEMA = "tillway-bench/1"


class Plan:
    """How much of everything: the whole bench, or what a developer has patience for."""

    def __init__(self, is_quick):
        self.rounds, self.spare_rounds = (2, 1) if is_quick else (5, 3)
        self.terminals = 200 if is_quick else 1000
        self.warmup_s, self.window_s = (0.5, 1.5) if is_quick else (1.5, 5)
        self.idle_terminals = 1000 if is_quick else 10000
        self.pending = 500 if is_quick else saf_drain.PENDING
        self.log_rows = (10_000, 100_000) if is_quick else growth.LOG_ROWS
        self.tables = (20_000, 5_000) if is_quick else (reload.BINS, reload.MERCHANTS)
        self.registered = (1_000, 10_000) if is_quick else growth.REGISTERED


def say(text):
    print(f"bench: {text}", flush=True)


# ---- figures ----------------------------------------------------------------------------------------------------------------------


class Figures:
    """Rows of the result: name, value, unit, what it stands beside, their ratio, the aim and whether it is met."""

    HEAD = ("figure", "value", "unit", "reference", "its value", "ratio", "aim", "met")

    def __init__(self):
        self.rows = []

    def add(self, name, value, unit, reference=("", None), ratio=None, aim=("", None), rounds=None):
        """`aim` is (words, whether it is met)."""
        words, beside = reference
        if ratio is None and beside:
            ratio = value / beside
        self.rows.append({"name": name, "value": value, "unit": unit, "reference": words, "reference_value": beside, "ratio": ratio, "aim": aim[0],
                          "is_met": aim[1], "rounds": rounds})

    def table(self):
        lines = [self.HEAD]
        for row in self.rows:
            met = {True: "yes", False: "NO", None: ""}[row["is_met"]]
            lines.append((row["name"], number(row["value"]), row["unit"], row["reference"], number(row["reference_value"]),
                          "" if row["ratio"] is None else f"{row['ratio']:.3g}", row["aim"], met))
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.HEAD))]
        right = {1, 4, 5}
        for line in lines:
            print("  ".join(cell.rjust(widths[i]) if i in right else cell.ljust(widths[i]) for i, cell in enumerate(line)).rstrip())


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def median_ratio(rounds, name, other, value):
    """The median of the ratios of each round, not the ratio of the medians: both sides of a pair saw the same machine."""
    return statistics.median(value(each[name]) / value(each[other]) for each in rounds)


# ---- single parts -----------------------------------------------------------------------------------------------------------------


def measure_programs(folder, names, figures):
    pin = [] if folder.server_core is None else ["taskset", "--cpu-list", str(folder.server_core)]
    for name in names:
        # The log's writer is a thread beside the loop, as it is in the switch: it gets both cores.
        is_store = name == "store_bench"
        command = [folder.program(name), folder.folder] if is_store else [*pin, folder.program(name)]
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=MICRO_S)
        if done.returncode != 0:
            raise RunFailed(f"{name} ended with code {done.returncode}: {done.stderr}")
        for line in done.stdout.splitlines():
            add_micro(json.loads(line), figures)


def measure_wallet(folder, plan, figures):
    """One wallet channel against tillway-wallet, which shares the machine: payments a second are the pair's, processor time is the channel's own."""
    keys, port = folder.folder / "wallet_keys", free_port()
    keys.mkdir()
    folder.run([folder.program("tillway-wallet"), "keys", "--out", keys])
    folder.start_listening("tillway-wallet", [folder.program("tillway-wallet"), "run", "--keys", keys, "--port", port, "--ledger", folder.folder / "wallet.db"],
                           port, folder.load_core)
    told = folder.run([folder.program("wallet_bench"), keys, port, plan.window_s])
    for line in told.splitlines():
        add_micro(json.loads(line), figures)


def add_micro(found, figures):
    value, aim, is_rate = found["value"], found["aim"], found["unit"].endswith("/s")
    goal = ("", None) if not aim else (f"{'>=' if is_rate else '<='} {number(aim)} {found['unit']}", value >= aim if is_rate else value <= aim)
    figures.add(found["name"], value, found["unit"], (found["reference"], found["reference_value"]), aim=goal, rounds=found.get("rounds"))
    if found["name"] == "engine.purchase":
        rate = 1e9 / value
        figures.add("engine.rate", rate, "purchases/s", aim=(">= 1,000,000 purchases/s", rate >= 1e6))
    if "allocations" in found:
        figures.add(f"{found['name']}.allocations", found["allocations"], "calls", aim=("0 calls", found["allocations"] == 0))


# ---- end to end -------------------------------------------------------------------------------------------------------------------


def cpu_us(found):
    return found["window"]["server_cpu_us"] / found["window"]["answers"]


def rate(found):
    return found["window"]["answers"] / found["window"]["seconds"]


def busy_percent(found):
    return found["window"]["server_cpu_us"] / found["window"]["seconds"] / 1e4


def load_percent(found):
    return found["window"]["own_cpu_us"] / found["window"]["seconds"] / 1e4


def latency(percentile):
    return lambda found: found["latency_us"][percentile]


def round_line(label, found):
    seen = found["latency_us"]
    void = f"  VOID: {found['void']}" if found["void"] else ""
    say(f"  {label:<9} {rate(found):>8,.0f}/s  {cpu_us(found):>6.1f} us CPU each  core {busy_percent(found):>3.0f} %  "
        f"p50 {seen['p50'] / 1000:>7.2f}  p99 {seen['p99'] / 1000:>7.2f}  p99.9 {seen['p99_9'] / 1000:>7.2f} ms{void}")


def one_round(label, carriers, plan, options):
    found = {}
    seconds = plan.warmup_s + plan.window_s
    for carrier in carriers:
        found[carrier.name] = carrier.load(label, seconds, ["--terminals", plan.terminals, "--seconds", seconds, "--warmup", plan.warmup_s, *options])
        round_line(carrier.name, found[carrier.name])
    return found


def rounds_in_turn(label, carriers, plan, options):
    """As many rounds as planned in which no carrier was void; a few more are tried for those that were."""
    valid = []
    for attempt in range(plan.rounds + plan.spare_rounds):
        say(f"{label}, round {attempt + 1}")
        found = one_round(f"{label}-{attempt + 1}", carriers, plan, options)
        if not any(each["void"] for each in found.values()):
            valid.append(found)
        if len(valid) == plan.rounds:
            return valid
    raise RunFailed(f"{label}: only {len(valid)} of {plan.rounds} rounds were valid; why the others were void stands in their lines")


LOAD_COLUMNS = (("purchases/s", rate), ("CPU us each", cpu_us), ("% of core", busy_percent), ("load tool %", load_percent), ("p50 us", latency("p50")),
                ("p99 us", latency("p99")), ("p99.9 us", latency("p99_9")))


def load_table(label, rounds):
    """A row a carrier, medians of the rounds."""
    print(f"{label:<12}" + "".join(f"{words:>13}" for words, _ in LOAD_COLUMNS))
    for name in rounds[0]:
        print(f"{name:<12}" + "".join(f"{number(statistics.median(value(each[name]) for each in rounds)):>13}" for _, value in LOAD_COLUMNS))


def add_load(figures, label, rounds):
    def add(what, value, unit, other, limit, words=""):
        middles = [statistics.median(value(each[name]) for each in rounds) for name in ("tillwayd", other)]
        ratio = median_ratio(rounds, "tillwayd", other, value)
        goal = ("", None) if limit is None else (f"<= {limit} x{words}", ratio <= limit)
        figures.add(f"{label}.{what}/{other}", middles[0], unit, (other, middles[1]), ratio, goal, len(rounds))

    add("cpu", cpu_us, "us CPU/purchase", "echo", None)
    add("cpu", cpu_us, "us CPU/purchase", "haproxy", 1.0, " (at first 2.0 x)")
    add("rate", rate, "purchases/s", "haproxy", None)
    add("p99", latency("p99"), "us", "haproxy", 2.0 if label == "half" else None)


def reply_bytes_of(switch, plan):
    """What the switch answers, on average: the references send as much. Warms everything up, too."""
    seconds = plan.warmup_s + plan.window_s
    found = switch.load("sizes", seconds, ["--terminals", plan.terminals, "--seconds", seconds, "--warmup", plan.warmup_s, "--closed"])
    counts = found["counts"]
    if not counts["answered"]:
        raise RunFailed(f"tillwayd answered nothing: {found['void']}")
    sizes = {"request_bytes": round(counts["payment_bytes"] / counts["sent"]), "reply_bytes": round(counts["answer_bytes"] / counts["answered"])}
    say(f"a purchase has {sizes['request_bytes']} bytes, its answer {sizes['reply_bytes']} (averages of {counts['answered']}, frames whole)")
    return sizes, counts["approved"]


def measure_load(folder, plan, figures):
    switch = Switch(folder)
    sizes, approved = reply_bytes_of(switch, plan)
    behind = sizes["reply_bytes"] - 2  # without the frame's length, which the echo adds
    carriers = [switch, Echo(folder, behind), Haproxy(folder, behind)]
    saturated = rounds_in_turn("saturation", carriers, plan, ["--closed"])
    rates = {name: statistics.median(rate(each[name]) for each in saturated) for name in ("tillwayd", "haproxy")}
    slower = min(rates, key=rates.get)
    half = round(rates[slower] / 2)
    say(f"half load is {half:,}/s for all three: half of what {slower}, the slower of tillwayd and HAProxy, reached")
    halved = rounds_in_turn("half", carriers, plan, ["--tps", half])
    for label, rounds in (("saturation", saturated), ("half", halved)):
        load_table(label, rounds)
        add_load(figures, label, rounds)
    folder.switch.check()
    approved += sum(each["tillwayd"]["counts"]["approved"] for each in saturated + halved)
    durable = switch.durable_results()
    say(f"{durable:,} results are durable in the switch's log; terminals of the valid rounds hold {approved:,} receipts")
    if durable < approved:
        raise RunFailed("receipts are out that the log does not know: no figure of this run counts")
    return {"sizes": sizes, "half_load_tps": half, "half_load_of": slower, "durable_results": durable,
            "saturation": [{name: summary(found) for name, found in each.items()} for each in saturated],
            "half": [{name: summary(found) for name, found in each.items()} for each in halved]}


def summary(found):
    return {"rate": rate(found), "cpu_us": cpu_us(found), "core_percent": busy_percent(found), "load_tool_percent": load_percent(found),
            "latency_us": found["latency_us"], "counts": found["counts"]}


# ---- memory -----------------------------------------------------------------------------------------------------------------------


def idle_bytes(carrier, terminals):
    """What an idle terminal costs: the growth of the whole process, divided; whatever is made once at the first connection is in it too."""
    before = carrier.resident_bytes()
    with held_online(carrier, terminals, 600):
        time.sleep(SETTLE_S)
        after = carrier.resident_bytes()
    say(f"  {carrier.name:<9} {before / 1e6:7.1f} MB empty, {after / 1e6:7.1f} MB with {terminals:,} idle terminals")
    return (after - before) / terminals


def measure_memory(folder, plan, figures):
    say(f"memory, {plan.idle_terminals:,} idle terminals")
    ours = idle_bytes(Switch(folder), plan.idle_terminals)
    bare = idle_bytes(Echo(folder, 100), plan.idle_terminals)
    figures.add("memory.idle_terminal", ours, "bytes", ("echo", bare), aim=("<= 17,000 bytes", ours <= 17000))
    return {"terminals": plan.idle_terminals, "tillwayd_bytes": ours, "echo_bytes": bare}


# ---- growth -----------------------------------------------------------------------------------------------------------------------


def measure_growth(asked, plan, figures):
    def make(kind):
        return lambda count: kind(pathlib.Path(tempfile.mkdtemp(prefix="tillway-bench-")), asked.bin, machine.cores_apart(), count)

    say("cost of a purchase as tables grow")
    grown = growth.measure(make(growth.Registered), plan.registered, "registered", plan, rounds_in_turn, cpu_us, figures)
    say("cost of a purchase as the log grows")
    return grown | growth.measure(make(growth.LongLog), plan.log_rows, "rows", plan, rounds_in_turn, cpu_us, figures)


# ---- watching ---------------------------------------------------------------------------------------------------------------------


def measure_watching(asked, plan, figures):
    def make(kind):
        return kind(pathlib.Path(tempfile.mkdtemp(prefix="tillway-bench-")), asked.bin, machine.cores_apart())

    say("cost of a purchase that is watched")
    return watching.measure(make, plan, rounds_in_turn, cpu_us, figures)


# ---- the whole --------------------------------------------------------------------------------------------------------------------


def with_folder(asked, plan, terminals, body, kind=BenchFolder):
    """Runs the body on a folder with a fleet; keeps the folder when it went wrong."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tillway-bench-"))
    folder, is_done = kind(path, asked.bin, machine.cores_apart()), False
    try:
        if terminals:
            folder.prepare_fleet(terminals, 1)
        found = body(folder)
        is_done = True
        return found
    finally:
        folder.close()
        if is_done and not asked.keep:
            shutil.rmtree(path, ignore_errors=True)
        else:
            say(f"everything is in {path}")


def run(asked):
    plan, figures, watch = Plan(asked.quick), Figures(), machine.Watch()
    result = {"schema": SCHEMA, "is_quick": asked.quick, "machine": machine.describe(), "cores": machine.cores_apart()}
    say(", ".join(f"{name} {value}" for name, value in result["machine"].items()))
    server, load = result["cores"]
    say("one core only: server and load share it" if server is None else
        f"pinned: tillwayd (1 worker) and each reference server on core {server}; load tool, banks and plain echo on core {load}; "
        "the banks' books lie in memory, the switch's log on disk")
    for part, names in PROGRAMS.items():
        if part in asked.only:
            say("parts by themselves: " + ", ".join(names))
            with_folder(asked, plan, 0, lambda folder, names=names: measure_programs(folder, names, figures))
    if "wallet" in asked.only:
        say("payments of a wallet")
        with_folder(asked, plan, 0, lambda folder: measure_wallet(folder, plan, figures))
    if "load" in asked.only:
        result["load"] = with_folder(asked, plan, plan.terminals, lambda folder: measure_load(folder, plan, figures))
    if "memory" in asked.only:
        result["memory"] = with_folder(asked, plan, plan.idle_terminals, lambda folder: measure_memory(folder, plan, figures))
    if "saf" in asked.only:
        say("store-and-forward after an outage")
        result["saf"] = with_folder(asked, plan, plan.terminals, lambda folder: saf_drain.measure(folder, plan.terminals, plan.pending, say, figures),
                                    saf_drain.OutageFolder)
    if "reload" in asked.only:
        say("reloads under load")
        result["reload"] = with_folder(asked, plan, plan.terminals, lambda folder: reload.measure(folder, plan.terminals, say, figures),
                                       lambda *made: reload.LargeTables(*made, *plan.tables))
    if "watch" in asked.only:
        result["watch"] = measure_watching(asked, plan, figures)
    if "growth" in asked.only:
        result["growth"] = measure_growth(asked, plan, figures)
    result["machine"].update(watch.share())
    result["figures"] = figures.rows
    figures.table()
    told = result["machine"]
    say(f"steal {told['steal_percent']} %, cores busy {told['busy_percent']} %, load average {told['load_average_before']} before, "
        f"{told['load_average_after']} after")
    missed = [row["name"] for row in figures.rows if row["is_met"] is False]
    say("all aims met" if not missed else f"aims not met: {', '.join(missed)}")
    return result


def parts_of(text):
    asked = text.split(",")
    for part in asked:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"expected parts of {', '.join(PARTS)}, got '{part}'")
    return asked


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="folder of the built programs")
    parser.add_argument("--json", help="write the result here")
    parser.add_argument("--quick", action="store_true", help="few short rounds with few terminals: shows that it works, not how fast it is")
    parser.add_argument("--only", default=PARTS, type=parts_of, metavar="PART,...", help=f"parts to measure, of {', '.join(PARTS)}; all when absent")
    parser.add_argument("--keep", action="store_true", help="keep the runs' folders")
    return parser.parse_args(arguments)


def main(arguments):
    asked = parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        result = run(asked)
        if asked.json:
            pathlib.Path(asked.json).write_text(json.dumps(result, indent=1) + "\n")
        return 0
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except (RunFailed, subprocess.TimeoutExpired, OSError, ValueError) as fault:
        say(f"FAILED: {fault}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
