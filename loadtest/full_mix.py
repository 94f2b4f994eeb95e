"""What `./dev demo --mix full` has beyond cards: the wallets, a bank that dies in mid-run and comes back, and a live view of the channels.

Life: mix = FullMix(demo) -> prepare -> start -> outage and watch, each in a thread of its own -> heal -> stop. `demo` is borrowed.
"""
import contextlib
import http.client
import json
import ssl
import time

from run_folder import ROOT, RunFailed, free_port

CHANNELS = {"alipay": 2, "wechat": 3}  # where they stand in config/demo/full.yaml
VICTIM = "bank_b"
OUTAGE = (0.35, 0.6)  # from and to, as shares of the load
WATCH_S, SHOW_S = 0.25, 2.0
# As long as they may be with the demo's response time of 3 s.
LATE_MS, HOLD_MS, BUYER_MS, CLOSE_MS, REVERSE_MIN_MS, GAPS_MS = 4000, 4000, 500, 8000, 900, "300,600,1200,2000,2000,2000"


class FullMix:
    config = ROOT / "config/demo/full.yaml"
    bank_wires = {"bank_b": ("--spec", ROOT / "config/specs/iso8583-1987-binary.yaml", "--framing", "ascii_4")}  # as full.yaml has it

    def __init__(self, demo):
        self.demo, self.port = demo, free_port()
        self.notify_ports = {name: free_port() for name in CHANNELS}
        self.keys, self.ledger = demo.folder / "wallet_keys", demo.folder / "wallet.db"
        self.child, self.outage_told, self.changes = None, [], []

    def prepare(self):
        self.keys.mkdir()
        self.demo.run([self.demo.program("tillway-wallet"), "keys", "--out", self.keys])

    def settings(self):
        """What the configuration cannot know of the wallets."""
        files = {"ca": "tls_ca.crt", "notify.certificate": "notify_server.crt", "notify.key": "notify_server.key"}
        own = {"alipay": {"app_key": "alipay_app.key", "wallet_public_key": "alipay.pub"},
               "wechat": {"app_key": "wechat_merchant.key", "app_certificate": "wechat_merchant.crt", "api_v3_key": "wechat_api_v3.key"}}
        settings = {}
        for name, index in CHANNELS.items():
            wallet, port = f"channels.{index}.wallet", self.notify_ports[name]
            settings |= {f"{wallet}.{option}": self.keys / file for option, file in {**files, **own[name]}.items()}
            settings |= {f"{wallet}.url": f"https://localhost:{self.port}" + ("/gateway.do" if name == "alipay" else ""),
                         f"{wallet}.notify.port": port, f"{wallet}.notify.url": f"https://localhost:{port}/{name}"}
        return settings

    def start(self):
        asked = self.demo.asked
        faults = ["--faults", asked.bank_faults, "--late-ms", LATE_MS, "--hold-ms", HOLD_MS, "--buyer-ms", BUYER_MS, "--close-ms", CLOSE_MS]
        command = [self.demo.program("tillway-wallet"), "run", "--keys", self.keys, "--port", self.port, "--ledger", self.ledger, "--seed", asked.seed + 7,
                   "--reverse-min-ms", REVERSE_MIN_MS, "--notify-gaps-ms", GAPS_MS, *(faults if asked.bank_faults else [])]
        self.child = self.demo.start_listening("tillway-wallet", command, self.port)

    # ---- under load

    def outage(self):
        """Kills one bank with SIGKILL and starts it again on its books."""
        demo, began = self.demo, self.wait_for_trade()
        for share, act in zip(OUTAGE, (self.kill_bank, self.revive_bank)):
            while time.monotonic() < began[0] + share * began[1]:
                if demo.load is None or demo.load.poll() is not None:
                    return
                time.sleep(0.05)
            with demo.lock:
                try:
                    act()
                except RunFailed as fault:
                    self.outage_told.append({"fault": str(fault)})
                    demo.load.terminate()
                    return
            self.outage_told.append({"what": act.__name__, "bank": VICTIM, "at_s": round(time.monotonic() - began[0], 2)})
            demo.say(f"{VICTIM} was " + ("killed (SIGKILL)" if act == self.kill_bank else "started again") + f" after {time.monotonic() - began[0]:.1f} s")

    def wait_for_trade(self):
        """(when it began, seconds): the constant rate, or a day's first phase of trade."""
        demo = self.demo
        if not demo.asked.profile:
            return time.monotonic() + 1, demo.asked.seconds
        while demo.load.poll() is None:
            events = demo.read_events()
            rates = {phase["name"]: phase for phase in events[0]["plan"]} if events else {}
            for event in events[1:]:
                if rates[event["phase"]]["tps"] > 0:
                    return time.monotonic(), event["seconds"]
            time.sleep(0.05)
        return time.monotonic(), 0

    def kill_bank(self):
        self.demo.banks.pop(VICTIM).kill()

    def revive_bank(self):
        self.demo.start_one_bank(VICTIM)

    def ask(self):
        """The channels as the admin port shows them; [] while nobody answers."""
        demo = self.demo
        tls = ssl.create_default_context(cafile=demo.folder / "server.crt")
        token = (demo.folder / "demo.token").read_text().strip()
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError), \
                contextlib.closing(http.client.HTTPSConnection("localhost", demo.admin_port, context=tls, timeout=2)) as line:
            line.request("GET", "/api/v1/channels", headers={"Authorization": f"Bearer {token}"})
            answer = line.getresponse()
            if answer.status == 200:
                return json.loads(answer.read())["items"]
        return []

    def watch(self):
        """A line as often as SHOW_S, and one whenever a breaker changes."""
        demo, known, began, shown = self.demo, {}, time.monotonic(), 0.0
        while demo.load.poll() is None:
            channels = self.ask() if demo.admin else []
            for channel in channels:
                name, state = channel["name"], channel.get("breaker", "")
                if state != known.get(name, "closed"):
                    change = {"at_s": round(time.monotonic() - began, 2), "channel": name, "breaker": state, "reason": channel.get("breaker_reason", "")}
                    self.changes.append(change)
                    demo.say(f"breaker of {name}: {state}" + (f" ({change['reason']})" if change["reason"] else ""))
                known[name] = state
            if channels and time.monotonic() - shown >= SHOW_S:
                shown = time.monotonic()
                demo.say("channels: " + " | ".join(
                    f"{channel['name']} {'up' if channel['up'] else 'DOWN'}, breaker {channel.get('breaker', '?')}, {channel['answers']} answered, "
                    f"{channel['timeouts']} timed out" for channel in channels))
            time.sleep(WATCH_S)

    # ---- after

    def check(self):
        """What must have come about, besides that all books agree."""
        for told in self.outage_told:
            if "fault" in told:
                raise RunFailed(f"restart of {VICTIM}: {told['fault']}")
        if len(self.outage_told) < 2:
            raise RunFailed(f"{VICTIM} was not killed and revived: the load ended before")

    def breaker_story(self):
        """The victim's breaker as it was seen: opened, probed, closed."""
        states = [change["breaker"] for change in self.changes if change["channel"] == VICTIM]
        return {"states": states, "opened": "open" in states, "closed_again": "open" in states and states[-1] == "closed"}

    def result(self):
        return {"outage": self.outage_told, "breaker_changes": self.changes, "breaker": self.breaker_story()}
