#!/usr/bin/env python3
"""The admin port beside a switch under load: every call, who may make it, what it shows; killed in mid-run without a trace in the books;
metrics that promtool takes; a reload refused and taken over; a drain that ends the switch."""
import contextlib
import hashlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import admin_stage
import log_reader
import run_folder
from admin_stage import ROOT


class Stage(admin_stage.Stage):
    """The demo's processes, with two operators, and configuration files that may be changed."""

    PEOPLE = {"ann": ["operator"], "bob": ["viewer"], "cat": ["after-sales"], "rita": ["risk"]}

    def settings(self):
        return {**super().settings(), "routes": self.folder / "routes.yaml"}

    def prepare(self):
        super().prepare()
        shutil.copy(ROOT / "config/demo/routes.yaml", self.folder / "routes.yaml")

    def restart_admin(self):
        self.admin = self.start("tillway-admin", self.server_command("tillway-admin"))
        self.wait_for_admin()


class AdminPort(admin_stage.Case):
    """The tests run in the order of their names, on one stage; the last one ends the switch."""

    STAGE, ASKED = Stage, ["--terminals", "20", "--tps", "50", "--seconds", "600"]  # the last test ends the load

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fault = None
        cls.loading = threading.Thread(target=cls.load, daemon=True)
        cls.loading.start()
        run_folder.wait_until("payments are in the log", 60, lambda: cls.stage.switch.check() or log_reader.count_rows(cls.stage.log, "kind = 'result'", 0) > 20)

    @classmethod
    def load(cls):
        try:
            cls.stage.run_load()
        except Exception as fault:  # shown by the last test
            cls.fault = fault

    def problem(self, answer, code):
        self.assertEqual(answer[0], code, answer[2])
        self.assertEqual(answer[1]["Content-Type"], "application/problem+json")
        self.assertEqual(json.loads(answer[2])["status"], code)

    def test_01_health_and_readiness(self):
        self.assertEqual(self.stage.http("/healthz")[:1], (200,))
        code, _, text = self.stage.http("/readyz?verbose")
        self.assertEqual(code, 200, text)
        for check in ("control", "state", "listeners", "channel", "store_space", "store_sync"):
            self.assertIn(f"[+]{check}: ok", text)

    def test_02_metrics_pass_promtool(self):
        code, headers, text = self.stage.http("/metrics")
        self.assertEqual(code, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        for name in ("txn_total", "store_commit_seconds_bucket", "channel_up", "terminal_conns", "build_info"):
            self.assertIn(f"\ntillway_{name}", text)
        for secret in ("terminal_id", "10000001"):
            self.assertNotIn(secret, text)
        if shutil.which("promtool"):
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_025_messages_are_shown_masked_to_operators_alone(self):
        self.assertEqual(self.stage.ctl("trace", "terminal", "10000001", who="bob").returncode, 4)
        refused = self.stage.ctl("trace", "channel", "bank_z")
        self.assertEqual((refused.returncode, "no such channel" in refused.stderr), (5, True), refused.stderr)
        self.assertEqual(self.stage.ctl("trace", "terminal", "99999999").returncode, 5)
        for side, name in (("channel", "bank_a"), ("terminal", "10000001")):
            seen = self.stage.ctl("trace", side, name, "--seconds", "4", "--json")
            self.assertEqual(seen.returncode, 0, seen.stderr)
            entries = [json.loads(line) for line in seen.stdout.splitlines()]
            self.assertEqual({entry["way"] for entry in entries}, {"sent", "received"}, seen.stdout[:500])
            requests = [entry["text"] for entry in entries if "0200" in entry["text"]]
            self.assertTrue(requests, seen.stdout[:500])
            for text in requests:  # a card that was swiped has no field 2
                self.assertRegex(text, r"  2 pan +[0-9]{6}\*+[0-9]{4}\n|  35 track2 +\([0-9]+ characters\)")
                self.assertNotRegex(text, r"[0-9]{13,}=")
        self.assertEqual(self.stage.http("/api/v1/traces/terminal:10000001", "ann")[0], 404)  # ended with its reader
        self.problem(self.stage.http("/api/v1/traces/nobody", "ann"), 400)

    def test_03_each_call_takes_its_role(self):
        for path in ("/api/v1/status", "/api/v1/channels", "/api/v1/links", "/api/v1/transactions"):
            self.problem(self.stage.http(path), 401)
            self.assertEqual(self.stage.http(path, "bob")[0], 200)
        self.problem(self.stage.http("/api/v1/reload", "bob", "POST"), 403)
        self.problem(self.stage.http("/api/v1/reload", "ann", "GET"), 405)
        self.problem(self.stage.http("/api/v2/status", "ann"), 404)
        self.problem(self.stage.http("/api/v1/reload", "ann", "POST", b"x" * 5000), 413)
        self.problem(self.stage.http("/api/v1/transactions?stan=x", "bob"), 400)

    def test_04_the_command_line_shows_what_is_there(self):
        self.assertIn("running", self.stage.ctl("status", who="bob").stdout)
        self.assertIn("bank_a", self.stage.ctl("channels", who="bob").stdout)
        found = json.loads(self.stage.ctl("--json", "txn", "search", "--limit", "200", who="bob").stdout)
        bought = [item for item in found["items"] if item["payment_kind"] == "purchase" and item["outcome"] == "approved"]
        self.assertTrue(bought)
        one = bought[0]
        shown = self.stage.ctl("terminal", "show", one["terminal_id"], who="bob")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn(one["merchant_id"], shown.stdout)
        by_key = json.loads(self.stage.ctl("--json", "txn", "search", "--terminal", one["terminal_id"], "--stan", one["stan"], who="bob").stdout)
        self.assertIn(one["rrn"], [item["rrn"] for item in by_key["items"]])
        txn = json.loads(self.stage.ctl("--json", "txn", "show", one["rrn"], who="bob").stdout)
        self.assertEqual([record["kind"] for record in txn["records"]][:2], ["intent", "result"])
        self.assertIn(txn["route"]["channel"], run_folder.BANKS)
        fee = txn["fee"]
        self.assertEqual(fee["merchant_fee"]["minor"] - fee["issuer_fee"]["minor"] - fee["scheme_fee"]["minor"], fee["margin"]["minor"])
        self.assertNotIn("pan_sealed", json.dumps(txn))
        self.assertIn("*", txn["pan_masked"])

    def test_045_a_fee_explains_itself(self):
        found = json.loads(self.stage.ctl("--json", "txn", "search", "--kind", "purchase", "--outcome", "approved", "--limit", "20", who="bob").stdout)
        for item in found["items"]:
            told = json.loads(self.stage.ctl("--json", "fee", "explain", item["rrn"], who="bob").stdout)
            self.assertTrue(told["agrees"], told)
            self.assertTrue(told["file"].endswith("fees.yaml"), told)
            fee = json.loads(self.stage.ctl("--json", "txn", "show", item["rrn"], who="bob").stdout)["fee"]
            self.assertIn(f"merchant fee {fee['merchant_fee']['text'].split()[0]}", " ".join(told["lines"]), told)
        shown = self.stage.ctl("fee", "explain", found["items"][0]["rrn"], who="bob")
        for words in ("charged: merchant fee", "plan", "which is what was charged"):
            self.assertIn(words, shown.stdout)
        self.assertEqual(self.stage.ctl("fee", "explain", "099999999999", who="bob").returncode, 5)

    def logged(self, where):
        return log_reader.count_rows(self.stage.log, where, 0)

    def test_048_orders_reach_the_terminal_and_the_log(self):
        found = json.loads(self.stage.ctl("--json", "txn", "search", "--kind", "purchase", "--outcome", "approved", "--limit", "20", who="bob").stdout)
        terminal = found["items"][0]["terminal_id"]
        stop = ("order", "stop", "terminal", terminal, "--reason", "says it was cloned", "--case", "7")
        self.assertEqual(self.stage.ctl(*stop, who="cat").returncode, 4)  # risk's alone
        self.assertEqual(self.stage.ctl("order", "stop", "terminal", terminal, who="rita").returncode, 2)  # why?
        self.assertEqual(self.stage.ctl("order", "stop", "terminal", "ZZZZZZZZ", "--reason", "r", who="rita").returncode, 1)
        stopped = self.stage.ctl(*stop, who="rita")
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        (order,) = json.loads(self.stage.ctl("--json", "order", "list", "terminal", terminal, who="cat").stdout)["items"]
        self.assertEqual((order["kind"], order["by"], order["case"], order["terminal"]), ("stop", "rita", 7, terminal))
        run_folder.wait_until("a payment is refused", 60, lambda: self.logged(f"kind = 'refused' AND reason = 'order_stop' AND terminal_id = '{terminal}'"))
        self.assertEqual(self.stage.ctl("order", "resume", "terminal", terminal, "--reason", "it was not", who="rita").returncode, 0)
        told = self.stage.ctl("order", "tell", terminal, "请重新签到", "--english", "sign on again", "--reason", "MAC errors", who="cat")
        self.assertEqual(told.returncode, 0, told.stderr)
        run_folder.wait_until("the cashier is told", 60, lambda: self.logged("kind = 'order_done' AND reason = 'order_tell'"))
        words = "请重新签到".encode("gbk").hex()
        self.assertEqual(self.logged(f"kind = 'result' AND instr(answer, x'{words}')"), 1)
        self.assertEqual(json.loads(self.stage.ctl("--json", "order", "list", who="cat").stdout)["items"], [])

    def test_05_pages_join_without_gap_or_repeat(self):
        path, seen = "/api/v1/transactions?limit=7&to=", []
        end = int(time.time()) - 1
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
        # Rows reach the log in their order, a moment after their time: then all of that time are there.
        run_folder.wait_until("rows of later times", 60, lambda: log_reader.count_rows(self.stage.log, f"wall_us > {(end + 1) * 1000000}", 0) > 50)
        cursor = ""
        for _ in range(5):
            page = json.loads(self.stage.http(path + until + cursor, "bob")[2])
            seen += [item["position"] for item in page["items"]]
            if page["cursor"] is None:
                break
            cursor = f"&cursor={page['cursor']}"
        self.assertEqual(seen, sorted(set(seen), reverse=True))
        whole = json.loads(self.stage.http(f"/api/v1/transactions?limit=200&to={until}", "bob")[2])
        self.assertEqual(seen, [item["position"] for item in whole["items"]][: len(seen)])

    def test_06_exit_codes_tell_a_script(self):
        self.assertEqual(self.stage.ctl("status", who=None).returncode, 4)
        self.assertEqual(self.stage.ctl("drain", who="bob").returncode, 4)
        self.assertEqual(self.stage.ctl("terminal", "show", "99999999").returncode, 5)
        self.assertEqual(self.stage.ctl("txn", "show", "999999999999").returncode, 5)
        self.assertEqual(self.stage.ctl("frobnicate").returncode, 2)
        self.assertEqual(self.stage.ctl("--url", "https://127.0.0.1:1", "status").returncode, 3)

    def test_07_a_slow_sender_does_not_keep_others_out(self):
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                stack.enter_context(socket.create_connection(("127.0.0.1", self.stage.admin_port)))
            self.assertEqual(self.stage.http("/healthz")[0], 200)

    def test_08_killing_it_touches_no_payment(self):
        self.stage.admin.kill()
        self.assertEqual(self.stage.ctl("status").returncode, 3)
        self.stage.switch.check()
        self.stage.restart_admin()
        self.assertEqual(self.stage.http("/readyz")[0], 200)

    def test_09_a_faulty_configuration_is_refused_with_its_reasons(self):
        routes = self.folder / "routes.yaml"
        good = routes.read_text()
        before = json.loads(self.stage.http("/api/v1/status", "bob")[2])["config"]
        routes.write_text(good.replace("bank_a", "bank_nowhere"))
        refused = self.stage.ctl("reload")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("routes.yaml:", refused.stderr)
        after = json.loads(self.stage.http("/api/v1/status", "bob")[2])["config"]
        self.assertFalse(after["last_reload_successful"])
        self.assertEqual(after["ruleset_version"], before["ruleset_version"])
        routes.write_text(good + "# again\n")  # what says the same keeps its number
        taken = self.stage.ctl("reload")
        self.assertEqual(taken.returncode, 0, taken.stderr)
        after = json.loads(self.stage.http("/api/v1/status", "bob")[2])["config"]
        self.assertTrue(after["last_reload_successful"])
        self.assertGreater(after["ruleset_version"], before["ruleset_version"])

    def test_09b_the_log_is_listed_verified_copied_and_purged(self):
        listed = self.stage.ctl("log", "list", who="bob")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("SEGMENT", listed.stdout)
        self.assertEqual(self.stage.ctl("log", "verify", who="bob").returncode, 4)
        verified = self.stage.ctl("--json", "log", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        told = json.loads(verified.stdout)
        self.assertEqual(told["state"], "done")
        self.assertGreater(told["rows"], 20)
        copied = self.stage.ctl("log", "backup", "first")
        self.assertEqual(copied.returncode, 0, copied.stderr + copied.stdout)
        copy = log_reader.Log(self.folder / "backup/first")
        self.assertEqual(copy.chain_faults(), [])
        self.assertGreaterEqual(copy.verify()[0], told["rows"])
        self.assertEqual(self.stage.ctl("log", "backup", "first").returncode, 1)  # it is there already
        self.problem(self.stage.http("/api/v1/log/backup/..", "ann", "POST"), 400)
        refused = self.stage.ctl("log", "purge")
        self.assertIn("retention_days", refused.stderr)
        self.assertEqual(refused.returncode, 1)
        purged = self.stage.ctl("log", "purge", "30")
        self.assertEqual(purged.returncode, 0, purged.stderr)
        self.problem(self.stage.http("/api/v1/log/purge/x", "ann", "POST"), 400)
        self.assertEqual(self.stage.ctl("log", "burn").returncode, 2)

    def test_09c_settlement_files_are_written_while_the_switch_pays(self):
        day = next(log_reader.Log(self.stage.log).rows(columns="settlement_day", where="settlement_day <> 0"))["settlement_day"]
        (self.folder / "settlement").mkdir()
        command = [self.stage.program("tillway-settle"), "--log", self.stage.log, "--day", str(day), "--out", self.folder / "settlement"]
        for _ in range(3):  # each sees more of the day
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue((self.folder / f"settlement/{day}/summary.csv").is_file())
        self.stage.switch.check()

    def test_10_the_audit_file_tells_who_did_what_and_is_chained(self):
        previous, seen = "0" * 64, []
        for line in (self.folder / "audit.log").read_text().splitlines():
            entry = json.loads(line)
            front = line[: line.rindex(',"hash":')]
            self.assertEqual(entry["prev"], previous)
            self.assertEqual(entry["hash"], hashlib.sha256(front.encode()).hexdigest().upper())
            previous = entry["hash"]
            seen.append((entry["actor"], entry["action"], entry["outcome"]))
        for wanted in (("bob", "POST /api/v1/reload", "denied"), ("ann", "POST /api/v1/reload", "begun"), ("ann", "POST /api/v1/reload", "failed"),
                       ("ann", "POST /api/v1/reload", "done"), ("", "GET /api/v1/status", "denied"),
                       ("ann", "POST /api/v1/log/backup/first", "done"), ("ann", "POST /api/v1/log/purge/30", "done"),
                       ("ann", "POST /api/v1/log/purge/0", "failed"),
                       ("cat", "POST /api/v1/orders/risk/stop", "denied"), ("rita", "POST /api/v1/orders/risk/stop", "done")):
            self.assertIn(wanted, seen)
        self.assertNotIn("twy_", (self.folder / "audit.log").read_text())

    def test_11_a_drain_ends_the_switch_and_the_books_agree(self):
        self.assertIsNone(self.stage.load.poll(), "the load ended before the tests did")
        self.stage.load.terminate()  # in order
        self.loading.join(180)
        self.assertFalse(self.loading.is_alive())
        self.assertIsNone(self.fault)
        self.stage.drain()
        drained = self.stage.ctl("drain")
        self.assertEqual(drained.returncode, 0, drained.stderr)
        self.assertEqual(self.stage.switch.process.wait(120), 0)
        code, _, text = self.stage.http("/readyz")
        self.assertEqual(code, 503)
        self.assertIn("[-]control:", text)
        self.assertIn("tillway_admin_control_up 0", self.stage.http("/metrics")[2])
        self.problem(self.stage.http("/api/v1/status", "bob"), 503)
        found = json.loads(self.stage.http("/api/v1/transactions?limit=1", "bob")[2])
        self.assertEqual(len(found["items"]), 1)  # the log can still be read
        self.stage.admin.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.stage.admin.process.wait(60), 0)
        for bank in self.stage.banks.values():
            bank.stop()
        self.assertTrue(self.stage.reconcile())


if __name__ == "__main__":
    sys.exit(admin_stage.main(AdminPort))
