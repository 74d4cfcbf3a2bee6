# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A machine of small size to run the command on: a mount namespace with accounts, devices and a policy of its own."""

import json
import os
import pathlib
import pty
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
COMMAND = TOP / os.environ.get("BUILD", "build") / "bpfdev"
VENDOR = pathlib.Path("/usr/share/pam_bpfdev")
MAIN = "/etc/security/bpfdev.conf"
DROPINS = "/etc/security/bpfdev.d"

PASSWD = """root:x:0:0::/root:/bin/sh
daemon:x:1:1::/:/bin/sh
greeter:x:120:120::/:/bin/sh
alice:x:1000:1000::/home/alice:/bin/sh
bob:x:1001:1001::/home/bob:/bin/sh
carol:x:1002:1002::/home/carol:/bin/sh
nobody:x:65534:65534::/:/bin/sh
"""
GROUP = """root:x:0:
greeter:x:120:
alice:x:1000:
bob:x:1001:
carol:x:1002:
students:x:2000:carol,alice
staff:x:2001:bob
nogroup:x:65534:
"""
FILES = {"passwd": PASSWD, "group": GROUP, "login.defs": "UID_MIN 1000\n",
         "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n"}
USERS = {"root": 0, "alice": 1000, "bob": 1001, "carol": 1002, "nobody": 65534}
COPIED = ("ld.so.cache", "ld.so.conf", "localtime")
# Majors that the kernel has not assigned for good begin at 234.
DEVICES = """Character devices:
  1 mem
  4 tty
  5 /dev/tty
 10 misc
 81 video4linux
136 pts
240 zork
241 zorkctl

Block devices:
  8 sd
  7 loop
242 zram
"""


