#!/usr/bin/env python3
"""tillway-bank over its socket, with messages, MAC and PIN made here by other means (the openssl command): it must judge rightly before
it may judge the switch."""
import argparse
import hashlib
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ZPK, ZAK = "0123456789ABCDEFFEDCBA9876543210", "1C587F1C13924FEFA1B2C3D4E5F60718"
PAN = "6225000000000014"
ANSWER_S = 30  # until an answer counts as lost
LATE_MS = 2000  # long enough to change links meanwhile
LENGTHS = {2: 2, 32: 2, 33: 2, 35: 2, 55: 3}  # digits of a length in front; the rest is fixed


def des(key, data, mode, iv=None, decrypt=False):
    command = ["openssl", "enc", f"-des-ede3-{mode}", "-nopad", "-K", key]
    command += ["-iv", iv] if iv else []
    command += ["-d"] if decrypt else []
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def retail_mac(data):
    left, right = ZAK[:16], ZAK[16:]
    data += bytes(-len(data) % 8)
    last = des(left * 3, data, "cbc", "0" * 16)[-8:]
    return des(left * 3, des(right * 3, last, "ecb", decrypt=True), "ecb")


def pin_of(pan):
    digest = hashlib.sha256(b"tillway-pin:" + pan.encode()).digest()
    length = 6 if digest[4] % 3 == 0 else 4
    return str(int.from_bytes(digest[:4], "big") % 10**length).zfill(length)


def pin_block(pin, pan):
    left = bytes.fromhex(f"{len(pin):02d}{pin}".ljust(16, "F"))
    right = bytes.fromhex("0000" + pan[-13:-1])
    return des(ZPK + ZPK[:16], bytes(a ^ b for a, b in zip(left, right)), "ecb").hex().upper()


def build(mti, fields, with_mac=True):
    numbers = sorted(fields)
    has_second = numbers[-1] > 64
    mac_at = 128 if has_second else 64
    bits = set(numbers) | ({mac_at} if with_mac else set()) | ({1} if has_second else set())
    bitmap = sum(1 << (128 - bit) for bit in bits).to_bytes(16, "big").hex().upper()
    text = mti + (bitmap if has_second else bitmap[:16])
    for number in numbers:
        value = fields[number]
        text += (f"{len(value):0{LENGTHS[number]}d}" if number in LENGTHS else "") + value
    if with_mac:
        text += retail_mac(text.encode()).hex().upper()
    return text.encode()


def response_code(message):
    """Field 39 of an answer: what stands before it is of known length."""
    text = message.decode()
    bits = int(text[4:20], 16)
    at = 20 + (16 if bits >> 63 else 0)
    fixed = {3: 6, 4: 12, 7: 10, 11: 6, 12: 6, 13: 4, 15: 4, 25: 2, 37: 12, 38: 6}
    for number in range(2, 39):
        if bits >> (64 - number) & 1:
            size = int(text[at:at + 2]) + 2 if number in LENGTHS else fixed[number]
            at += size
    return text[at:at + 2]


class Bank:
    def __init__(self, binaries, folder, *options):
        keys = pathlib.Path(folder, "keys")
        keys.write_text(f"zpk {ZPK}\nzak {ZAK}\n")
        self.ledger = pathlib.Path(folder, "bank.db")
        self.process = subprocess.Popen([f"{binaries}/tillway-bank", "--keys", keys, "--ledger", self.ledger, "--spec",
                                         ROOT / "config/specs/iso8583-1987-ascii.yaml", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"tillway-bank did not start: {self.process.stderr.read()}")
        self.port = int(line.rsplit(":", 1)[1])
        self.link = self.connect()

    def connect(self):
        link = socket.create_connection(("127.0.0.1", self.port), ANSWER_S)
        link.settimeout(ANSWER_S)
        return link

    def send(self, message, link=None):
        (link or self.link).sendall(len(message).to_bytes(2, "big") + message)

    def receive(self, link=None):
        link = link or self.link
        head = self.take(link, 2)
        return self.take(link, int.from_bytes(head, "big"))

    @staticmethod
    def take(link, count):
        data = b""
        while len(data) < count:
            part = link.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def ask(self, message, link=None):
        self.send(message, link)
        return response_code(self.receive(link))

    def sign_on(self, link=None):
        self.send(build("0800", {7: "1125101500", 11: "000001", 70: "001"}), link)
        assert self.receive(link).startswith(b"0810")

    def close(self):
        self.link.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def stop(self):
        self.link.close()
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=ANSWER_S)
        return json.loads(out.splitlines()[-1])


def purchase(stan, amount=12345, pin=None, pan=PAN):
    fields = {2: pan, 3: "000000", 4: f"{amount:012d}", 7: "1125101500", 11: f"{stan:06d}", 12: "101500", 13: "1125", 14: "3012", 18: "5411",
              22: "051", 25: "00", 32: "48021000", 37: f"00001{stan:07d}", 41: "10000001", 42: "898290054110000", 49: "156"}
    if pin:
        fields |= {26: "12", 52: pin_block(pin, pan), 53: "2600000000000000"}
    return fields


def reversal(stan, of, mti="0420"):
    fields = {number: value for number, value in of.items() if number in (2, 3, 4, 12, 13, 25, 32, 37, 41, 42, 49)}
    return fields | {7: "1125101600", 11: f"{stan:06d}", 90: "0200" + of[11] + of[7] + of[32].rjust(11, "0") + "0" * 11}


