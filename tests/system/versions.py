#!/usr/bin/env python3
"""Versions of the rules beside a switch under load: bad files are refused with their places, good ones come in force when a second operator says so
(I40), without a connection lost and with each payment decided by one version from start to end (I30); roll-back, restart, files changed on disk, and a
switch killed at each step between a proposal and its activation.

    versions.py --bin DIR [--long] [--only WORD]
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import stage
import log_reader
import run_folder
from stage import ROOT, expect

OPERATORS = (("ann", "operator"), ("bea", "operator"), ("vic", "viewer"))
OK, FAILED, USAGE, DENIED, NOT_FOUND = 0, 1, 2, 4, 5
OLD_RATE, NEW_RATE = "merchant_class: standard, rate: 0.60%", "merchant_class: standard, rate: 0.61%"
COLUMNS = ("kind", "epoch", "seq", "ruleset_version", "merchant_fee", "position")


class Scene:
    """A run with an admin port, two operators and a viewer, and rule files that may be changed."""

    def __init__(self, run, terminals=20, options=None, is_patient=False):
        self.run, self.files = run, run.folder / "rules"
        self.files.mkdir(exist_ok=True)
        for name in ("routes.yaml", "fees.yaml"):
            shutil.copy(ROOT / "config/demo" / name, self.files / name)
        run.up(terminals=terminals, is_patient=is_patient, options={"routes": self.files / "routes.yaml", "fees": self.files / "fees.yaml", **(options or {})})
        for name, role in OPERATORS:
            made = run.run([run.program("tillway-admin"), "token", "add", name, role, "--tokens", run.folder / "tokens"])
            path = run.folder / f"{name}.token"
            path.touch(0o600)
            path.write_text(made)
        self.start_admin()

    def start_admin(self):
        self.admin = self.run.start_listening("tillway-admin", self.run.server_command("tillway-admin"), self.run.admin_port)

    def ctl(self, *words, who="ann", code=OK):
        command = [self.run.program("tillwayctl"), "--url", f"https://127.0.0.1:{self.run.admin_port}", "--ca", self.run.folder / "server.crt",
                   "--token-file", self.run.folder / f"{who}.token", *words]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
        expect(f"{' '.join(map(str, words))} by {who} ended with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}", done.returncode == code)
        return done.stdout if code == OK else done.stderr

    def answer(self, *words, who="ann"):
        return json.loads(self.ctl("--json", *words, who=who))

    def rewrite(self, name, old, new):
        """A copy of the fees or routes that are on disk, changed."""
        text = (self.files / "fees.yaml").read_text() if name.startswith("fees") else (self.files / "routes.yaml").read_text()
        expect(f"{name} would not differ: {old!r} is not in it", old in text)
        path = self.run.folder / name
        path.write_text(text.replace(old, new, 1))
        return path

    def change_on_disk(self, old, new, name="fees.yaml"):
        path = self.files / name
        text = path.read_text()
        expect(f"{name} does not hold {old!r}", old in text)
        path.write_text(text.replace(old, new, 1))

    def in_force(self):
        """The version that the switch says it decides by."""
        return self.answer("status", who="vic")["config"]["ruleset_version"]

    def wait_until_told(self):
        """A switch opens its control socket after its listeners."""
        def tells():
            with contextlib.suppress(stage.Failed):
                return self.in_force() > 0
            return False
        run_folder.wait_until("the switch tells its version", 30, tells, 0.1)

    def listed(self):
        return {item["number"]: item for item in self.answer("version", "list", who="vic")["items"]}

    def fees_of(self, number):
        return self.ctl("version", "show", number, "--file", "fees.yaml", who="vic")

    def signal_reload(self, *line):
        before = len(self.run.lines(*line))
        self.run.switch.process.send_signal(signal.SIGHUP)
        self.run.wait_line(*line, count=before + 1, seconds=30)

    def restart(self):
        self.run.switch.stop()
        self.run.start_switch()
        self.wait_until_told()

    def propose_and_activate(self, path, reason="for a test"):
        number = self.answer("version", "propose", path, "--reason", reason)["version"]
        expect("another version came in force", self.answer("version", "activate", number, who="bea")["version"] == number)
        return number


def rows(run):
    table = log_reader.LogTable(log_reader.Log(run.log), COLUMNS)
    table.refresh()
    return table


def audit(run):
    return [json.loads(line) for line in (run.folder / "audit.log").read_text().splitlines()]


def connections(run):
    return run.metric("terminal_conns"), run.metric("tls_handshakes_total"), run.metric("frames_rejected_total")


def wait_rows(run, version, count=20):
    """Until so many requests were decided by that version."""
    run_folder.wait_until(f"payments are decided by version {version}", 30, lambda: run.switch.check() or log_reader.count_rows(
        run.log, f"kind = 'intent' AND ruleset_version = {version}", 0) >= count, 0.1)


# ---- stories


def a_bad_proposal_is_refused_with_its_place(run):
    """F26: and leaves no trace but in the audit file."""
    scene = Scene(run, terminals=2)
    first = scene.in_force()
    expect(f"the first version is {first}", first == 1)
    bad_fees = scene.rewrite("fees_bad.yaml", "rate: 0.50%", "rate: fifty")
    line = bad_fees.read_text()[:bad_fees.read_text().index("fifty")].count("\n") + 1
    bad_routes = scene.rewrite("routes_bad.yaml", "bank_a", "bank_nowhere")
    for act in ("check", "propose"):
        said = scene.ctl("version", act, bad_fees, bad_routes, code=FAILED)
        expect(f"{act} does not name the place of each fault: {said}",
               f"fees.yaml:{line}:" in said and "fifty" in said and "routes.yaml:" in said and "bank_nowhere" in said)
        expect(f"a path of the server's is shown: {said}", "versions/new" not in said)
    expect(f"something was kept: {scene.listed()}", list(scene.listed()) == [1] and not (run.log / "versions/new").exists())
    good = scene.rewrite("fees_good.yaml", OLD_RATE, NEW_RATE)
    expect("a good file is not told to be good", "fees.yaml changed" in scene.ctl("version", "check", good))
    expect(f"a check kept something: {scene.listed()}", list(scene.listed()) == [1] and scene.in_force() == 1)
    same = scene.ctl("version", "propose", scene.files / "fees.yaml", code=FAILED)
    expect(f"a proposal of nothing is kept: {same}", "nothing differs" in same)
    scene.ctl("version", "propose", good, who="vic", code=DENIED)
    scene.ctl("version", "check", good, who="vic", code=DENIED)
    scene.ctl("version", "show", "77", code=NOT_FOUND)
    long_file = run.folder / "fees_long.yaml"
    long_file.write_text("# " + "x" * 1048600)
    expect("a file that is too long is sent", "1 MiB" in scene.ctl("version", "propose", long_file, code=USAGE))
    scene.ctl("version", "propose", run.folder / "tokens", code=USAGE)
    outcomes = [entry["outcome"] for entry in audit(run) if entry["action"] == "POST /api/v1/versions"]
    expect(f"the audit file does not tell what was tried: {outcomes}", outcomes == ["begun", "failed", "begun", "failed", "denied"])
    run.settle()


def activates_under_load(scene, run):
    before = connections(run)
    fees = scene.rewrite("fees_dearer.yaml", OLD_RATE, NEW_RATE)
    proposed = scene.answer("version", "propose", fees, "--reason", "costs rose")
    expect(f"the proposal has no number of its own: {proposed}", proposed["version"] == 2)
    expect("a proposal is in force", scene.in_force() == 1 and scene.listed()[2]["state"] == "proposed")
    said = scene.ctl("version", "activate", "2", who="ann", code=FAILED)
    expect(f"one person is enough: {said}", "ann proposed version 2" in said and "another operator" in said)
    scene.ctl("version", "activate", "2", who="vic", code=DENIED)
    expect("a refused activation had an effect", scene.in_force() == 1)
    told = scene.answer("version", "activate", "2", who="bea")
    expect(f"it is not told what came in force: {told}", told["version"] == 2 and "instead of 1" in told["text"] and "fees.yaml changed" in told["text"])
    wait_rows(run, 2)
    expect("it cannot be activated twice", "in force already" in scene.ctl("version", "activate", "2", who="bea", code=FAILED))
    expect(f"connections were lost or made anew: {before}, {connections(run)}", connections(run) == before)


def rolls_back_under_load(scene, run):
    lines = [(item["sign"], item["text"].strip()) for item in scene.answer("version", "diff", "1", "2", who="vic")["items"]]
    expect(f"the lines that differ: {lines}", [sign for sign, _ in lines] == ["-", "+"] and "0.60%" in lines[0][1] and "0.61%" in lines[1][1])
    back = scene.answer("version", "roll-back", "--reason", "too dear", who="bea")
    expect(f"a roll-back takes effect at once: {back}", back["version"] == 3 and scene.in_force() == 2)
    expect("one person rolls back", "another operator" in scene.ctl("version", "activate", "3", who="bea", code=FAILED))
    scene.ctl("version", "activate", "3", who="ann")
    wait_rows(run, 3)
    expect("the old rules are not back to the byte", scene.fees_of(3) == scene.fees_of(1) != scene.fees_of(2))
    listed = scene.listed()
    expect(f"it is not told who did what: {listed}",
           [listed[number]["state"] for number in (1, 2, 3)] == ["before", "before", "in force"] and listed[3]["roll_back_of"] == 1
           and (listed[2]["made_by"], listed[2]["in_force_by"], listed[2]["reason"]) == ("ann", "bea", "costs rose")
           and (listed[3]["made_by"], listed[3]["in_force_by"]) == ("bea", "ann"))


def a_second_operator_activates_and_rolls_back_under_load(run):
    """I30, I39, I40."""
    scene = Scene(run, is_patient=True)  # a slow machine is not what is asked for here
    with run.paying(tps=40, seconds=20) as result:
        wait_rows(run, 1)
        activates_under_load(scene, run)
        rolls_back_under_load(scene, run)
    counts = result["counts"]
    expect(f"payments failed: {counts}", counts["declined"] == counts["unknown"] == counts["reversed"] == counts["dropped"] == 0)
    table = rows(run)
    mixed = table.value("SELECT count(*) FROM (SELECT epoch, seq FROM log WHERE ruleset_version > 0 GROUP BY epoch, seq"
                        " HAVING min(ruleset_version) < max(ruleset_version))")
    expect(f"{mixed} payments were decided by two versions", mixed == 0)
    turned = table.value("SELECT count(*) FROM (SELECT ruleset_version - lag(ruleset_version, 1, 0) OVER (ORDER BY position) AS step FROM log"
                         " WHERE kind = 'intent') WHERE step < 0")
    expect(f"an older version decided after a younger one {turned} times", turned == 0)
    seen = [value for value, in table.query("SELECT DISTINCT ruleset_version FROM log WHERE kind = 'intent' ORDER BY 1")]
    expect(f"versions in the log: {seen}", seen == [1, 2, 3])
    told = [(entry["actor"], entry["outcome"]) for entry in audit(run) if entry["action"] == "POST /api/v1/versions/activate/2"]
    expect(f"the audit file does not hold each attempt, begun before it is done: {told}", told == [
        ("ann", "begun"), ("ann", "failed"), ("vic", "denied"), ("bea", "begun"), ("bea", "done"), ("bea", "begun"), ("bea", "failed")])
    begun = [entry for entry in audit(run) if entry["action"] == "POST /api/v1/versions/activate/2" and entry["outcome"] == "begun"][0]
    expect(f"the hashes before and after are not told before the effect: {begun}", "fees.yaml" in begun["text"] and " -> " in begun["text"])
    explained = scene.answer("txn", "search", "--kind", "purchase", "--outcome", "approved", "--limit", "200", who="vic")["items"]
    told = [scene.answer("fee", "explain", item["rrn"], who="vic") for item in (explained[0], explained[-1])]
    expect(f"fees do not explain themselves by the files of their versions: {told}", all(fee["agrees"] for fee in told)
           and len({fee["file"] for fee in told}) == len({fee["ruleset_version"] for fee in told}))
    scene.restart()
    expect("a restart brings another version", scene.in_force() == 3)
    run.settle()
    return f"{counts['approved']} payments by versions {seen}"


def the_later_change_counts(run):
    """A version that was activated counts over restarts and reloads, until the file that the configuration names is changed."""
    scene = Scene(run, terminals=2)
    scene.restart()
    expect("nothing changed, and there is another version", scene.in_force() == 1)
    scene.propose_and_activate(scene.rewrite("fees_61.yaml", OLD_RATE, NEW_RATE))
    scene.signal_reload(" reloaded ")
    scene.restart()
    expect("the version is lost", scene.in_force() == 2 and NEW_RATE in scene.fees_of(2))
    scene.change_on_disk("weight: 1" if "weight: 1" in (scene.files / "routes.yaml").read_text() else "channels: [bank_a, bank_b]",
                         "weight: 2" if "weight: 1" in (scene.files / "routes.yaml").read_text() else "channels: [bank_b, bank_a]", "routes.yaml")
    scene.signal_reload(" reloaded ")
    expect("another file's change undid the fees", scene.in_force() == 3 and NEW_RATE in scene.fees_of(3) and scene.listed()[3]["way"] == "signal")
    scene.change_on_disk(OLD_RATE, "merchant_class: standard, rate: 0.62%")
    scene.signal_reload(" reloaded ")
    expect("a file that was changed later does not count", scene.in_force() == 4 and "rate: 0.62%" in scene.fees_of(4))
    stale = scene.answer("version", "propose", scene.rewrite("fees_63.yaml", "rate: 0.62%", "rate: 0.63%"))["version"]
    scene.change_on_disk("rate: 0.62%", "rate: 0.64%")
    run.switch.stop()
    run.start_switch()
    scene.wait_until_told()
    expect("a file changed while it was down does not count", scene.in_force() == 6 and scene.listed()[6]["way"] == "start")
    said = scene.ctl("version", "activate", stale, who="bea", code=FAILED)
    expect(f"an outdated proposal undoes what came since: {said}", "propose its files again" in said and scene.listed()[stale]["state"] == "outdated")
    (run.log / "versions/000006/fees.yaml").write_text("spoilt")
    said = scene.ctl("version", "roll-back", "4")
    expect("an earlier version cannot be had beside a spoilt one", "version 7 is proposed" in said)
    (run.log / "versions/000004/fees.yaml").write_text("spoilt")
    said = scene.ctl("version", "roll-back", "4", code=FAILED)
    expect(f"a spoilt copy is proposed: {said}", "000004/fees.yaml" in said and "SHA-256" in said)
    run.settle()


def files_do_not_count_where_two_must_agree(run):
    """I40: with versions.by_two_only nobody changes rules by editing files."""
    scene = Scene(run, terminals=2, options={"versions.by_two_only": "true"})
    scene.change_on_disk(OLD_RATE, NEW_RATE)
    scene.signal_reload("rules_ignored", "fees.yaml")
    said = scene.ctl("reload")
    expect(f"nobody is told that the change does not count: {said}", "fees.yaml" in said and "by_two_only" in said and scene.in_force() == 1)
    scene.restart()
    expect("a restart brings it in force", scene.in_force() == 1 and len(run.lines("fees.yaml", "by_two_only")) >= 3)
    number = scene.propose_and_activate(scene.files / "fees.yaml")
    expect("two cannot bring it in force", scene.in_force() == number == 2 and NEW_RATE in scene.fees_of(2))
    run.settle()


def numbers_go_on_where_the_versions_were_lost(run):
    """A number stands in rows of the log, so it never comes again, even when the folder is removed."""
    scene = Scene(run, terminals=10)
    for number, (old, new) in enumerate((("0.60%", "0.61%"), ("0.60%", "0.62%"), ("0.60%", "0.63%")), 2):
        expect("a number is left out", scene.propose_and_activate(scene.rewrite("fees_next.yaml", f"standard, rate: {old}", f"standard, rate: {new}")) == number)
    run.pay(tps=20, seconds=2)
    run.switch.stop()
    shutil.rmtree(run.log / "versions")
    (run.log / "versions.floor").unlink()  # the rows of the log are asked
    run.start_switch()
    scene.wait_until_told()
    expect(f"a number came again: {scene.in_force()}", scene.in_force() == 5)
    run.switch.stop()
    shutil.rmtree(run.log / "versions")  # 5 has decided nothing yet, so no row names it
    run.start_switch()
    scene.wait_until_told()
    expect(f"a number came again: {scene.in_force()}", scene.in_force() == 6)
    run.settle()


def tracee(strace):
    """The process that strace, by its id, has started."""
    return int(pathlib.Path(f"/proc/{strace}/task/{strace}/children").read_text().split()[0])


def stop_traced(run):
    """strace's own child goes first, which does not die with it."""
    if run.switch.process.poll() is None:
        os.kill(tracee(run.switch.pid), signal.SIGKILL)
    run.switch.process.wait(20)


