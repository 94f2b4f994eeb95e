#!/usr/bin/env python3
"""A bank that answers what nobody asked, as fast as it can: each such answer is an anomaly that is written down, and the switch must
outlive more of them than its log takes at once, on the same link (I25, I26)."""
import argparse
import contextlib
import pathlib
import socket
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "loadtest"), str(ROOT / "tests/system")]
import bank  # noqa: E402
import log_reader  # noqa: E402
import run_folder  # noqa: E402

ANSWER_COUNT = 30000
QUEUE_COUNT_MAX = 64  # the least there may be, so that a burst is soon more than that


def framed(message):
    return len(message).to_bytes(2, "big") + message


def unmatched(stan):
    return framed(bank.build("0210", {3: "000000", 4: "000000000100", 7: "1125101500", 11: f"{stan:06d}", 25: "00", 32: "48021000",
                                      37: f"9{stan:011d}", 39: "00", 41: "10000001", 42: "898290054110000", 49: "156"}, with_mac=False))


class FloodingBank(threading.Thread):
    """Signs each link on, floods the first one, and answers tests of the links after that."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.links = self.answered = 0
        self.flooded = threading.Event()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self.socket.accept()
                self.links += 1
                threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        with contextlib.suppress(OSError, EOFError):
            self.answer(link)

    def answer(self, link):
        flood = b"".join(unmatched(stan) for stan in range(1, ANSWER_COUNT + 1))
        while True:
            request = bank.Bank.take(link, int.from_bytes(bank.Bank.take(link, 2), "big"))
            answer = b"0810" + request[4:]
            bits = int(answer[4:36], 16) | 1 << (128 - 39)
            at = answer.rindex(request[-3:])  # field 70 is the last one, and field 39 stands before it
            link.sendall(framed(b"0810" + f"{bits:032X}".encode() + answer[36:at] + b"00" + answer[at:]))
            self.answered += 1
            if not self.flooded.is_set():
                self.flooded.set()
                link.sendall(flood)


class Run(run_folder.RunFolder):
    def settings(self):
        return super().settings() | run_folder.link_settings(0, self.flood.port) | {"channels.0.mac.algorithm": "none", "channels.0.echo_every_ms": 1000,
                                     "channels.0.reply_timeout_ms": 60000,  # an answer behind the flood may take its time
                                     "store.queue_count_max": QUEUE_COUNT_MAX}


def anomalies_of(run):
    return log_reader.count_rows(run.log, "kind = 'anomaly'", 0)


def check(run):
    run.flood = FloodingBank()
    run.flood.start()
    run.start_switch()
    run_folder.wait_until("the bank floods the link", run_folder.START_S, run.flood.flooded.is_set)
    before = run.flood.answered
    # The sockets' buffers may hold the whole flood, and a test be answered before the switch has read any of it.
    run_folder.wait_until("anomalies in the log", 60, lambda: run.switch.check() or anomalies_of(run) >= QUEUE_COUNT_MAX)
    run_folder.wait_until("a test of the link behind the flood", 60, lambda: run.switch.check() or run.flood.answered > before)
    anomalies = anomalies_of(run)
    run.switch.stop()
    assert run.flood.links == run_folder.LINK_COUNT, f"links were made {run.flood.links} times"
    assert anomalies >= QUEUE_COUNT_MAX, f"{anomalies} anomalies in the log"
    print(f"{anomalies} anomalies of {ANSWER_COUNT} answers are in the log; the link stood")


def run(kind, check_it, binaries):
    with tempfile.TemporaryDirectory(prefix="tillway-hostile-") as folder:
        one = kind(pathlib.Path(folder), binaries)
        try:
            one.prepare_fleet(2, 1)
            check_it(one)
            return 0
        except (run_folder.RunFailed, OSError, AssertionError) as fault:
            print(f"FAILED: {fault!r}", flush=True)
            run_folder.show_logs(folder)
            return 1
        finally:
            one.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    return run(Run, check, parser.parse_args().bin)


if __name__ == "__main__":
    sys.exit(main())