class Result:
    """What a run of the command came to. Attributes: code; out and err, both text."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = (done.stdout or b"").decode()
        self.err = (done.stderr or b"").decode()

    def __repr__(self):
        return f"exit {self.code}\n{self.out}--- stderr:\n{self.err}"

    @property
    def lines(self):
        """The lines of standard output."""
        return self.out.splitlines()

    def json(self):
        """Standard output as JSON, which is all of it."""
        return json.loads(self.out)


class Place:
    """The namespace. Paths are those that programs in it see."""

    def __init__(self, folder):
        self._folder = folder
        for name in ("etc", "vendor"):
            (folder / name).mkdir()
        for name in COPIED:
            if pathlib.Path("/etc", name).exists():
                shutil.copy(pathlib.Path("/etc", name), folder / "etc" / name)
        (folder / "devices").touch()
        (folder / "sys/dev").mkdir(parents=True)
        (folder / "sys/devices").mkdir()
        (folder / "sys/bus").mkdir()
        self._keeper = subprocess.Popen(["unshare", "--mount", "--propagation", "private", HERE / "stage", folder,
                                         COMMAND, VENDOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self._keeper.stdout.readline() != b"ready\n":
            raise RuntimeError("the namespace cannot be set up: see above")
        self.reset()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._keeper.stdin.close()
        self._keeper.wait()

    def path(self, path):
        """A path in the namespace, as seen from outside."""
        return pathlib.Path(f"/proc/{self._keeper.pid}/root{path}")

    def write(self, path, content, user="root", mode=0o644):
        """Writes a file that belongs to @user, and makes the folders that it is in. Returns the path as text."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        os.chown(file, USERS[user], USERS[user])
        file.chmod(mode)
        return str(path)

    def reset(self):
        """The accounts and devices that every test begins with, an empty policy, the classes that ship, homes."""
        for name, text in FILES.items():
            self.write(f"/etc/{name}", text)
        self.devices(DEVICES)
        self._unplug()
        shutil.rmtree(self.path("/etc/security"), ignore_errors=True)
        self.path(DROPINS).mkdir(parents=True)
        shutil.copy(TOP / "conf" / "classes.conf", self._folder / "vendor")
        for user, uid in USERS.items():
            home = self.path(f"/home/{user}")
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            os.chown(home, uid, uid)

    def plug(self, device, name, usb=None, links=(), tags=()):
        """Has sysfs and udev know a device, "b 8:0", that the kernel calls @name; @usb: "VENDOR:PRODUCT[:SERIAL]". Its
        node is not made."""
        kind, numbers = device.split()
        path = f"/sys/devices/virtual/{name}"
        if usb:
            port = f"/sys/devices/pci0000:00/usb1/1-{usb.replace('/', '_')}"
            path = f"{port}/1:1.0/{name}"
            for attribute, value in zip(("idVendor", "idProduct", "serial"), usb.split(":", 2)):
                self.write(f"{port}/{attribute}", f"{value}\n")
            self.write(f"{port}/bDeviceClass", "00\n")
            listed = self.path(f"/sys/bus/usb/devices/{port.rpartition('/')[2]}")
            listed.parent.mkdir(parents=True, exist_ok=True)
            listed.unlink(missing_ok=True)
            listed.symlink_to(f"../../..{port.removeprefix('/sys')}")
        self.write(f"{path}/uevent", f"DEVNAME={name}\n")
        link = self.path(f"/sys/dev/{'block' if kind == 'b' else 'char'}/{numbers}")
        link.symlink_to(f"../..{path.removeprefix('/sys')}")
        lines = [f"S:{link}" for link in links] + [f"{letter}:{tag}" for tag in tags for letter in "GQ"]
        self.write(f"/run/udev/data/{kind}{numbers}", "\n".join([*lines, "V:1", ""]))
        for link in links:
            self.write(f"/run/udev/links/{link.replace('/', chr(92) + 'x2f')}/{kind}{numbers}", "")
        for tag in tags:
            self.write(f"/run/udev/tags/{tag}/{kind}{numbers}", "")

    def _unplug(self):
        for folder in ("/sys/dev", "/sys/devices", "/sys/bus", "/run/udev"):
            for path in (self.path(folder).iterdir() if self.path(folder).exists() else ()):
                shutil.rmtree(path)
        for folder in ("/sys/dev/char", "/sys/dev/block", "/run/udev"):
            self.path(folder).mkdir(exist_ok=True)

    def devices(self, text):
        """Makes @text what /proc/devices says. In place: a file that is mounted over another is that file."""
        (self._folder / "devices").write_text(text, encoding="utf-8")

    def command(self, words, user=None, env=None, cwd="/"):
        """The words as they must be started to run in the namespace, as @user, in the folder @cwd."""
        inside = ["env", "-i", "PATH=/run/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TERM=xterm",
                  *(f"{name}={value}" for name, value in (env or {}).items())]
        if user:
            inside = ["setpriv", f"--reuid={USERS[user]}", f"--regid={USERS[user]}", "--clear-groups", *inside]
        return ["nsenter", "-t", str(self._keeper.pid), "-m", f"--wd={self.path(cwd)}", "--", *inside, *words]

    def run(self, *words, user=None, env=None, cwd="/", stdin=None, stdout=subprocess.PIPE):
        """Runs a command to its end; @stdin: bytes. Returns its Result."""
        feed = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        return Result(subprocess.run(self.command([*map(_word, words)], user, env, cwd), **feed, stdout=stdout,
                                     stderr=subprocess.PIPE, check=False, timeout=120))

    def run_on_terminal(self, *words, user=None, env=None, cwd="/"):
        """The same with a terminal as standard output. Its line ends are taken back to "\\n"."""
        ours, theirs = pty.openpty()
        with open(theirs, "wb", buffering=0) as terminal:
            process = subprocess.Popen(self.command([*map(_word, words)], user, env, cwd), stdin=subprocess.DEVNULL,
                                       stdout=terminal, stderr=subprocess.PIPE)
        shown = b""
        with open(ours, "rb", buffering=0) as terminal:
            try:
                while piece := terminal.read(65536):
                    shown += piece
            except OSError:  # EIO: nobody has the other end open any more
                pass
        _, err = process.communicate()
        return Result(subprocess.CompletedProcess([], process.returncode, shown.replace(b"\r\n", b"\n"), err))


def _word(word):
    return word if isinstance(word, bytes) else str(word)
