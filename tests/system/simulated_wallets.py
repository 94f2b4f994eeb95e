#!/usr/bin/env python3
"""tillway-wallet against callers of every kind: signatures both ways (made and checked with openssl, not with our code), orders and refunds by
the wallets' rules, faults on demand, books that survive a kill.

simulated_wallets.py --bin DIR
"""
import base64
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import pathlib
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "loadtest"))
import run_folder  # noqa: E402
from stage import Failed, expect  # noqa: E402

ANSWER_S = 30  # until an answer counts as lost
BUYER_MS, REVERSE_MIN_MS = 500, 3000
APP_ID, APPID, MCHID = "2021000000000001", "wx0000000000000001", "1900000001"


def sign(key, text):
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text, capture_output=True, check=True)
    return base64.b64encode(done.stdout).decode()


def verifies(public_key, text, signature, folder):
    (folder / "signature").write_bytes(base64.b64decode(signature))
    done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", public_key, "-signature", folder / "signature"], input=text, capture_output=True)
    return done.returncode == 0


class Wallet:
    """A tillway-wallet in a folder of its own."""

    def __init__(self, binaries, folder):
        self.bin, self.folder, self.keys = binaries, folder, folder / "keys"
        self.keys.mkdir()
        subprocess.run([binaries / "tillway-wallet", "keys", "--out", self.keys], check=True, capture_output=True)
        self.port, self.control_port = run_folder.free_port(), run_folder.free_port()
        self.child, self.serials = None, {}

    def start(self, *options):
        command = [self.bin / "tillway-wallet", "run", "--keys", self.keys, "--port", self.port, "--ledger", self.folder / "wallet.db", *options]
        self.child = run_folder.Child("tillway-wallet", command, self.folder)
        run_folder.wait_until("tillway-wallet listens", run_folder.START_S, lambda: self.child.check() or run_folder.can_connect(self.port), 0.02)

    def tls(self, has_certificate=False):
        tls = ssl.create_default_context(cafile=self.keys / "tls_ca.crt")
        if has_certificate:
            tls.load_cert_chain(self.keys / "wechat_client.crt", self.keys / "wechat_client.key")
        return tls

    def call(self, method, path, body=b"", headers=None, timeout=ANSWER_S, has_certificate=False):
        """(status, headers, body as it came); `timeout` is for the answer: what is asked does arrive."""
        with contextlib.closing(http.client.HTTPSConnection("localhost", self.port, context=self.tls(has_certificate), timeout=ANSWER_S)) as line:
            line.request(method, path, body=body, headers=headers or {})
            line.sock.settimeout(timeout)
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()

    def books(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/wallet.db?mode=ro", uri=True)) as file:
            return file.execute(sql).fetchall()

    def alipay(self, method, content, changes=None, key=None, is_verified=True, **how):
        """The node of the answer; its signature is checked over the very bytes that came."""
        params = {"app_id": APP_ID, "method": method, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2", "version": "1.0",
                  "timestamp": time.strftime("%Y-%m-%d %H:%M:%S"), "biz_content": json.dumps(content)}
        params.update(changes or {})
        text = "&".join(f"{name}={params[name]}" for name in sorted(params) if params[name])
        params["sign"] = sign(key or self.keys / "alipay_app.key", text.encode())
        status, _, body = self.call("POST", "/gateway.do?charset=utf-8", urllib.parse.urlencode(params).encode(),
                                    {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8", **how.pop("headers", {})}, **how)
        if status != 200:
            return {"http": status}
        found = re.fullmatch(rb'\{"([a-z_]+)_response":(.*),"sign":"([^"]*)"\}', body, re.S)
        expect(f"an answer of Alipay's form: {body[:200]!r}", found)
        expect("the answer is the method's", found[1].decode() == method.replace(".", "_") or found[1] == b"error")
        if is_verified:
            expect("Alipay's signature fits the raw node", verifies(self.keys / "alipay.pub", found[2], found[3].decode(), self.folder))
        node = json.loads(found[2])
        node["is_signed"] = verifies(self.keys / "alipay.pub", found[2], found[3].decode(), self.folder)
        return node

    def alipay_pay(self, number, amount="8.88", code=None, changes=None, **how):
        content = {"out_trade_no": number, "scene": "bar_code", "auth_code": code or fresh_code("28"), "subject": "POS 10000019", "total_amount": amount,
                   "product_code": "FACE_TO_FACE_PAYMENT", "terminal_id": "10000019"}
        return self.alipay("alipay.trade.pay", content, changes, **how)


    # ---- WeChat Pay

    def v3(self, method, target, content=None, changes=None, headers=None, **how):
        """(status, answer); its signature is checked over the very bytes that came, with the certificate that it names."""
        body = json.dumps(content).encode() if content is not None else b""
        parts = {"mchid": MCHID, "nonce_str": "N" * 32, "timestamp": str(int(time.time())), "serial_no": self.serial("wechat_merchant")}
        parts.update(changes or {})
        text = f"{method}\n{target}\n{parts['timestamp']}\n{parts['nonce_str']}\n".encode() + body + b"\n"
        parts["signature"] = sign(self.keys / how.pop("key", "wechat_merchant.key"), text)
        authorization = "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in parts.items())
        status, told_headers, answer = self.call(method, target, body, {"Authorization": authorization, "Content-Type": "application/json", **(headers or {})}, **how)
        if told_headers.get("Wechatpay-Serial"):
            certificate = next(path for path in self.keys.glob("wechat_platform_*.crt") if self.serial(path.stem) == told_headers["Wechatpay-Serial"])
            public = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], capture_output=True, check=True).stdout
            (self.folder / "platform.pub").write_bytes(public)
            signed = f"{told_headers['Wechatpay-Timestamp']}\n{told_headers['Wechatpay-Nonce']}\n".encode() + answer + b"\n"
            expect("WeChat Pay's signature fits", verifies(self.folder / "platform.pub", signed, told_headers["Wechatpay-Signature"], self.folder))
        return status, json.loads(answer) if told_headers["Content-Type"].startswith("application/json") else answer

    def serial(self, name):
        path = self.keys / f"{name}.crt"
        key = (name, path.stat().st_mtime_ns)
        if key not in self.serials:
            self.serials[key] = self.read_serial(name)
        return self.serials[key]

    def read_serial(self, name):
        done = subprocess.run(["openssl", "x509", "-in", self.keys / f"{name}.crt", "-serial", "-noout"], capture_output=True, text=True, check=True)
        return done.stdout.strip().split("=")[1]

    def v3_pay(self, number, total=888, code=None, more=None, **how):
        content = {"appid": APPID, "mchid": MCHID, "description": "POS 10000019", "out_trade_no": number, "payer": {"auth_code": code or fresh_code("13")},
                   "amount": {"total": total, "currency": "CNY"}, "scene_info": {"device_id": "10000019", "store_info": {"id": "S1"}}, **(more or {})}
        return self.v3("POST", "/v3/pay/transactions/codepay", content, **how)

    def v2(self, path, fields, digest="HMAC-SHA256", has_certificate=False, headers=None, key=None):
        params = {"appid": APPID, "mch_id": MCHID, "nonce_str": "n" * 16, "sign_type": digest, **fields}
        params["sign"] = self.v2_sign(params, digest, key)
        body = "<xml>" + "".join(f"<{name}>{value}</{name}>" for name, value in params.items()) + "</xml>"
        status, _, answer = self.call("POST", path, body.encode(), headers, has_certificate=has_certificate)
        if not answer.startswith(b"<xml>"):
            return {"http": status, "text": answer.decode()}
        told_fields = dict(re.findall(r"<(\w+)><!\[CDATA\[(.*?)\]\]></\1>", answer.decode(), re.S))
        if told_fields["return_code"] == "SUCCESS":
            told_fields["is_signed"] = told_fields["sign"] == self.v2_sign(told_fields, digest, None)
        return told_fields

    def v2_sign(self, params, digest, key):
        key = key or (self.keys / "wechat_v2.key").read_text()
        text = "&".join(f"{name}={params[name]}" for name in sorted(params) if params[name] and name not in ("sign", "is_signed")) + f"&key={key}"
        made = hashlib.md5(text.encode()) if digest == "MD5" else hmac.new(key.encode(), text.encode(), hashlib.sha256)
        return made.hexdigest().upper()

    def v2_pay(self, number, total=888, code=None, **how):
        return self.v2("/pay/micropay", {"device_info": "10000019", "body": "POS 10000019", "out_trade_no": number, "total_fee": total,
                                         "spbill_create_ip": "10.1.2.3", "auth_code": code or fresh_code("13")}, **how)

    def control(self, method, target, content=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=ANSWER_S)) as line:
            line.request(method, target, body=json.dumps(content) if content is not None else None)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())


