#!/usr/bin/env python3
"""Holds the flags of a replayed month against what was known to go wrong in it.

    watch_quality.py --month FOLDER --flags FILE [--cases FILE] [--json FILE]

A fault is found when one of its signals is flagged for its subject from its start to two days after its end. A flag is right when a fault of its
subject explains it, or when its terminal lives through a fault of a cohort; all other flags are false. A cohort's fault is found as one when
exactly one flag names that cohort, and no other cohort is flagged for it. Exit code 1: below what is demanded.
"""
import argparse
import collections
import csv
import json
import pathlib
import statistics
import sys

DAY_US = 86_400_000_000
GRACE_US = 2 * DAY_US
RECALL_MIN, PRECISION_MIN, FALSE_PER_1000_MAX = 0.9, 0.9, 1.0


def rows(path):
    with open(path, newline="") as file:
        yield from csv.DictReader(file)


class Label:
    def __init__(self, row):
        self.subject = (row["subject_kind"], row["subject"])
        self.cohort, self.kind = row["cohort"], row["kind"]
        self.signals, self.also = row["signals"].split(), row["also"].split()
        self.is_required = row["required"] == "1"
        self.start, self.end = int(row["start_us"]), int(row["end_us"]) + GRACE_US
        self.terminals = set(row["terminals"].split())
        self.first = None  # the first flag that finds it
        self.flags = 0

    def explains(self, flag):
        return self.start <= flag["end"] <= self.end and flag["signal"] in self.signals + self.also

    def finds(self, flag):
        return self.start <= flag["end"] <= self.end and flag["signal"] in self.signals


def read_flags(path):
    for row in rows(path):
        yield {**row, "end": int(row["end_us"]), "key": (row["subject_kind"], row["subject"])}


def join(labels, flags):
    """Marks each flag right or false, and each label with its first finding flag."""
    by_subject = collections.defaultdict(list)
    cohorts = [label for label in labels if label.subject[0] == "cohort"]
    for label in labels:
        by_subject[label.subject].append(label)
    for flag in flags:
        own = [label for label in by_subject[flag["key"]] if flag["subject_kind"] != "cohort" or label.cohort == flag["cohort"]]
        flag["labels"] = [label for label in own if label.explains(flag)]
        for label in own:
            if label.finds(flag):
                label.flags += 1
                label.first = label.first if label.first is not None else flag["end"]
        of_fleet = any(flag["terminal"] in label.terminals and label.start <= flag["end"] <= label.end for label in cohorts)
        flag["is_right"] = bool(flag["labels"]) or (of_fleet and flag["subject_kind"] == "terminal" and flag["signal"].startswith("T"))


def signal_table(labels, flags):
    table = {}
    for signal in sorted({s for label in labels for s in label.signals} | {flag["signal"] for flag in flags}, key=lambda s: (s[0], int(s[1:]))):
        asked = [label for label in labels if label.is_required and signal in label.signals]
        found = [label for label in asked if label.first is not None]
        raised = [flag for flag in flags if flag["signal"] == signal]
        right = sum(flag["is_right"] for flag in raised)
        table[signal] = {
            "injected": len(asked), "found": len(found), "recall": len(found) / len(asked) if asked else None,
            "flags": len(raised), "false": len(raised) - right, "precision": right / len(raised) if raised else None,
            "median_hours_to_flag": statistics.median((label.first - label.start) / 3.6e9 for label in found) if found else None,
            "missed": [f"{label.kind} {label.subject[1]}" for label in asked if label.first is None]}
    return table


def cohort_table(labels, flags):
    table = []
    raised = [flag for flag in flags if flag["subject_kind"] == "cohort"]
    for label in (label for label in labels if label.subject[0] == "cohort"):
        others = [flag for flag in raised if label.start <= flag["end"] <= label.end - GRACE_US / 2 and label not in flag["labels"] and not flag["labels"]]
        table.append({"cohort": f"{label.cohort} {label.subject[1]}", "kind": label.kind, "terminals": len(label.terminals),
                      "flags": label.flags, "other_cohorts": len(others), "is_required": label.is_required,
                      "hours_to_flag": (label.first - label.start) / 3.6e9 if label.first is not None else None,
                      "is_one": (label.flags == 1 or (not label.is_required and label.flags == 0)) and not others})
    return table


