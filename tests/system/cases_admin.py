#!/usr/bin/env python3
"""The admin port for those who follow up: who may read whose case, and that it is written down; a refusal that explains; a fault from its first
look to its end by tillwayctl alone, with two persons; a disputed fee in the merchant's words; what is told of a terminal in one call."""
import json
import sys

import admin_stage
import run_folder


class Stage(admin_stage.Stage):
    """A desk that was filled, and people who follow up."""

    PEOPLE = {"eva": ["after-sales"], "ann": ["operator"], "mia": ["after-sales", "--as", "manager"], "rob": ["risk"],
              "tom": ["after-sales", "--agent", "A18", "--as", "agent"], "pat": ["after-sales", "--point", "P3", "--as", "engineer"]}

    def prepare(self):
        super().prepare()
        (self.folder / "aftersales").mkdir()


class Cases(admin_stage.Case):
    """The tests run in the order of their names, on one stage; later ones go on with what earlier ones did."""

    STAGE, ASKED = Stage, ["--terminals", "10", "--tps", "20", "--seconds", "6"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stage.run_load()
        found = json.loads(cls.stage.ctl("--json", "txn", "search", "--kind", "purchase", "--outcome", "approved", "--limit", "100", who="ann").stdout)["items"]
        cls.paid = found[0]
        cls.other = next(item for item in found if item["merchant_id"] != cls.paid["merchant_id"])
        shops = [cls.paid["terminal_id"], cls.paid["merchant_id"], cls.other["terminal_id"], cls.other["merchant_id"]]
        made = cls.stage.run([cls.stage.program("desk_filler"), cls.folder / "aftersales", *shops])
        cls.printer, cls.risk, cls.flag = made.split()
        cls.desk = cls.folder / "aftersales/aftersales.db"

    def done(self, *words, who="eva"):
        """What a command that has to succeed has printed."""
        ended = self.stage.ctl(*words, who=who)
        self.assertEqual(ended.returncode, 0, f"{words}: {ended.stderr}")
        return ended.stdout

    def refused(self, code, *words, who="eva"):
        ended = self.stage.ctl(*words, who=who)
        self.assertEqual(ended.returncode, code, f"{words}: {ended.stdout}{ended.stderr}")
        return ended.stderr

    def seen(self, *words, who="eva"):
        return json.loads(self.done("--json", *words, who=who))

    def readings(self, who):
        return run_folder.query(self.desk, f"SELECT count(*) FROM reading WHERE actor = '{who}'", 0)

    def test_01_each_role_sees_its_own_kinds(self):
        def ids(who, *words):
            return {str(item["id"]) for item in self.seen("case", "list", *words, who=who)["items"]}

        self.assertIn(self.printer, ids("eva"))
        self.assertNotIn(self.risk, ids("eva"))
        self.assertLessEqual({self.printer, self.risk}, ids("rob"))
        self.assertIn(self.risk, ids("rob", "--kind", "RISK"))
        self.assertNotIn(self.printer, ids("rob", "--kind", "RISK"))
        self.assertIn("role of this token may not", self.refused(4, "case", "list", who="ann"))
        self.refused(5, "case", "show", self.risk)
        self.assertIn("takes no step", self.refused(4, "case", "do", self.printer, "TRIAGE", "--reason", "x", who="rob"))
        self.refused(4, "txn", "search")  # transactions of all merchants are not for who follows up some
        self.done("status")

    def test_02_a_scope_hides_what_is_not_in_it(self):
        self.assertEqual([item["merchant_id"] for item in self.seen("case", "list", "--merchant", self.paid["merchant_id"], who="tom")["items"]], [])
        self.refused(5, "case", "show", self.printer, who="tom")
        self.refused(5, "case", "do", self.printer, "SCORE", "score=1", "--as", "MERCHANT", who="tom")
        self.refused(5, "diagnose", self.paid["terminal_id"], who="tom")
        self.assertEqual(self.seen("flag", "list", who="tom")["items"], [])
        self.refused(4, "case", "keep", self.printer, "--reason", "x", who="tom")
        for merchant in (self.paid["merchant_id"], "M99"):  # a stranger's is answered as one that is not there
            self.refused(5, "case", "open", "SERVICE", "--merchant", merchant, "--reason", "paper", who="tom")
        opened = self.seen("case", "open", "SERVICE", "--merchant", self.other["merchant_id"], "--reason", "paper", who="tom")
        self.assertEqual(self.readings("tom"), 0)
        self.assertEqual([item["id"] for item in self.seen("case", "list", who="tom")["items"]], [opened["id"]])
        self.assertEqual(self.readings("tom"), 1)

    def test_03_reading_a_case_is_written_down_before_it_is_shown(self):
        self.assertTrue(self.seen("case", "list")["items"])  # a line of the queue is a reading, too
        before = self.readings("eva")
        self.seen("case", "list")  # but once an hour
        self.assertEqual(self.readings("eva"), before)
        case = self.seen("case", "show", self.printer)
        self.assertEqual(self.readings("eva"), before + 1)
        self.assertEqual(self.seen("case", "readings", self.printer)["items"][0]["actor"], "eva")
        self.refused(4, "case", "readings", self.printer, who="tom")
        self.assertEqual(case["case"]["fault"], "P1")
        self.assertEqual(case["self_help"]["steps"], [{"zh": "打开纸仓盖,重新装纸", "en": "open the lid and put the paper in anew"}])
        self.assertEqual([point["point_id"] for point in case["serve"]["points"]], ["P3"])
        self.assertTrue(case["warranty"]["is_free"])
        self.assertIn("T9", json.dumps(case["cause"]["faults"]))
        self.assertEqual({check["place"] for check in case["cause"]["checks"]}, {"channel", "cohort", "merchant"})
        self.assertTrue(next(check for check in case["cause"]["checks"] if check["place"] == "channel")["is_ruled_out"])
        self.assertIn("TRIAGE", [event["event"] for event in case["permitted"]])
        for secret in ("account_hash", "owner_hash", "owner_card_hash", "credit_code_hash"):
            self.assertNotIn(secret, json.dumps(case))
        wet = self.seen("case", "show", self.printer, "--damage", "liquid", "--part", "printer")
        self.assertEqual((wet["warranty"]["is_free"], wet["warranty"]["cost_minor"]), (False, 28000))

    def test_04_a_fault_goes_from_its_first_look_to_its_end(self):
        def say(*words, who="eva"):
            return self.seen("case", "do", self.printer, *words, who=who)

        self.assertIn("permitted:", self.refused(1, "case", "do", self.printer, "ACCEPT"))
        self.assertIn("expected one of P1, P2, P3", self.refused(1, "case", "do", self.printer, "TRIAGE", "service_class=P9", "--reason", "x"))
        self.assertIn("needs a reason", self.refused(1, "case", "do", self.printer, "TRIAGE", "fault=P1"))
        self.assertIn("only the switch", self.refused(1, "case", "do", self.printer, "OBSERVED"))
        self.assertEqual(say("TRIAGE", "fault=P1", "service_class=P2", "--reason", "no paper comes out")["state"], "TRIAGED")
        self.assertIn("first step 1", self.refused(1, "case", "do", self.printer, "DISPATCH", "place=site_city", "--reason", "still ill"))
        say("FIRST_STEP", "step=1", "result=done")
        say("FIRST_STEP", "step=2", "result=impossible", "--reason", "no newer software")
        self.refused(5, "case", "show", self.printer, who="pat")
        sent = say("DISPATCH", "place=site_city", "engineer=pat", "point_id=P3", "--reason", "still ill")
        self.assertIn("TELL_ENGINEER", [effect["what"] for effect in sent["to_do"]])
        self.assertEqual([str(item["id"]) for item in self.seen("case", "list", who="pat")["items"]], [self.printer])
        self.assertIn("expected as what this token may act (engineer", self.refused(1, "case", "do", self.printer, "CLOSE", "--as", "STAFF", who="pat"))
        say("ACCEPT", who="pat")
        say("ARRIVE", who="pat")
        self.assertIn("PART,paid_by=", self.refused(2, "case", "do", self.printer, "FIX", "--reason", "x", "--replaced", "printer,new", who="pat"))
        self.assertIn("more than was accepted", self.refused(1, "case", "do", self.printer, "FIX", "--reason", "x", "--replaced", "printer,paid_by=merchant,cost_minor=1", who="pat"))
        fix = say("FIX", "--reason", "a new print head", "--replaced", "printer,paid_by=warranty,serial_after=H-2", "--photo", "ab" * 32, who="pat")
        self.assertEqual((fix["state"], "to_do" in fix), ("FIXED", False))
        least = self.seen("case", "show", self.printer, who="pat")
        self.assertEqual(([part["serial_after"] for part in least["parts"]], least["photos"], "merchant" in least), (["H-2"], ["ab" * 32], False))
        self.refused(4, "diagnose", least["case"]["terminal_id"], who="pat")
        self.refused(4, "evidence", "export", self.printer, "--out", self.folder / "no.tar", who="pat")
        self.assertIn("second person", self.refused(1, "case", "do", self.printer, "CLOSE", "outcome=confirmed", "--reason", "mended"))
        close = ("case", "do", self.printer, "CLOSE", "outcome=confirmed", "closing_code=PRINTER", "--as", "MANAGER", "--reason", "written off")
        self.refused(1, *close, who="mia")
        self.refused(4, *close, "--second-token-file", self.folder / "mia.token", who="mia")  # oneself is no second person
        ended = self.seen(*close, "--second-token-file", self.folder / "eva.token", who="mia")
        self.assertEqual(ended["state"], "CLOSED")
        self.assertIn("ASK_SCORE", [effect["what"] for effect in ended["to_do"]])
        say("SCORE", "score=5", "--as", "MERCHANT")
        self.assertNotIn(self.printer, {str(item["id"]) for item in self.seen("case", "list")["items"]})
        self.assertIn(self.printer, {str(item["id"]) for item in self.seen("case", "list", "--state", "closed")["items"]})
        events = self.seen("case", "show", self.printer)["events"]
        self.assertEqual([(event["actor"], event["second_actor"]) for event in events if event["kind"] == "CLOSE"], [("mia", "eva")])
        shown = self.done("case", "show", self.printer, "--lang", "zh")
        for words in ("已关闭", "便利店", "2 Nanjing Road", "打开纸仓盖,重新装纸", "浦东服务点", "a new print head", "打印机", "H-2"):
            self.assertIn(words, shown)

    def test_05_a_disputed_fee_is_explained_in_the_merchants_words(self):
        opening = ("case", "open", "FEE", "--merchant", self.paid["merchant_id"], "--reason", "too much")
        self.assertIn("rrns", self.refused(1, *opening))
        self.assertIn("of this terminal and merchant", self.refused(1, *opening, "--rrn", self.other["rrn"]))
        self.assertIn("of this terminal and merchant", self.refused(1, *opening, "--rrn", "099999999999"))
        opened = str(self.seen(*opening, "--rrn", self.paid["rrn"])["id"])
        fee = self.seen("case", "show", opened, "--plan", "FLAT55")["fees"][0]
        self.assertEqual((fee["rrn"], fee["signed_plan"], fee["other"]["plan"]), (self.paid["rrn"], "CAP50", "FLAT55"))
        self.assertTrue(fee["explanation"]["agrees"], fee)
        self.assertIn("*", fee["card"])
        charged = self.seen("txn", "show", self.paid["rrn"], who="ann")["fee"]["merchant_fee"]["minor"]
        self.assertEqual(fee["charged_minor"], charged)
        self.assertIn("Under the one you thought of: plan FLAT55", " ".join(fee["lines_en"]))
        self.assertIn("若按您所说:方案 FLAT55", "".join(fee["lines_zh"]))
        self.assertIn("95516", "".join(fee["lines_zh"]))
        shown = self.done("case", "show", opened, "--lang", "zh")
        self.assertIn("手续费说明", shown)
        nobodys = self.seen("case", "show", opened, "--plan", "NOBODYS")["fees"][0]["other"]
        self.assertIn("no such plan", nobodys["note"])
        correct = ("case", "do", opened, "CORRECT", "--reason", "the wrong plan", "--as", "MANAGER")
        self.assertIn("not permitted", self.refused(1, *correct, who="mia"))
        self.done("case", "do", opened, "FIRST_STEP", "step=1", "result=done")
        self.done("case", "do", opened, "EXPLAIN", "--reason", "by plan and rule")
        self.done("case", "do", opened, "DISPUTE", "--as", "MERCHANT", "--reason", "another plan was signed")
        self.assertIn("second person", self.refused(1, *correct, who="mia"))
        corrected = self.seen(*correct, "--second-token-file", self.folder / "eva.token", who="mia")
        self.assertEqual(corrected["state"], "CORRECTED")
        self.assertEqual(self.seen("case", "do", opened, "CLOSE", "outcome=confirmed", "--reason", "paid back")["state"], "CLOSED")

    def test_06_flags_without_a_case_are_judged(self):
        self.assertIn(self.flag, {str(flag["id"]) for flag in self.seen("flag", "list")["items"]})
        self.assertEqual(self.seen("flag", "judge", self.flag, "benign")["outcome"], "benign")
        of_case = self.seen("flag", "list", "--case", self.printer)["items"]
        self.assertEqual([flag["outcome"] for flag in of_case], ["confirmed"])
        self.assertIn("belongs to case", self.refused(1, "flag", "judge", of_case[0]["id"], "benign"))
        self.refused(1, "flag", "judge", self.flag, "maybe")
        self.refused(5, "flag", "judge", "99999", "benign")
        rules = {rule["signal"]: rule for rule in self.seen("flag", "rules", who="ann")["items"]}
        self.assertEqual((rules["T9"]["confirmed"], rules["T12"]["benign"]), (1, 1))

    def test_07_a_terminal_is_told_in_one_call(self):
        told = self.seen("diagnose", self.paid["terminal_id"])
        self.assertTrue(told["live"]["registered"])
        self.assertGreater(told["live"]["watch"]["payments_day"], 0, told["live"])
        self.assertIsNone(told["live"]["watch_fault"])
        self.assertTrue(told["live"]["keys"])
        for key in told["live"]["keys"]:
            self.assertRegex(key["kcv"], r"^[0-9A-Fa-f]{6}$")
        self.done("order", "ask-status", self.paid["terminal_id"], "--reason", "a merchant has called")
        ordered = [order["kind"] for order in self.seen("diagnose", self.paid["terminal_id"])["orders"]]
        self.assertIn("ask_status", ordered)
        self.assertTrue(0 < len(told["messages"]) <= 20)
        self.assertIsNotNone(told["last_signon"])
        self.assertGreaterEqual(told["round_trip_ms"]["count"], 1)
        self.assertFalse(told["channel"]["is_down"])
        self.assertEqual(told["terminal"]["brand"], "PAX")
        self.assertEqual([point["point_id"] for point in told["serve"]["points"]], ["P3"])
        self.assertIn(told["suggestion"]["by"], ("flags", "answers", "an open case"))
        for message in told["messages"]:
            self.assertNotRegex(message.get("pan_masked", ""), r"[0-9]{12}")
        self.assertIn("likely cause", self.done("diagnose", self.paid["terminal_id"]))
        self.assertIn("可能的原因", self.done("diagnose", self.paid["terminal_id"], "--lang", "zh"))
        self.refused(5, "diagnose", "99999999")
        self.refused(2, "diagnose", self.paid["terminal_id"], "--lang", "fr")

    def test_08_a_case_is_kept_for_a_court(self):
        self.refused(1, "case", "keep", self.printer)
        self.done("case", "keep", self.printer, "--reason", "court of Pudong")
        self.assertIn("held for a court already", self.refused(1, "case", "keep", self.printer, "--reason", "again"))
        self.assertTrue(self.seen("case", "show", self.printer)["is_kept"])
        self.done("case", "unkeep", self.printer)
        self.assertFalse(self.seen("case", "show", self.printer)["is_kept"])

    def test_09_what_was_done_stands_in_the_audit_file(self):
        lines = [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]
        steps = [line for line in lines if line["action"] == f"POST /api/v1/cases/{self.printer}/CLOSE"]
        self.assertIn(("mia", "done"), [(line["actor"], line["outcome"]) for line in steps])
        self.assertIn(("mia", "failed"), [(line["actor"], line["outcome"]) for line in steps])
        self.assertIn(("mia", "denied"), [(line["actor"], line["outcome"]) for line in steps])


if __name__ == "__main__":
    sys.exit(admin_stage.main(Cases, "desk_filler"))
