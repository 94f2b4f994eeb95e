#!/usr/bin/env python3
"""Faults of terminals and of the way from them, each in a run of its own that must end with three ledgers that agree (F8, F9, F11, F12, F13,
F15, F30, F32).

    fault_terminals.py --bin DIR [--long] [--only WORD]
"""
import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

import stage
from stage import ROOT, all_were_answered, expect
import run_folder
import wire

P99_MAX_US, STALLS = 400000, 4  # of payments beside a fault, and how often each of them may be held up by the machine itself
DEADLINES = {"listeners.0.handshake_timeout_ms": 4000, "listeners.0.first_message_timeout_ms": 4000}  # which those who pay keep on a busy machine, too
HELLO = bytes.fromhex("16030100c8010000c40303")
CHAIN_COUNT = 600  # certificates, some 300 KB: OpenSSL takes 100 KB
LIFE_S = 12  # of a certificate that runs out in a story: long enough for all terminals to come in


def kept_its_pace(run, result):
    all_were_answered(result)
    p99, stall = result["latency_us"]["p99"], result["stall_us"]
    at_most = P99_MAX_US * (3 if run.sanitizer() else 1) + STALLS * stall
    expect(f"p99 of {p99} us beside the fault, {at_most} at most, while this machine let a sleeper wait for {stall} us", p99 <= at_most)
    return f"p99 {p99 / 1000:.1f} ms"


