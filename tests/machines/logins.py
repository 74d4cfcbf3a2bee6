# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Logins to a computer that stay open, with a shell in them that takes commands."""

import re
import subprocess

from sessions import BASH, LoginRefused
from shell import Shell, ShellEnded
FIFOS = "/run/lab/in /run/lab/out /run/lab/err"  # see finish
# Connects the FIFOs to the three streams.
BRIDGE = "cat /run/lab/out & cat /run/lab/err >&2 & exec cat >/run/lab/in"


def hang_up(process):
    """Ends an ssh(1), without waiting for what it was connected to: the connection that all share keeps its pipes open."""
    process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()
    process.wait()


class Session:
    """An open login. Attributes: user; cgroup, where its shell runs ("/user.slice/..."); id, logind's name of it.

    run(command, check=False, timeout=120) runs a command in that very shell. A Session is a context manager.
    """

    def __init__(self, machine, user, process):
        self.machine = machine
        self.user = user
        self._process = process
        self._shell = Shell(*(pipe.fileno() for pipe in (process.stdin, process.stdout, process.stderr)))
        self.cgroup = re.search("^0::(.*)$", self._shell.run("cat /proc/self/cgroup", timeout=120).stdout, re.M)[1]
        scope = re.search(r"/session-([^/]+)\.scope", self.cgroup)
        self.id = scope and scope[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, command, check=False, timeout=120):
        """Runs a command in the session's shell: see shell.Shell.run."""
        return self._shell.run(command, check, timeout)

    def close(self):
        """Logs out and waits until nothing of the session is left. May be called again."""
        if self._process:
            self._shell.end()
            self._disconnect()
            self.machine.wait(f"[ ! -d /sys/fs/cgroup{self.cgroup} ]", f"nothing of {self.cgroup} is left")

    def _disconnect(self):
        """Drops the connection, whether or not somebody is at its other end."""
        if self._process:
            hang_up(self._process)
            self._process = None


class SshSession(Session):
    """A login by ssh(1) from another machine."""

    def __init__(self, machine, user):
        process = subprocess.Popen(machine.ssh_command(user, BASH), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, bufsize=0)
        try:
            super().__init__(machine, user, process)
        except ShellEnded as error:
            self._disconnect()
            raise LoginRefused(f"ssh {user}: {error}") from None


class ConsoleSession(Session):
    """A login by agetty(8) and login(1) on the first virtual terminal, which asks for no password."""

    def __init__(self, machine, user):
        # Stopped first: one that systemd starts by itself, as somebody has just logged out, would take the name.
        machine.run("systemctl stop getty@tty1 && "
                    f"rm -rf /run/lab && mkdir /run/lab && mkfifo {FIFOS} && chown -R {user} /run/lab && "
                    f"echo {user} >/run/lab/autologin && systemctl start getty@tty1")
        process = machine.spawn(BRIDGE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        try:
            self._await_shell(machine, user)
        except LoginRefused:
            hang_up(process)
            raise
        super().__init__(machine, user, process)

    @staticmethod
    def _await_shell(machine, user):
        """Until login(1) has come to a shell. Raises LoginRefused if the terminal asks who is there instead."""
        machine.wait("[ -e /run/lab/shell ] || pgrep -f '^/sbin/agetty --noclear' >/dev/null", f"{user} gets a shell")
        if machine.run("test -e /run/lab/shell", check=False).returncode != 0:
            raise LoginRefused("\n".join(machine.journal(r"(getty|login)\[")))
