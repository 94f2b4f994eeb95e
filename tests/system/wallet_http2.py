#!/usr/bin/env python3
"""Wallets behind a front that offers HTTP/2 (nghttpx): many questions share few connections, payments work, also when the front is restarted
while they are under way; in the end receipts, log and the wallets' books agree row by row.

wallet_http2.py --bin DIR [--seconds S] [--tps N]
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "loadtest"))
import run_folder  # noqa: E402
import wallet_payments  # noqa: E402
from stage import ROOT, Failed, expect  # noqa: E402

FRONT = "nghttpx"
SHARED = 10  # questions a connection, at least


class FrontedRun(wallet_payments.Run):
    """The wallets listen where nobody asks; the front listens where the switch does, and speaks HTTP/2 to it and HTTP/1.1 to them."""

    def __init__(self, folder, programs):
        super().__init__(folder, programs, "wechat_v3")
        self.front_port, self.front = run_folder.free_port(), None
        self.access = folder / "access.log"
        config = folder / "tillway.yaml"
        config.write_text(config.read_text().replace(f"localhost:{self.wallet_port}", f"localhost:{self.front_port}"))

    def start_wallets(self):
        self.wallets = self.start_listening("tillway-wallet", [self.program("tillway-wallet"), "run", "--keys", self.folder / "keys", "--port", self.wallet_port,
                                                               "--ledger", self.folder / "wallet.db", "--notify-ca", self.folder / "keys/tls_ca.crt"], self.wallet_port)

    def start_front(self):
        keys = self.folder / "keys"
        self.front = self.start_listening(FRONT, [shutil.which(FRONT) or f"/usr/sbin/{FRONT}", "--conf=/dev/null", "--workers=1", "--insecure",
                                                  f"--frontend=127.0.0.1,{self.front_port}", f"--backend=127.0.0.1,{self.wallet_port};;tls;proto=http/1.1;sni=localhost",
                                                  f"--accesslog-file={self.access}", "--accesslog-format=$alpn $remote_port $status $request",
                                                  keys / "tls_server.key", keys / "tls_server.crt"], self.front_port)

    def asked(self):
        """(alpn, port of the client, status) of each question that the front has seen."""
        lines = self.access.read_text().splitlines() if self.access.exists() else []
        return [tuple(line.split()[:3]) for line in lines]


def look_at(asked):
    """What the front has seen."""
    connections = {port for _, port, _ in asked}
    print(f"{len(asked)} questions over {len(connections)} connections")
    expect(f"only HTTP/2 was spoken: {({alpn for alpn, _, _ in asked})}", {alpn for alpn, _, _ in asked} == {"h2"})
    expect(f"{len(asked)} questions shared {len(connections)} connections", len(asked) >= SHARED * len(connections))
    expect("the wallets answered all but what the restart cut off", sum(status == "200" for _, _, status in asked) >= 0.9 * len(asked))


def story(programs, seconds, tps):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-system-"))
    run, is_good = None, False
    try:
        run = FrontedRun(folder, programs)
        run.start_bank(run.ledger("bank_a"), [])
        run.start_wallets()
        run.start_front()
        run.start_switch()
        load = run.start_load(seconds, tps)
        time.sleep(seconds * 0.5)
        run.front.kill()  # questions under way are lost, and asked again over new connections
        run.start_front()
        code = load.process.wait(seconds + 120)
        expect(f"the load ends by itself: code {code}\n{load.tail()}", code in (0, 1))
        run_folder.wait_until("all reversals and refunds in doubt are answered", wallet_payments.DRAIN_S, lambda: run.pending() == 0, 1)
        time.sleep(wallet_payments.LAST_S)
        run.switch.stop()
        run.wallets.stop()
        run.front.kill()  # it writes its log at once
        report = run.run([sys.executable, ROOT / "loadtest/reconcile.py", "--receipts", folder / "receipts.ndjson", "--log", run.log,
                          "--bank", run.ledger("bank_a"), "--wallet", folder / "wallet.db", "--json", folder / "books.json"])
        counts = json.loads((folder / "load.json").read_text())["response_codes"]
        print(f"{counts}\n{report.strip()}")
        expect(f"payments were approved: {counts}", counts.get("00", 0) > seconds * tps * 0.6)
        look_at(run.asked())
        is_good = True
    finally:
        if run is not None:
            run.close()
        if is_good:
            shutil.rmtree(folder)
        else:
            print(f"kept: {folder}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--tps", type=int, default=40)
    asked = parser.parse_args()
    if "HTTP2" not in subprocess.run(["curl", "--version"], capture_output=True, text=True, check=False).stdout:
        print("the libcurl of this machine speaks no HTTP/2")
        return 77
    if shutil.which(FRONT) is None and not pathlib.Path(f"/usr/sbin/{FRONT}").exists():
        print(f"{FRONT} is missing; `./dev test system` installs it (nghttp2-proxy)")
        return 77
    try:
        story(pathlib.Path(asked.bin).resolve(), asked.seconds, asked.tps)
    except (Failed, run_folder.RunFailed) as fault:
        print(f"FAILED  {fault}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