def tls_context(version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(run, port=None):
    link = socket.create_connection(("127.0.0.1", port or run.port), wire.ANSWER_S)
    link.settimeout(wire.ANSWER_S)
    return link


def is_closed(link):
    try:
        while link.recv(4096):
            pass
    except TimeoutError:
        return False
    except (ConnectionError, ssl.SSLError):
        pass
    return True


def terminals_byte_at_a_time(run):
    """F8: TLS in segments of one byte up, of three bytes down."""
    run.up(terminal_rules=["action=split,direction=to_server", "action=split,direction=to_client,piece=3"], is_patient=True)
    all_were_answered(run.pay(seconds=3))
    run.settle()


def terminals_cut_off_in_mid_message(run):
    """F9: RST and FIN, either way."""
    run.up(terminal_rules=["action=reset,every=150", "action=fin,every=170", "action=half_close,every=400,direction=to_server"])
    run.pay(seconds=4)
    expect("nobody was cut off", run.struck("before_switch") >= 3)
    run.settle()


def slow_clients(run):
    """F11: nothing at all, half a hello, a length and nothing, a head of HTTP without an end; each ends by an absolute deadline."""
    run.up(options=DEADLINES, is_patient=True)
    with run.paying(seconds=5) as result:
        began, slow = time.monotonic(), []
        for _ in range(20):
            for first, has_tls in ((b"", False), (HELLO, False), (b"\x01\x00", True), (b"POST / HTTP/1.1\r\nHost: x\r\n", True), (b"", True)):
                link = connect(run)
                link = tls_context().wrap_socket(link) if has_tls else link
                if first:
                    link.sendall(first)
                slow.append(link)
        dripping = [link for link in slow if isinstance(link, ssl.SSLSocket)][3::5]
        for _ in range(8):  # a byte now and then buys no time
            time.sleep(0.3)
            for link in dripping:
                with contextlib.suppress(OSError):
                    link.sendall(b"a")
        left = sum(not is_closed(link) for link in slow)
        seconds = time.monotonic() - began
        for link in slow:
            link.close()
    expect(f"{left} slow clients are still connected", left == 0)
    most_s = 12 + STALLS * result["stall_us"] / 1e6
    expect(f"the slow clients were there for {seconds:.1f} s, {most_s:.1f} at most", seconds < most_s)
    said = kept_its_pace(run, result)
    run.settle()
    return said


def handshakes_are_begun_and_left(run):
    """F12: a flood of hellos that nobody goes on with."""
    run.up(options=DEADLINES, is_patient=True)
    with run.paying(seconds=5) as result:
        end, count = time.monotonic() + 4, 0
        while time.monotonic() < end:
            flood = [connect(run) for _ in range(50)]
            for link in flood:
                link.sendall(HELLO + bytes(40))
            count += len(flood)
            for link in flood:
                link.close()
    said = kept_its_pace(run, result)
    run.settle()
    return f"{count} hellos, {said}"


def renegotiation_is_refused_and_key_updates_harm_nobody(run):
    """F12: s_client asks for a renegotiation (TLS 1.2), and for new keys a thousand times (TLS 1.3)."""
    run.up(is_patient=True)
    with run.paying(seconds=5) as result:
        address = ["openssl", "s_client", "-connect", f"127.0.0.1:{run.port}"]
        said = run.folder / "s_client.log"
        with open(said, "wb") as out, subprocess.Popen([*address, "-tls1_2"], stdin=subprocess.PIPE, stdout=out, stderr=out) as client:
            def wait_for(words):  # of OpenSSL 3.0; "Secure Renegotiation IS supported" is said of every server
                run_folder.wait_until(f"s_client says {words}", wire.ANSWER_S, lambda: words in said.read_text(errors="replace"))
            try:
                wait_for("Verify return code")
                client.stdin.write(b"R\n")
                client.stdin.flush()
                wait_for("no renegotiation")
            finally:
                client.kill()
        with subprocess.Popen([*address, "-tls1_3", "-quiet"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              text=True) as client:
            with contextlib.suppress(BrokenPipeError):
                for _ in range(1000):
                    client.stdin.write("K\n")
                client.stdin.close()
            client.terminate()
    said = kept_its_pace(run, result)
    run.settle()
    return said


def split_into_bytes(record):
    """One TLS record as many of one byte each."""
    return b"".join(record[:3] + b"\x00\x01" + bytes([byte]) for byte in record[5:])


def echo_in_records_of_one_byte(run, fleet):
    """The client's first words and its message come in records of one byte. Answers what is answered."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = tls_context().wrap_bio(received, sent)
    with connect(run) as link:
        def until(what):
            while True:
                try:
                    return what()
                except ssl.SSLWantReadError:
                    said = sent.read()
                    link.sendall(split_into_bytes(said) if client.version() is None and said[5:6] == b"\x01" else said)
                    got = link.recv(65536)
                    expect("the connection is closed", got)
                    received.write(got)
        until(client.do_handshake)
        link.sendall(sent.read())
        for byte in wire.frame(fleet.echo()):
            client.write(bytes([byte]))
            link.sendall(sent.read())
        return until(lambda: client.read(200))


def records_of_one_byte(run):
    """F12: hellos and messages in TLS records of one byte are served and cost nobody else the pace."""
    run.up(options=DEADLINES, is_patient=True)
    fleet, count = wire.Fleet(run.folder), 0
    with run.paying(seconds=5, first=1, terminals=39) as result:
        end = time.monotonic() + 4
        while time.monotonic() < end:
            expect("an echo in records of one byte is not answered", len(echo_in_records_of_one_byte(run, fleet)) > 20)
            count += 1
    said = kept_its_pace(run, result)
    run.settle()
    return f"{count} echoes, {said}"


def a_chain_of_hundreds_of_certificates(run):
    """F12: a client's chain that is longer than any is read ends its handshake, and nobody else notices."""
    named = add_named_port(run)
    run.up(options=DEADLINES, is_patient=True)
    fleet = wire.Fleet(run.folder)
    signed_certificate(run.folder, "right", fleet.terminal, "ours")
    (run.folder / "huge.crt").write_text((run.folder / "right.crt").read_text() + (run.folder / "ours.crt").read_text() * CHAIN_COUNT)
    shutil.copy(run.folder / "right.key", run.folder / "huge.key")
    with run.paying(seconds=5, first=1, terminals=39) as result:
        for _ in range(20):
            expect("a huge chain is taken", not is_served(run, fleet, "huge", named))
        expect("the certificate alone is not taken", is_served(run, fleet, "right", named))
    run.wait_line("conn_closed", "excessive message size", count=20)
    said = kept_its_pace(run, result)
    run.settle()
    return said


# ---- F13


def openssl(folder, *words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=folder, timeout=30)


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt",
            "-days", "2", "-subj", f"/CN={name}")


def signed_certificate(folder, name, common_name, issuer, *when):
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
            f"/CN={common_name}")
    (folder / "address.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    command = ["openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-CAcreateserial",
               "-extfile", "address.ext", "-out", f"{name}.crt", "-days", "1"]
    subprocess.run([*when, *command], check=True, capture_output=True, cwd=folder, timeout=30)


