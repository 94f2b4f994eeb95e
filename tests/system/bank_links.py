#!/usr/bin/env python3
"""Several links a bank: which of them carries, who connects, over what, under which keys, and what is said when something is odd. Each story is a
run of the shipped programs under load, and ends with three ledgers that agree.

    bank_links.py --bin DIR [--long] [--only WORD]
"""
import contextlib
import json
import socket
import subprocess
import sys
import time

import stage
from stage import LATE_MS, RESPONSE_TIMEOUT_MS, expect
import run_folder
import wire

BANK = "bank_a"


def counts(result):
    return result["counts"]


def all_were_approved(result):
    stage.all_were_answered(result)
    expect(f"some were declined: {counts(result)}", counts(result)["declined"] == 0)


def start(run, bank_options=None, options=None, waits_for=run_folder.BANKS):
    """As run.up and patient, with options of one bank's own, and without waiting for banks that shall not come."""
    run.options, run.is_patient = options or {}, True
    run.prepare_fleet(40, 1)
    for number, name in enumerate(run_folder.BANKS):
        run.start_bank(run.ledger(name), ["--seed", 1 + number, "--late-ms", LATE_MS, *(bank_options or {}).get(name, [])], name=name)
    run.start_switch()
    for name in waits_for:
        run.wait_line("channel_up", f"channel={name}")


def proxy(run, name, listen=0):
    """Something that can be cut before bank_a; answers its port."""
    return run.start_proxy(name, run.bank_ports[BANK], [], "--spec", stage.BANK_SPEC, "--listen", f"127.0.0.1:{listen}")


def carried(run, name):
    """Messages that a proxy of a run that has ended carried to the bank."""
    return json.loads(run.proxies[name].log.read_text().splitlines()[-1])["messages_to_server"]


def two_ways(run, **options):
    """Bank A's two links by two proxies, all payments to bank A first. Answers the proxies' ports."""
    run.prepare_fleet(40, 1)
    for number, name in enumerate(run_folder.BANKS):
        run.start_bank(run.ledger(name), ["--seed", 1 + number], name=name)
    ports = [proxy(run, name) for name in ("first", "second")]
    run.options = {"channels.0.links.0.port": ports[0], "channels.0.links.1.port": ports[1], **options}
    run.is_patient = True
    run.start_switch()
    run.wait_line("link_up", f"channel={BANK}", count=2)
    run.wait_line("channel_up", "channel=bank_b")
    return ports


# ---- which link


def a_backup_carries_while_the_primary_is_gone(run):
    """F9: primary and backup; the primary is cut, comes back, and carries again."""
    first, _ = two_ways(run, **{"channels.0.mode": "primary_backup"})
    run.pay(tps=60, seconds=2)
    with run.paying(tps=60, stan=1000, ends_with_body=True) as result:
        time.sleep(1)
        run.proxies["first"].kill()
        run.wait_line("link_down", f"channel={BANK}", "link=0")
        time.sleep(2)
        proxy(run, "first", first)
        run.wait_line("link_up", f"channel={BANK}", "link=0", count=2)
        time.sleep(1)
    on_the_way = 10 + 60 * 4 * result["stall_us"] / 1e6
    expect(f"more were lost than were on their way, {on_the_way:.0f}: {counts(result)}", counts(result)["unknown"] <= on_the_way)
    expect(f"some were declined: {counts(result)}", counts(result)["declined"] == 0)
    expect("the channel went down, though a backup was up", not run.lines("channel_down", f"channel={BANK}"))
    run.settle()
    return f"{carried(run, 'first')} messages by the primary since it is back, {carried(run, 'second')} by the backup"


def links_share_evenly(run):
    """Balanced; each link of a bank that answers alike gets its half."""
    two_ways(run)
    all_were_approved(run.pay(tps=100, seconds=4))
    run.settle()
    first, second = carried(run, "first"), carried(run, "second")
    expect(f"{first} and {second} messages are no halves", min(first, second) > 0.35 * (first + second))
    return f"{first} and {second} messages"


