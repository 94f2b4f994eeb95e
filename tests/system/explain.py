#!/usr/bin/env python3
"""Asking the running switch why: where a payment would go, told rule by rule, agrees with where payments of the log went, at the price that was
charged; and nothing that is asked or told holds a card number. Files that are tried: what they would have moved, and what they would have charged,
agrees with sums over the log that are made here."""
import argparse
import collections
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import ssl
import sys
import tempfile
import unittest

import admin as admin_test
import admin_stage
import run_folder  # found where admin_stage found it
from log_reader import Log

# The first rule is never met by what the load tool pays; large amounts have a way of their own, and some cards a rule that looks at eight digits.
ROUTES = """currency: 156
routes:
  - when: {scheme: unionpay, amount_min: 999999.00}
    channels: [bank_b]
  - when: {scheme: unionpay, kind: purchase}
    channels: [bank_a, bank_b]
  - channels: [bank_b, bank_a]
"""


class Explain(unittest.TestCase):
    """One switch is paid by twenty terminals for some seconds; the tests then ask about that."""

    @classmethod
    def setUpClass(cls):
        asked = admin_stage.demo.parse(["--bin", BIN, "--terminals", "20", "--tps", "40", "--seconds", "6"])
        cls.told = []
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-explain-"))
        cls.stage = admin_test.Stage(asked, cls.folder)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.addClassCleanup(cls.stage.close)
        cls.stage.prepare()
        (cls.folder / "routes.yaml").write_text(ROUTES)
        cls.stage.start_all()
        run_folder.wait_until("tillway-admin listens", 20, lambda: cls.stage.admin.check() or run_folder.can_connect(cls.stage.admin_port))
        cls.stage.run_load()
        cls.stage.drain()
        cls.rows = list(Log(cls.stage.log).rows(where="kind IN ('intent', 'result', 'refused', 'reversal')"))
        cls.intents = [row for row in cls.rows if row["kind"] == "intent" and row["attempt"] <= 1]

    def ask(self, *words, code=0, who="bob"):
        done = self.stage.ctl("--json", *words, who=who)
        self.told.append(done.stdout + done.stderr)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def route(self, *words, **how):
        return self.ask("route", "explain", *words, **how)

    def test_01_each_rule_that_was_tried_is_told(self):
        told = self.route("--terminal", "10000001", "--amount", "12.34", "--card", "621094")
        self.assertEqual((told["goes_to"], told["channels"], told["route_rule"], told["response_code"]), ("bank_a", ["bank_a", "bank_b"], 5, "00"), told)
        lines = "\n".join(told["lines"])
        for words in ("route rule of line 3 does not fit: amount", "route rule of line 5 fits", "channel bank_a: up, breaker closed",
                      "it goes to bank_a", "merchant fee"):
            self.assertIn(words, lines)
        large = self.route("--terminal", "10000001", "--amount", "1000000", "--card", "621094")
        self.assertEqual((large["goes_to"], large["route_rule"]), ("bank_b", 3))
        self.assertEqual(self.route("--terminal", "10000001", "--amount", "1", "--card", "621094", "--type", "balance")["route_rule"], 7)
        shown = self.stage.ctl("route", "explain", "--terminal", "10000001", "--amount", "12.34", "--card", "621094", who="bob")
        self.assertIn("route rule of line 5 fits", shown.stdout)

    def test_02_a_refusal_is_told_with_its_reason(self):
        for options, code in ((("--terminal", "99999999", "--card", "621094"), "97"), (("--terminal", "10000001", "--card", "999999"), "15")):
            told = self.route(*options, "--amount", "5")
            self.assertEqual((told["goes_to"], told["response_code"], told["fee"]), (None, code, None), told)
        self.assertIn("amount", self.route("--terminal", "10000001", "--amount", "1.234", "--card", "621094", code=1))
        self.assertIn("type", self.route("--terminal", "10000001", "--amount", "1", "--card", "621094", "--type", "gift", code=1))
        self.assertIn("at:", self.route("--terminal", "10000001", "--amount", "1", "--card", "621094", "--at", "noon", code=1))

    def test_03_no_more_than_nine_digits_of_a_card_are_taken(self):
        answer = self.stage.http("/api/v1/routes?terminal=10000001&amount=1&card=6210940000000006", "bob")
        self.assertEqual((answer[0], "never more" in answer[2]), (400, True), answer)
        self.assertEqual(self.stage.http("/api/v1/routes?terminal=10000001&amount=1&card=621094000", "bob")[0], 200)
        whole = self.route("--terminal", "10000001", "--amount", "1", "--card", "6210940000000006")  # tillwayctl keeps the rest to itself
        self.assertEqual(whole["goes_to"], "bank_a")
        self.assertEqual(self.stage.http("/api/v1/routes?terminal=10000001&amount=1&card=621094")[0], 401)

    def test_04_payments_of_the_log_go_where_they_went_at_the_price_they_had(self):
        self.assertGreater(len(self.intents), 100)
        seen = collections.Counter()
        for row in self.intents[:40]:
            told = self.route(row["rrn"])
            self.assertEqual(told["recorded"]["channel"], row["channel"])
            self.assertEqual(told["recorded"]["route_rule"], row["route_rule"])
            if told["notes"] or row["original_seq"]:
                seen["open"] += 1
                continue
            self.assertEqual((told["goes_to"], told["route_rule"]), (row["channel"], row["route_rule"]), told)
            fee = told["fee"]
            self.assertEqual([fee[name]["minor"] for name in ("merchant_fee", "issuer_fee", "scheme_fee")],
                             [row[name] for name in ("merchant_fee", "issuer_fee", "scheme_fee")], told)
            self.assertEqual((fee["fee_rule"], fee["cost_rule"], fee["discount_rule"]), (row["fee_rule"], row["cost_rule"], row["discount_rule"]))
            seen["same"] += 1
        self.assertGreater(seen["same"], 20, seen)
        self.assertIn("no routed transaction", self.route("999999999999", code=5))

    # ---- files that are tried

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def dry_run(self, what, name, text, **how):
        told = self.ask(what, "dry-run", self.file(name, text), who="ann", **how)
        return told if how else told["result"]

    def begun(self):
        """The rows that began a transaction, as a dry run of routes counts them."""
        return [row for row in self.rows if row["kind"] in ("intent", "refused") and row["attempt"] <= 1]

    def test_05_the_routes_in_force_move_nothing(self):
        told = self.dry_run("route", "same.yaml", ROUTES)
        counts = {name: tally["count"] for name, tally in told["totals"].items()}
        self.assertEqual(sum(counts.values()), len(self.begun()), counts)
        self.assertEqual(sum(tally["amount"] for tally in told["totals"].values()), sum(row["amount_minor"] for row in self.begun()))
        self.assertEqual([move for move in told["moves"] if move["as_present"] != move["count"]], [])
        self.assertGreater(counts["same"], 100)
        self.assertEqual(sum(merchant["count"] for merchant in told["merchants"]), len(self.begun()))

    @staticmethod
    def divided():
        """First six digits under which the BIN table tells more: the log cannot tell these cards apart."""
        prefixes = [line.split(",")[0] for line in (admin_stage.ROOT / "config/demo/bins.csv").read_text().splitlines()[1:]]
        return {prefix[:6] for prefix in prefixes if len(prefix) > 6}

    def test_06_other_routes_move_what_the_log_says_they_would(self):
        told = self.dry_run("route", "tried.yaml", "routes:\n  - {when: {amount_max: 100.00}, channels: [bank_b]}\n  - {channels: [bank_a, bank_b]}\n")
        free = [row for row in self.begun() if row["kind"] == "intent" and not row["original_seq"] and row["payment_kind"] in ("purchase", "balance")]
        open_cards = [row for row in free if row["pan_masked"][:6] in self.divided()]
        free = [row for row in free if row not in open_cards]
        self.assertEqual(sum(doubt["count"] for doubt in told["doubts"]), len(open_cards), told["doubts"])
        moved = collections.Counter()
        for row in free:
            to = "bank_b" if row["amount_minor"] <= 10000 else "bank_a"
            if to != row["channel"]:
                moved[row["channel"], to, "count"] += 1
                moved[row["channel"], to, "amount"] += row["amount_minor"]
        self.assertTrue(moved, "every payment went where it would have gone")
        self.assertEqual(moved, {(move["from"], move["to"], what): move[what] for move in told["moves"] for what in ("count", "amount")})
        for move in told["moves"]:
            channels = {row["channel"] for row in free if row["rrn"] in move["examples"]}
            self.assertEqual(channels, {move["from"]})
        shown = self.stage.ctl("route", "dry-run", self.folder / "tried.yaml", who="ann")
        for move in told["moves"]:
            self.assertIn(f"{move['from']} -> {move['to']}: {move['count']} ({move['amount'] // 100}.{move['amount'] % 100:02} CNY)", shown.stdout)

    def test_07_faults_of_a_file_are_told_with_their_line(self):
        path = self.file("bad.yaml", "routes:\n  - {channels: [bank_z]}\n")
        refused = self.stage.ctl("route", "dry-run", path, who="ann")
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"(?m)^bad\.yaml:2:\d+: .*bank_z")
        refused = self.stage.ctl("fee", "dry-run", self.file("bad.yaml", "plans: {SP1: {rules: [{rat: 1%}]}}\n"), who="ann")
        self.assertEqual((refused.returncode, "bad.yaml:1:" in refused.stderr), (1, True), refused.stderr)
        self.assertEqual(self.stage.ctl("route", "dry-run", path, who="bob").returncode, 4)
        self.assertEqual(self.stage.ctl("route", "dry-run", self.folder / "nowhere.yaml", who="ann").returncode, 1)
        self.assertIn("from: expected", self.stage.ctl("route", "dry-run", path, "--from", "yesterday", who="ann").stderr)
        self.assertEqual(self.announce(1048577), 413)
        self.assertEqual(self.stage.http("/api/v1/dry-runs/nothing", "ann", "POST", b"x")[0], 404)

    def announce(self, length):
        """The code for a body that is announced as so long, and never sent."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.stage.admin_port, timeout=20,
                                                 context=ssl.create_default_context(cafile=self.folder / "server.crt"))
        connection.putrequest("POST", "/api/v1/dry-runs/route")
        connection.putheader("Authorization", "Bearer " + (self.folder / "ann.token").read_text().strip())
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        with contextlib.closing(connection):
            return connection.getresponse().status

    def standing(self):
        """Priced transactions that were approved, and neither reversed nor voided."""
        approved = {(row["epoch"], row["seq"]) for row in self.rows
                    if row["kind"] == "result" and row["reason"] == "channel_answered" and row["response_code"] in ("00", "10", "11", "A2", "A4", "A5", "A6")}
        undone = {(row["original_epoch"], row["original_seq"]) for row in self.rows if row["kind"] == "reversal"}
        undone |= {(row["original_epoch"], row["original_seq"]) for row in self.rows
                   if row["payment_kind"] == "void" and (row["epoch"], row["seq"]) in approved - undone}
        return [row for row in self.intents if row["fee_basis"] and row["payment_kind"] == "purchase"
                and (row["epoch"], row["seq"]) in approved - undone]

    def test_08_fees_that_are_tried_come_to_the_sums_of_the_log(self):
        rows, fees = self.standing(), (admin_stage.ROOT / "config/demo/fees.yaml").read_text()
        self.assertGreater(len(rows), 100)
        charged = sum(row["merchant_fee"] for row in rows)
        totals = self.dry_run("fee", "same.yaml", fees)["totals"]
        self.assertEqual((totals["count"], totals["amount"]), (len(rows), sum(row["amount_minor"] for row in rows)))
        self.assertEqual((totals["charged_fee"], totals["tried_fee"], totals["difference"], totals["changed"]), (charged, charged, 0, 0))
        half = self.dry_run("fee", "half.yaml", "\n".join(line if "rate" not in line or "fee:" in line else "" for line in fees.split("\n")).replace(
            "    rules:\n", "    rules:\n      - {rate: 0.25%}\n"))
        self.assertEqual(half["totals"]["tried_fee"], sum((row["amount_minor"] * 25 + 5000) // 10000 for row in rows))
        self.assertEqual(half["totals"]["difference"], half["totals"]["tried_fee"] - charged)
        self.assertGreater(half["totals"]["tried_losses"], 0)
        merchants = collections.Counter()
        for row in rows:
            merchants[row["merchant_id"]] += row["merchant_fee"]
        self.assertEqual(merchants, {merchant["merchant_id"]: merchant["charged_fee"] for merchant in half["merchants"]})
        table = self.stage.ctl("fee", "dry-run", self.folder / "half.yaml", "--csv", who="ann").stdout.splitlines()
        columns = table[0].split(",")
        self.assertEqual(sum(int(line.split(",")[columns.index("difference")]) for line in table[1:]), half["totals"]["difference"])
        self.assertIn("merchants paid", self.stage.ctl("fee", "dry-run", self.folder / "half.yaml", who="ann").stdout)

    def test_08b_a_time_without_payments_has_none(self):
        told = self.ask("fee", "dry-run", self.folder / "half.yaml", "--from", "2020-01-01", "--to", "2020-01-02", who="ann")["result"]
        self.assertEqual((told["totals"], told["merchants"]), ({}, []))

    def test_09_nothing_that_was_asked_or_told_holds_a_card(self):
        for name in ("audit.log", "tillwayd.log", "tillway-admin.log"):
            path = self.folder / name
            self.assertTrue(path.is_file(), name)
            self.assertNotIn("621094000000", path.read_text())
        self.assertTrue(self.told)
        self.assertNotIn("621094000000", "\n".join(self.told))


def main():
    global BIN
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    BIN = os.path.abspath(parser.parse_args().bin)
    for name in ("tillwayd", "tillway-admin", "tillwayctl", "tillway-bank", "tillway-load"):
        if not os.path.isfile(os.path.join(BIN, name)):
            print(f"{name} is not built")
            return 77
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Explain)
    return 0 if unittest.TextTestRunner(verbosity=2, failfast=False).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
