#!/usr/bin/env python3
"""How messages stand on the wire: framings told apart at one listener, and banks that speak other dialects, in other framings, and in HTTP. Each
story is a run of the shipped programs under load, and ends with three ledgers that agree.

    wires.py --bin DIR [--long] [--only WORD]
"""
import sys

import stage
from bank_links import all_were_approved, start
import run_folder

SPECS = stage.ROOT / "config/specs"


def closed_for(run, words):
    """The line about a connection that was closed, with these words in it."""
    run.wait_line("conn_closed", words)
    return run.lines("conn_closed", words)[0]


# ---- terminals


def one_listener_tells_framings_apart(run):
    """`auto`: terminals with a binary length, with ASCII digits and in HTTP, at one port, each answered as it spoke; what is neither is named."""
    run.up(options={"listeners.0.framing.length": "auto"})
    all_were_approved(run.pay(seconds=3, extra=["--framing", "binary_2,ascii_4,http"]))
    wrong = run.start("wrong", [run.program("tillway-load"), "run", "--connect", f"127.0.0.1:{run.load_port}", "--ca", run.folder / "server.crt", "--fleet",
                                run.folder / "fleet", "--bins", stage.ROOT / "config/demo/bins.csv", "--spec", SPECS / "unionpay-pos.yaml", "--framing",
                                "stx", "--terminals", 1, "--online", 2, "--seconds", 1, "--quiet", "--receipts", run.folder / "wrong.ndjson"])
    said = closed_for(run, "TPDU")
    wrong.kill()
    run.settle()
    return said.split("text=", 1)[-1]


def a_serial_framing_carries_any_byte(run):
    """STX, ETX and LRC around bitmaps and BCD, which have bytes of 03 wherever they like."""
    run.up(options={"listeners.0.framing.length": "stx"})
    all_were_approved(run.pay(seconds=3, extra=["--framing", "stx"]))
    run.settle()


# ---- banks


def pay_over(run, dialect, framing="binary_2", words=(), tps=60, seconds=4, engine=(), **options):
    """Both banks in that dialect and framing, now and then late or silent; all is approved or reversed, and the reversals are acknowledged.
    `words` are the banks', `engine` the engine's options, all others those of each channel."""
    run.bank_wires = {name: ("--spec", SPECS / f"{dialect}.yaml", "--framing", framing, *words) for name in run_folder.BANKS}
    mine = {"dialect": dialect, "framing.length": framing, **{option.replace("__", "."): value for option, value in options.items()}}
    start(run, bank_options={name: ["--late", 3, "--silent", 3] for name in run_folder.BANKS},
          options={**dict(engine), **{f"channels.{index}.{option}": value for index in range(len(run_folder.BANKS)) for option, value in mine.items()}})
    result = run.pay(tps=tps, seconds=seconds)
    counts = result["counts"]
    stage.expect(f"nobody paid: {counts}", counts["approved"] > 100)
    in_doubt = counts["unknown"] + counts["reversed"]  # told so by the switch, or given up by the terminal before
    stage.expect(f"no bank was late: {counts}", in_doubt > 0)
    stage.expect("a message could not be read", not run.lines("bank_message_unreadable") and not run.lines("bank_mac_failed"))
    books = run.settle()
    return f"{counts['approved']} approved, {in_doubt} in doubt and reversed, {books.get('posted', '')}".rstrip(", ")


def a_bank_speaks_unionpay_host(run):
    """46 bytes of header with ids of this channel's own, which the bank insists on, two bitmaps, a MAC over chosen fields, joined as text."""
    return pay_over(run, "unionpay-host", words=["--header-source", "48020001", "--header-destination", "00010044"],
                    header__source="48020001", header__destination="00010044")


def a_bank_speaks_ebcdic(run):
    """The EBCDIC example, with a length that counts itself."""
    return pay_over(run, "iso8583-1987-ebcdic", "binary_2_inclusive")


def a_bank_speaks_1993(run):
    """Action codes, function codes and dates with a year."""
    return pay_over(run, "iso8583-1993-ascii", "binary_4")


def a_bank_speaks_1993_binary_over_stx(run):
    """The same in binary, between STX and ETX."""
    return pay_over(run, "iso8583-1993-binary", "stx")


def a_bank_is_posted_to(run):
    """Messages in HTTP to one path, which is all that the bank takes; one at a time on a link, which ends where one stays without an answer."""
    engine = {"engine.response_timeout_ms": stage.RESPONSE_TIMEOUT_MS, "engine.inflight_life_ms": stage.INFLIGHT_LIFE_MS}
    said = pay_over(run, "iso8583-1987-ascii", words=["--http", "--http-path", "/bank/in"], tps=20, seconds=8, engine=engine,
                    reply_timeout_ms=stage.RESPONSE_TIMEOUT_MS, framing__http="true", framing__http_path="/bank/in")
    stage.expect("a bank answered without a message", not run.lines("bank_http_refused"))
    return said


STORIES = [one_listener_tells_framings_apart, a_serial_framing_carries_any_byte, a_bank_speaks_unionpay_host, a_bank_speaks_ebcdic, a_bank_speaks_1993,
           a_bank_speaks_1993_binary_over_stx, a_bank_is_posted_to]

if __name__ == "__main__":
    sys.exit(stage.tell(STORIES, __doc__))