def one_link_signs_on_for_all(run):
    """A bank that knows sign-ons of the institution, not of a connection."""
    start(run, bank_options={name: ["--signon-for-all"] for name in run_folder.BANKS},
          options={f"channels.{index}.signon": "channel" for index in range(len(run_folder.BANKS))})
    run.wait_line("link_up", "signed on by another link", count=2)
    all_were_approved(run.pay(seconds=2))
    with run.paying(seconds=4, stan=1000):
        time.sleep(1)
        run.banks[BANK].kill()
        run.start_bank(run.ledger(BANK), ["--signon-for-all", "--seed", 9], name=BANK)
    run.settle()


def links_that_a_bank_drops_cost_no_decline(run):
    """F9: a bank that closes every twentieth connection in mid-flight; with two links nobody is told 91."""
    run.up(bank_options=["--drop", 5])
    result = run.pay(tps=100, seconds=6)
    expect(f"some were declined: {counts(result)}", counts(result)["declined"] == 0)
    expect("no link was dropped", len(run.lines("link_down")) > 10)
    run.settle()
    return f"{len(run.lines('link_down'))} links dropped, {counts(result)['unknown']} payments in doubt and reversed"


# ---- who connects, and over what


def a_bank_connects_to_us(run):
    """The bank makes the links; whoever else comes is refused in words."""
    port = run_folder.free_port()
    listening = {f"channels.0.links.{link}.{option}": value for link in range(run_folder.LINK_COUNT)
                 for option, value in (("listen", "true"), ("port", port), ("from", "127.0.0.1"))}
    start(run, bank_options={BANK: ["--connect", f"127.0.0.1:{port}", "--connections", run_folder.LINK_COUNT]}, options=listening)
    run.wait_line("link_up", f"channel={BANK}", count=2)
    with contextlib.closing(socket.socket()) as stranger:
        stranger.bind(("127.0.0.2", 0))
        stranger.connect(("127.0.0.1", port))
        stranger.settimeout(wire.ANSWER_S)
        expect("a stranger is not refused", stranger.recv(1) == b"")
    run.wait_line("bank_conn_refused", "127.0.0.2", "not among those that may connect")
    with contextlib.closing(socket.create_connection(("127.0.0.1", port))) as third:
        third.settimeout(wire.ANSWER_S)
        expect("a connection too many is not refused", third.recv(1) == b"")
    run.wait_line("bank_conn_refused", "every link of this port has its connection")
    all_were_approved(run.pay(seconds=3))
    with run.paying(seconds=4, stan=1000):
        time.sleep(1)
        run.banks[BANK].kill()
        run.start_bank(run.ledger(BANK), ["--connect", f"127.0.0.1:{port}", "--connections", run_folder.LINK_COUNT, "--seed", 9], name=BANK)
        run.wait_line("link_up", f"channel={BANK}", count=4)
    run.settle()


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_authority(folder, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / f"{name}.key", "-out",
            folder / f"{name}.crt", "-days", 2, "-subj", f"/CN={name}")


def make_certificate(folder, name, authority, host):
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr",
            "-subj", f"/CN={host}")
    extra = folder / f"{name}.ext"
    extra.write_text(f"subjectAltName=DNS:{host}\n")
    openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{authority}.crt", "-CAkey", folder / f"{authority}.key", "-CAcreateserial",
            "-days", 2, "-extfile", extra, "-out", folder / f"{name}.crt")


def make_certificates(folder):
    """Two authorities; of the first one a bank's and the switch's certificate."""
    make_authority(folder, "authority")
    make_authority(folder, "stranger")
    make_certificate(folder, "host", "authority", "host.bank.example")
    make_certificate(folder, "switch", "authority", "switch.example")


def tls_options(folder, channel, ca="authority", name="host.bank.example"):
    return {f"channels.{channel}.tls.{option}": value for option, value in
            (("ca", folder / f"{ca}.crt"), ("certificate", folder / "switch.crt"), ("key", folder / "switch.key"), ("server_name", name))}


def bank_tls(folder):
    return ["--tls-certificate", folder / "host.crt", "--tls-key", folder / "host.key", "--tls-ca", folder / "authority.crt"]


