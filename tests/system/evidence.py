#!/usr/bin/env python3
"""Evidence of a case, from a switch that took payments to a machine that has nothing but the file: exported, read by tar and openssl, worked out
again by code of its own, verified; and refused, with the place, once a byte is another one."""
import hashlib
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tarfile

import admin_stage
import log_reader
import run_folder


class Stage(admin_stage.Stage):
    """The demo's processes, with people who follow up, and a key that evidence is signed with."""

    PEOPLE = {"ann": ["after-sales"], "rae": ["risk"], "vic": ["viewer"], "olga": ["operator"]}

    def settings(self):
        return {**super().settings(), "aftersales.evidence_key": self.folder / "evidence.key"}

    def prepare(self):
        super().prepare()
        for name in ("evidence", "other"):
            self.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.folder / f"{name}.key"])
            (self.folder / f"{name}.key").chmod(0o600)
            self.run(["openssl", "pkey", "-in", self.folder / f"{name}.key", "-pubout", "-out", self.folder / f"{name}.pub"])

    def open_case(self, kind, rows):
        """By the calls of the desk that the switch itself makes."""
        first = rows[0]
        return self.run([self.program("case_stage"), self.folder / "aftersales/aftersales.db", kind, first["terminal_id"], first["merchant_id"],
                         *[row["position"] for row in rows]]).strip()


def verify(folder, *words):
    """On a machine that has the program and the file alone: no server, no token, no database."""
    done = subprocess.run([str(word) for word in (pathlib.Path(Evidence.bin) / "tillwayctl", "evidence", "verify", *words)], capture_output=True,
                          text=True, timeout=60, cwd=folder, env={"TILLWAY_TOKEN_FILE": "/nonexistent", "TILLWAY_URL": "https://127.0.0.1:1"})
    return done.returncode, done.stdout, done.stderr


def column_bytes(value):
    if isinstance(value, int):
        return value.to_bytes(8, "big", signed=True)
    value = bytes.fromhex(value["hex"]) if isinstance(value, dict) else value.encode()
    return len(value).to_bytes(2, "big") + value