class BankTest(unittest.TestCase):
    binaries = ""

    def start(self, *options):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        bank = Bank(self.binaries, folder.name, "--mac", "x9_19", *options)
        self.addCleanup(bank.close)
        return bank

    def wait_until(self, is_true):
        deadline = time.monotonic() + ANSWER_S
        while not is_true():
            self.assertLess(time.monotonic(), deadline, "not in time")
            time.sleep(0.02)

    def rows(self, bank, sql):
        with sqlite3.connect(f"file:{bank.ledger}?mode=ro", uri=True) as file:
            return file.execute(sql).fetchall()

    def test_a_purchase_is_posted_once_and_reversed_once(self):
        bank = self.start()
        bank.sign_on()
        sale = purchase(7, pin=pin_of(PAN))
        self.assertEqual(bank.ask(build("0200", sale)), "00")
        self.assertEqual(bank.ask(build("0200", sale)), "00")
        self.assertEqual(self.rows(bank, "SELECT state, amount, rrn FROM postings"), [("posted", 12345, "000010000007")])
        self.assertEqual(bank.ask(build("0420", reversal(8, sale))), "00")
        self.assertEqual(bank.ask(build("0421", reversal(9, sale))), "00")
        self.assertEqual(self.rows(bank, "SELECT state, reversal_count FROM postings"), [("reversed", 2)])
        counts = bank.stop()
        self.assertEqual((counts["posted_live"], counts["reversed"], counts["repeats"], counts["reversal_repeats"]), (0, 1, 1, 1))

    def test_a_wrong_pin_is_55_and_a_wrong_mac_is_a0(self):
        bank = self.start()
        bank.sign_on()
        wrong = str((int(pin_of(PAN)) + 1) % 10**len(pin_of(PAN))).zfill(len(pin_of(PAN)))
        self.assertEqual(bank.ask(build("0200", purchase(1, pin=wrong))), "55")
        broken = bytearray(build("0200", purchase(2)))
        broken[-1] = ord("0") if broken[-1] != ord("0") else ord("1")
        self.assertEqual(bank.ask(bytes(broken)), "A0")
        self.assertEqual(bank.ask(build("0200", purchase(3), with_mac=False)), "A0")
        self.assertEqual(self.rows(bank, "SELECT count(*) FROM postings WHERE state = 'posted'"), [(0,)])

    def test_nothing_moves_before_sign_on(self):
        bank = self.start()
        self.assertEqual(bank.ask(build("0200", purchase(1))), "91")

    def test_a_reversal_that_overtakes_its_original_blocks_it(self):
        bank = self.start()
        bank.sign_on()
        sale = purchase(1)
        self.assertEqual(bank.ask(build("0420", reversal(2, sale))), "25")
        self.assertEqual(bank.ask(build("0200", sale)), "22")

    def test_a_silent_bank_posts_and_says_nothing_until_healed(self):
        bank = self.start("--silent", "100")
        bank.send(build("0800", {7: "1125101500", 11: "000001", 70: "001"}))
        bank.send(build("0200", purchase(1)))
        bank.link.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            bank.receive()
        self.wait_until(lambda: self.rows(bank, "SELECT count(*) FROM postings") == [(1,)])
        bank.process.send_signal(signal.SIGUSR1)
        self.assertIn("healed", bank.process.stderr.readline())
        bank.link.settimeout(ANSWER_S)
        self.assertEqual(bank.ask(build("0200", purchase(1))), "00")
        self.assertEqual(self.rows(bank, "SELECT repeat_count FROM postings"), [(1,)])

    def test_a_late_answer_comes_on_the_link_that_is_up_then(self):
        bank = self.start("--late", "100", "--late-ms", str(LATE_MS))
        bank.send(build("0800", {7: "1125101500", 11: "000001", 70: "001"}))
        bank.receive()
        began = time.monotonic()
        bank.send(build("0200", purchase(1)))
        self.wait_until(lambda: self.rows(bank, "SELECT count(*) FROM postings") == [(1,)])
        other = bank.connect()
        self.addCleanup(other.close)
        bank.link.close()
        bank.send(build("0800", {7: "1125101500", 11: "000002", 70: "001"}), other)
        self.assertEqual(response_code(bank.receive(other)), "00")
        self.assertGreater(time.monotonic() - began, LATE_MS / 1000 - 0.1)

    def test_a_duplicating_bank_answers_twice(self):
        bank = self.start("--duplicate", "100")
        bank.send(build("0800", {7: "1125101500", 11: "000001", 70: "001"}))
        self.assertEqual(bank.receive(), bank.receive())

    def test_a_dropping_bank_closes_the_link(self):
        bank = self.start("--drop", "100")
        bank.send(build("0800", {7: "1125101500", 11: "000001", 70: "001"}))
        with self.assertRaises((EOFError, ConnectionError)):
            bank.receive()

    def test_garbage_closes_one_link_only(self):
        bank = self.start()
        bank.sign_on()
        other = bank.connect()
        self.addCleanup(other.close)
        bank.send(b"this is no message", other)
        with self.assertRaises((EOFError, ConnectionError)):
            bank.receive(other)
        self.assertEqual(bank.ask(build("0200", purchase(1))), "00")

    def test_the_books_outlive_a_kill(self):
        with tempfile.TemporaryDirectory() as folder:
            bank = Bank(self.binaries, folder, "--mac", "x9_19")
            bank.sign_on()
            self.assertEqual(bank.ask(build("0200", purchase(1))), "00")
            bank.close()
            bank = Bank(self.binaries, folder, "--mac", "x9_19")
            bank.sign_on()
            self.assertEqual(bank.ask(build("0200", purchase(1, amount=1))), "94")
            bank.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.environ.get("TILLWAY_BIN", "build/debug/bin"))
    asked, rest = parser.parse_known_args()
    BankTest.binaries = asked.bin
    unittest.main(argv=[sys.argv[0], *rest])
