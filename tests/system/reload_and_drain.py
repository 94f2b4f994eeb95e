#!/usr/bin/env python3
"""Reload and stop of a real tillwayd: new files come into force whole and lose no connection, faulty ones change nothing and are named; a stop closes
what is idle and ends in order.

    reload_and_drain.py --bin DIR      DIR holds tillwayd and tillway-load
"""
import signal
import ssl
import subprocess
import sys
import time

from stage import END_S, RELOAD_S, Failed, binaries_asked, expect, make_certificate, preloaded, run_folder, small_switch, with_workers
from wire import ANSWER_S, Peer, frame, metrics

LINE_S = RELOAD_S


def wait_line(switch, words, count=1):
    """Waits for that many lines that hold all the words."""
    deadline = time.monotonic() + LINE_S
    while time.monotonic() < deadline:
        if sum(all(word in line for word in words) for line in switch.log.read_text().splitlines()) >= count:
            return
        time.sleep(0.05)
    raise Failed(f"not {count} lines with {words} within {LINE_S} s:\n{switch.log.read_text()[-2000:]}")


def code_of_echo(switch, peer):
    answer = peer.send(frame(switch.fleet.echo())).answer()
    expect("the connection is lost", answer is not None)
    return answer.code


def reload(switch):
    switch.process.send_signal(signal.SIGHUP)


def certificate_name(switch):
    pem = ssl.get_server_certificate(("127.0.0.1", switch.tls_port), timeout=ANSWER_S)
    done = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True, check=True)
    return done.stdout.strip().rsplit("=", 1)[1].strip()


def swap_seconds(switch):
    """(to get ready, to swap): how long the last reload held the engine's loop."""
    seen = metrics(switch.folder / "control.sock")
    return [value for step in ("ready", "swap") for (name, labels), value in seen.items() if name == "reload_swap_seconds" and step in labels]


def good_reload_keeps_connections(switch, peer):
    expect("a swap is timed before there was one", swap_seconds(switch) == [0, 0])
    for count in range(1, 4):
        reload(switch)
        wait_line(switch, [" reloaded "], count)
        wait_line(switch, [" reload_swapped ", "swap_us="], count)
        expect("an echo is not answered after a reload", code_of_echo(switch, peer) == "00")
    ready, swap = swap_seconds(switch)
    expect(f"the engine's loop was held for {ready} s and {swap} s", 0 < ready < LINE_S and 0 < swap < LINE_S)


def faulty_file_changes_nothing(switch, peer):
    path = switch.folder / "tillway.yaml"
    good = path.read_text()
    path.write_text(good.replace("node: 0", "node: many"))
    reload(switch)
    wait_line(switch, ["reload_refused", "tillway.yaml:2", "node", "many"])
    path.write_text(good)
    expect("an echo is not answered after a refused reload", code_of_echo(switch, peer) == "00")


def certificate_is_swapped_for_new_connections(switch, peer):
    kept = (switch.folder / "server.crt").read_text()
    (switch.folder / "server.crt").write_text("no certificate")
    reload(switch)
    wait_line(switch, ["reload_refused", "server.crt"])
    expect("a faulty certificate came into force", certificate_name(switch) == "localhost")
    (switch.folder / "server.crt").write_text(kept)
    make_certificate(switch.folder, "renewed")
    reload(switch)
    wait_line(switch, [" reloaded "], 4)
    expect("the new certificate is not shown", certificate_name(switch) == "renewed")
    expect("the old connection is lost", code_of_echo(switch, peer) == "00")


def terminal_taken_out_of_the_table_is_refused(switch, peer):
    path = switch.folder / "fleet/terminals.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith(switch.fleet.terminal)) + "\n")
    reload(switch)
    wait_line(switch, [" reloaded "], 5)
    expect("a terminal that is gone is served", code_of_echo(switch, peer) == "97")
    path.write_text("\n".join(lines) + "\n")
    reload(switch)
    wait_line(switch, [" reloaded "], 6)
    expect("the terminal is not served again", code_of_echo(switch, peer) == "00")


def authorities_that_a_reload_brings_hold_at_once(switch, peer):
    """The identity of I38 is asked for from then on, of connections that are open as of new ones."""
    path = switch.folder / "tillway.yaml"
    good = path.read_text()
    before = Peer(switch.tls_port, tls=True)
    path.write_text(good.replace("key: server.key", "key: server.key, client_ca: server.crt"))
    expect("the configuration has another form now", path.read_text() != good)
    reload(switch)
    wait_line(switch, [" reloaded "], 7)
    with Peer(switch.plain_port) as plain:
        expect("a listener of its own is harmed", code_of_echo(switch, plain) == "00")
    with before:
        expect("a connection without a certificate is served", before.send(frame(switch.fleet.echo())).is_closed())
    path.write_text(good)
    reload(switch)
    wait_line(switch, [" reloaded "], 8)
    with Peer(switch.tls_port, tls=True) as fresh:
        expect("nobody is served again", code_of_echo(switch, fresh) == "00")
    expect("an idle connection is lost", code_of_echo(switch, peer) == "00")