def try_act(scene, *words, who):
    """Whether the act was answered as done: the switch may die meanwhile."""
    command = [scene.run.program("tillwayctl"), "--json", "--url", f"https://127.0.0.1:{scene.run.admin_port}", "--ca", scene.run.folder / "server.crt",
               "--token-file", scene.run.folder / f"{who}.token", *words]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)["version"] if done.returncode == OK else None


# strace counts each call of each thread by itself; what is proposed and what is activated each has a thread of its own.
STAGE = ("", "new", "new/fees.yaml", "new/routes.yaml", "new/version.json")
PROPOSING = (("rename", STAGE, 1), *(("fsync", STAGE, when) for when in (6, 2, 1, 3, 4, 5)))  # 5: the folder itself; 6: the one it lies in
ACTIVATING = (("fsync", ("{}/version.json.new",), 1), ("rename", ("{}/version.json", "{}/version.json.new"), 1), ("fsync", ("{}",), 1))
SHORT_COUNT = 3  # of the first


def kill_at(scene, calls, names, when):
    """A proposal and its activation by a switch that dies at that call on those paths, counted from 1. Whether it died, and at which act."""
    run, folder = scene.run, scene.run.log / "versions"
    before, following = scene.in_force(), int((run.log / "versions.floor").read_text()) + 1
    run.switch.stop()
    paths = [folder / name.format(f"{following:06}") for name in names]
    run.prefix = ["strace", "-f", "-qqq", "-o", "/dev/null", *(word for path in paths for word in ("-P", path)), "-e", f"trace={calls}",
                  "-e", f"inject={calls}:signal=SIGKILL:when={when}", "--"]
    run.start_switch()
    scene.wait_until_told()
    fees = scene.rewrite("fees_kill.yaml", OLD_RATE, f"merchant_class: standard, rate: {1 + following / 100:.2f}%")
    proposed = try_act(scene, "version", "propose", fees, who="ann")
    activated = try_act(scene, "version", "activate", following, who="bea") if proposed else None
    died = "proposing" if proposed is None else "activating" if activated is None else None
    if died:
        run_folder.wait_until("the switch is dead", 20, lambda: run.switch.process.poll() is not None, 0.05)
    stop_traced(run)
    run.prefix = []
    run.start_switch()
    scene.wait_until_told()
    check_after_kill(scene, f"killed at {calls} number {when}", before, (following, proposed, activated))
    return died