class Evidence(admin_stage.Case):
    """The tests run in the order of their names, on one stage."""

    STAGE, ASKED = Stage, ["--terminals", "10", "--tps", "20", "--seconds", "5"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stage.run_load()
        (cls.folder / "aftersales").mkdir(exist_ok=True)
        rows = [row for row in log_reader.Log(cls.stage.log).rows() if row["kind"] == "result" and row["pan_masked"] and row["merchant_fee"] > 0]
        assert len(rows) > 5, "the load left no payments"
        terminal = rows[0]["terminal_id"]
        cls.rows = [row for row in rows if row["terminal_id"] == terminal][:3]
        cls.case = cls.stage.open_case("FAULT", cls.rows)
        cls.risk = cls.stage.open_case("RISK", [next(row for row in rows if row["terminal_id"] != terminal)])
        cls.away = cls.folder / "away"
        cls.away.mkdir()
        cls.file = cls.away / "case.tar"

    def expect(self, done, code, *texts):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for text in texts:
            self.assertIn(text, done.stdout + done.stderr)

    def test_01_only_who_follows_up_may_export(self):
        out = self.folder / "none.tar"
        for who in ("vic", "olga"):
            self.expect(self.stage.ctl("evidence", "export", self.case, "--out", out, who=who), 4)
        self.expect(self.stage.ctl("evidence", "export", self.risk, "--out", out), 5, "no case has the number")
        self.expect(self.stage.ctl("evidence", "export", "77", "--out", out), 5, "no case has the number 77")
        self.assertFalse(out.exists())

    def test_02_an_export_verifies_where_there_is_nothing_else(self):
        self.expect(self.stage.ctl("evidence", "export", self.case, "--out", self.file), 0, "verify it with")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.expect(self.stage.ctl("evidence", "export", self.case, "--out", self.file), 1, "File exists")
        self.expect(self.stage.ctl("evidence", "export", self.risk, "--out", self.folder / "risk.tar", who="rae"), 0)
        shutil.copy(self.folder / "evidence.pub", self.away / "evidence.pub")
        code, out, err = verify(self.away, self.file.name, "--key", "evidence.pub")
        self.assertEqual((code, err), (0, ""))
        self.assertIn(f"case:    {self.case}, exported by ann at ", out)
        self.assertIn("2 events in one chain, ", out)
        self.assertIn("signed by the key that you trust", out)
        code, out, _ = verify(self.away, self.file.name)
        self.assertEqual(code, 0)
        self.assertIn("origin:  NOT checked", out)

    def test_03_it_agrees_with_the_log(self):
        code, out, err = verify(self.away, self.file.name, "--log", self.stage.log, "--json")
        self.assertEqual(code, 0, err)
        told = json.loads(out)
        self.assertGreaterEqual(told["rows"], 6)  # an intent and a result each
        self.assertEqual((told["rows_compared"], told["rows_purged"]), (told["rows"], 0))

    def test_04_it_verifies_without_this_program(self):
        """By tar, openssl and the page in switch/evidence/README.md."""
        folder = self.folder / "unpacked"
        folder.mkdir()
        subprocess.run(["tar", "xf", self.file, "-C", folder], check=True)
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", self.folder / "evidence.pub", "-rawin", "-in", folder / "manifest.json",
                        "-sigfile", folder / "manifest.sig"], check=True, capture_output=True)
        manifest = json.loads((folder / "manifest.json").read_text())
        names = [member["name"] for member in manifest["members"]]
        with tarfile.open(self.file) as archive:
            self.assertEqual(archive.getnames(), ["manifest.json", "manifest.sig", *names])
        for member in manifest["members"]:
            content = (folder / member["name"]).read_bytes()
            self.assertEqual((len(content), hashlib.sha256(content).hexdigest()), (member["size"], member["sha256"]), member["name"])
        previous = bytes(32)
        for line in (folder / "events.jsonl").read_text().splitlines():
            event = json.loads(line)
            head = int(self.case).to_bytes(8, "big") + event["number"].to_bytes(8, "big")
            previous = hashlib.sha256(previous + head + b"".join(map(column_bytes, event["columns"].values()))).digest()
            self.assertEqual(previous.hex(), event["hash"])
        self.assertEqual(previous.hex(), manifest["case"]["last_hash"])
        hashes = {row["position"]: bytes(row["hash"]).hex() for row in log_reader.Log(self.stage.log).rows()}
        for line in (folder / "log.jsonl").read_text().splitlines():
            row = json.loads(line)
            made = hashlib.sha256(bytes.fromhex(row["previous_hash"]) + b"".join(map(column_bytes, row["columns"].values()))
                                  + bytes.fromhex(row["secrets"])).hexdigest()
            self.assertEqual((made, made), (row["hash"], hashes[row["columns"]["position"]]))

    def test_05_what_it_tells(self):
        folder = self.folder / "unpacked"
        decisions = json.loads((folder / "decisions.json").read_text())
        self.assertEqual(decisions["left_out"], {"purged_rows": 0, "for_want_of_room": 0})
        told = {story["rrn"]: story for story in decisions["transactions"]}
        for row in self.rows:
            story = told[row["rrn"]]
            self.assertEqual(story["decisions"]["route"]["channel"], row["channel"])
            self.assertGreater(story["decisions"]["price"]["merchant_fee"], 0)
            self.assertEqual([leg["kind"] for leg in story["timings"]][:2], ["intent", "result"])
            self.assertGreaterEqual(story["timings"][1]["after_us"], 0)
        txns = json.loads((folder / "transactions.json").read_text())["transactions"]
        self.assertEqual({txn["rrn"] for txn in txns}, {row["rrn"] for row in self.rows})
        fees = json.loads((folder / "fees.json").read_text())["fees"]
        self.assertEqual(len(fees), len(self.rows))
        for fee in fees:
            self.assertIn("merchant fee", "".join(fee["explanation"]["lines"]))
            self.assertEqual((fee["due_minor"], fee["difference_minor"]), (fee["charged_minor"], 0))
            self.assertRegex("".join(fee["lines_en"]), r"[A-Za-z]{4}")
            self.assertRegex("".join(fee["lines_zh"]), "[\u4e00-\u9fff]{4}")
        keys = json.loads((folder / "keys.json").read_text())
        told = {key["name"]: key["kcv_at_export"] for key in keys["keys"]}
        for use in ("tmk", "pik", "mak"):
            self.assertRegex(told[f"term:{self.rows[0]['terminal_id']}:{use}"], "^[0-9A-F]{6}$")
        self.assertIn(f"chan:{self.rows[0]['channel']}:zak", told)
        flag = json.loads((folder / "flags.jsonl").read_text())
        self.assertEqual((flag["name"], flag["evidence"]), ("TIMEOUTS", [row["position"] for row in self.rows]))
        self.assertIn("商户来电", (folder / "events.jsonl").read_text())

    def test_06_no_card_leaves(self):
        """Neither a number nor anything of it that was enciphered; no path of this machine."""
        content = self.file.read_bytes()
        for row in log_reader.Log(self.stage.log).rows():
            masked = row["pan_masked"]
            if masked:
                self.assertIsNone(re.search(rf"{masked[:6]}[0-9]{{{len(masked) - 10}}}{masked[-4:]}".encode(), content), masked)
            for name in ("pan_sealed", "pan_hash", "payload", "answer"):
                secret = bytes(row[name])
                found = len(secret) > 7 and (secret in content or secret.hex().encode() in content.lower())
                self.assertFalse(found, f"{name} of position {row['position']}")
        for word in (b'"expiry"', str(self.folder).encode()):
            place = content.find(word)
            self.assertEqual(place, -1, content[max(0, place - 80):place + 80])

    def test_07_one_changed_byte_is_found_and_named(self):
        content = bytearray(self.file.read_bytes())
        copy = self.away / "changed.tar"
        chance = random.Random(7)
        with tarfile.open(self.file) as archive:
            members = [(member.name, member.offset, member.offset_data, member.size) for member in archive.getmembers()]
        for name, head, begin, size in members:
            places = [chance.randrange(head, begin), *([chance.randrange(begin, begin + size)] if size else [])]
            for place in places:
                content[place] ^= 1
                copy.write_bytes(content)
                content[place] ^= 1
                for trust in (("--key", "evidence.pub"), ()):
                    code, out, err = verify(self.away, copy.name, *trust)
                    self.assertEqual((code, out), (1, ""), f"{name}, byte {place}")
                    self.assertIn("manifest.json" if name == "manifest.sig" and place >= begin else name, err)
                    self.assertIn("of the archive: ", err)
        at = content.index(b'"amount_minor":') + len(b'"amount_minor":')
        content[at] = ord("9") if content[at] != ord("9") else ord("8")
        copy.write_bytes(content)
        code, _, err = verify(self.away, copy.name, "--key", "evidence.pub")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"log\.jsonl: byte [0-9]+ of the archive: row 1: what it says was changed")

    def test_08_another_key_or_another_log_is_refused(self):
        code, _, err = verify(self.away, self.file.name, "--key", self.folder / "other.pub")
        self.assertEqual(code, 1)
        self.assertIn("another key signed", err)
        (self.folder / "empty").mkdir()
        code, _, err = verify(self.away, self.file.name, "--log", self.folder / "empty")
        self.assertEqual(code, 1)
        self.assertIn("segment-000001.db", err)
        self.assertEqual(verify(self.away, "absent.tar")[0], 1)
        self.assertEqual(verify(self.away, self.file.name, "--key", "absent.pub")[0], 1)

    def test_09_exports_are_readings_and_stand_in_the_audit_file(self):
        database = self.folder / "aftersales/aftersales.db"
        self.assertEqual(run_folder.query(database, f"SELECT count(*) FROM reading WHERE actor = 'ann' AND case_id = {self.case}"), 1)
        self.assertEqual(run_folder.query(database, f"SELECT count(*) FROM reading WHERE case_id = {self.risk}"), 1)
        lines = [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]
        done = [line for line in lines if line.get("outcome") == "done" and "evidence" in json.dumps(line)]
        self.assertEqual(len(done), 2, lines)

    def test_10_evidence_is_had_while_the_switch_is_down(self):
        self.stage.switch.stop()
        again = self.away / "again.tar"
        self.expect(self.stage.ctl("evidence", "export", self.case, "--out", again), 0)
        self.assertEqual(verify(self.away, again.name, "--key", "evidence.pub", "--log", self.stage.log)[0], 0)


if __name__ == "__main__":
    sys.exit(admin_stage.main(Evidence, "case_stage"))
