#!/usr/bin/env python3
"""Bad input: each kind gets the answer that the dialect names, or the end of its own connection; one log line that says what was wrong; a
counter; and a witness on another connection is served before and after.

    bad_input.py --bin DIR      DIR holds tillwayd and tillway-load

Starts a tillwayd of its own on free loopback ports, without a bank: nothing here reaches one. Exit code 0: all as it should be.
"""
import socket
import ssl
import struct
import sys
import time
import warnings

from stage import Failed, expect, run_folder, small_switch, with_workers
from wire import ANSWER_S, HEADER, TPDU, Peer, ascii_field, bcd, frame, message, metrics

SLOW_MS = 2500  # a message or a handshake that takes longer is too slow: far above what an honest one takes here


class Case:
    """One kind of bad input: what is done, and what must come of it."""

    def __init__(self, name, act, words, counter):
        self.name, self.act, self.words, self.counter = name, act, words, counter


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


def wait_for_lines(switch, count):
    deadline = time.monotonic() + ANSWER_S
    while len(switch.lines()) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def growth(switch, counts, name, label):
    now = metrics(switch.folder / "control.sock")
    return sum(value - counts.get(key, 0) for key, value in now.items() if key[0].endswith(name) and label in key[1])


def run_case(switch, case, witness):
    before, counts = len(switch.lines()), metrics(switch.folder / "control.sock")
    case.act(switch)
    wanted = 4 if case.name == "three wrong MACs" else 1  # the sign-on before them has a line of its own
    wait_for_lines(switch, before + wanted)
    lines = switch.lines()[before:]
    expect(f"{len(lines)} log lines, expected {wanted}: {lines}", len(lines) == wanted)
    expect(f"log line {lines[-1]!r} lacks one of {case.words}", all(word in lines[-1] for word in case.words))
    if case.counter:
        name, label = case.counter
        grown = growth(switch, counts, name, label)
        expect(f"{name}{{{label}}} grew by {grown:g}", grown == max(1, wanted - 1))
    expect("process ended", switch.process.poll() is None)
    answer = witness.send(frame(switch.fleet.echo())).answer()
    expect("the witness is not served any more", answer is not None and answer.code == "00")
    # Its own line is not of the case.
    wait_for_lines(switch, before + wanted + 1)


def secrets_in(text):
    return [word for word in ("6210948000000037", "01234567") if word in text]


def run(binaries, workers):
    failures = 0
    with small_switch(binaries, workers, SLOW_MS) as switch:
        with Peer(switch.tls_port, tls=True) as witness:
            answer = witness.send(frame(switch.fleet.echo())).answer()
            expect("an echo is not answered", answer is not None and answer.code == "00")
            wait_for_lines(switch, 1)
            for case in cases(switch):
                try:
                    run_case(switch, case, witness)
                    print(f"ok      {case.name}")
                except (Failed, OSError) as fault:
                    failures += 1
                    print(f"FAILED  {case.name}: {fault}")
        if failures:
            run_folder.show_logs(switch.folder, 60)
        code = switch.end()
        expect(f"tillwayd ended with code {code}:\n{switch.log.read_text()[-3000:]}", code == 0)
        found = secrets_in(switch.log.read_text())
        expect(f"the log holds {found}", not found)
    return failures


if __name__ == "__main__":
    sys.exit(1 if with_workers(run) else 0)
