#!/usr/bin/env python3
"""With several workers the kernel deals connections out among them: whoever holds a terminal's connection, it is served and shown.

    many_workers.py --bin DIR      DIR holds tillwayd and tillway-load
"""
import sys
import time

from stage import Failed, binaries_asked, expect, small_switch
from wire import ANSWER_S, Peer, control_answer, fields_of, frame

WORKER_COUNT, TRY_COUNT = 4, 16
IS_CONNECTED = 17  # of Terminal in protocols/control.proto


def is_shown_connected(switch):
    identity = switch.fleet.terminal.encode()
    call = b"\x0a" + bytes([len(identity)]) + identity
    request = b"\x08\x01\x5a" + bytes([len(call)]) + call  # id = 1, terminal = {terminal_id}
    terminals = [value for number, value in control_answer(switch.folder / "control.sock", request) if number == 11]
    expect("the terminal is not known", len(terminals) == 1)
    return dict(fields_of(terminals[0])).get(IS_CONNECTED) == 1


def is_let_go(switch):
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline and is_shown_connected(switch):
        time.sleep(0.02)
    return not is_shown_connected(switch)


def main():
    try:
        with small_switch(binaries_asked(), WORKER_COUNT) as switch:
            for number in range(TRY_COUNT):
                with Peer(switch.tls_port, tls=True) as peer:
                    answer = peer.send(frame(switch.fleet.echo())).answer()
                    expect(f"connection {number} is not served", answer is not None and answer.code == "00")
                    expect(f"connection {number} is not shown", is_shown_connected(switch))
                expect(f"connection {number} is shown after its end", is_let_go(switch))
            expect("not ended in order", switch.end() == 0)
        return 0
    except (Failed, OSError) as fault:
        print(f"FAILED  {fault}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
