#!/usr/bin/env python3
"""The registry, inspections, reports and retention over a real admin port, without a switch: CSV in and out byte for byte, every fault of a bad file, edits
with their history and two writers at once, a swap, an inspection that moves the next date, figures counted by hand, and who may see whose data."""
import contextlib
import datetime
import http.client
import json
import pathlib
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import stage
import run_folder
from stage import ROOT

BIN = None
OK, FAILED, USAGE, DENIED, NOT_FOUND = 0, 1, 2, 4, 5
WHO = (("ann", "operator"), ("vic", "viewer"), ("sam", "after-sales"), ("rik", "risk"), ("age", "after-sales", "--agent", "AG1"))
HOUR_US, DAY_US = 3600 * 10**6, 86400 * 10**6
MODELS = "brand,model,brand_zh,serial_prefix,device_type,parts,firmware_min,firmware_latest,hotline,online,official,update_channel,tamper_signs,end_of_support_day,verified_day\n"
MODEL = "PAX,A920,百富,0820,02,whole printer,1.2.0,1.4.0,400-1,\"web, mail\",site,tms,seal,2035-01-01,2026-01-01\n"
STOCK = "point_id,brand,model,part,count\n"
MARKS = [f"mark_{item}=good" for item in ("SHOP_FRONT", "LICENCE", "GOODS", "SERIAL", "SEAL", "OVERLAY", "SLIPS", "STORAGE", "TEST_PAYMENT", "STAFF", "PHOTOS",
                                          "SIGNATURE")]


def today():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)).date()