def a_bank_speaks_tls_and_a_wrong_authority_is_refused(run):
    """F13: with certificates on both sides; the other bank's is of an authority that is not the pinned one, and no payment goes there."""
    make_certificates(run.folder)
    start(run, bank_options={name: bank_tls(run.folder) for name in run_folder.BANKS}, waits_for=[BANK],
          options={**tls_options(run.folder, 0), **tls_options(run.folder, 1, ca="stranger")})
    run.wait_line("channel_not_reached", "channel=bank_b", "does not verify against our CA file")
    all_were_approved(run.pay(seconds=3))
    expect("a link with a wrong authority came up", not run.lines("channel_up", "channel=bank_b"))
    run.settle()
    return run.lines("channel_not_reached", "channel=bank_b")[0].split("reason=", 1)[1]


def a_wrong_name_in_a_certificate_is_refused(run):
    """F13: the authority is right, the host is another one."""
    make_certificates(run.folder)
    start(run, bank_options={name: bank_tls(run.folder) for name in run_folder.BANKS}, waits_for=[BANK],
          options={**tls_options(run.folder, 0), **tls_options(run.folder, 1, name="host.other.example")})
    run.wait_line("channel_not_reached", "channel=bank_b", "hostname mismatch")
    all_were_approved(run.pay(seconds=2))
    run.settle()


def a_bank_connects_over_tls_and_shows_its_certificate(run):
    """F13: whoever connects without a certificate of the bank's authority is told, and refused."""
    make_certificates(run.folder)
    port = run_folder.free_port()
    listening = {f"channels.0.links.{link}.{option}": value for link in range(run_folder.LINK_COUNT)
                 for option, value in (("listen", "true"), ("port", port))}
    # The bank's own port speaks TLS too, since it has one certificate; nobody connects there.
    connects = [*bank_tls(run.folder), "--connect", f"127.0.0.1:{port}", "--connections", run_folder.LINK_COUNT, "--server-name", "switch.example"]
    start(run, bank_options={BANK: connects}, options={**listening, **tls_options(run.folder, 0)})
    run.wait_line("link_up", f"channel={BANK}", count=2)
    all_were_approved(run.pay(seconds=2))
    run.banks[BANK].kill()
    run.wait_line("channel_down", f"channel={BANK}")
    subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", run.folder / "authority.crt"], input=b"", capture_output=True, timeout=20)
    run.wait_line(f"channel={BANK}", "the client sent no certificate")
    run.start_bank(run.ledger(BANK), [*connects, "--seed", 9], name=BANK)
    run.wait_line("channel_up", f"channel={BANK}", count=2)
    all_were_approved(run.pay(seconds=2, stan=1000))
    run.settle()


# ---- keys


def keys_change_under_load_and_no_payment_fails(run):
    """The bank sends new keys again and again; a restart finds the last ones."""
    options = {name: ["--keys-every-ms", 400] for name in run_folder.BANKS}
    start(run, bank_options=options)
    all_were_approved(run.pay(tps=100, seconds=5))
    changes = len(run.lines("keys_exchanged"))
    expect(f"keys changed {changes} times", changes >= 10)
    expect("a MAC did not hold", not run.lines("bank_mac_failed"))
    run.switch.stop()
    run.start_switch()
    run.wait_line("channel_up", f"channel={BANK}", count=2)
    all_were_approved(run.pay(tps=60, seconds=2, stan=1000))
    run.switch.kill()
    run.start_switch()
    run.wait_line("channel_up", f"channel={BANK}", count=3)
    all_were_approved(run.pay(tps=60, seconds=2, stan=2000))
    for name in run_folder.BANKS:  # and the bank knows them after a kill, too
        run.banks[name].kill()
        run.start_bank(run.ledger(name), options[name], name=name)
    run.wait_line("channel_up", f"channel={BANK}", count=4)
    all_were_approved(run.pay(tps=60, seconds=2, stan=3000))
    run.settle()
    return f"{changes} exchanges under load"