class NotifyPort(threading.Thread):
    """The switch's end of notifies: keeps what comes, answers what it is told to."""

    def __init__(self, keys):
        super().__init__(daemon=True)
        self.got, self.answers = [], []
        port = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                port.got.append((self.path, self.headers, body))
                status, text = port.answers.pop(0) if port.answers else (200, b"success")
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(keys / "notify_server.crt", keys / "notify_server.key")
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"

    def run(self):
        self.server.serve_forever(0.1)


codes = iter(range(10**9))


def fresh_code(prefix):
    return f"{prefix}{next(codes):016d}"


def told(node):
    return node.get("code"), node.get("sub_code", "")


# ---- stories


def alipay_life(wallet):
    paid = wallet.alipay_pay("A1", code="280000000000000099")
    expect(f"paid: {paid}", told(paid) == ("10000", "") and paid["total_amount"] == "8.88")
    again = wallet.alipay_pay("A1", code="280000000000000099")
    expect("the same again is the same trade", told(again) == ("10000", "") and again["trade_no"] == paid["trade_no"])
    expect("another amount is refused", told(wallet.alipay_pay("A1", "8.89"))[1] == "ACQ.CONTEXT_INCONSISTENT")
    expect("a code buys once", told(wallet.alipay_pay("A2", code="280000000000000099")) == ("40004", "ACQ.PAYMENT_AUTH_CODE_INVALID"))
    expect("a WeChat Pay code is none", told(wallet.alipay_pay("A2", code=fresh_code("13")))[1] == "ACQ.PAYMENT_AUTH_CODE_INVALID")
    expect("a query says paid", wallet.alipay("alipay.trade.query", {"out_trade_no": "A1"})["trade_status"] == "TRADE_SUCCESS")
    expect("a query of nothing", told(wallet.alipay("alipay.trade.query", {"out_trade_no": "A2"})) == ("40004", "ACQ.TRADE_NOT_EXIST"))

    def refund(amount, number="", trade="A1"):
        return wallet.alipay("alipay.trade.refund", {"out_trade_no": trade, "refund_amount": amount, **({"out_request_no": number} if number else {})})

    expect("a part without a number is refused", told(refund("1.00"))[1] == "ACQ.INVALID_PARAMETER")
    expect("a part goes back", (refund("1.00", "R1"))["fund_change"] == "Y")
    expect("the same number is the same refund", (refund("1.00", "R1"))["fund_change"] == "N")
    expect("the same number with another amount is refused", told(refund("2.00", "R1"))[1] == "ACQ.DISCORDANT_REPEAT_REQUEST")
    expect("never more than was paid", told(refund("7.89", "R2"))[1] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    expect("the rest goes back", (refund("7.88", "R2"))["fund_change"] == "Y")
    expect("then it is closed", wallet.alipay("alipay.trade.query", {"out_trade_no": "A1"})["trade_status"] == "TRADE_CLOSED")
    asked = wallet.alipay("alipay.trade.fastpay.refund.query", {"out_trade_no": "A1", "out_request_no": "R1"})
    expect("a refund can be asked for", asked["refund_amount"] == "1.00")
    expect("one that is none has no amount", "refund_amount" not in wallet.alipay("alipay.trade.fastpay.refund.query", {"out_trade_no": "A1", "out_request_no": "R9"}))


def alipay_cancel(wallet):
    wallet.alipay_pay("C1")
    cancelled = wallet.alipay("alipay.trade.cancel", {"out_trade_no": "C1"})
    expect(f"what was paid goes back: {cancelled}", (cancelled["retry_flag"], cancelled["action"]) == ("N", "refund"))
    expect("again is the same", wallet.alipay("alipay.trade.cancel", {"out_trade_no": "C1"})["action"] == "refund")
    expect("and it is closed", wallet.alipay("alipay.trade.query", {"out_trade_no": "C1"})["trade_status"] == "TRADE_CLOSED")
    expect("no refund afterwards", told(wallet.alipay("alipay.trade.refund", {"out_trade_no": "C1", "refund_amount": "8.88"}))[1] == "ACQ.TRADE_STATUS_ERROR")
    expect("nothing to undo", told(wallet.alipay("alipay.trade.cancel", {"out_trade_no": "C2"}))[1] == "ACQ.TRADE_NOT_EXIST")
    waiting = wallet.alipay_pay("C3", headers={"Wechatpay-Negative-Test": "never-paid"})
    expect("the buyer is asked", told(waiting)[0] == "10003")
    expect("it waits", wallet.alipay("alipay.trade.query", {"out_trade_no": "C3"})["trade_status"] == "WAIT_BUYER_PAY")
    expect("undone while waiting it is closed", wallet.alipay("alipay.trade.cancel", {"out_trade_no": "C3"})["action"] == "close")
    wallet.alipay_pay("C4", headers={"Wechatpay-Negative-Test": "undo-again"})
    flags = [wallet.alipay("alipay.trade.cancel", {"out_trade_no": "C4"})["retry_flag"] for _ in range(3)]
    expect(f"twice 'again', then done: {flags}", flags == ["Y", "Y", "N"])
    wallet.alipay_pay("C5", headers={"Wechatpay-Negative-Test": "userpaying"})
    run_folder.wait_until("the buyer pays late", ANSWER_S, lambda: wallet.alipay("alipay.trade.query", {"out_trade_no": "C5"})["trade_status"] == "TRADE_SUCCESS", 0.1)


def alipay_refusals(wallet):
    content = {"out_trade_no": "E1", "scene": "bar_code", "auth_code": fresh_code("28"), "subject": "x", "total_amount": "1.00"}
    for changes, sub_code in (({"sign_type": "RSA"}, "isv.invalid-signature-type"), ({"app_id": "1"}, "isv.invalid-app-id"),
                              ({"method": "alipay.trade.steal"}, "isv.invalid-method"), ({"timestamp": "now"}, "isv.invalid-timestamp"),
                              ({"biz_content": "[1]"}, "isv.invalid-parameter"), ({"biz_content": '{"a":1,"a":2}'}, "isv.invalid-parameter")):
        node = wallet.alipay("alipay.trade.pay", content, changes) if "method" not in changes else wallet.alipay(changes["method"], content)
        expect(f"{changes}: {node}", node["sub_code"] == sub_code)
    stranger = wallet.alipay("alipay.trade.pay", content, key=wallet.keys / "wechat_merchant.key")
    expect(f"another's key: {stranger}", stranger["sub_code"] == "isv.invalid-signature")
    for amount in ("0.00", "0", "1.234", "-1.00", "1e3", "100000000.01", "", "1,00", 1.0):
        node = wallet.alipay("alipay.trade.pay", {**content, "total_amount": amount})
        expect(f"amount {amount!r}: {node}", told(node) == ("40004", "ACQ.INVALID_PARAMETER"))
    for name, value in (("out_trade_no", "x" * 65), ("out_trade_no", "a-b"), ("scene", "wave_code"), ("subject", ""), ("timeout_express", "2x")):
        expect(f"{name}={value}", told(wallet.alipay("alipay.trade.pay", {**content, name: value}))[1] == "ACQ.INVALID_PARAMETER")
    expect("none of them became an order", not wallet.books("SELECT * FROM orders WHERE out_trade_no LIKE 'E%'"))


def faults_on_demand(wallet):
    def strike(number, name, **how):
        return wallet.alipay_pay(number, headers={"Wechatpay-Negative-Test": name}, **how)

    def is_paid(number):
        return wallet.books(f"SELECT state FROM orders WHERE out_trade_no = '{number}'") == [("paid",)]

    for name, number in (("silent", "F1"), ("late", "F2")):
        with contextlib.suppress(TimeoutError):
            strike(number, name, timeout=0.7)
            raise Failed(f"{name}: an answer came")
        run_folder.wait_until(f"{name}: and it is paid", ANSWER_S, lambda: is_paid(number))
    with contextlib.suppress(TimeoutError):
        strike("F3", "silent-before", timeout=0.7)
        raise Failed("silent-before: an answer came")
    expect("silent-before: nobody heard of it", not is_paid("F3"))
    with contextlib.suppress(TimeoutError):
        strike("F3b", "stall", timeout=0.7)
        raise Failed("stall: an answer came")
    expect("stall: not yet", not is_paid("F3b"))
    run_folder.wait_until("what was held is acted on", ANSWER_S, lambda: is_paid("F3b"))
    for name, fault in (("drop", (http.client.RemoteDisconnected, ConnectionResetError, ssl.SSLError)), ("cut", (http.client.IncompleteRead, ssl.SSLError, ConnectionResetError))):
        with contextlib.suppress(*fault):
            strike(f"F4{name}", name)
            raise Failed(f"{name}: a whole answer came")
        run_folder.wait_until(f"{name}: and it is paid", ANSWER_S, lambda: is_paid(f"F4{name}"))
    expect("a wrong signature is wrong", not strike("F5", "bad-signature", is_verified=False)["is_signed"])
    expect("500", strike("F6", "server-error")["http"] == 500)
    expect("an error in a good answer", told(strike("F7", "error-body"))[0] == "20000")
    expect("refused", told(strike("F8", "decline")) == ("40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH"))


def hostile_bytes(wallet):
    for path in ("/", "/gateway.do", "/gateway.do?charset", "/gateway.do?%zz", "/v3/nothing", "/" + "x" * 3000, "/pay/micropay"):
        for body in (b"", b"&&&&=", b"%", b"a=%00", b"a=1&a=2", bytes(range(256)), b"<xml>" * 400, b"{" * 30000, b"x=" + b"y" * 70000):
            with contextlib.suppress(http.client.HTTPException, ConnectionError, ssl.SSLError):
                status, _, _ = wallet.call("POST", path, body)
                expect(f"{path[:40]} {body[:10]!r}: an answer that says no: {status}", status in (200, 400, 401, 404, 405, 413, 414, 431))
    with socket.create_connection(("127.0.0.1", wallet.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
    wallet.child.check()


def books_survive_a_kill(wallet):
    wallet.alipay_pay("K1", code="280000000000000777")
    wallet.alipay("alipay.trade.refund", {"out_trade_no": "K1", "refund_amount": "3.00", "out_request_no": "K1R"})
    wallet.child.kill()
    wallet.start()
    expect("still paid", wallet.alipay("alipay.trade.query", {"out_trade_no": "K1"})["trade_status"] == "TRADE_SUCCESS")
    expect("the code is still used", told(wallet.alipay_pay("K2", code="280000000000000777"))[1] == "ACQ.PAYMENT_AUTH_CODE_INVALID")
    expect("the refund still counts", told(wallet.alipay("alipay.trade.refund", {"out_trade_no": "K1", "refund_amount": "5.89", "out_request_no": "K3R"}))[1]
           == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    expect("and is in the books", wallet.books("SELECT amount FROM refunds WHERE out_trade_no = 'K1'") == [(300,)])
    wallet.child.stop()


def wechat_v3_life(wallet):
    status, paid = wallet.v3_pay("W1", code="130000000000000099")
    expect(f"paid: {paid}", status == 200 and paid["trade_state"] == "SUCCESS" and paid["amount"]["total"] == 888)
    status, again = wallet.v3_pay("W1", code="130000000000000099")
    expect("the same again is the same order", status == 200 and again["transaction_id"] == paid["transaction_id"])
    expect("another amount is refused", wallet.v3_pay("W1", 889)[1]["code"] == "OUT_TRADE_NO_USED")
    expect("a code buys once", wallet.v3_pay("W2", code="130000000000000099")[1]["code"] == "AUTH_CODE_INVALID")
    query = f"/v3/pay/transactions/out-trade-no/W1?mchid={MCHID}"
    expect("a query says paid", wallet.v3("GET", query)[1]["trade_state"] == "SUCCESS")
    expect("a query of nothing", wallet.v3("GET", query.replace("W1", "W2"))[0] == 404)

    def refund(amount, number, trade="W1", total=888):
        return wallet.v3("POST", "/v3/refund/domestic/refunds", {"out_trade_no": trade, "out_refund_no": number, "reason": "r",
                                                                 "amount": {"refund": amount, "total": total, "currency": "CNY"}})

    expect("a part goes back", refund(100, "WR1")[1]["status"] == "SUCCESS")
    expect("the same number is the same refund", refund(100, "WR1")[1]["status"] == "SUCCESS")
    expect("another amount is refused", refund(200, "WR1")[0] == 400)
    expect("never more than was paid", refund(789, "WR2")[0] == 400)
    expect("another total is refused", refund(1, "WR2", total=887)[0] == 400)
    expect("a refund can be asked for", wallet.v3("GET", "/v3/refund/domestic/refunds/WR1")[1]["amount"]["refund"] == 100)
    expect("then it is REFUND", wallet.v3("GET", query)[1]["trade_state"] == "REFUND")
    reverse = {"appid": APPID, "mchid": MCHID}
    wallet.v3_pay("W3")
    status, reversed_ = wallet.v3("POST", "/v3/pay/transactions/out-trade-no/W3/reverse", reverse)
    expect(f"reversed: {reversed_}", status == 200 and reversed_["trade_state"] == "REVOKED")
    expect("again is the same", wallet.v3("POST", "/v3/pay/transactions/out-trade-no/W3/reverse", reverse)[0] == 200)
    expect("what was refunded is not reversed", wallet.v3("POST", "/v3/pay/transactions/out-trade-no/W1/reverse", reverse)[0] == 403)
    expect("nothing to reverse", wallet.v3("POST", "/v3/pay/transactions/out-trade-no/W9/reverse", reverse)[0] == 404)
    status, waiting = wallet.v3_pay("W4", headers={"Wechatpay-Negative-Test": "never-paid"})
    expect(f"the buyer is asked: {status}", waiting["code"] == "USERPAYING")
    expect("it waits", wallet.v3("GET", query.replace("W1", "W4"))[1]["trade_state"] == "USERPAYING")
    status, waiting = wallet.v3_pay("W5", headers={"Wechatpay-Negative-Test": "MICROPAY_USERPAYING"})
    expect(f"the buyer is asked: {status}", waiting["code"] == "USERPAYING")
    run_folder.wait_until("the buyer pays", ANSWER_S, lambda: wallet.v3("GET", query.replace("W1", "W5"))[1]["trade_state"] == "SUCCESS", 0.1)


def wechat_v3_refusals(wallet):
    query = f"/v3/pay/transactions/out-trade-no/W1?mchid={MCHID}"
    for what, changes in (("an old time", {"timestamp": str(int(time.time()) - 301)}), ("a time to come", {"timestamp": str(int(time.time()) + 330)}),
                          ("another's number", {"mchid": "1"}), ("another certificate", {"serial_no": wallet.serial("wechat_platform_1")}),
                          ("no time", {"timestamp": "now"})):
        status, told_ = wallet.v3("GET", query, changes=changes)
        expect(f"{what}: {told_}", status == 401 and told_["code"] == "SIGN_ERROR")
    expect("another's key", wallet.v3("GET", query, key="alipay.key")[0] == 401)
    expect("no signature", wallet.call("GET", query)[0] == 401)
    for more in ({"amount": {"total": 0}}, {"amount": {"total": 8.88}}, {"amount": {"total": 1, "currency": "USD"}}, {"description": ""}, {"out_trade_no": "x" * 33},
                 {"scene_info": None}, {"payer": {"auth_code": "280000000000000000"}}):
        status, told_ = wallet.v3_pay("WE", more=more)
        expect(f"{more}: {told_}", status == 400)
    expect("another application", wallet.v3_pay("WE", more={"appid": "wx1"})[1]["code"] == "NO_AUTH")
    expect("none of them became an order", not wallet.books("SELECT * FROM orders WHERE out_trade_no = 'WE'"))
    expect("no such address", wallet.v3("POST", "/v3/pay/transactions/out-trade-no/W1/steal", {})[0] == 404)


def wechat_v2_life(wallet):
    for digest in ("MD5", "HMAC-SHA256"):
        number = f"V{digest[0]}"
        paid = wallet.v2_pay(number, digest=digest)
        expect(f"paid: {paid}", paid["result_code"] == "SUCCESS" and paid["trade_type"] == "MICROPAY" and paid["is_signed"])
        expect("a query says so", wallet.v2("/pay/orderquery", {"out_trade_no": number}, digest)["trade_state"] == "SUCCESS")
    expect("another key", wallet.v2_pay("VX", key="0" * 32)["return_code"] == "FAIL")
    expect("a query of nothing", wallet.v2("/pay/orderquery", {"out_trade_no": "VX"})["err_code"] == "ORDERNOTEXIST")
    expect("lacking", wallet.v2("/pay/micropay", {"out_trade_no": "VX"})["err_code"] == "LACK_PARAMS")
    expect("a doctype is no message", b"XML_FORMAT_ERROR" in wallet.call("POST", "/pay/micropay", b'<!DOCTYPE x [<!ENTITY a "b">]><xml><a>&a;</a></xml>')[2])
    refund = {"out_trade_no": "VM", "out_refund_no": "VR1", "total_fee": 888, "refund_fee": 500}
    expect("a refund wants a certificate", wallet.v2("/secapi/pay/refund", refund).get("http") == 400)
    for _ in range(2):
        expect("a part goes back, once", wallet.v2("/secapi/pay/refund", refund, has_certificate=True)["refund_fee"] == "500")
    expect("never more", wallet.v2("/secapi/pay/refund", {**refund, "out_refund_no": "VR2"}, has_certificate=True)["err_code"] == "INVALID_REQUEST")
    expect("it can be asked for", wallet.v2("/pay/refundquery", {"out_refund_no": "VR1"})["refund_fee_0"] == "500")
    reverse = {"out_trade_no": "VH"}
    expect("a reversal wants a certificate", wallet.v2("/secapi/pay/reverse", reverse).get("http") == 400)
    expect("reversed", wallet.v2("/secapi/pay/reverse", reverse, has_certificate=True)["recall"] == "N")
    expect("then it is revoked", wallet.v2("/pay/orderquery", reverse)["trade_state"] == "REVOKED")
    expect("and cannot be paid again", wallet.v2_pay("VH")["err_code"] == "ORDERREVERSED")
    wallet.v2_pay("VU", headers={"Wechatpay-Negative-Test": "undo-again"})
    flags = [wallet.v2("/secapi/pay/reverse", {"out_trade_no": "VU"}, has_certificate=True)["recall"] for _ in range(3)]
    expect(f"twice 'again', then done: {flags}", flags == ["Y", "Y", "N"])
    status, bill = wallet.call("POST", "/pay/downloadbill", b"<xml></xml>")[::2]
    expect("a bill is for its caller", status == 200 and b"SIGNERROR" in bill)
    bill = wallet.v2("/pay/downloadbill", {"bill_date": time.strftime("%Y%m%d", time.gmtime(time.time() + 8 * 3600))})["text"]
    expect(f"a bill has what was paid and went back: {bill}", "`VM," in bill and "`VR1," in bill and "`reversal," in bill)


def notifies(wallet):
    port = NotifyPort(wallet.keys)
    port.start()
    port.answers = [(500, b"no"), (200, b"failure")]
    wallet.alipay_pay("N1", changes={"notify_url": port.url + "/alipay"})
    run_folder.wait_until("Alipay notifies until it is heard", ANSWER_S, lambda: len(port.got) == 3)
    fields = dict(urllib.parse.parse_qsl(port.got[2][2].decode(), keep_blank_values=True))
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in ("sign", "sign_type"))
    expect("its signature fits", verifies(wallet.keys / "alipay.pub", text.encode(), fields["sign"], wallet.folder))
    expect(f"and it says paid: {fields}", (fields["out_trade_no"], fields["trade_status"], fields["total_amount"]) == ("N1", "TRADE_SUCCESS", "8.88"))
    run_folder.wait_until("then it is quiet", ANSWER_S, lambda: wallet.books("SELECT attempts FROM notices WHERE delivered_us > 0 AND out_trade_no = 'N1'") == [(3,)])
    port.got.clear()
    wallet.control("POST", "/script", {"wallet": "wechat", "operation": "pay", "faults": ["notify-twice"]})
    wallet.v3_pay("N-2", more={"notify_url": port.url + "/wechat"})
    run_folder.wait_until("WeChat Pay notifies twice", ANSWER_S, lambda: len(port.got) == 2)
    headers, body = port.got[0][1], port.got[0][2]
    certificate = next(path for path in wallet.keys.glob("wechat_platform_*.crt") if wallet.serial(path.stem) == headers["Wechatpay-Serial"])
    (wallet.folder / "platform.pub").write_bytes(subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], capture_output=True, check=True).stdout)
    text = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
    expect("its signature fits", verifies(wallet.folder / "platform.pub", text, headers["Wechatpay-Signature"], wallet.folder))
    expect("it is wrapped", json.loads(body)["resource"]["algorithm"] == "AEAD_AES_256_GCM" and b"N-2" not in body)
    port.got.clear()
    wallet.control("POST", "/script", {"operation": "notify", "faults": ["bad-signature"]})
    wallet.alipay_pay("N3", changes={"notify_url": port.url + "/alipay"})
    run_folder.wait_until("a notify that lies", ANSWER_S, lambda: len(port.got) == 1)
    fields = dict(urllib.parse.parse_qsl(port.got[0][2].decode()))
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in ("sign", "sign_type"))
    expect("its signature is wrong", not verifies(wallet.keys / "alipay.pub", text.encode(), fields["sign"], wallet.folder))
    port.got.clear()
    began = time.monotonic()
    wallet.control("POST", "/script", {"wallet": "alipay", "operation": "pay", "faults": ["notify-first"]})
    wallet.alipay_pay("N4", changes={"notify_url": port.url + "/alipay"})
    expect("the notify came before the answer", len(port.got) == 1 and time.monotonic() - began > 0.3)
    port.server.shutdown()