class Port:
    """An admin port with its database in a folder of its own, and a token of each role."""

    def __init__(self, folder):
        self.folder, self.port = folder, run_folder.free_port()
        stage.make_certificate(folder)
        subprocess.run(["openssl", "req", "-x509", "-key", folder / "server.key", "-out", folder / "server.crt", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
        (folder / "aftersales").mkdir()
        self.database = folder / "aftersales/aftersales.db"
        for name, *role in WHO:
            made = subprocess.run([self.program("tillway-admin"), "token", "add", name, *role, "--tokens", folder / "tokens"],
                                  capture_output=True, text=True, check=True)
            path = folder / f"{name}.token"
            path.touch(0o600)
            path.write_text(made.stdout)
        self.start()

    @staticmethod
    def program(name):
        return pathlib.Path(BIN).resolve() / name

    def start(self):
        settings = {"aftersales.folder": self.folder / "aftersales", "store.folder": self.folder / "log", "control.socket": self.folder / "control.sock",
                    "admin.port": self.port, "admin.certificate": self.folder / "server.crt", "admin.key": self.folder / "server.key",
                    "admin.audit": self.folder / "audit.log", "admin.tokens": self.folder / "tokens"}
        command = [self.program("tillway-admin"), "--config", ROOT / "config/demo/tillway.yaml"]
        command += [word for item in settings.items() for word in ("--set", "{}={}".format(*item))]
        self.log = open(self.folder / "tillway-admin.log", "ab")
        self.process = subprocess.Popen([str(word) for word in command], stdout=self.log, stderr=self.log)
        run_folder.wait_until("tillway-admin listens", run_folder.START_S, lambda: self.process.poll() is None and run_folder.can_connect(self.port))

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        self.log.close()
        return self.process.returncode

    def ctl(self, *words, who="sam"):
        command = [self.program("tillwayctl"), "--url", f"https://127.0.0.1:{self.port}", "--ca", self.folder / "server.crt",
                   "--token-file", self.folder / f"{who}.token", *words]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)

    def http(self, path, who="sam", method="GET", body=None):
        """Code and text."""
        trust = ssl.create_default_context(cafile=self.folder / "server.crt")
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", method=method, data=body)
        request.add_header("Authorization", "Bearer " + (self.folder / f"{who}.token").read_text().strip())
        try:
            with urllib.request.urlopen(request, context=trust, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def begin(self, method, path, who, length):
        """A connection with the head of a request whose body never comes."""
        trust = ssl.create_default_context(cafile=self.folder / "server.crt")
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=trust, timeout=60)
        connection.putrequest(method, path)
        token = self.folder / f"{who}.token"
        connection.putheader("Authorization", "Bearer " + (token.read_text().strip() if token.exists() else "none"))
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection

    def announce(self, path, who, length):
        """The answer to the head alone."""
        with contextlib.closing(self.begin("POST", path, who, length)) as connection:
            return connection.getresponse().status

    def sql(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            return database.execute(text, values).fetchall()

    def put_case(self, **cells):
        """A case as the books would have left it: what is not said is absent."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            columns = [(row[1], row[2]) for row in database.execute("PRAGMA table_info(service_case)") if row[1] != "id"]
            absent = {"TEXT": "", "INTEGER": 0, "BLOB": b""}
            row = [cells.get(name, absent[kind]) for name, kind in columns]
            database.execute(f"INSERT INTO service_case ({', '.join(name for name, _ in columns)}) VALUES ({', '.join('?' * len(row))})", row)


class Registry(unittest.TestCase):
    """The tests run in the order of their names, on one admin port."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-registry-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.port = Port(cls.folder)
        cls.addClassCleanup(cls.port.end)

    def ctl(self, *words, who="sam", code=OK):
        done = self.port.ctl(*words, who=who)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}{done.stderr}")
        return done.stdout if code == OK else done.stderr

    def answer(self, *words, who="sam"):
        return json.loads(self.ctl("--json", *words, who=who))

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_01_a_file_comes_in_and_goes_out_byte_for_byte(self):
        models = self.file("models.csv", MODELS + "Landi,A8,联迪,,,,,,,,,,,,\n" + MODEL)
        self.assertIn("2 rows, 2 would change", self.ctl("registry", "import", "device_model", models, "--check"))
        self.assertEqual(self.port.sql("SELECT count(*) FROM device_model"), [(0,)])
        self.assertIn("2 rows, 2 changed", self.ctl("registry", "import", "device_model", models, who="ann"))
        self.assertEqual(self.ctl("registry", "export", "device_model", who="vic"), models.read_text())
        self.ctl("registry", "export", "device_model", "--output", self.folder / "again.csv")
        self.assertEqual((self.folder / "again.csv").read_bytes(), models.read_bytes())
        self.assertIn("2 rows, 0 changed", self.ctl("registry", "import", "device_model", self.folder / "again.csv"))

    def test_02_a_bad_file_is_refused_with_every_fault(self):
        text = STOCK + "P1,PAX,A920,whole,3\nP1,,A920,whole,3\nP1,PAX,A920,wheel,many\n"
        bad = self.file("stock.csv", text)
        said = self.ctl("registry", "import", "service_stock", bad, code=FAILED)
        for fault in ('stock.csv:3: column "brand": expected the maker, got nothing', 'stock.csv:4: column "part": expected one of whole',
                      'stock.csv:4: column "count": expected a number from 0 to 1000000, got "many"', "3 faults, nothing was taken over"):
            self.assertIn(fault, said)
        code, answered = self.port.http("/api/v1/registry/service_stock/csv?file=stock.csv", method="POST", body=text.encode())
        self.assertEqual((code, len(json.loads(answered)["faults"])), (422, 3))
        self.assertEqual(self.port.sql("SELECT count(*) FROM service_stock"), [(0,)])
        self.assertEqual(self.port.http("/api/v1/registry/service_stock/csv", method="POST", body=b"")[0], 400)
        self.assertEqual(self.port.http("/api/v1/registry/colours")[0], 404)

    def test_03_an_edit_has_a_history_with_its_actor(self):
        before = self.answer("registry", "show", "device_model", "brand=PAX", "model=A920")
        self.assertIn("changed", self.ctl("registry", "put", "device_model", "brand=PAX", "model=A920", "hotline=95095", who="ann"))
        after = self.answer("registry", "show", "device_model", "brand=PAX", "model=A920")
        self.assertEqual((after["row"]["hotline"], after["row"]["official"]), ("95095", "site"))
        self.assertGreater(after["version"], before["version"])
        last = self.answer("registry", "history", "device_model", "brand=PAX", "model=A920")["items"][-1]
        self.assertEqual((last["actor"], last["column"], last["before"], last["after"]), ("ann", "hotline", "400-1", "95095"))
        said = self.ctl("registry", "put", "device_model", "brand=PAX", "model=A920", "device_type=9", "parts=wheel", code=FAILED)
        self.assertIn('column "device_type"', said)
        self.assertIn('column "parts"', said)
        self.assertIn("it stood so already", self.ctl("registry", "put", "device_model", "brand=PAX", "model=A920", "hotline=95095"))
        actions = [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]
        self.assertTrue(any(line["actor"] == "ann" and line["action"].startswith("PUT /api/v1/registry/device_model") for line in actions))

    def test_04_two_writers_at_once_lose_nothing(self):
        version = self.answer("registry", "show", "device_model", "brand=PAX", "model=A920")["version"]
        codes = []

        def write(column, who):
            for number in range(10):
                body = json.dumps({"cells": {"brand": "PAX", "model": "A920", column: f"{column} {number}"}}).encode()
                codes.append(self.port.http("/api/v1/registry/device_model/row", who, "PUT", body)[0])

        writers = [threading.Thread(target=write, args=pair) for pair in (("online", "ann"), ("official", "rik"))]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        self.assertEqual(codes, [200] * 20)
        row = self.answer("registry", "show", "device_model", "brand=PAX", "model=A920")
        self.assertEqual((row["row"]["online"], row["row"]["official"]), ("online 9", "official 9"))
        changes = [item for item in self.answer("registry", "history", "device_model", "brand=PAX", "model=A920")["items"] if item["version"] > version]
        self.assertEqual(len(changes), 20)
        said = self.ctl("registry", "put", "device_model", "brand=PAX", "model=A920", "hotline=1", "--seen", version, code=FAILED)
        self.assertIn("somebody has changed it since", said)

    def test_05_pages_and_filters(self):
        rows = "".join(f"P{point},PAX,A920,{part},1\n" for point in range(100, 340) for part in ("battery", "whole"))
        self.ctl("registry", "import", "service_stock", self.file("stock.csv", STOCK + rows))
        self.assertEqual(len(self.answer("registry", "list", "service_stock", "--limit", "1200")["items"]), 480)
        self.assertEqual(len(self.answer("registry", "list", "service_stock", "part=whole", "point_id=P10*")["items"]), 10)
        seen, path, pages = [], "/api/v1/registry/service_stock?limit=100", 0
        while path:
            page = json.loads(self.port.http(path, "vic")[1])
            seen += [(row["point_id"], row["part"]) for row in page["items"]]
            pages += 1
            path = page["cursor"] and f"/api/v1/registry/service_stock?limit=100&cursor={urllib.parse.quote(page['cursor'])}"
        self.assertEqual((pages, len(seen), len(set(seen))), (5, 480, 480))
        self.assertEqual(self.port.http("/api/v1/registry/service_stock?colour=red")[0], 400)
        self.assertIn("P100", self.ctl("registry", "list", "service_stock", "point_id=P100", "--columns", "point_id,count"))

    def test_05b_a_row_is_taken_out(self):
        self.assertIn("removed: P100 | PAX | A920 | battery", self.ctl("registry", "remove", "service_stock", "point_id=P100", "brand=PAX", "model=A920", "part=battery",
                                                                       who="ann"))
        self.ctl("registry", "show", "service_stock", "point_id=P100", "brand=PAX", "model=A920", "part=battery", code=NOT_FOUND)
        last = self.answer("registry", "history", "service_stock", "point_id=P100", "brand=PAX", "model=A920", "part=battery")["items"][-1]
        self.assertEqual((last["actor"], last["before"], last["after"]), ("ann", "1", ""))
        self.ctl("registry", "remove", "terminal_registration", "terminal_id=10000001", code=FAILED)

    def test_06_merchants_and_bindings_are_for_after_sales_and_risk(self):
        merchant = ["registry", "put", "merchant_registration", "merchant_id=M1", "name=Tea", "risk_level=3", "state=active", "contract_from_day=2024-01-01",
                    "area_code=310115", "contact=Wang", "agent_id=AG1"]
        self.ctl(*merchant, who="ann", code=DENIED)
        self.ctl(*merchant)
        for verb in (["show", "merchant_registration", "merchant_id=M1"], ["list", "merchant_registration"], ["history", "merchant_registration", "merchant_id=M1"],
                     ["export", "merchant_registration"], ["list", "registry_binding"]):
            for who in ("ann", "vic"):
                self.ctl("registry", *verb, who=who, code=DENIED)
            self.ctl("registry", *verb, who="rik")
        self.ctl("registry", "put", "merchant_registration", "merchant_id=M2", "name=Other", "risk_level=1", "agent_id=AG2")  # not of age's agent
        self.assertEqual([row["merchant_id"] for row in self.answer("registry", "list", "merchant_registration", who="age")["items"]], ["M1"])
        self.ctl("registry", "show", "merchant_registration", "merchant_id=M1", who="age")
        self.ctl("registry", "show", "merchant_registration", "merchant_id=M2", who="age", code=NOT_FOUND)
        self.ctl("registry", "history", "merchant_registration", "merchant_id=M2", who="age", code=NOT_FOUND)
        self.ctl("registry", "export", "merchant_registration", who="age", code=DENIED)
        self.ctl(*merchant, who="age", code=DENIED)
        self.ctl("registry", "put", "device_model", "brand=PAX", "model=A920", "hotline=2", who="vic", code=DENIED)

    def test_07_a_swap_ends_one_binding_and_begins_another(self):
        self.ctl("registry", "put", "terminal_registration", "terminal_id=10000001", "brand=PAX", "model=A920", "state=active", "firmware=1.0.0",
                 "obtained=agent", who="ann")
        bound = self.answer("registry", "bind", "10000001", "serial=SN-1", "merchant_id=M1", "valid_from_day=2025-01-01", "has_place=yes", "latitude_e3=31230",
                            "longitude_e3=121473", "area_code=310115")
        self.assertIsNone(bound["ended"])
        swapped = self.answer("registry", "bind", "10000001", "serial=SN-2", "merchant_id=M1", "has_place=yes", "latitude_e3=31230", "longitude_e3=121473",
                              "area_code=310115")
        self.assertEqual((swapped["ended"]["serial"], swapped["ended"]["valid_to_day"]), ("SN-1", str(today())))
        self.assertEqual(self.answer("registry", "show", "terminal_registration", "terminal_id=10000001")["row"]["serial"], "SN-2")
        self.ctl("registry", "bind", "10000002", "serial=SN-2", "merchant_id=M1", code=FAILED)
        self.ctl("registry", "unbind", "10000009", code=NOT_FOUND)
        self.ctl("registry", "unbind", "10000001", who="ann", code=DENIED)

    def test_08_the_nearest_points_that_fit(self):
        stale = today() - datetime.timedelta(days=200)
        for number, verified in enumerate((today(), stale, today(), today())):
            self.ctl("registry", "put", "service_point", f"point_id=P{100 + number}", "name=Shop", "brands=PAX;Landi", "repairs=screen", "area_code=310115",
                     "latitude_e3=31230", f"longitude_e3={121483 + 100 * number}", "weekdays=mon tue wed thu fri sat sun", "is_open=yes", f"verified_day={verified}")
        self.ctl("registry", "put", "service_point", "point_id=P999", "name=Other", "brands=Sunmi", "area_code=310115", "weekdays=mon", "is_open=yes")
        near = self.answer("service-point", "near", "10000001")
        self.assertEqual([point["point_id"] for point in near["points"]], ["P100", "P101", "P102"])
        self.assertEqual([point["note"] for point in near["points"]], ["", "not verified for 180 days", ""])
        self.assertEqual((near["points"][0]["brands"], near["points"][0]["spare_count"]), ("PAX;Landi", 1))
        self.assertIn("not verified for 180 days", self.ctl("service-point", "near", "10000001", "--part", "screen"))
        self.assertEqual(self.answer("service-point", "near", "10000001", "--part", "printer")["points"], [])
        self.ctl("service-point", "near", "10000009", code=NOT_FOUND)

    def test_09_an_inspection_moves_the_next_date(self):
        due = self.answer("inspection", "due")
        self.assertEqual([(line["merchant_id"], line["risk_level"], line["is_overdue"]) for line in due["items"]], [("M1", "R3", True)])
        said = self.ctl("inspection", "record", "M1", "colour=red", code=FAILED)
        self.assertIn("no such cell", said)
        failed = self.answer("inspection", "record", "M1", "terminal_id=10000001", "serial=SN-9", f"day={today() - datetime.timedelta(days=1)}", "is_on_site=yes",
                             *MARKS)
        self.assertEqual((failed["verdict"], failed["item"], failed["needs_case"]), ("failed", "SERIAL", True))
        self.assertEqual(self.port.sql("SELECT kind, source, subject_id, severity FROM service_case WHERE id = ?", failed["case_id"]),
                         [("RISK", "INSPECTION", "M1", 4)])
        passed = self.answer("inspection", "record", "M1", "terminal_id=10000001", "serial=SN-2", "is_on_site=yes", "remark=all well", *MARKS)
        self.assertEqual((passed["verdict"], passed["case_id"], passed["next"]["is_overdue"]), ("passed", None, False))
        self.assertGreater(passed["next"]["due_day"], str(today() + datetime.timedelta(days=60)))
        self.assertEqual(self.answer("inspection", "due")["items"], [])
        entries = self.answer("inspection", "list", "M1")["items"]
        self.assertEqual([(entry["verdict"], entry["inspector"]) for entry in entries], [("passed", "sam"), ("failed", "sam")])
        self.ctl("inspection", "record", "M9", *MARKS, "is_on_site=yes", code=NOT_FOUND)
        self.ctl("inspection", "due", who="ann", code=DENIED)

    def test_10_silent_and_outdated_terminals(self):
        self.assertEqual([(line["terminal_id"], line["seen"]) for line in self.answer("inspection", "silent", who="ann")["items"]], [("10000001", None)])
        self.port.sql("INSERT INTO terminal_seen VALUES ('10000001', ?, '1.1.0')", int(time.time() * 10**6))
        self.assertEqual(self.answer("inspection", "silent")["items"], [])
        self.assertEqual([(line["lack"], line["firmware"]) for line in self.answer("inspection", "outdated")["items"]], [("FIRMWARE_MIN", "1.1.0")])

    def test_10_waves_of_an_update(self):
        self.ctl("update", "make", "PAX", "A920", "--waves", "5,25", code=FAILED)
        made = self.answer("update", "make", "PAX", "A920", "--settle-hours", "48", who="ann")
        self.assertEqual((made["id"], made["firmware"], made["waves"], made["settle_hours"], made["made_by"]), (1, "1.2.0", "5 25 100", 48, "ann"))
        self.assertEqual([(line["terminals"], line["waiting"], line["has_begun"]) for line in made["items"]], [(1, 1, True), (0, 0, False), (0, 0, False)])
        self.assertIn("409", self.ctl("update", "make", "PAX", "A920", code=FAILED))
        self.ctl("update", "stop", "1", code=USAGE)
        self.assertIn("the shops are closed", self.ctl("update", "stop", "1", "--reason", "the shops are closed"))
        self.assertEqual([(line["state"], line["changed_by"]) for line in self.answer("update", "list")["items"]], [("stopped", "sam")])
        self.assertEqual(self.answer("update", "resume", "1", "--reason", "they are open")["state"], "going")
        self.assertEqual(self.answer("update", "stop", "1", "--reason", "enough")["state"], "stopped")
        self.ctl("update", "show", "2", code=NOT_FOUND)
        for who in ("vic", "age"):
            self.ctl("update", "list", who=who, code=DENIED)

    def test_11_figures_are_as_counted_by_hand(self):
        now = int(time.time() * 10**6)

        def case(opened, **cells):
            shared = {"kind": "FAULT", "subject": "terminal", "outcome": "none", "state": "NEW", "terminal_id": "10000001", "merchant_id": "M1", "brand": "PAX",
                      "model": "A920", "opened_us": now - opened * HOUR_US, "is_waiting": "no"}
            self.port.put_case(**{**shared, **cells})

        for number in range(2, 5):
            self.ctl("registry", "put", "terminal_registration", f"terminal_id=1000000{number}", "brand=PAX", "model=A920", "state=active")
        self.ctl("registry", "put", "agent", "agent_id=AG1", "name=Agent One")
        self.port.sql("UPDATE service_case SET opened_us = 1")  # the inspection's
        case(200, closed_us=now - 150 * HOUR_US, state="CLOSED", repaired_us=now - 198 * HOUR_US, answer_budget_us=1, answer_used_us=30 * 60 * 10**6, score=5,
             point_id="P100")
        case(100, repaired_us=now - 90 * HOUR_US, answer_budget_us=1, answer_used_us=50 * 60 * 10**6, reopen_count=2)  # 50 hours behind: a repeat
        case(50, outcome="benign", state="CLOSED", closed_us=now - HOUR_US)
        case(24 * 40)  # before the thirty days that are looked at
        brand = self.answer("report", "brand", who="vic")["items"]
        self.assertEqual([line["name"] for line in brand], ["PAX"])
        wanted = {"terminals": 4, "cases": 3, "failures": 2, "failures_per_1000": 500.0, "answered": 2, "answer_minutes": 30, "answer_minutes_p90": 50,
                  "repaired": 2, "repair_minutes": 120, "repair_minutes_p90": 600, "repeats": 1, "reopenings": 2, "scored": 1, "score": 5.0, "points": 4, "areas": 1,
                  "areas_served": 1, "points_per_area": 4.0}
        self.assertEqual({name: brand[0].get(name) for name in wanted}, wanted)
        self.assertEqual(self.answer("report", "brand", "--from", "2020-01-01")["items"][0]["failures"], 3)
        agent = {line["name"]: line for line in self.answer("report", "agent")["items"]}
        self.assertEqual((agent["AG1"]["text"], agent["AG1"]["failures"], agent["AG1"]["terminals"]), ("Agent One", 2, 1))
        self.assertNotIn("points", agent["AG1"])
        point = {line["name"]: line for line in self.answer("report", "point")["items"]}
        self.assertEqual((point["P100"]["failures"], point["P100"]["score"]), (1, 5.0))
        lines = self.ctl("report", "model", "--csv").splitlines()
        self.assertEqual(lines[0].split(",")[:5], ["name", "terminals", "cases", "failures", "failures_per_1000"])
        self.assertTrue(lines[1].startswith("PAX A920,4,3,2,500,"), lines[1])
        self.ctl("report", "colour", code=NOT_FOUND)
        self.ctl("report", "brand", who="age", code=DENIED)

    def test_12_retention_is_audited_and_spares_what_is_held(self):
        old = int(time.time() * 10**6) - 1200 * DAY_US
        for terminal in ("20000001", "20000002"):
            self.port.put_case(kind="FAULT", subject="terminal", outcome="benign", state="CLOSED", terminal_id=terminal, opened_us=old, closed_us=old)
        held = self.port.sql("SELECT max(id) FROM service_case")[0][0]
        self.port.sql("INSERT INTO legal_hold (case_id, begun_us, begun_by, reason, ended_us, ended_by) VALUES (?, 1, 'sam', 'court', 0, '')", held)
        for merchant, state in (("M7", "left"), ("M8", "active")):
            self.ctl("registry", "put", "merchant_registration", f"merchant_id={merchant}", "name=Gone", "risk_level=1", f"state={state}", "contract_to_day=2020-01-01")
        self.ctl("registry", "retention", "--now", who="vic", code=DENIED)
        did = self.answer("registry", "retention", "--now", who="ann")
        self.assertEqual((did["state"], did["counts"]["cases"], did["counts"]["merchants"]), ("done", 1, 1), did)
        self.assertEqual(self.port.sql("SELECT count(*) FROM service_case WHERE terminal_id LIKE '2%'"), [(1,)])
        self.assertEqual(self.port.sql("SELECT merchant_id FROM merchant_registration WHERE name = 'Gone'"), [("M8",)])
        self.assertEqual(self.port.sql("SELECT count(*) FROM retired WHERE class IN ('case', 'merchant')"), [(2,)])
        lines = [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]
        said = [line["outcome"] for line in lines if line["actor"] == "retention"]
        self.assertEqual(said, ["begun", "done"])
        self.assertEqual(did["visits"], 1, did)  # M8, which is active and was never looked at
        self.assertEqual(self.port.sql("SELECT subject_id, kind, state FROM service_case WHERE cause = 'VISIT'"), [("M8", "SERVICE", "NEW")])
        self.assertEqual(self.answer("registry", "retention", "--now")["visits"], 0)

    def test_13_a_file_of_many_terminals_comes_in_while_others_are_served(self):
        head = self.ctl("registry", "export", "terminal_registration").splitlines()[0]
        rows = "".join(f"{30000000 + number},SN{number},PAX,A920,1.4.0,1,agent,AG1,2025-01-01,2025-01-02,2025-01-03,2035-01-01,no,active,no,0\n"
                       for number in range(20000))
        path = self.file("terminals.csv", head + "\n" + rows)
        done = {}
        importing = threading.Thread(target=lambda: done.update(it=self.port.ctl("registry", "import", "terminal_registration", path)))
        importing.start()
        served_meanwhile = 0
        while importing.is_alive():
            is_running = json.loads(self.port.http("/api/v1/registry-job", "ann")[1])["state"] == "running"
            self.assertEqual(self.port.http("/api/v1/registry/device_model", "vic")[0], 200)
            served_meanwhile += is_running and json.loads(self.port.http("/api/v1/registry-job", "ann")[1])["state"] == "running"
        self.assertEqual(done["it"].returncode, OK, done["it"].stderr)
        self.assertIn("20000 rows, 20000 changed", done["it"].stdout)
        self.assertGreater(served_meanwhile, 0)
        exported = self.ctl("registry", "export", "terminal_registration")
        self.assertEqual(exported[-len(rows):], rows)
        for who, code in (("ann", 413), ("vic", 403)):  # told by the head alone; a long body is not read for nobody
            self.assertEqual(self.port.announce("/api/v1/registry/terminal_registration/csv", who, 33 * 1024 * 1024), code)

    def test_13b_two_whole_files_go_out_at_once(self):
        path = "/api/v1/registry/terminal_registration/csv"
        with contextlib.closing(self.port.begin("GET", path, "nobody", 10)) as stranger:  # who may not is answered, and holds no place
            self.assertEqual(stranger.getresponse().status, 401)
            with contextlib.closing(self.port.begin("GET", path, "vic", 10)), contextlib.closing(self.port.begin("GET", path, "ann", 10)):
                run_folder.wait_until("both are under way", 10, lambda: self.port.http(path)[0] == 503)
                self.assertIn("try again in a while", self.port.http(path)[1])
                self.assertEqual(self.port.http("/api/v1/registry/terminal_registration")[0], 200)  # pages are for everybody
        run_folder.wait_until("they have gone", 40, lambda: self.port.http(path)[0] == 200)

    def test_14_it_ends_in_order(self):
        self.assertEqual(self.port.end(), 0)
        self.assertEqual(self.port.ctl("registry", "kinds").returncode, 3)


if __name__ == "__main__":
    BIN = stage.binaries_asked()
    sys.exit(not unittest.main(argv=[sys.argv[0]], exit=False, verbosity=2).result.wasSuccessful())