def start_beside(switch, *words):
    """The same binary on the same file, with a log and a socket of its own."""
    return subprocess.run([switch.process.args[0], "--config", switch.folder / "tillway.yaml", "--set", "store.folder=other", "--set",
                           "control.socket=other.sock", *words], capture_output=True, text=True, timeout=120)


def second_switch_on_the_same_ports_is_refused(switch, peer):
    done = start_beside(switch)
    expect("a second switch listens beside the first", done.returncode == 1)
    expect("the port is not named", f"127.0.0.1:{switch.tls_port}: Address already in use" in done.stdout + done.stderr)
    expect("an echo is not answered by the first", code_of_echo(switch, peer) == "00")


def check_of_the_configuration_tries_certificates_and_folders(switch, _peer):
    good = start_beside(switch, "--check-config")
    expect(f"a good configuration is refused: {good.stderr}", good.returncode == 0)
    expect(f"nobody is told that plan SMALL sells below cost:\n{good.stdout}", "plan SMALL sells below the cost" in good.stdout)
    faulty = start_beside(switch, "--check-config", "--set", "listeners.0.tls.certificate=gone.crt", "--set", "store.folder=no/where")
    expect("faults are missed", faulty.returncode == 78)
    expect("the certificate is not named", "gone.crt" in faulty.stderr and "No such file" in faulty.stderr)
    expect("the folder is not named", "store.folder" in faulty.stderr and "no/where" in faulty.stderr)


def stop_closes_idle_connections_and_ends(switch, peer):
    switch.process.send_signal(signal.SIGTERM)
    expect("the idle connection stays open", peer.is_closed())
    code = switch.process.wait(END_S)
    expect(f"not ended in order: code {code}: {switch.log.read_text()[-600:]}", code == 0)
    wait_line(switch, ["drained", "all is answered"])


def second_signal_does_not_wait(binaries):
    try:
        with small_switch(binaries, 1) as switch, Peer(switch.tls_port, tls=True) as peer:
            expect("an echo is not answered", code_of_echo(switch, peer) == "00")
            switch.process.send_signal(signal.SIGTERM)
            switch.process.send_signal(signal.SIGTERM)
            expect("not ended in order", switch.process.wait(END_S) == 0)
            expect("the control socket is left behind", not (switch.folder / "control.sock").exists())
        print("ok      second_signal_does_not_wait")
        return 0
    except (Failed, OSError, subprocess.SubprocessError) as fault:
        print(f"FAILED  second_signal_does_not_wait: {fault}")
        return 1


def signal_at_the_first_listener_ends_in_order(binaries):
    """Who sees a port open may already send SIGTERM: it must be heard, and not kill."""
    try:
        with small_switch(binaries, 1) as switch:
            expect("not ended in order", switch.end() == 0)
            command = [*preloaded(binaries / "tillwayd", binaries / "term_at_listen.so"), binaries / "tillwayd", "--config", switch.folder / "tillway.yaml"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=END_S)
            expect(f"code {done.returncode}: {(done.stdout + done.stderr)[-600:]}", done.returncode == 0)
            expect("it did not listen", " listening " in done.stdout + done.stderr)
            expect("it did not drain", " drained " in done.stdout + done.stderr)
            expect("the control socket is left behind", not (switch.folder / "control.sock").exists())
        print("ok      signal_at_the_first_listener_ends_in_order")
        return 0
    except (Failed, OSError, subprocess.SubprocessError) as fault:
        print(f"FAILED  signal_at_the_first_listener_ends_in_order: {fault}")
        return 1


TESTS = [good_reload_keeps_connections, faulty_file_changes_nothing, certificate_is_swapped_for_new_connections,
         terminal_taken_out_of_the_table_is_refused, authorities_that_a_reload_brings_hold_at_once,
         second_switch_on_the_same_ports_is_refused, check_of_the_configuration_tries_certificates_and_folders,
         stop_closes_idle_connections_and_ends]


def run(binaries, workers):
    failures = 0
    with small_switch(binaries, workers) as switch, Peer(switch.tls_port, tls=True) as peer:
        for test in TESTS:
            try:
                test(switch, peer)
                print(f"ok      {test.__name__}")
            except (Failed, OSError, subprocess.SubprocessError) as fault:
                failures += 1
                print(f"FAILED  {test.__name__}: {fault}", flush=True)
        if failures:
            run_folder.show_logs(switch.folder, 60)
    return failures


if __name__ == "__main__":
    sys.exit(1 if with_workers(run) + second_signal_does_not_wait(binaries_asked()) +
             signal_at_the_first_listener_ends_in_order(binaries_asked()) else 0)
