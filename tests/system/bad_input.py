#!/usr/bin/env python3
"""Bad input: each kind gets the answer that the dialect names, or the end of its own connection; one log line that says what was wrong; a
counter; and a witness on another connection is served before and after.

    bad_input.py --bin DIR      DIR holds tillwayd and tillway-load

Starts a tillwayd of its own on free loopback ports, without a bank: nothing here reaches one. Exit code 0: all as it should be.
"""
import argparse
import contextlib
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_S, ANSWER_S = 20, 5
TPDU, HEADER = bytes.fromhex("6000030000"), bytes.fromhex("602200311001")
HALF_MESSAGE_MS = 700

CONFIG = """
node: 0
acquirer_id: 48021000
workers: {workers}
log: {{format: plain, level: info}}
listeners:
  - {{name: secure, address: 127.0.0.1, port: {tls_port}, dialect: unionpay-pos, framing: {{length: binary_2, tpdu: true, http: true}},
     tls: {{certificate: server.crt, key: server.key}}, first_message_timeout_ms: {half_ms}, handshake_timeout_ms: 700}}
  - {{name: plain, address: 127.0.0.1, port: {plain_port}, dialect: unionpay-pos, framing: {{length: binary_2, tpdu: true, http: true}},
     first_message_timeout_ms: {half_ms}}}
channels:
  - {{name: bank_a, address: 127.0.0.1, port: {bank_port}, dialect: iso8583-1987-ascii, mac: {{algorithm: unionpay_ecb}}}}
  - {{name: bank_b, address: 127.0.0.1, port: {bank_port}, dialect: iso8583-1987-ascii, mac: {{algorithm: unionpay_ecb}}}}
store: {{path: log.db}}
hsm: {{module: soft, master_key: test, pin_policy: lab}}
tables: {{bins: {root}/config/demo/bins.csv, merchants: fleet/merchants.csv, terminals: fleet/terminals.csv, keys: fleet/keys.csv}}
routes: {root}/config/demo/routes.yaml
fees: {root}/config/demo/fees.yaml
specs: {root}/config/specs
control: {{socket: control.sock}}
drain: {{deadline_ms: 5000}}
"""


# ---- messages, written here from the page on the wire format, not with the product's code

def bcd(digits):
    return bytes.fromhex(digits + "0" * (len(digits) % 2))


def ascii_field(text):
    return text.encode("ascii")


def lll(text):
    """A field of BCD digits behind a length of digits."""
    return bcd(f"{len(text):04d}") + bcd(text)


def message(mti, fields):
    """`fields`: number -> bytes as they stand on the wire."""
    bits = 0
    for number in fields:
        bits |= 1 << (64 - number)
    return bcd(mti) + bits.to_bytes(8, "big") + b"".join(fields[number] for number in sorted(fields))


def frame(body):
    whole = TPDU + HEADER + body
    return struct.pack(">H", len(whole)) + whole


class Fleet:
    def __init__(self, folder):
        lines = (folder / "fleet/terminals.csv").read_text().splitlines()
        row = dict(zip(lines[0].split(","), lines[1].split(",")))
        self.terminal, self.merchant = row["terminal_id"], row["merchant_id"]

    def echo(self):
        return message("0820", {41: ascii_field(self.terminal), 42: ascii_field(self.merchant), 60: lll("00000001301")})

    def signon(self, terminal=None, merchant=None):
        return message("0800", {11: bcd("000001"), 41: ascii_field(terminal or self.terminal), 42: ascii_field(merchant or self.merchant),
                                60: lll("00000001003"), 63: bcd("0003") + b"01 "})

    def sale(self, **changed):
        fields = {2: bcd("16") + bcd("6210948000000037"), 3: bcd("000000"), 4: bcd("000000001234"), 11: bcd("000017"), 22: bcd("012"), 25: bcd("00"),
                  41: ascii_field(self.terminal), 42: ascii_field(self.merchant), 49: b"156", 60: lll("22000001000"), 64: b"01234567"}
        for name, value in changed.items():
            number = int(name[1:])
            if value is None:
                del fields[number]
            else:
                fields[number] = value
        return fields


# ---- the peer's side