def add_named_port(run):
    """Before up(): a second port, where a certificate of the authority `ours` must name the terminal. Answers its number."""
    authority(run.folder, "ours")
    shutil.copytree(ROOT / "config", run.folder / "config")
    run.config, port = run.folder / "config/demo/tillway.yaml", run_folder.free_port()
    row = f"""  - {{name: named, address: 127.0.0.1, port: {port}, dialect: unionpay-pos, framing: {{length: binary_2, tpdu: true}},
     tls: {{certificate: {run.folder}/server.crt, key: {run.folder}/server.key, client_ca: {run.folder}/ours.crt}}}}"""
    run.config.write_text(run.config.read_text().replace("\n\nchannels:\n", f"\n{row}\n\nchannels:\n", 1))
    return port


def context_with(run, certificate, version=None):
    context = tls_context(version)
    if certificate:
        context.load_cert_chain(run.folder / f"{certificate}.crt", run.folder / f"{certificate}.key")
    return context


def is_answered(link, fleet):
    link.sendall(wire.frame(fleet.echo()))
    return len(link.recv(100)) > 0


def is_served(run, fleet, certificate, port=None):
    try:
        with context_with(run, certificate).wrap_socket(connect(run, port)) as link:
            return is_answered(link, fleet)
    except (OSError, ssl.SSLError):
        return False


def terminals_with_wrong_certificates(run):
    """F13: only a valid certificate of our authority that names the terminal speaks for it (I38)."""
    authority(run.folder, "ours")
    authority(run.folder, "theirs")
    run.prepare_fleet(2, 1)
    fleet = wire.Fleet(run.folder)
    signed_certificate(run.folder, "right", fleet.terminal, "ours")
    signed_certificate(run.folder, "other", "99999999", "ours")
    signed_certificate(run.folder, "foreign", fleet.terminal, "theirs")
    signed_certificate(run.folder, "expired", fleet.terminal, "ours", "faketime", "-f", "-3d")
    run.options = {"listeners.0.tls.client_ca": run.folder / "ours.crt"}
    run.start_switch()
    for certificate, is_good in (("right", True), ("other", False), ("foreign", False), ("expired", False), (None, False), ("right", True)):
        expect(f"certificate {certificate}: served is {not is_good}", is_served(run, fleet, certificate) == is_good)
    for reason in ("the certificate names", "has expired; renew it"):
        run.wait_line("conn_closed", reason)
    run.switch.stop()


def begun_before(life_s):
    """What makes a certificate of one day run out in so many seconds."""
    return ["faketime", "-f", f"-{86400 - life_s}"]


def renew_server_certificate(run, *when):
    """Answers the seconds until it is in force."""
    began, count = time.monotonic(), len(run.lines(" reloaded "))
    signed_certificate(run.folder, "server", "switch", "root", *when)  # not the name of the root, or it would pass for its own
    run.switch.process.send_signal(signal.SIGHUP)
    run.wait_line(" reloaded ", count=count + 1, seconds=stage.RELOAD_S)
    return time.monotonic() - began


def is_believed(run):
    """Whether a terminal that looks at the server's certificate comes in."""
    context = ssl.create_default_context(cafile=run.folder / "root.crt")
    context.check_hostname = False
    try:
        context.wrap_socket(connect(run)).close()
    except ssl.SSLCertVerificationError:
        return False
    return True


def is_resumed(run, context, session, port):
    try:
        with context.wrap_socket(connect(run, port), session=session) as link:
            return link.session_reused
    except (OSError, ssl.SSLError):
        return False


