# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A mount namespace with users, PAM services and a policy of its own, and programs that run in it."""

import os
import pathlib
import shutil
import subprocess

from client import Client
from logreader import LogReader

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
MODULE = TOP / "build" / "pam_bpfdev.so"
VENDOR = pathlib.Path("/usr/share/pam_bpfdev")

PASSWD = """root:x:0:0::/root:/bin/sh
daemon:x:1:1::/:/bin/sh
greeter:x:120:120::/:/bin/sh
alice:x:1000:1000::/:/bin/sh
bob:x:1001:1001::/:/bin/sh
carol:x:1002:1002::/:/bin/sh
nobody:x:65534:65534::/:/bin/sh
"""
GROUP = """root:x:0:
alice:x:1000:
bob:x:1001:
carol:x:1002:
students:x:2000:carol
nogroup:x:65534:
"""
FILES = {"passwd": PASSWD, "group": GROUP, "login.defs": "UID_MIN 1000\n",
         "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
         "pam.d/other": "".join(f"{kind} required pam_deny.so\n" for kind in ("auth", "account", "session"))}
COPIED = ("ld.so.cache", "ld.so.conf", "localtime")

# The kernel's own devices, so that they can be opened on any machine.
POLICY = """alice allow *
alice deny c 1:5
alice deny c 1:7 w
alice deny c 1:9 m
"""


def build_client(folder):
    """Compiles into the folder what runs in the namespace. Returns the paths of the client and of failing.so."""
    compiler = [*os.environ.get("CC", "cc").split(), "-O1", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra"]
    client, failing = folder / "client", folder / "failing.so"
    for command in ([*compiler, "-o", client, *sorted(HERE.glob("client*.c")), "-lpam", "-ldl"],
                    [*compiler, "-shared", "-fPIC", "-o", failing, HERE / "failing.c"]):
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
    return client, failing


class World:
    """The namespace. Attributes: etc, its /etc; log, what is logged in it (LogReader)."""

    def __init__(self, folder):
        self.etc = folder / "etc"
        self._write_etc()
        self._keeper = subprocess.Popen(["unshare", "--mount", "--propagation", "private", HERE / "stage", self.etc,
                                         VENDOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self._keeper.stdout.readline() != b"ready\n":
            raise RuntimeError("the namespace cannot be set up: see above")
        self.log = LogReader(self.path("/dev/log"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._keeper.stdin.close()
        self._keeper.wait()

    def _write_etc(self):
        self.etc.mkdir(parents=True)
        for name in COPIED:
            if pathlib.Path("/etc", name).exists():
                shutil.copy(pathlib.Path("/etc", name), self.etc / name)
        self.reset()

    def write(self, name, text):
        """Writes a file below /etc; it looks as if that had been long ago, so that no login waits until it is whole."""
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        os.utime(path, (0, 0))

    def policy(self, text):
        """Makes @text the policy."""
        self.write("security/bpfdev.conf", text)

    def service(self, name, arguments="", control="required", module=MODULE, more=""):
        """Makes a PAM service whose session stack has the module, and the lines @more behind it."""
        self.write(f"pam.d/{name}", "auth required pam_permit.so\naccount required pam_permit.so\n"
                                    f"session {control} {module} {arguments}\n{more}")

    def reset(self):
        """The accounts, services and policy that every test begins with."""
        for name, text in FILES.items():
            self.write(name, text)
        shutil.rmtree(self.etc / "security", ignore_errors=True)
        (self.etc / "security").mkdir()
        for name in ("alone", "sshd-test", "login-test", "systemd-user"):
            self.service(name)
        self.service("usual", more="session required pam_permit.so\n")
        self.policy(POLICY)

    def path(self, path):
        """A path in the namespace, as seen from outside."""
        return pathlib.Path(f"/proc/{self._keeper.pid}/root{path}")

    def command(self, cgroup, command, inside=None):
        """The command as it must be started to run in the namespace and in @cgroup (None: that of the tests).

        @inside: a shell command to be run before it, in one more namespace below this one.
        """
        enter = ["nsenter", "-t", str(self._keeper.pid), "-m", "--"]
        if inside:
            enter += ["unshare", "--mount", "--propagation", "private", "sh", "-euc", f'{inside}\nexec "$@"', "sh"]
        if cgroup:
            enter = ["sh", "-euc", 'echo 0 >"$0"; exec "$@"', str(cgroup / "cgroup.procs"), *enter]
        return [*enter, *map(str, command)]

    def run(self, cgroup, *command):
        """Runs a command to its end. Returns its CompletedProcess."""
        return subprocess.run(self.command(cgroup, command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=60)

    def client(self, program, cgroup, inside=None, prefix=()):
        """Starts the client; @prefix: words before its name."""
        return Client(self.command(cgroup, [*prefix, program], inside))