class Answer:
    def __init__(self, whole):
        self.mti = whole[11:13].hex()
        self.body = whole
        # Of the fields that stand before 39 here all have a fixed length but 2, 32: enough to find it.
        bits = int.from_bytes(whole[13:21], "big")
        sizes = {3: 3, 4: 6, 11: 3, 12: 3, 13: 2, 14: 2, 15: 2, 22: 2, 23: 2, 25: 1, 26: 1, 37: 12, 38: 6}
        at = 21
        for number in range(2, 39):
            if not bits >> (64 - number) & 1:
                continue
            if number in (2, 32):
                at += 1 + (int(whole[at:at + 1].hex()) + 1) // 2
            else:
                at += sizes[number]
        self.code = whole[at:at + 2].decode("ascii") if bits >> (64 - 39) & 1 else ""
        self.asks = whole[7] & 15


class Peer:
    def __init__(self, port, tls=False):
        self.raw = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self.raw.settimeout(ANSWER_S)
        self.socket = self.raw
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.raw)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def exactly(self, count):
        got = b""
        while len(got) < count:
            part = self.socket.recv(count - len(got))
            if not part:
                return None
            got += part
        return got

    def answer(self):
        """None: the connection was closed."""
        with contextlib.suppress(ConnectionError):
            head = self.exactly(2)
            body = head and self.exactly(int.from_bytes(head, "big"))
            return body and Answer(body)
        return None

    def send(self, data):
        self.socket.sendall(data)
        return self

    def is_closed(self):
        with contextlib.suppress(ConnectionError):
            return self.socket.recv(1) == b""
        return True


# ---- the control socket, by hand: protobuf fields as protocols/control.proto numbers them

def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields_of(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        else:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        yield key >> 3, value


def metrics(path):
    """(name, labels) -> value"""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(ANSWER_S)
        control.connect(str(path))
        request = b"\x08\x01" + b"\x62\x00"  # id = 1, metrics = {}
        control.sendall(struct.pack(">I", len(request)) + request)
        data = b""
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            data += control.recv(65536)
    found = {}
    for number, value in fields_of(data[4:]):
        if number != 12:
            continue
        for _, sample in fields_of(value):
            name, labels, amount = "", [], None
            for field, part in fields_of(sample):
                if field == 1:
                    name = part.decode()
                elif field == 2:
                    labels.append(part.decode())
                elif field == 3:
                    amount = struct.unpack("<d", part)[0]
            if amount is not None:
                found[name, tuple(labels)] = amount
    return found


# ---- the switch

class Failed(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Switch:
    def __init__(self, binaries, folder, workers):
        self.folder, self.tls_port, self.plain_port = folder, free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "server.key",
                        "-out", folder / "server.crt", "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        subprocess.run([binaries / "tillway-load", "fleet", "--banks", "bank_a,bank_b", "--terminals", "3", "--merchants", "1",
                        "--seed", "1", "--out", folder / "fleet"],
                       check=True, capture_output=True)
        (folder / "tillway.yaml").write_text(CONFIG.format(workers=workers, tls_port=self.tls_port, plain_port=self.plain_port, bank_port=free_port(),
                                                           root=ROOT, half_ms=HALF_MESSAGE_MS))
        self.log = folder / "tillwayd.log"
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([binaries / "tillwayd", "--config", folder / "tillway.yaml"], stdout=out, stderr=out)
        deadline = time.monotonic() + START_S
        while " ready " not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"tillwayd does not start:\n{self.log.read_text()}")
            time.sleep(0.05)
        self.fleet = Fleet(folder)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failed("tillwayd did not end within 15 s of SIGTERM") from None
        return self.process.returncode

    def lines(self):
        """Lines about what peers did; those about our own channel without its bank are left out."""
        return [line for line in self.log.read_text().splitlines()
                if any(f" {event} " in line for event in ("conn_closed", "request_rejected", "conn_refused", "txn"))]


class Case:
    """One kind of bad input: what is done, and what must come of it."""

    def __init__(self, name, act, words, counter):
        self.name, self.act, self.words, self.counter = name, act, words, counter


def expect(what, is_true):
    if not is_true:
        raise Failed(what)


def closes(port, data, tls=False):
    def act(_):
        with Peer(port, tls) as peer:
            expect("the connection is not closed", peer.send(data).is_closed())
    return act