def told_by_script(wallet):
    status, told_ = wallet.control("POST", "/script", {"wallet": "alipay", "operation": "pay", "faults": ["decline"], "refusal": "limit", "skip": 1})
    expect(f"a script is taken: {told_}", status == 200)
    expect("one call passes", told(wallet.alipay_pay("S1"))[0] == "10000")
    expect("the next is refused", told(wallet.alipay_pay("S2"))[1] == "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR")
    expect("and none after it", told(wallet.alipay_pay("S3"))[0] == "10000")
    wallet.control("POST", "/script", {"operation": "pay", "faults": ["never-paid"]})
    wallet.v3_pay("S4")
    expect("it waits", wallet.control("GET", "/order?wallet=wechat&out_trade_no=S4")[1]["state"] == "waiting")
    expect("the buyer pays", wallet.control("POST", "/decide", {"wallet": "wechat", "out_trade_no": "S4", "state": "paid"})[1]["state"] == "paid")
    expect("not twice", wallet.control("POST", "/decide", {"wallet": "wechat", "out_trade_no": "S4", "state": "paid"})[0] == 400)
    _, code = wallet.control("POST", "/code", {"wallet": "wechat", "life_ms": 0})
    expect("a code expires", wallet.v3_pay("S5", code=code["code"])[1]["code"] == "AUTHCODEEXPIRE")
    serial = wallet.control("POST", "/rotate", {})[1]["serial_no"]
    _, answer = wallet.v3("GET", "/v3/certificates")
    expect("the new certificate is handed out first", [item["serial_no"] for item in answer["data"]][0] == serial)
    for content in ({}, {"faults": ["x"]}, {"faults": [1]}, {"faults": ["late"], "wallet": "x"}, {"faults": ["late"], "count": 0}, {"faults": ["late"], "ms": -1}):
        expect(f"{content} is no script", wallet.control("POST", "/script", content)[0] == 400)
    expect("rates", wallet.control("POST", "/rates", {"error-body": 100})[0] == 200)
    expect("strike", told(wallet.alipay("alipay.trade.query", {"out_trade_no": "S1"}))[0] == "20000")
    expect("too much", wallet.control("POST", "/rates", {"late": 1})[0] == 400)
    wallet.control("POST", "/heal")
    expect("healed", told(wallet.alipay("alipay.trade.query", {"out_trade_no": "S1"}))[0] == "10000")