def certificates_run_out_while_terminals_pay(run):
    """F13: the server's and a terminal's. Who is there stays; nobody comes in any more, nor by an old session (I38), until there are new ones."""
    named = add_named_port(run)
    run.up(is_patient=True)
    fleet = wire.Fleet(run.folder)
    for end in ("crt", "key"):
        shutil.copy(run.folder / f"server.{end}", run.folder / f"root.{end}")
    life_s = LIFE_S + round(4 * renew_server_certificate(run))  # a busy machine takes longer for all of it
    signed_certificate(run.folder, "brief", fleet.terminal, "ours", *begun_before(life_s))
    renew_server_certificate(run, *begun_before(life_s))
    expired = time.time() + life_s + 1
    context = context_with(run, "brief", ssl.TLSVersion.TLSv1_2)
    with run.paying(ends_with_body=True, first=1, terminals=39, extra=["--ca", run.folder / "root.crt"]) as result:
        with context.wrap_socket(connect(run, named)) as link:
            expect("a terminal with a good certificate is not served", is_answered(link, fleet))
            expect("the server's certificate is not believed", is_believed(run))
            expect("a session is not taken up again", is_resumed(run, context, link.session, named))
            time.sleep(max(0, expired - time.time()))
            expect("who was there is not served any more", is_answered(link, fleet))
            expect("a session outlives the certificate it rests on", not is_resumed(run, context, link.session, named))
        expect("an expired certificate is taken", not is_served(run, fleet, "brief", named))
        expect("the server's certificate has not run out", not is_believed(run))
        expect("the metric does not say so", run.metric("cert_not_after_timestamp_seconds", "terminals") < time.time())
        signed_certificate(run.folder, "brief", fleet.terminal, "ours")
        renew_server_certificate(run)
        expect("a new certificate is not taken", is_served(run, fleet, "brief", named))
        expect("the server's new certificate is not believed", is_believed(run))
    run.wait_line("conn_closed", "expired")
    all_were_answered(result)
    run.settle()


def names_of_banks_are_refused_before_a_start(run):
    """F15: addresses only, so no lookup can stall a loop."""
    run.prepare_fleet(2, 1)
    run.options = {"channels.0.links.0.address": "bank.example"}
    done = subprocess.run(list(map(str, [*run.server_command("tillwayd"), "--check-config"])), capture_output=True, text=True, timeout=30, cwd=ROOT)
    expect(f"a name was taken: code {done.returncode}", done.returncode == 78)
    expect(f"it is not said: {done.stderr}", all(words in done.stderr for words in ("channel bank_a", "bank.example", "names are not looked up")))


# ---- F30, F32


def ten_thousand_connect_at_once(run):
    """F30: connections that say nothing, then all of them leave and come back."""
    run.up(options=DEADLINES, is_patient=True)
    with run.paying(seconds=8) as result:
        for _ in range(2):
            storm = []
            for _ in range(5000):
                with contextlib.suppress(OSError):
                    link = socket.socket()
                    link.setblocking(False)
                    link.connect_ex(("127.0.0.1", run.port))
                    storm.append(link)
            time.sleep(1)
            for link in storm:
                link.close()
    said = kept_its_pace(run, result)
    run.settle()
    return said


def terminals_come_back_all_at_once(run):
    """F30: a storm of handshakes and sign-ons beside those who pay."""
    count = 10000 if run.is_long else 600
    run.up(terminals=40 + count, is_patient=True)
    with run.paying(seconds=10, terminals=40) as result:
        with run.paying(first=40, terminals=count, seconds=1, tps=1, extra=["--idle", "2", "--connecting", "1000"]):
            pass
    all_were_answered(result)
    run.settle()
    return f"{count} terminals, p99 {result['latency_us']['p99'] / 1000:.1f} ms"


def the_fuzzers_corpus_comes_in_by_the_socket(run):
    """F32: each file as it is, and as one frame; payments go on beside it."""
    files = [path.read_bytes() for path in sorted((ROOT / "tests/fuzz/corpus").rglob("*")) if path.is_file()]
    expect(f"a corpus of {len(files)} files", len(files) > 20)
    run.up(options=DEADLINES, is_patient=True)
    with run.paying(seconds=5) as result:
        for data in files:
            for whole in (data, len(data[:2000]).to_bytes(2, "big") + data[:2000], wire.frame(data[:2000])):
                with contextlib.suppress(OSError, ssl.SSLError), tls_context().wrap_socket(connect(run)) as link:
                    link.sendall(whole)
            with contextlib.suppress(OSError), connect(run) as link:
                link.sendall(data)
    said = kept_its_pace(run, result)
    run.settle()
    return f"{len(files)} files, {said}"


STORIES = [terminals_byte_at_a_time, terminals_cut_off_in_mid_message, slow_clients, handshakes_are_begun_and_left,
           renegotiation_is_refused_and_key_updates_harm_nobody, records_of_one_byte, a_chain_of_hundreds_of_certificates,
           terminals_with_wrong_certificates, certificates_run_out_while_terminals_pay, names_of_banks_are_refused_before_a_start,
           ten_thousand_connect_at_once, terminals_come_back_all_at_once, the_fuzzers_corpus_comes_in_by_the_socket]

if __name__ == "__main__":
    sys.exit(stage.tell(STORIES, __doc__))
