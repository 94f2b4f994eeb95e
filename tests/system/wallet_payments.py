#!/usr/bin/env python3
"""Codes of Alipay and WeChat Pay through the shipped programs: terminals, switch, wallets that do wrong, a switch that dies and comes back;
in the end receipts, log and the wallets' books agree row by row.

wallet_payments.py --bin DIR [--seconds S] [--tps N]
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
from stage import ROOT, Failed, expect, make_certificate  # noqa: E402

RESPONSE_TIMEOUT_MS, INFLIGHT_LIFE_MS, DRAIN_S, LAST_S = 2500, 6000, 120, 5
FAULTS = ["--faults", "5", "--late-ms", "3000", "--hold-ms", "4000", "--buyer-ms", "500", "--close-ms", "8000", "--reverse-min-ms", "900",
          "--notify-gaps-ms", "300,600,1200,2000,2000,2000"]

CONFIG = """
acquirer_id: 48021000
workers: 1
log: {{format: plain, level: info}}
listeners:
  - {{name: secure, address: 127.0.0.1, port: {port}, dialect: unionpay-pos, framing: {{length: binary_2, tpdu: true}},
     tls: {{certificate: server.crt, key: server.key}}}}
channels:
  - name: bank_a
    address: 127.0.0.1
    port: {bank_port}
    dialect: iso8583-1987-ascii
    mac: {{algorithm: unionpay_ecb}}
    kinds: [purchase, void, refund]
  - {{name: alipay, kinds: [purchase, void, refund], window: 1024, wallet: {{kind: alipay, url: 'https://localhost:{wallet_port}/gateway.do',
     app_id: "2021000000000001", seller_id: "2088000000000001", app_key: keys/alipay_app.key, wallet_public_key: keys/alipay.pub, {common},
     notify: {{address: 127.0.0.1, port: {alipay_notify}, certificate: keys/notify_server.crt, key: keys/notify_server.key,
              url: 'https://localhost:{alipay_notify}/alipay'}}}}}}
  - {{name: wechat, kinds: [purchase, void, refund], window: 1024, wallet: {{kind: {wechat}, url: 'https://localhost:{wallet_port}',
     app_id: wx0000000000000001, mch_id: "1900000001", {wechat_keys}, cancel_after_ms: 1000, {common}{wechat_notify}}}}}
store: {{folder: log}}
engine: {{response_timeout_ms: {response_ms}, inflight_life_ms: {inflight_ms}, saf_retry_min_ms: 200, saf_retry_max_ms: 1000}}
hsm: {{module: soft, master_key: test, pin_policy: lab}}
tables: {{bins: {root}/config/demo/bins.csv, merchants: fleet/merchants.csv, terminals: fleet/terminals.csv, keys: fleet/keys.csv}}
routes: routes.yaml
fees: fees.yaml
specs: {root}/config/specs
control: {{socket: control.sock}}
drain: {{deadline_ms: 5000}}
"""
COMMON = ("ca: keys/tls_ca.crt, timeout_ms: 1000, connect_timeout_ms: 1000, query_min_ms: 200, query_max_ms: 400, query_life_ms: 20000, "
          "retry_min_ms: 100, retry_max_ms: 1000, connection_max: 64")
WECHAT_KEYS = {"wechat_v3": "app_key: keys/wechat_merchant.key, app_certificate: keys/wechat_merchant.crt, api_v3_key: keys/wechat_api_v3.key",
               "wechat_v2": "api_key: keys/wechat_v2.key, client_certificate: keys/wechat_client.crt, client_key: keys/wechat_client.key"}
WECHAT_NOTIFY = (", notify: {{address: 127.0.0.1, port: {port}, certificate: keys/notify_server.crt, key: keys/notify_server.key, "
                 "url: 'https://localhost:{port}/wechat'}}")
PENDING = """SELECT (SELECT count(DISTINCT rrn) FROM log WHERE kind IN ('reversal', 'advice'))
                - (SELECT count(DISTINCT rrn) FROM log WHERE kind IN ('reversal_done', 'advice_done'))"""
ROUTES = """
routes:
  - {when: {scheme: alipay}, channels: [alipay]}
  - {when: {scheme: wechat}, channels: [wechat]}
  - {channels: [bank_a]}
"""
FEES = """
plans:
  SP1: {rules: [{rate: 0.38%}]}
cost:
  - {issuer_fee: {rate: 0.20%}, scheme_fee: {rate: 0.02%}}