def totals(labels, flags, month):
    asked = [label for label in labels if label.is_required]
    right = sum(flag["is_right"] for flag in flags)
    sick = sum((min(label.end, label.start + int(month["days"]) * DAY_US) - label.start) / DAY_US
               for label in labels if label.subject[0] == "terminal" and label.is_required)
    healthy_days = int(month["terminal_days"]) - sick
    false = len(flags) - right
    return {"injected": len(asked), "found": sum(label.first is not None for label in asked),
            "recall": sum(label.first is not None for label in asked) / len(asked),
            "flags": len(flags), "false": false, "precision": right / len(flags) if flags else 0.0,
            "healthy_terminal_days": round(healthy_days), "false_per_1000": 1000 * false / healthy_days}


def number(value, form):
    return "-" if value is None else format(value, form)


def show(report):
    print(f"{'signal':8}{'injected':>9}{'found':>7}{'recall':>8}{'flags':>7}{'false':>7}{'precision':>11}{'hours to flag':>15}")
    for signal, row in report["signals"].items():
        print(f"{signal:8}{row['injected']:>9}{row['found']:>7}{number(row['recall'], '.2f'):>8}{row['flags']:>7}{row['false']:>7}"
              f"{number(row['precision'], '.2f'):>11}{number(row['median_hours_to_flag'], '.1f'):>15}")
    print(f"\n{'cohort':32}{'terminals':>10}{'flags':>7}{'others':>8}{'hours':>7}  found as one")
    for row in report["cohorts"]:
        print(f"{row['cohort'] + ' (' + row['kind'] + ')':32}{row['terminals']:>10}{row['flags']:>7}{row['other_cohorts']:>8}"
              f"{number(row['hours_to_flag'], '.1f'):>7}  {'yes' if row['is_one'] else 'NO'}")
    total = report["total"]
    print(f"\nall: {total['found']} of {total['injected']} faults found, recall {total['recall']:.3f}; {total['flags']} flags, {total['false']} false, "
          f"precision {total['precision']:.3f}; {total['false_per_1000']:.2f} false flags per 1,000 healthy terminal-days")
    if "cases" in report:
        print(f"cases: {report['cases']['opened']} opened, of {report['cases']['faults']} of {total['injected']} faults")


def shortfalls(report):
    """All demands that are not met, as sentences. Of one signal there are few faults: one may be missed where ten are asked for."""
    total = report["total"]
    if total["recall"] < RECALL_MIN:
        yield f"recall {total['recall']:.3f}: at least {RECALL_MIN} is demanded"
    if total["precision"] < PRECISION_MIN:
        yield f"precision {total['precision']:.3f}: at least {PRECISION_MIN} is demanded"
    if total["false_per_1000"] > FALSE_PER_1000_MAX:
        yield f"{total['false_per_1000']:.2f} false flags per 1,000 healthy terminal-days: at most {FALSE_PER_1000_MAX:g} is demanded"
    for row in report["cohorts"]:
        if not row["is_one"]:
            yield f"{row['cohort']} was not found as one: {row['flags']} flags of it, {row['other_cohorts']} of other cohorts"


def case_count(labels, flags, path):
    opened = {row["case"] for row in rows(path)}
    with_case = {id(label) for flag in flags if flag["case"] in opened for label in flag["labels"] if label.is_required and label.finds(flag)}
    return {"opened": len(opened), "faults": len(with_case)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--month", required=True, type=pathlib.Path, help="folder of tillway-load fleet-month")
    parser.add_argument("--flags", required=True, type=pathlib.Path, help="flags of tillway-watch replay")
    parser.add_argument("--cases", type=pathlib.Path, help="cases of tillway-watch replay")
    parser.add_argument("--json", type=pathlib.Path, help="write all of it there, too")
    parser.add_argument("--false-flags", action="store_true", help="list them")
    options = parser.parse_args()
    labels = [Label(row) for row in rows(options.month / "labels.csv")]
    flags = list(read_flags(options.flags))
    join(labels, flags)
    report = {"signals": signal_table(labels, flags), "cohorts": cohort_table(labels, flags),
              "total": totals(labels, flags, next(rows(options.month / "month.csv")))}
    if options.cases:
        report["cases"] = case_count(labels, flags, options.cases)
    report["shortfalls"] = list(shortfalls(report))
    show(report)
    for signal, row in report["signals"].items():
        for missed in row["missed"]:
            print(f"missed: {signal} of {missed}")
    if options.false_flags:
        for flag in flags:
            if not flag["is_right"]:
                print("false:", {key: flag[key] for key in ("signal", "subject", "cohort", "end_us", "value", "threshold", "linked")})
    for shortfall in report["shortfalls"]:
        print(f"BELOW: {shortfall}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if report["shortfalls"] else 0


if __name__ == "__main__":
    sys.exit(main())
