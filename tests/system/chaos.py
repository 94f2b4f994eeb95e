#!/usr/bin/env python3
"""tillway-chaos by itself: each rule seen from both sides of the proxy, over real sockets; then before tillway-bank, and before
tillway-echo with TLS inside."""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "loadtest"), str(ROOT / "tests/system")]
import bank  # noqa: E402
import run_folder  # noqa: E402

ANSWER_S = bank.ANSWER_S
SPEC = ROOT / "config/specs/iso8583-1987-ascii.yaml"


def framed(message):
    return len(message).to_bytes(2, "big") + message


def take(link, count):
    data = b""
    while len(data) < count:
        part = link.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def receive(link):
    return take(link, int.from_bytes(take(link, 2), "big"))


def rest(link):
    """All that comes until the end, and how it ended."""
    data = b""
    with contextlib.suppress(TimeoutError):
        while True:
            try:
                part = link.recv(65536)
            except ConnectionResetError:
                return data, "reset"
            if not part:
                return data, "end"
            data += part
    return data, "open"


class Chaos:
    def __init__(self, binaries, folder, port, rules, *options):
        self.journal = pathlib.Path(folder, "journal.ndjson")
        command = [f"{binaries}/tillway-chaos", "--to", f"127.0.0.1:{port}", "--journal", str(self.journal), *options]
        command += [word for rule in rules for word in ("--rule", rule)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1])

    def connect(self):
        link = socket.create_connection(("127.0.0.1", self.port), ANSWER_S)
        link.settimeout(ANSWER_S)
        return link

    def toggle(self):
        self.process.send_signal(signal.SIGUSR1)
        return self.process.stderr.readline()

    def struck(self):
        return [json.loads(line) for line in self.journal.read_text().splitlines() if '"rule"' in line]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=ANSWER_S)
        assert self.process.returncode == 0, self.process.returncode
        return json.loads(out.splitlines()[-1])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class ChaosTest(unittest.TestCase):
    binaries = ""

    def start(self, *rules, options=(), port=None):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        if port is None:
            self.server = socket.create_server(("127.0.0.1", 0))
            self.server.settimeout(ANSWER_S)
            self.addCleanup(self.server.close)
            port = self.server.getsockname()[1]
        chaos = Chaos(self.binaries, folder.name, port, rules, *options)
        self.addCleanup(chaos.close)
        return chaos

    def pair(self, chaos):
        """(client, server) of one carried connection."""
        client = chaos.connect()
        server, _ = self.server.accept()
        server.settimeout(ANSWER_S)
        for link in (client, server):
            self.addCleanup(link.close)
        return client, server

    def test_without_rules_bytes_go_through_and_ends_too(self):
        chaos = self.start()
        client, server = self.pair(chaos)
        client.sendall(framed(b"one") + framed(b"") + framed(b"two") + b"\x00")  # half a message stands at the end
        server.sendall(framed(b"answer"))
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(rest(server), (framed(b"one") + framed(b"") + framed(b"two") + b"\x00", "end"))
        self.assertEqual(receive(client), b"answer")
        server.close()
        self.assertEqual(rest(client), (b"", "end"))
        counts = chaos.stop()
        self.assertEqual((counts["links"], counts["messages_to_server"], counts["messages_to_client"]), (1, 3, 1))

    def test_a_delay_keeps_the_order(self):
        chaos = self.start("action=delay,ms=300,count=1,direction=to_server")
        client, server = self.pair(chaos)
        began = time.monotonic()
        client.sendall(framed(b"one") + framed(b"two"))
        self.assertEqual((receive(server), receive(server)), (b"one", b"two"))
        self.assertGreaterEqual(time.monotonic() - began, 0.29)

    def test_drop_duplicate_and_replay(self):
        chaos = self.start("action=drop,every=3", "action=duplicate,every=1,skip=1,count=1,copies=2", "action=replay,ms=200,count=1")
        client, server = self.pair(chaos)
        client.sendall(b"".join(map(framed, (b"one", b"two", b"three", b"four"))))  # at once, so that the replay is behind them all
        self.assertEqual([receive(server) for _ in range(6)], [b"one", b"two", b"two", b"two", b"four", b"one"])

    def test_a_reordered_message_is_overtaken_by_so_many(self):
        chaos = self.start("action=reorder,after=2,count=1,ms=5000")
        client, server = self.pair(chaos)
        client.sendall(b"".join(framed(bytes([65 + n])) for n in range(5)))
        self.assertEqual(b"".join(receive(server) for _ in range(5)), b"BCADE")

    def test_a_reordered_message_that_nobody_overtakes_comes_all_the_same(self):
        chaos = self.start("action=reorder,after=9,count=1,ms=200")
        client, server = self.pair(chaos)
        client.sendall(framed(b"alone"))
        self.assertEqual(receive(server), b"alone")

    def test_corrupt_spares_the_length(self):
        chaos = self.start("action=corrupt,bytes=2,direction=to_server")
        client, server = self.pair(chaos)
        client.sendall(framed(bytes(50)))
        got = receive(server)
        self.assertEqual(len(got), 50)
        self.assertIn(sum(byte != 0 for byte in got), (1, 2))

    def test_split_comes_in_pieces(self):
        """Who reads late reads several pieces at once, but no part of one, and never the last before its time."""
        chaos = self.start("action=split,piece=3,ms=150")
        client, server = self.pair(chaos)
        began = time.monotonic()
        client.sendall(framed(b"abcdefg"))
        data, ends = b"", []
        while len(data) < 9:
            data += server.recv(100)
            ends.append(len(data))
        self.assertEqual(data, framed(b"abcdefg"))
        self.assertLessEqual(set(ends), {3, 6, 9})
        self.assertGreaterEqual(time.monotonic() - began, 0.29)

    def test_merge_makes_one_segment(self):
        chaos = self.start("action=merge,count_in_one=3,ms=4000")
        client, server = self.pair(chaos)
        for word in (b"a", b"b", b"c"):
            client.sendall(framed(word))
            time.sleep(0.05)
        self.assertEqual(server.recv(100), framed(b"a") + framed(b"b") + framed(b"c"))

    def test_merge_does_not_wait_for_ever(self):
        chaos = self.start("action=merge,count_in_one=3,ms=100")
        client, server = self.pair(chaos)
        client.sendall(framed(b"a"))
        self.assertEqual(receive(server), b"a")

    def test_a_stall_ends_when_rules_are_switched_off_and_they_come_back(self):
        chaos = self.start("action=stall,direction=to_client")
        client, server = self.pair(chaos)
        server.sendall(framed(b"one") + framed(b"two"))
        client.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            client.recv(1)
        client.sendall(framed(b"asked"))
        self.assertEqual(receive(server), b"asked")
        self.assertIn("off", chaos.toggle())
        client.settimeout(ANSWER_S)
        self.assertEqual((receive(client), receive(client)), (b"one", b"two"))
        self.assertIn("on", chaos.toggle())
        server.sendall(framed(b"three"))
        client.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            client.recv(1)

    def test_a_stalled_direction_is_not_read(self):
        chaos = self.start("action=stall,direction=to_server", options=("--framing", "none"))
        client, _ = self.pair(chaos)
        client.settimeout(1)
        with self.assertRaises(TimeoutError):
            for _ in range(1000):
                client.sendall(bytes(65536))  # sooner or later nobody takes more

    def test_reset_in_mid_message(self):
        chaos = self.start("action=reset,skip=1,bytes=4,direction=to_server")
        client, server = self.pair(chaos)
        client.sendall(framed(b"whole"))
        self.assertEqual(receive(server), b"whole")
        client.sendall(framed(b"broken"))
        data, end = rest(server)
        self.assertEqual(end, "reset")
        self.assertTrue(framed(b"broken")[:4].startswith(data))
        self.assertEqual(rest(client)[1], "reset")

    def test_fin_in_mid_message(self):
        chaos = self.start("action=fin,bytes=4,direction=to_server")
        client, server = self.pair(chaos)
        client.sendall(framed(b"broken"))
        self.assertEqual(rest(server), (framed(b"broken")[:4], "end"))
        self.assertEqual(rest(client), (b"", "end"))

    def test_reset_of_one_side_only(self):
        chaos = self.start("action=reset,side=receiver,direction=to_server")
        client, server = self.pair(chaos)
        client.sendall(framed(b"broken"))
        self.assertEqual(rest(server)[1], "reset")
        client.settimeout(0.3)
        self.assertEqual(rest(client), (b"", "open"))
        client.sendall(framed(b"nobody hears this"))

    def test_half_close_leaves_the_other_direction(self):
        chaos = self.start("action=half_close,direction=to_server")
        client, server = self.pair(chaos)
        client.sendall(framed(b"last") + framed(b"lost"))
        self.assertEqual(rest(server), (framed(b"last"), "end"))
        server.sendall(framed(b"still here"))
        self.assertEqual(receive(client), b"still here")

    def test_an_answer_goes_to_somebody_else(self):
        chaos = self.start("action=deliver,direction=to_client,count=1")
        one, server_of_one = self.pair(chaos)
        other, _ = self.pair(chaos)
        server_of_one.sendall(framed(b"wrong") + framed(b"right"))
        self.assertEqual(receive(other), b"wrong")
        self.assertEqual(receive(one), b"right")

    def test_what_is_no_frame_is_carried_and_noted(self):
        chaos = self.start("action=drop,percent=0")
        client, server = self.pair(chaos)
        client.sendall(framed(b"good") + b"\xff\xff garbage")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(rest(server)[0], framed(b"good") + b"\xff\xff garbage")
        self.assertEqual(chaos.stop()["unframed"], 1)

    def test_no_server_resets_the_client(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            chaos = self.start(port=free.getsockname()[1])
            try:
                client = chaos.connect()
            except ConnectionResetError:
                pass                        # the reset came before the client saw itself connected
            else:
                self.addCleanup(client.close)
                self.assertEqual(rest(client)[1], "reset")
            self.assertEqual(chaos.stop()["refused"], 1)

    def test_the_same_seed_does_the_same_again(self):
        def journal(seed):
            chaos = self.start("action=drop,percent=20", "action=corrupt,percent=20,direction=to_server", options=("--seed", str(seed)))
            client, server = self.pair(chaos)
            for count in range(200):
                client.sendall(framed(b"%06d" % count))
            client.shutdown(socket.SHUT_WR)
            data = rest(server)[0]
            counts = chaos.stop()
            self.assertEqual(counts["rules"][0]["struck"], sum(line["action"] == "drop" for line in chaos.struck()))
            return data, [{key: value for key, value in line.items() if key != "at_ms"} for line in chaos.struck()]
        first = journal(7)
        self.assertEqual(first, journal(7))
        self.assertNotEqual(first[1], journal(8)[1])
        self.assertIn(len(first[1]), range(50, 110))

    def test_faults_of_rules_are_all_named_before_anything_listens(self):
        path = pathlib.Path(tempfile.mkstemp(suffix=".yaml")[1])
        self.addCleanup(path.unlink)
        path.write_text("rules:\n  - {action: dealy}\n  - {action: drop, percent: many}\n")
        done = subprocess.run([f"{self.binaries}/tillway-chaos", "--to", "127.0.0.1:1", "--rules", path, "--rule", "action=delay"], capture_output=True,
                              text=True, timeout=ANSWER_S)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        for words in (f"{path}:2:6:", 'did you mean "delay"', f"{path}:3:", '"many"', "--rule 1:1:1:"):
            self.assertIn(words, done.stderr)

    def bank_behind(self, *rules):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        host = bank.Bank(self.binaries, folder.name, "--mac", "x9_19")
        self.addCleanup(host.close)
        chaos = self.start(*rules, options=("--spec", str(SPEC), "--keys", f"{folder.name}/keys", "--mac", "x9_19"), port=host.port)
        link = chaos.connect()
        self.addCleanup(link.close)
        host.sign_on(link)
        return host, chaos, link

    def test_a_bank_takes_a_changed_message_whose_mac_is_made_anew(self):
        host, chaos, link = self.bank_behind("action=change,field=amount,value=777,mti=0200", "action=change,field=rrn,mti=0210")
        host.send(bank.build("0200", bank.purchase(7)), link)
        answer = host.receive(link)
        self.assertEqual(bank.response_code(answer), "00")
        self.assertNotIn(b"000010000007", answer)
        with contextlib.closing(bank.sqlite3.connect(f"file:{host.ledger}?mode=ro", uri=True)) as file:
            self.assertEqual(file.execute("SELECT amount FROM postings").fetchall(), [(777,)])
        told = [line["told"] for line in chaos.struck()]
        self.assertEqual(told[0], "000000012345 to 000000000777")
        self.assertTrue(told[1].startswith("000010000007 to "))
        self.assertNotIn(bank.PAN, chaos.journal.read_text())

    def test_rules_for_one_message_type_spare_the_others(self):
        host, chaos, link = self.bank_behind("action=drop,mti=0210,count=1")
        sale = bank.build("0200", bank.purchase(7))
        host.send(sale, link)
        link.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            host.receive(link)
        link.settimeout(ANSWER_S)
        self.assertEqual(host.ask(sale, link), "00")
        self.assertEqual([line["mti"] for line in chaos.struck()], ["0210"])

    def test_tls_passes_through_as_bytes_one_at_a_time(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        key, certificate = pathlib.Path(folder.name, "key"), pathlib.Path(folder.name, "crt")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                        certificate, "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        port = run_folder.free_port()
        echo = subprocess.Popen([f"{self.binaries}/tillway-echo", "--port", str(port), "--reply-bytes", "40", "--certificate", certificate, "--key", key])
        self.addCleanup(lambda: (echo.kill(), echo.wait()))
        run_folder.wait_until("tillway-echo listens", ANSWER_S, lambda: run_folder.can_connect(port), 0.02)
        chaos = self.start("action=split,direction=to_server", options=("--framing", "none"), port=port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(chaos.connect()) as link:
            for _ in range(5):
                link.sendall(framed(b"hello"))
                self.assertEqual(len(receive(link)), 40)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.environ.get("TILLWAY_BIN", "build/debug/bin"))
    asked, remaining = parser.parse_known_args()
    ChaosTest.binaries = asked.bin
    unittest.main(argv=[sys.argv[0], *remaining])