def answers(port, body, mti, code, tls=False):
    def act(_):
        with Peer(port, tls) as peer:
            answer = peer.send(frame(body)).answer()
            expect("no answer, but the end", answer is not None)
            expect(f"answer {answer.mti} {answer.code}, expected {mti} {code}", (answer.mti, answer.code) == (mti, code))
    return act


def http_without_body(switch):
    with Peer(switch.plain_port) as peer:
        peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: x-ISO-TPDU/x-auth\r\n\r\n")
        answer = b""
        while part := peer.socket.recv(1024):  # until the end, which must come
            answer += part
        expect(f"HTTP answer {answer[:40]!r}, expected 411", answer.startswith(b"HTTP/1.1 411"))


def old_tls(switch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", switch.tls_port), ANSWER_S) as raw:
        try:
            context.wrap_socket(raw).close()
        except (ssl.SSLError, OSError):
            return
    raise Failed("TLS 1.1 was accepted")


def cut_in_the_middle(switch):
    with Peer(switch.plain_port) as peer:
        peer.send(frame(switch.fleet.echo())[:20])


def three_wrong_macs(switch):
    with Peer(switch.tls_port, tls=True) as peer:
        answer = peer.send(frame(switch.fleet.signon())).answer()
        expect("sign-on is refused", answer is not None and answer.code == "00")
        for count in (1, 2, 3):
            answer = peer.send(frame(message("0200", switch.fleet.sale()))).answer()
            expect("no answer to a bad MAC", answer is not None)
            expect(f"answer {answer.code}, expected A0", answer.code == "A0")
            expect(f"header digit 6 is {answer.asks} after {count}", answer.asks == (3 if count == 3 else 0))


def cases(switch):
    fleet, plain, tls = switch.fleet, switch.plain_port, switch.tls_port
    rejected = "frames_rejected_total"
    sale = fleet.sale
    return [
        Case("garbage", closes(plain, bytes(range(200, 256)) * 40), ["frame"], (rejected, "frame")),
        Case("garbage inside TLS", closes(tls, b"\xff" * 64, tls=True), ["frame", "exceeds 2048"], (rejected, "frame")),
        Case("half a message", closes(plain, frame(fleet.echo())[:20]), ["half_message", "20 bytes"], (rejected, "half_message")),
        Case("a message cut by the peer", cut_in_the_middle, ["half_message", "in the middle"], (rejected, "half_message")),
        Case("wrong length", closes(plain, b"\x00\x0c" + TPDU + HEADER + fleet.echo()), ["message", "ends inside"], (rejected, "unreadable")),
        Case("ASCII length on a binary port", closes(plain, b"0060" + TPDU + HEADER + fleet.echo()), ["frame", "ASCII digits"], (rejected, "frame")),
        Case("no TPDU", closes(plain, struct.pack(">H", 20) + b"\x61" * 20), ["frame", "expected 60"], (rejected, "frame")),
        Case("unknown message type", answers(plain, message("0700", {11: bcd("000001"), 41: ascii_field(fleet.terminal)}), "0710", "12"),
             ["unknown_kind", "0700"], (rejected, "unknown_kind")),
        Case("unknown transaction", answers(plain, message("0200", sale(f3=bcd("990000"))), "0210", "12"), ["unknown_kind", "990000"],
             (rejected, "unknown_kind")),
        Case("missing field", answers(plain, message("0200", sale(f22=None)), "0210", "30"), ["format", "field 22"], (rejected, "format")),
        Case("field too long", answers(plain, message("0200", sale(f35=bcd("38") + bcd("6210948000000037D" + "2" * 21))), "0210", "30"),
             ["format", "field 35"], (rejected, "format")),
        Case("bad BCD", answers(plain, message("0200", sale(f22=b"\xfa\x00")), "0210", "30"), ["format", "field 22"], (rejected, "format")),
        Case("bad BCD before the trace number", answers(plain, message("0200", sale(f4=b"\xff" * 6)), "0210", "30"), ["format", "field 4"],
             (rejected, "format")),
        Case("a response where a request is expected", closes(plain, frame(message("0210", sale()))), ["message"], None),
        Case("no MAC", answers(plain, message("0200", sale(f64=None)), "0210", "A0"), ["mac_missing"], (rejected, "mac_missing")),
        Case("a MAC without keys", answers(plain, message("0200", sale()), "0210", "A0"), ["key_missing"], (rejected, "key_missing")),
        Case("unknown terminal signs on", answers(plain, fleet.signon(terminal="99999999"), "0810", "97"), ["answer=97"], None),
        Case("unknown terminal pays", answers(plain, message("0200", sale(f41=b"99999999")), "0210", "97"), ["answer=97"], (rejected, "terminal")),
        Case("unknown merchant", answers(plain, fleet.signon(merchant="000000000000000"), "0810", "03"), ["answer=03"], None),
        Case("clear bytes on the TLS port", closes(tls, frame(fleet.echo())), ["not_tls", "in clear"], ("conns_closed_total", "not_tls")),
        Case("an old TLS version", old_tls, ["handshake_failed", "no TLS version that we allow"], ("conns_closed_total", "handshake_failed")),
        Case("a silent TLS peer", closes(tls, b""), ["handshake_late"], ("conns_closed_total", "handshake_late")),
        Case("TLS on the plain port", closes(plain, bytes.fromhex("16030100c8010000c40303")), ["frame", "TLS hello"], (rejected, "frame")),
        Case("HTTP with no body", http_without_body, ["http", "Content-Length"], (rejected, "http")),
        Case("three wrong MACs", three_wrong_macs, ["mac_wrong"], (rejected, "mac_wrong")),
    ]


def run_case(switch, case, witness):
    before, counts = len(switch.lines()), metrics(switch.folder / "control.sock")
    case.act(switch)
    wanted = 4 if case.name == "three wrong MACs" else 1  # the sign-on before them has a line of its own
    deadline = time.monotonic() + ANSWER_S
    while len(switch.lines()) < before + wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    lines = switch.lines()[before:]
    expect(f"{len(lines)} log lines, expected {wanted}: {lines}", len(lines) == wanted)
    expect(f"log line {lines[-1]!r} lacks one of {case.words}", all(word in lines[-1] for word in case.words))
    if case.counter:
        name, label = case.counter
        now = metrics(switch.folder / "control.sock")
        grown = sum(value - counts.get(key, 0) for key, value in now.items() if key[0].endswith(name) and label in key[1])
        expect(f"{name}{{{label}}} grew by {grown:g}", grown == max(1, wanted - 1))
    expect("process ended", switch.process.poll() is None)
    answer = witness.send(frame(switch.fleet.echo())).answer()
    expect("the witness is not served any more", answer is not None and answer.code == "00")
    # Its own line is not of the case.
    deadline = time.monotonic() + ANSWER_S
    while len(switch.lines()) < before + wanted + 1 and time.monotonic() < deadline:
        time.sleep(0.02)


def secrets_in(text):
    return [word for word in ("6210948000000037", "01234567") if word in text]


def run(binaries, workers):
    failures = 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-bad-input-"))
    switch = None
    try:
        switch = Switch(binaries, folder, workers)
        with Peer(switch.tls_port, tls=True) as witness:
            answer = witness.send(frame(switch.fleet.echo())).answer()
            expect("an echo is not answered", answer is not None and answer.code == "00")
            time.sleep(0.1)
            for case in cases(switch):
                try:
                    run_case(switch, case, witness)
                    print(f"ok      {case.name}")
                except (Failed, OSError) as fault:
                    failures += 1
                    print(f"FAILED  {case.name}: {fault}")
        code = switch.end()
        expect(f"tillwayd ended with code {code}:\n{switch.log.read_text()[-3000:]}", code == 0)
        found = secrets_in(switch.log.read_text())
        expect(f"the log holds {found}", not found)
    finally:
        if switch is not None and switch.process.poll() is None:
            switch.process.kill()
            switch.process.wait()
        shutil.rmtree(folder)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    binaries = pathlib.Path(parser.parse_args().bin).resolve()
    failures = 0
    for workers in (1, 2):
        print(f"-- {workers} worker{'s' if workers > 1 else ''}")
        try:
            failures += run(binaries, workers)
        except Failed as fault:
            failures += 1
            print(f"FAILED  {fault}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
