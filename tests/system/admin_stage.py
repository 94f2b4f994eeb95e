"""What the tests of the admin port stand on: the demo's processes in a folder of their own, people with a token each, tillwayctl and HTTPS as one of them.

    class Stage(admin_stage.Stage): PEOPLE = {"ann": ["operator"], "eva": ["after-sales", "--agent", "A17"]}
    class Cases(admin_stage.Case): STAGE, ASKED = Stage, ["--terminals", "10"]        sys.exit(admin_stage.main(Cases, "desk_filler"))
"""
import argparse
import importlib.util
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "loadtest"))  # at the end: "demo" is a test of this folder too
spec = importlib.util.spec_from_file_location("demo", ROOT / "loadtest/demo.py")
demo = importlib.util.module_from_spec(spec)
spec.loader.exec_module(demo)
import run_folder  # noqa: E402
PROGRAMS = ("tillwayd", "tillway-admin", "tillwayctl", "tillway-bank", "tillway-load")


class Stage(demo.Demo):
    PEOPLE = {}  # each name with the role and scope of its token; who is not named asks as the first one

    def prepare(self):
        super().prepare()
        for name, words in self.PEOPLE.items():
            made = self.run([self.program("tillway-admin"), "token", "add", name, *words, "--tokens", self.folder / "tokens"])
            (self.folder / f"{name}.token").touch(0o600)
            (self.folder / f"{name}.token").write_text(made)

    def wait_for_admin(self):
        run_folder.wait_until("tillway-admin listens", run_folder.START_S, lambda: self.admin.check() or run_folder.can_connect(self.admin_port))

    def ctl(self, *words, who=""):
        """`who` None: without a token."""
        command = [self.program("tillwayctl"), "--url", f"https://127.0.0.1:{self.admin_port}", "--ca", self.folder / "server.crt"]
        command += [] if who is None else ["--token-file", self.folder / f"{who or next(iter(self.PEOPLE))}.token"]
        return subprocess.run([str(word) for word in (*command, *words)], capture_output=True, text=True, timeout=120)

    def http(self, path, who=None, method="GET", body=None):
        """Code, headers, text."""
        trust = ssl.create_default_context(cafile=self.folder / "server.crt")
        request = urllib.request.Request(f"https://127.0.0.1:{self.admin_port}{path}", method=method, data=body)
        if who:
            request.add_header("Authorization", "Bearer " + (self.folder / f"{who}.token").read_text().strip())
        try:
            with urllib.request.urlopen(request, context=trust, timeout=40) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read().decode()


class Case(unittest.TestCase):
    """Tests that run in the order of their names, on one stage."""

    STAGE, ASKED = Stage, []
    bin = folder = stage = None

    @classmethod
    def setUpClass(cls):
        asked = demo.parse(["--bin", cls.bin, *cls.ASKED])
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tillway-admin-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.stage = cls.STAGE(asked, cls.folder)
        cls.addClassCleanup(cls.stage.close)
        cls.stage.prepare()
        cls.stage.start_all()
        cls.stage.wait_for_admin()


class Result(unittest.TextTestResult):
    """With each failure the last words of all programs, before their folder goes."""

    case = Case

    def addFailure(self, test, fault):
        super().addFailure(test, fault)
        if self.case.folder is not None:
            run_folder.show_logs(self.case.folder)

    addError = addFailure


def main(case, *programs):
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    case.bin = os.path.abspath(parser.parse_args().bin)
    for name in (*PROGRAMS, *programs):
        if not os.path.isfile(os.path.join(case.bin, name)):
            print(f"{name} is not built")
            return 77
    Result.case = case
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    result = unittest.TextTestRunner(verbosity=2, failfast=False, resultclass=Result).run(suite)
    return 0 if result.wasSuccessful() else 1