def check_after_kill(scene, what, before, acts):
    following, proposed, activated = acts
    folder, now, listed = scene.run.log / "versions", scene.in_force(), scene.listed()
    expect(f"{what}: {now} in force after {before}", now in (before, following))
    expect(f"{what}: what was answered is lost: {acts}, {listed}", (proposed is None or following in listed) and (activated is None or now == following))
    expect(f"{what}: it is in force and nobody activated it", now == before or proposed is not None)
    expect(f"{what}: the list says another version than the switch: {listed[now]}", listed[now]["state"] == "in force")
    for name, said in scene.answer("version", "show", now, who="vic")["files"].items():
        found = subprocess.run(["sha256sum", folder / f"{now:06}" / name], capture_output=True, text=True, check=True).stdout.split()[0]
        expect(f"{what}: a torn copy of {name}", found == said["sha256"])
    expect(f"{what}: half a version is left", not (folder / "new").exists() and not list(folder.glob("*/*.new")))


def a_crash_at_any_step_leaves_the_old_version_or_the_new(run):
    """F1: killed at each sync, renaming and making of a folder between a proposal and its activation."""
    if shutil.which("strace") is None:
        return "strace is not there: nothing was tried"
    scene = Scene(run, terminals=2)
    points = [(*point, "proposing") for point in (PROPOSING if run.is_long else PROPOSING[:SHORT_COUNT])]
    points += [(*point, "activating") for point in ACTIVATING]
    for calls, names, when, act in points:
        expect(f"it outlived {calls} number {when} of {act}", kill_at(scene, calls, names, when) == act)
    run.settle()
    return f"{len(points)} kills"


STORIES = [a_bad_proposal_is_refused_with_its_place, a_second_operator_activates_and_rolls_back_under_load, the_later_change_counts,
           files_do_not_count_where_two_must_agree, numbers_go_on_where_the_versions_were_lost, a_crash_at_any_step_leaves_the_old_version_or_the_new]

if __name__ == "__main__":
    sys.exit(stage.tell(STORIES, __doc__))