"""


class Run(run_folder.RunFolder):
    def __init__(self, folder, programs, wechat):
        super().__init__(folder, programs)
        self.wallet_port, self.wechat = run_folder.free_port(), wechat
        notify = run_folder.free_port()
        self.prepare_fleet(40, 7)
        make_certificate(folder)
        (folder / "keys").mkdir()
        self.run([self.program("tillway-wallet"), "keys", "--out", folder / "keys"])
        (folder / "routes.yaml").write_text(ROUTES)
        (folder / "fees.yaml").write_text(FEES)
        (folder / "tillway.yaml").write_text(CONFIG.format(
            port=self.port, bank_port=self.bank_ports["bank_a"], wallet_port=self.wallet_port, alipay_notify=run_folder.free_port(), common=COMMON,
            wechat=wechat, wechat_keys=WECHAT_KEYS[wechat], wechat_notify=WECHAT_NOTIFY.format(port=notify) if wechat == "wechat_v3" else "",
            response_ms=RESPONSE_TIMEOUT_MS, inflight_ms=INFLIGHT_LIFE_MS, root=ROOT))

    def server_command(self, name):
        return [self.program(name), "--config", self.folder / "tillway.yaml"]

    def start_wallets(self):
        self.wallets = self.start_listening("tillway-wallet", [self.program("tillway-wallet"), "run", "--keys", self.folder / "keys", "--port", self.wallet_port,
                                                               "--ledger", self.folder / "wallet.db", "--notify-ca", self.folder / "keys/tls_ca.crt", *FAULTS],
                                            self.wallet_port)

    def start_load(self, seconds, tps):
        return self.start("tillway-load", [self.program("tillway-load"), "run", "--connect", f"127.0.0.1:{self.port}", "--fleet", self.folder / "fleet",
                                           "--bins", ROOT / "config/demo/bins.csv", "--spec", ROOT / "config/specs/unionpay-pos.yaml", "--seconds", seconds,
                                           "--tps", tps, "--qr-share", 100, "--follow-ups", 20, "--timeout", 6, "--receipts", self.folder / "receipts.ndjson",
                                           "--json", self.folder / "load.json", "--quiet"])

    def pending(self):
        """One after the other where a terminal has several: each that the wallet does not know takes as long as a request may be on its way."""
        return run_folder.query(self.log / "segment-000001.db", PENDING, fallback=1)

    def approved(self):
        return run_folder.query(self.log / "segment-000001.db", "SELECT count(*) FROM log WHERE kind = 'result' AND response_code = '00'", fallback=0)

    def lines(self, event):
        return [line for line in (self.folder / "tillwayd.log").read_text().splitlines() if f" {event} " in line]


def story(programs, wechat, seconds, tps):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-system-"))
    run, is_good = None, False
    try:
        run = Run(folder, programs, wechat)
        run.start_bank(run.ledger("bank_a"), [])
        run.start_wallets()
        run.start_switch()
        load = run.start_load(seconds, tps)
        began = time.monotonic()
        run_folder.wait_until("payments are under way", run_folder.START_S, lambda: run.switch.check() or run.approved() > seconds * tps / 8, 0.1)
        time.sleep(max(0, began + seconds * 0.6 - time.monotonic()))
        run.switch.kill()  # in the middle: what is in doubt is undone by the next
        run.start_switch()
        code = load.process.wait(seconds + 120)
        expect(f"the load ends by itself: code {code}\n{load.tail()}", code in (0, 1))
        run.wallets.process.send_signal(10)  # SIGUSR1: healed, so that all can be settled
        run_folder.wait_until("all reversals and refunds in doubt are answered", DRAIN_S, lambda: run.pending() == 0, 1)
        time.sleep(LAST_S)  # the last notifies
        run.switch.stop()
        run.wallets.stop()
        report = run.run([sys.executable, ROOT / "loadtest/reconcile.py", "--receipts", folder / "receipts.ndjson", "--log", run.log,
                          "--bank", run.ledger("bank_a"), "--wallet", folder / "wallet.db", "--json", folder / "books.json"])
        counts = json.loads((folder / "load.json").read_text())["response_codes"]
        print(f"{wechat}: {counts}\n{report.strip()}")
        expect("payments were approved", counts.get("00", 0) > seconds * tps / 4)
        expect("wrong signatures were told", run.lines("wallet_signature_failed"))
        expect("no payment code is in the log", not any("auth_code" in line for line in run.lines("wallet_unknown")))
        is_good = True
    finally:
        if run is not None:
            run.close()
        if is_good:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            run_folder.show_logs(folder)
            print(f"kept: {folder}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--tps", type=int, default=40)
    asked = parser.parse_args()
    failures = 0
    for wechat in ("wechat_v3", "wechat_v2"):
        try:
            story(pathlib.Path(asked.bin).resolve(), wechat, asked.seconds, asked.tps)
        except (Failed, run_folder.RunFailed, OSError, subprocess.SubprocessError) as fault:
            failures += 1
            print(f"FAILED  {wechat}: {fault}")
    print(f"{2 - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
