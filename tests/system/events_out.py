#!/usr/bin/env python3
"""Events of after-sales on their way out: tillway-admin with webhooks, against ticket systems that fail in every way there is (500, silence, resets, a
wrong certificate, bodies that never end, 410), and killed in between. Each event arrives, in order, at least once, with a signature that Python and the
openssl command find right; the feed gives the same events as protobuf and as lines. Nothing else of the switch runs.

    events_out.py --bin DIR
"""
import argparse
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = None
KEYS = {"k1": bytes(range(32)), "k2": bytes(range(64))}
NOW_US = int(time.time() * 1000000)
WAIT_S = 60


def wait_until(what, condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {WAIT_S} s")
        time.sleep(0.05)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def varint(number):
    text = b""
    while number >= 0x80:
        text += bytes([number & 0x7F | 0x80])
        number >>= 7
    return text + bytes([number])


def linked_event(number, flag_id, case_id):
    """An aftersales.Event by hand, as protocols/aftersales_event.proto has it: a flag became part of a case."""
    link = b"\x08" + varint(flag_id) + b"\x10" + varint(case_id)
    return b"\x08" + varint(number) + b"\x10" + varint(NOW_US) + b"\x1a\x05FAULT" + b"\x62" + varint(len(link)) + link


def read_messages(data):
    """Length-delimited messages; of each its bytes."""
    at = 0
    while at < len(data):
        length = shift = 0
        while True:
            byte = data[at]
            length |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                break
        yield data[at:at + length]
        at += length


class Receiver:
    """A ticket system. `plan` says what becomes of each request that is to come: a code, or one of the words below; then 200. All that came is kept."""

    def __init__(self, folder, name, is_https=True, port=0, certificate="server"):
        self.plan, self.came, self.taken, self.lock = [], [], [], threading.Lock()
        self.connections, self.is_ending = [], threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def do_POST(self):
                receiver.on_post(self)

            def log_message(self, *words):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass  # resets and wrong certificates are what this is for

            def get_request(self):
                plain, place = super().get_request()
                plain.settimeout(20)
                receiver.connections.append(plain.dup())
                return (receiver.trust.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) if is_https else plain), place

        self.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.trust.load_cert_chain(folder / f"{certificate}.crt", folder / f"{certificate}.key")
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True, name=name)
        self.thread.start()

    def close(self):
        """With the connections that are kept, which would be served on."""
        self.is_ending.set()
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.connections.clear()

    def numbers(self):
        with self.lock:
            return list(self.taken)

    def on_post(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self.lock:
            act = self.plan.pop(0) if self.plan else 200
            self.came.append((dict(handler.headers), body, act, time.monotonic()))
            if act == 200:
                self.taken.append(int(handler.headers["Tillway-Event"]))
        if act == "silence":
            self.is_ending.wait(5)
        if act in ("silence", "reset"):
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
            return
        if act == "slow body":
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            for _ in range(25):
                if self.is_ending.wait(0.2):
                    break
                handler.wfile.write(b"x")
                handler.wfile.flush()
            return
        code, asked = act if isinstance(act, tuple) else (act, None)
        handler.send_response(code)
        if asked is not None:
            handler.send_header("Retry-After", str(asked))
        if code == 302:
            handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()


class Stage:
    def __init__(self, folder):
        self.folder, self.admin, self.admin_port = folder, None, free_port()
        (folder / "aftersales").mkdir()
        self.lines = open(folder / "admin.log", "w+", encoding="utf-8")
        for name, alternative in (("server", "DNS:localhost,IP:127.0.0.1"), ("other", "DNS:elsewhere.example"), ("stranger", "DNS:localhost,IP:127.0.0.1")):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                            "-addext", f"subjectAltName={alternative}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"], check=True, capture_output=True)
            os.chmod(folder / f"{name}.key", 0o600)
        # The authority of "other" is good, and its name is another's.
        (folder / "trusted.crt").write_text((folder / "server.crt").read_text() + (folder / "other.crt").read_text())
        for name, secret in KEYS.items():
            path = folder / name
            path.touch(0o600)
            path.write_text(f"{name}:{secret.hex()}\n")
        for name, role in (("ann", "operator"), ("tick", "after-sales"), ("ria", "risk"), ("vic", "viewer")):
            made = subprocess.run([BIN / "tillway-admin", "token", "add", name, role, "--tokens", folder / "tokens"], capture_output=True, text=True, check=True)
            path = folder / f"{name}.token"
            path.touch(0o600)
            path.write_text(made.stdout)

    def configure(self, webhooks, rules=None):
        """The demo's file with webhooks, and a file of rules of cases; its other paths are not opened here."""
        text = (ROOT / "config/demo/tillway.yaml").read_text()
        line = next(line for line in text.splitlines() if line.startswith("aftersales:"))
        hooks = "\n".join("    - {" + ", ".join(f"{name}: {value}" for name, value in hook.items()) + "}" for hook in webhooks)
        mine = f"aftersales:\n  folder: {self.folder}/aftersales\n" + (f"  webhooks:\n{hooks}\n" if webhooks else "")
        mine += f"  rules: {rules}\n" if rules else ""
        (self.folder / "tillway.yaml").write_text(text.replace(line, mine))

    def command(self):
        here = self.folder
        settings = {"admin.port": self.admin_port, "admin.certificate": here / "server.crt", "admin.key": here / "server.key", "admin.tokens": here / "tokens",
                    "admin.audit": here / "audit.log", "control.socket": here / "none.sock", "store.folder": here / "log"}
        return [str(BIN / "tillway-admin"), "--config", str(here / "tillway.yaml"), *(word for name, value in settings.items() for word in ("--set", f"{name}={value}"))]

    def start(self):
        self.admin = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=self.lines)
        if not self.admin.stdout.readline():
            raise AssertionError(f"tillway-admin ended with {self.admin.wait()}: {self.log()}")

    def stop(self, number=signal.SIGTERM):
        begun = time.monotonic()
        self.admin.send_signal(number)
        code = self.admin.wait(40)
        self.admin.stdout.close()
        return code, time.monotonic() - begun

    def close(self):
        if self.admin is not None and self.admin.poll() is None:
            self.stop(signal.SIGKILL)
        self.lines.close()

    def log(self):
        return (self.folder / "admin.log").read_text()

    def desk(self):
        return contextlib.closing(sqlite3.connect(self.folder / "aftersales/aftersales.db", timeout=30))

    def add_events(self, count, case_kind="FAULT", kind="flag_linked"):
        """What a switch would write; gives the number of the last one."""
        with self.desk() as desk, desk:
            desk.execute("BEGIN IMMEDIATE")
            row = desk.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event_out'").fetchone()
            last = row[0] if row else 0
            for number in range(last + 1, last + count + 1):
                desk.execute("INSERT INTO event_out VALUES (?, ?, ?, ?, 'S', ?)", (number, NOW_US, kind, case_kind, linked_event(number, number * 7, 300)))
        return last + count

    def number(self, sql, *values):
        with self.desk() as desk:
            return desk.execute(sql, values).fetchone()[0]

    def ctl(self, *words, who="ann"):
        command = [BIN / "tillwayctl", "--url", f"https://127.0.0.1:{self.admin_port}", "--ca", self.folder / "server.crt", "--token-file", self.folder / f"{who}.token"]
        return subprocess.run([str(word) for word in (*command, *words)], capture_output=True, text=True, timeout=60)

    def http(self, path, who=None, accept=None):
        request = urllib.request.Request(f"https://127.0.0.1:{self.admin_port}{path}")
        if who:
            request.add_header("Authorization", "Bearer " + (self.folder / f"{who}.token").read_text().strip())
        if accept:
            request.add_header("Accept", accept)
        try:
            with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=self.folder / "server.crt"), timeout=40) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read()