def bills(wallet):
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
    url = wallet.alipay("alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": day})["bill_download_url"]
    _, _, over_http = wallet.call("GET", urllib.parse.urlsplit(url).path)
    printed = subprocess.run([wallet.bin / "tillway-wallet", "bill", "--ledger", wallet.folder / "wallet.db", "--day", day], capture_output=True, check=True).stdout
    expect("the bill over HTTP is the bill as a file", over_http == printed)
    paid = wallet.books("SELECT count(*), sum(amount) FROM orders WHERE wallet = 'alipay' AND paid_us > 0")[0]
    expect(f"its sums are the books': {paid}", f"#payments {paid[0]} of {paid[1] // 100}.{paid[1] % 100:02d}" in printed.decode())
    status, told_ = wallet.v3("GET", f"/v3/bill/tradebill?bill_date={day}")
    target = told_["download_url"].split(str(wallet.port))[1]
    _, bill = wallet.v3("GET", target)
    expect("WeChat Pay's bill has the hash that was told", hashlib.sha1(bill).hexdigest() == told_["hash_value"])


def reverse_has_to_wait(wallet):
    wallet.child.stop()
    wallet.start("--reverse-min-ms", REVERSE_MIN_MS, "--control", wallet.control_port)
    wallet.v2_pay("T1")
    early = wallet.v2("/secapi/pay/reverse", {"out_trade_no": "T1"}, has_certificate=True)
    expect(f"too early: {early}", (early["result_code"], early["recall"]) == ("FAIL", "Y"))
    time.sleep(REVERSE_MIN_MS / 1000 + 0.1)
    expect("in time", wallet.v2("/secapi/pay/reverse", {"out_trade_no": "T1"}, has_certificate=True)["result_code"] == "SUCCESS")


STORIES = (alipay_life, alipay_cancel, alipay_refusals, wechat_v3_life, wechat_v3_refusals, wechat_v2_life, notifies, told_by_script,
           faults_on_demand, bills, hostile_bytes, reverse_has_to_wait, books_survive_a_kill)


def main():
    binaries = pathlib.Path(sys.argv[sys.argv.index("--bin") + 1]).resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-wallets-"))
    wallet = Wallet(binaries, folder)
    try:
        wallet.start("--late-ms", "1500", "--buyer-ms", BUYER_MS, "--reverse-min-ms", "0", "--hold-ms", "3000", "--notify-gaps-ms", "200,400,800",
                     "--control", wallet.control_port)
        for story in STORIES:
            story(wallet)
            print(f"{story.__name__}: as it must be", flush=True)
    except Exception as fault:  # whatever it is, it is told with what the wallet said last
        print(f"{story.__name__ if wallet.child else 'start'}: FAILED: {fault!r}\n{traceback.format_exc(limit=-4)}{wallet.child.tail() if wallet.child else ''}")
        return 1
    finally:
        if wallet.child:
            wallet.child.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