def keys_are_asked_for_before_the_first_payment(run):
    """Asked for when the channel comes up, and again at their age."""
    asking = {f"channels.{index}.key_exchange.{option}": value for index in range(len(run_folder.BANKS))
              for option, value in (("ask", "true"), ("every_ms", 800))}
    start(run, options=asking)
    expect("a channel was up before it had new keys", len(run.lines("keys_exchanged")) >= len(run_folder.BANKS))
    all_were_approved(run.pay(tps=100, seconds=5))
    expect("keys were asked for once only", len(run.lines("keys_exchanged")) >= 6)
    expect("a MAC did not hold", not run.lines("bank_mac_failed"))
    run.settle()


def keys_under_a_wrong_master_key_are_refused(run):
    """The bank holds another zone master key: said in words, the keys before stay in force."""
    run.options = {}
    run.prepare_fleet(40, 1)
    keys = run.folder / f"fleet/{BANK}.keys"
    lines = keys.read_text().splitlines()
    keys.write_text("".join(f"{line}\n" if not line.startswith("zmk") else "zmk 0123456789ABCDEFFEDCBA9876543210\n" for line in lines))
    for name in run_folder.BANKS:
        run.start_bank(run.ledger(name), ["--keys-every-ms", 500], name=name)
    run.start_switch()
    for name in run_folder.BANKS:
        run.wait_line("channel_up", f"channel={name}")
    all_were_approved(run.pay(seconds=3))
    run.wait_line("keys_refused", f"channel={BANK}")
    refused = run.lines("keys_refused", f"channel={BANK}")[0]
    expect(f"it is not said why: {refused}", "check value" in refused or "cannot be opened" in refused)
    expect("the other bank's were not taken", run.lines("keys_exchanged", "channel=bank_b"))
    run.settle()
    return refused.split("reason=", 1)[1]


# ---- what is odd


def a_half_dead_link_is_taken_down(run):
    """F10: one link takes what it is given and brings nothing; long before an echo test would tell, it is made anew."""
    start(run, bank_options={BANK: ["--half-dead-after", 60]},
          options={f"channels.0.{option}": value for option, value in
                   (("half_dead.requests", 20), ("half_dead.ms", 700), ("echo_every_ms", 60000), ("reply_timeout_ms", 500))})
    result = run.pay(tps=100, seconds=5)
    run.wait_line("link_down", "half dead: ")
    expect(f"some were declined: {counts(result)}", counts(result)["declined"] == 0)
    expect("the channel went down with it", not run.lines("channel_down", f"channel={BANK}"))
    expect("the link did not come back", len(run.lines("link_up", f"channel={BANK}")) >= 3)
    run.settle()
    return run.lines("link_down", "half dead: ")[0].split("reason=", 1)[1]


def odd_answers_are_explained(run):
    """F17, F18: another terminal's, late, second and nobody's answers, each in its own words."""
    run.up(bank_options=["--late", 3, "--duplicate", 5], bank_rules=["action=change,field=terminal,mti=0210,percent=4",
                                                                     "action=change,field=stan,mti=0210,percent=2"])
    with run.paying(tps=80, seconds=5):
        pass
    said = {"but not terminal": 1, f"it was waited for {RESPONSE_TIMEOUT_MS} ms": 1, "a second reply to STAN": 1, "no request with STAN": 1}
    for words, count in said.items():
        run.wait_line("bank_reply_", words, count=count)
    run.settle()
    return run.lines("bank_reply_unmatched", "but not terminal")[0].split("text=", 1)[1]


STORIES = [a_backup_carries_while_the_primary_is_gone, links_share_evenly, one_link_signs_on_for_all, links_that_a_bank_drops_cost_no_decline,
           a_bank_connects_to_us, a_bank_speaks_tls_and_a_wrong_authority_is_refused, a_wrong_name_in_a_certificate_is_refused,
           a_bank_connects_over_tls_and_shows_its_certificate, keys_change_under_load_and_no_payment_fails, keys_are_asked_for_before_the_first_payment,
           keys_under_a_wrong_master_key_are_refused, a_half_dead_link_is_taken_down, odd_answers_are_explained]

if __name__ == "__main__":
    sys.exit(stage.tell(STORIES, __doc__))
