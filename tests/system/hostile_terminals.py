#!/usr/bin/env python3
"""Terminals that only connect: however many, a bank whose link is lost must find the switch come back (I26, F29)."""
import argparse
import pathlib
import socket
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "loadtest"), str(ROOT / "tests/system")]
import hostile_bank  # noqa: E402
import run_folder  # noqa: E402

DESCRIPTOR_COUNT, TERMINAL_COUNT, AWAY_S = 256, 400, 3


class FickleBank(threading.Thread):
    """Counts the links that are made; goes away for a while when told to."""

    def __init__(self):
        super().__init__(daemon=True)
        self.port = run_folder.free_port()  # which nobody is given while the bank is away
        self.socket = socket.create_server(("127.0.0.1", self.port))
        self.links = []

    def run(self):
        while True:
            try:
                self.links.append(self.socket.accept()[0])
            except OSError:
                time.sleep(0.01)  # away

    def leave(self, seconds):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for link in list(self.links):
            link.close()
        time.sleep(seconds)
        self.socket = socket.create_server(("127.0.0.1", self.port))


class Run(run_folder.RunFolder):
    def settings(self):
        return super().settings() | run_folder.link_settings(0, self.fickle.port) | {"channels.0.reply_timeout_ms": 30000,
                                     "channels.0.reconnect_min_ms": 100, "channels.0.reconnect_max_ms": 500,
                                     "listeners.0.handshake_timeout_ms": 60000}  # nobody leaves by himself

    def server_command(self, name):
        return ["prlimit", f"--nofile={DESCRIPTOR_COUNT}", *super().server_command(name)]


def check(run):
    run.fickle = FickleBank()
    run.fickle.start()
    run.start_switch()
    run_folder.wait_until("the links are made", run_folder.START_S, lambda: len(run.fickle.links) >= run_folder.LINK_COUNT)
    terminals = [socket.create_connection(("127.0.0.1", run.port), run_folder.START_S) for _ in range(TERMINAL_COUNT)]
    run.fickle.leave(AWAY_S)
    run_folder.wait_until("a link is made again", run_folder.START_S, lambda: run.switch.check() or len(run.fickle.links) > run_folder.LINK_COUNT)
    for terminal in terminals:
        terminal.close()
    run.switch.stop()
    print(f"the link came back beside {TERMINAL_COUNT} connections with {DESCRIPTOR_COUNT} descriptors")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True)
    return hostile_bank.run(Run, check, parser.parse_args().bin)


if __name__ == "__main__":
    sys.exit(main())