class EventsOut(unittest.TestCase):
    """The tests run in the order of their names, on one stage: what one has left in the outbox the next one sees."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-events-out-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.stage = Stage(folder)
        cls.addClassCleanup(cls.stage.close)
        cls.faulty, cls.steady = Receiver(folder, "faulty"), Receiver(folder, "steady", is_https=False)
        cls.addClassCleanup(cls.steady.close)
        cls.addClassCleanup(lambda: cls.faulty.close())
        cls.dead_port = free_port()
        patience = {"timeout_ms": 1000, "retry_min_ms": 100, "retry_max_ms": 300}
        cls.hooks = [
            {"name": "faulty", "url": f"'https://127.0.0.1:{cls.faulty.port}/in'", "secret_file": folder / "k1", "ca": folder / "trusted.crt", **patience},
            {"name": "steady", "url": f"'http://127.0.0.1:{cls.steady.port}/in?x=1'", "secret_file": folder / "k2", "kinds": "[flag_linked]", **patience},
            {"name": "dead", "url": f"'http://127.0.0.1:{cls.dead_port}/'", "secret_file": folder / "k1", **patience, "give_up_ms": 2000}]
        cls.stage.configure(cls.hooks)
        cls.stage.start()
        wait_until("the webhooks are enrolled", cls.enrolled)

    @classmethod
    def enrolled(cls):
        try:
            return cls.stage.number("SELECT count(*) FROM webhook_position") == 3
        except sqlite3.OperationalError:
            return False  # its tables are about to be made

    def position(self, name):
        return self.stage.number("SELECT position FROM webhook_position WHERE name = ?", name)

    def assert_signed(self, headers, body, uses_command=False):
        key, mac = re.fullmatch(r"key=(\w+), hmac-sha256=([0-9a-f]{64})", headers["Tillway-Signature"]).groups()
        signed = f"{headers['Tillway-Timestamp']}.{headers['Tillway-Event']}.".encode() + body
        self.assertEqual(mac, hmac.new(KEYS[key], signed, hashlib.sha256).hexdigest())
        self.assertLess(abs(int(headers["Tillway-Timestamp"]) - time.time()), 300)
        self.assertEqual(headers["Content-Type"], "application/json")
        told = json.loads(body)
        number = int(headers["Tillway-Event"])
        self.assertEqual((told["number"], told["kind"], told["case_kind"], told["wall_us"]), (number, "flag_linked", "FAULT", NOW_US))
        self.assertEqual(told["flag_linked"], {"flag_id": number * 7, "case_id": 300})
        if uses_command:
            made = subprocess.run(["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{KEYS[key].hex()}"], input=signed, capture_output=True, check=True)
            self.assertEqual(made.stdout.decode().split()[-1], mac)

    def assert_in_order(self, numbers, first, last):
        """Each at least once; what comes again is the one that came last."""
        self.assertEqual(sorted(set(numbers)), list(range(first, last + 1)))
        self.assertEqual(numbers, sorted(numbers))

    def test_1_events_arrive_in_order_with_signatures_that_openssl_finds_right(self):
        last = self.stage.add_events(5)
        wait_until("both have five", lambda: self.position("faulty") == last and self.position("steady") == last)
        for receiver in (self.faulty, self.steady):
            self.assertEqual(receiver.numbers(), [1, 2, 3, 4, 5])
            for headers, body, _, _ in receiver.came:
                self.assert_signed(headers, body, uses_command=True)
        self.assertEqual(self.faulty.came[0][0]["Tillway-Signature"][:6], "key=k1")
        self.assertEqual(self.steady.came[0][0]["Tillway-Signature"][:6], "key=k2")

    def test_2_every_fault_is_outlived_and_holds_up_nobody_else(self):
        begin = self.position("faulty")
        self.faulty.plan = [500, "silence", 200, "reset", 302, 200, "slow body", (503, 1), 404, 200, 429, "reset", "reset"]
        last = self.stage.add_events(8)
        wait_until("steady has all", lambda: self.position("steady") == last)
        wait_until("faulty has all", lambda: self.position("faulty") == last)
        self.assertEqual(self.faulty.plan, [])
        self.assert_in_order(self.faulty.numbers()[begin:], begin + 1, last)
        self.assertEqual(self.steady.numbers(), list(range(1, last + 1)))
        for headers, body, _, _ in self.faulty.came:
            self.assert_signed(headers, body)
        asked = next(i for i, came in enumerate(self.faulty.came) if came[2] == (503, 1))
        self.assertGreaterEqual(self.faulty.came[asked + 1][3] - self.faulty.came[asked][3], 0.99)
        self.assertEqual(self.faulty.came[asked + 1][0]["Tillway-Event"], self.faulty.came[asked][0]["Tillway-Event"])
        self.assertNotIn("x" * 10, self.stage.log())

    def test_3_a_wrong_certificate_is_never_talked_to(self):
        last = self.position("faulty")
        port = self.faulty.port
        for certificate in ("stranger", "other"):  # of another authority; of another name
            self.faulty.close()
            type(self).faulty = Receiver(self.stage.folder, "faulty", port=port, certificate=certificate)
            last = self.stage.add_events(1)
            wait_until("it fails", lambda: self.stage.number("SELECT attempts FROM webhook_position WHERE name = 'faulty'") >= 2)
            self.assertIn("certificate", self.stage.number("SELECT lower(fault) FROM webhook_position WHERE name = 'faulty'"))
            self.assertEqual(self.faulty.came, [])
            self.assertLess(self.position("faulty"), last)
            self.faulty.close()
            type(self).faulty = Receiver(self.stage.folder, "faulty", port=port)
            wait_until("it has it", lambda: self.position("faulty") == last)
            self.assertEqual(set(self.faulty.numbers()), {last})

    def test_4_a_process_that_is_killed_or_ended_loses_none(self):
        begin = self.position("faulty")
        self.faulty.taken.clear()
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            self.faulty.plan = [200, 200, "silence"]
            last = self.stage.add_events(6)
            wait_until("it is in the middle", lambda: not self.faulty.plan)
            code, seconds = self.stage.stop(number)
            self.assertEqual(code, 0 if number == signal.SIGTERM else -9)
            self.assertLess(seconds, 10)
            last = self.stage.add_events(1)
            self.stage.start()
        wait_until("all have arrived", lambda: self.position("faulty") == last and self.position("steady") == last)
        self.assert_in_order(self.faulty.numbers(), begin + 1, last)
        self.assertEqual(sorted(set(self.steady.numbers())), list(range(1, last + 1)))
        self.assertEqual(self.steady.numbers(), sorted(self.steady.numbers()))

    def test_5_410_stops_it_until_somebody_lets_it_go_on(self):
        self.faulty.plan = [410]
        last = self.stage.add_events(2)
        wait_until("it is stopped", lambda: self.stage.number("SELECT state FROM webhook_position WHERE name = 'faulty'") == "stopped")
        wait_until("steady has all", lambda: self.position("steady") == last)
        time.sleep(1.5)
        self.assertEqual(self.position("faulty"), last - 2)
        self.assertIn("webhook faulty: the other side wants no more (HTTP 410)", self.stage.log())
        self.stage.stop()
        self.stage.start()  # which changes nothing of that
        shown = self.stage.ctl("webhook", "list", who="tick")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertRegex(shown.stdout, r"faulty +stopped")
        self.assertEqual(self.stage.ctl("webhook", "retry", "faulty", who="tick").returncode, 4)
        self.assertEqual(self.stage.ctl("webhook", "retry", "nobody").returncode, 5)
        done = self.stage.ctl("webhook", "retry", "faulty")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_until("it has all", lambda: self.position("faulty") == last)
        audit = (self.stage.folder / "audit.log").read_text()
        self.assertIn("/api/v1/webhooks/retry/faulty", audit)

    def test_6_what_could_not_be_delivered_is_seen_and_sent_again(self):
        last = self.stage.add_events(1)
        wait_until("the dead one has put all aside",
                   lambda: self.stage.number("SELECT count(*) FROM webhook_dead WHERE name = 'dead'") == last and self.position("dead") == last)
        listed = json.loads(self.stage.ctl("--json", "webhook", "list").stdout)
        dead = next(hook for hook in listed["webhooks"] if hook["name"] == "dead")
        self.assertEqual(dead["letter_count"], last)
        self.assertEqual([letter["number"] for letter in dead["letters"]], list(range(1, last + 1))[:100])
        self.assertNotIn("subject", json.dumps(listed))
        metrics = self.stage.http("/metrics")[2].decode()
        self.assertIn(f'tillway_webhook_dead_letters{{webhook="dead"}} {last}\n', metrics)
        self.assertIn('tillway_webhook_up{webhook="dead"} 0\n', metrics)
        self.assertIn('tillway_webhook_up{webhook="steady"} 1\n', metrics)
        self.assertRegex(metrics, r'tillway_webhook_attempts_total\{webhook="dead",outcome="failed"\} [1-9]')
        risen = Receiver(self.stage.folder, "risen", is_https=False, port=self.dead_port)
        self.addCleanup(risen.close)
        self.assertEqual(self.stage.ctl("webhook", "retry", "dead").returncode, 0)
        wait_until("all are sent again", lambda: self.stage.number("SELECT count(*) FROM webhook_dead") == 0)
        self.assertEqual(risen.numbers(), list(range(1, last + 1)))
        for headers, body, _, _ in risen.came:
            self.assert_signed(headers, body)

    def test_7_the_feed_gives_the_same_as_messages_and_as_lines(self):
        last = self.stage.add_events(1, case_kind="RISK")
        code, headers, data = self.stage.http("/api/v1/events", "ria")
        self.assertEqual((code, headers["Content-Type"].split(";")[0], headers["Tillway-Events-After"]), (200, "application/x-protobuf", str(last)))
        self.assertEqual(list(read_messages(data)), [linked_event(number, number * 7, 300) for number in range(1, last + 1)])
        code, headers, data = self.stage.http("/api/v1/events?after=3&limit=2", "ria", "application/json")
        self.assertEqual([json.loads(line)["number"] for line in data.splitlines()], [4, 5])
        self.assertEqual(json.loads(data.splitlines()[0])["flag_linked"], {"flag_id": 28, "case_id": 300})
        code, headers, data = self.stage.http(f"/api/v1/events?after={last - 1}", "tick")  # of risk: not for after-sales
        self.assertEqual((code, data, headers["Tillway-Events-After"]), (200, b"", str(last)))
        self.assertEqual(self.stage.http("/api/v1/events", "vic")[0], 403)
        self.assertEqual(self.stage.http("/api/v1/events")[0], 401)
        self.assertEqual(self.stage.http(f"/api/v1/events?after={last + 1}", "ria")[0], 409)
        wait_until("steady passes it over", lambda: self.position("steady") == last)
        self.assertNotIn(last, self.steady.numbers())
        shown = self.stage.ctl("events", "--after", last - 2, who="ria")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual([line.split()[0] for line in shown.stdout.splitlines()], [str(last - 1), str(last)])

    def test_7b_a_case_that_people_open_and_move_is_told_everywhere(self):
        begin = self.stage.number("SELECT max(number) FROM event_out")
        opened = self.stage.ctl("--json", "case", "open", "SERVICE", "--merchant", "898290054110001", "--reason", "card 6225000000000000148 was kept", who="tick")
        self.assertEqual(opened.returncode, 0, opened.stderr)
        case = json.loads(opened.stdout)["id"]
        moved = self.stage.ctl("case", "do", case, "TRIAGE", "--reason", "look at it", who="tick")
        self.assertEqual(moved.returncode, 0, moved.stderr)
        refused = self.stage.ctl("case", "do", case, "VERIFIED", "--reason", "no", who="tick")
        self.assertNotEqual(refused.returncode, 0)
        wait_until("it is posted", lambda: self.position("faulty") == begin + 2)
        told = [(headers, body, json.loads(body)) for headers, body, _, _ in self.faulty.came if int(headers["Tillway-Event"]) > begin]
        self.assertEqual([(event["kind"], event["case_kind"]) for _, _, event in told], [("case_opened", "SERVICE"), ("case_event", "SERVICE")])
        first, second = told[0][2]["case_opened"], told[1][2]["case_event"]
        self.assertEqual((first["actor"], first["reason"], first["kind"]), ("tick", "card 622500*********0148 was kept", "OPEN"))
        self.assertEqual((first["service_case"]["id"], first["service_case"]["state"], first["service_case"]["merchant_id"]), (case, "NEW", "898290054110001"))
        self.assertEqual((second["kind"], second["to_state"], second["number"], second["service_case"]["state"]), ("TRIAGE", "TRIAGED", 2, "TRIAGED"))
        lines = self.stage.http(f"/api/v1/events?after={begin}", "tick", "application/json")[2].splitlines()
        self.assertEqual([line.decode() for line in lines], [body.decode() for _, body, _ in told])
        self.assertEqual(self.stage.number("SELECT count(*) FROM reading WHERE case_id = ? AND actor = 'tick'", case), 1)
        wait_until("steady passes both over", lambda: self.position("steady") == begin + 2)
        self.assertNotIn(begin + 1, self.steady.numbers())

    def reload(self, said):
        before = self.stage.log().count(said)
        self.stage.admin.send_signal(signal.SIGHUP)
        wait_until(f"it says: {said}", lambda: self.stage.log().count(said) > before)

    def test_7c_a_reload_takes_over_webhooks_and_rules_whole_or_not_at_all(self):
        fresh = Receiver(self.stage.folder, "fresh", is_https=False)
        self.addCleanup(fresh.close)
        self.addCleanup(lambda: self.stage.configure(self.hooks))
        hook = {**self.hooks[1], "name": "fresh", "url": f"'http://127.0.0.1:{fresh.port}/'"}
        rules = self.stage.folder / "anomalies.yaml"
        refused = "not reloaded, all is as before"
        rules.write_text("cases: {reopen_days: many}\n")
        self.stage.configure([hook], rules)  # of two files one is bad: neither counts
        self.reload(refused)
        self.assertIn("anomalies.yaml:1:", self.stage.log())
        self.stage.configure([{**hook, "secret_file": self.stage.folder / "nothing"}])
        self.reload(refused)
        self.stage.configure([{**hook, "url": "'http://10.0.0.1/'"}])
        self.reload(refused)
        self.assertEqual(self.stage.log().count("url: expected https://"), 1)
        last = self.stage.add_events(1)
        wait_until("those of before go on", lambda: self.steady.numbers()[-1:] == [last] and self.position("faulty") == last)
        self.assertEqual(fresh.numbers(), [])
        rules.write_text("cases: {reopen_days: 1}\n")
        self.stage.configure([self.hooks[0], hook], rules)
        self.reload("reloaded: 2 webhooks")
        self.assertEqual(self.stage.log().count("url: expected https://"), 1)  # what was wrong before is not told again
        wait_until("the new one is enrolled", lambda: self.stage.number("SELECT count(*) FROM webhook_position WHERE name = 'fresh'") == 1)
        last = self.stage.add_events(1)
        wait_until("the new one has it, and one that stayed", lambda: fresh.numbers() == [last] and self.position("faulty") == last)
        self.assertEqual(self.stage.number("SELECT state FROM webhook_position WHERE name = 'steady'"), "absent")
        self.assertNotIn(last, self.steady.numbers())
        metrics = self.stage.http("/metrics")[2].decode()
        self.assertIn('tillway_webhook_up{webhook="fresh"} 1\n', metrics)
        self.assertNotIn('webhook="steady"', metrics)
        self.stage.configure([])
        self.reload("reloaded: 0 webhooks")
        self.assertEqual(self.stage.number("SELECT count(*) FROM webhook_position WHERE state <> 'absent'"), 0)
        self.assertEqual(self.stage.http("/healthz")[0], 200)

    def test_8_a_reader_that_waits_is_answered_when_something_comes(self):
        last = self.stage.number("SELECT max(number) FROM event_out")
        timer = threading.Timer(1.0, self.stage.add_events, [1])
        timer.start()
        begun = time.monotonic()
        code, _, data = self.stage.http(f"/api/v1/events?after={last}&wait=20", "ria", "application/json")
        timer.join()
        self.assertEqual((code, [json.loads(line)["number"] for line in data.splitlines()]), (200, [last + 1]))
        self.assertLess(time.monotonic() - begun, 15)

        def wait_in_vain():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.stage.http(f"/api/v1/events?after={last + 1}&wait=20", "ria")

        waiting = threading.Thread(target=wait_in_vain, daemon=True)
        waiting.start()
        time.sleep(0.5)
        code, seconds = self.stage.stop()  # does not wait for who waits
        self.assertEqual(code, 0)
        self.assertLess(seconds, 10)

    def test_9_a_faulty_configuration_is_refused(self):
        key = self.stage.folder / "k1"
        key.chmod(0o644)
        ended = subprocess.run(self.stage.command(), capture_output=True, text=True, timeout=30)
        key.chmod(0o600)
        self.assertEqual(ended.returncode, 78)
        self.assertIn("can be read by others", ended.stderr)
        self.assertNotIn(KEYS["k1"].hex(), ended.stderr)
        self.stage.configure([{**self.hooks[0], "url": "'http://10.0.0.1/'"}])
        ended = subprocess.run(self.stage.command(), capture_output=True, text=True, timeout=30)
        self.assertEqual(ended.returncode, 78)
        self.assertIn("url: expected https://", ended.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="folder of the programs")
    BIN = pathlib.Path(parser.parse_args().bin).resolve()
    unittest.main(argv=[sys.argv[0], "-v"])
