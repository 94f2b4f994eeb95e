"""A disk whose power can be cut: what was not synced is gone, what was is there.

An ext4 file system over a loop device over nbdkit with a write-back cache: a write stays in the cache until the file system flushes it, as
in a drive with a volatile cache. cut() freezes the server, copies what had reached the medium, and puts that copy in place of the disk.
Needs root, loop devices and FUSE.

Life: FragileDisk -> mount -> (hold -> drop -> mount) ... -> close
"""
import concurrent.futures
import os
import pathlib
import shutil
import socket
import subprocess
import time

SYNC_S, WAIT_S = 120, 60  # a file system over FUSE waits for many that want a processor


def missing():
    """Why this machine cannot have one; empty when it can."""
    for tool in ("nbdkit", "nbdfuse", "losetup", "mkfs.ext4", "mount"):
        if shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            return f"{tool} is not installed; `./dev test system` installs it"
    if os.geteuid() != 0:
        return "a file system can be mounted by root alone"
    for device in ("/dev/loop-control", "/dev/fuse"):
        if not os.path.exists(device):
            return f"this kernel has no {device}"
    return ""


def run(*command, timeout=SYNC_S):
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, env=environment)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: code {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def wait_for(what, is_true):
    deadline = time.monotonic() + WAIT_S
    while not is_true():
        if time.monotonic() > deadline:
            raise OSError(f"{what}: not within {WAIT_S} s")
        time.sleep(0.01)


class FragileDisk:
    def __init__(self, folder, megabytes):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.image, self.at = self.folder / "medium.img", self.folder / "mounted"
        self.at.mkdir()
        self.number, self.loop, self.server, self.fuse, self.is_mounted = 0, None, None, None, False
        self.words = open(self.folder / "servers.log", "ab")
        # nbdkit in the foreground ends with the thread that started it (PR_SET_PDEATHSIG): this one lives as long as the disk.
        self.starter = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", self.image)

    def socket(self, name):
        return self.folder / f"{name}{self.number}.sock"

    def serve(self, *command):
        return self.starter.submit(subprocess.Popen, command, stdin=subprocess.DEVNULL, stdout=self.words, stderr=self.words).result()

    def mount(self):
        self.number += 1
        device = self.folder / f"device{self.number}"
        device.touch()
        self.server = self.serve("nbdkit", "--foreground", "-U", self.socket("nbd"), "--filter=cache", "--filter=pause", "file", self.image,
                                 "cache=writeback", f"pause-control={self.socket('pause')}")
        wait_for("nbdkit listens", self.socket("nbd").exists)
        self.fuse = self.serve("nbdfuse", device, "--unix", self.socket("nbd"))
        wait_for("nbdfuse shows the device", lambda: device.stat().st_size > 0)
        self.loop = run("losetup", "-f", "--show", device)
        run("mount", "-t", "ext4", self.loop, self.at)
        self.is_mounted = True

    def ask(self, word, answer):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(SYNC_S)
            control.connect(str(self.socket("pause")))
            control.send(word)
            if control.recv(1) != answer:
                raise OSError("nbdkit did not obey")

    def hold(self):
        """The power is gone: nothing reaches the medium any more, and whoever syncs waits. What had reached it is kept."""
        self.ask(b"p", b"P")
        run("cp", "--sparse=always", self.image, self.folder / "kept.img")

    def drop(self):
        """After hold(), once the users of the disk are dead or dying: takes the disk away; the next mount() shows what was kept."""
        self.ask(b"r", b"R")
        self.unmount()
        os.replace(self.folder / "kept.img", self.image)

    def unmount(self):
        if self.is_mounted:
            deadline = time.monotonic() + WAIT_S
            while True:  # a process that was killed lets go of its files a moment later
                try:
                    run("umount", self.at)
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
            self.is_mounted = False
        if self.loop:
            run("losetup", "-d", self.loop)
            self.loop = None
        for process in (self.fuse, self.server):
            if process and process.poll() is None:
                process.terminate()
                process.wait(WAIT_S)
        self.fuse = self.server = None

    def close(self):
        if self.server and self.server.poll() is None:
            self.ask(b"r", b"R")
        self.unmount()
        self.starter.shutdown()
