# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Logins that stay open, with a shell in them that takes commands."""

import contextlib
import fcntl
import os
import re
import secrets
import select
import shlex
import signal
import struct
import subprocess

import cgroups
from shell import Shell, ShellEnded
from watching import LabError, wait_for

_TIOCSPTLCK, _TIOCGPTN = 0x40045431, 0x80045430  # asm-generic/ioctls.h; module termios lacks them
BASH = "exec bash --norc --noprofile"


class LoginRefused(LabError):
    """The login did not lead to a shell; the text is what the user was told."""


class Session:
    """An open login. Attributes: user; cgroup, where its shell runs, as the machine sees it ("/user.slice/...").

    run(command, check=False, timeout=60) runs a command in that very shell. A Session is a context manager.
    """

    def __init__(self, machine, user):
        self.machine = machine
        self.user = user
        self._shell = None
        self._leader = None
        self.cgroup = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def id(self):
        """logind's name of the session, from that of its scope; None outside a session scope."""
        scope = re.search(r"/session-([^/]+)\.scope", self.cgroup)
        return scope and scope[1]

    def run(self, command, check=False, timeout=60):
        """Runs a command in the session's shell: see shell.Shell.run."""
        if self._leader is None:
            raise LabError(f"the session of {self.user} is over")
        return self._shell.run(command, check, timeout)

    def _look_around(self):
        """Learns where the shell is, and which process is the login program that will close the PAM session."""
        told = self._shell.run("echo $$; while IFS= read -r l; do [ \"${l#0::}\" = \"$l\" ] || echo \"${l#0::}\"; "
                               "done </proc/self/cgroup")
        pid, self.cgroup = told.stdout.split()
        parent = _parent(_host_pid(self.machine.cgroup / self.cgroup[1:], int(pid)))
        # sshd gives up its privileges in a child of its own; PAM stays with the parent.
        if os.stat(f"/proc/{parent}").st_uid != 0:
            parent = _parent(parent)
        self._leader = os.pidfd_open(parent)

    def leader_lives(self):
        """Whether the login program (sshd, login) that opened the PAM session still runs."""
        return self._leader is not None and not select.select([self._leader], [], [], 0)[0]

    def _await_end(self):
        wait_for(lambda: not self.leader_lives(), f"the session of {self.user} is closed")
        os.close(self._leader)
        self._leader = None
        self._disconnect()

    def close(self):
        """Logs out in order and waits until the login program has closed the PAM session. May be called again."""
        if self._leader is not None:
            self._shell.end()
            self._await_end()

    def hang_up(self):
        """Loses the connection, or the terminal, and waits until the login program has noticed."""
        self._disconnect()
        self._await_end()

    def kill(self):
        """Kills the login program with SIGKILL, so that nobody closes the PAM session."""
        signal.pidfd_send_signal(self._leader, signal.SIGKILL)
        self._await_end()

    def _disconnect(self):
        raise NotImplementedError


class SshSession(Session):
    """A login by ssh(1) over the machine's loopback."""

    def __init__(self, machine, user):
        super().__init__(machine, user)
        self._client = machine.spawn(["ssh", "-T", f"{user}@127.0.0.1", BASH], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        pipes = (self._client.stdin, self._client.stdout, self._client.stderr)
        self._shell = Shell(*(pipe.fileno() for pipe in pipes))
        try:
            self._look_around()
        except ShellEnded as error:
            self._disconnect()
            raise LoginRefused(f"ssh {user}: {error}") from None

    def _disconnect(self):
        if not self._client:
            return
        with contextlib.suppress(OSError):
            (self._client.cgroup / "cgroup.kill").write_text("1", encoding="ascii")
        for pipe in (self._client.stdin, self._client.stdout, self._client.stderr):
            pipe.close()
        self._client.wait()
        self._client = None


class ConsoleSession(Session):
    """A login by login(1) on a terminal of the machine, with a pseudo-terminal in the place of /dev/TTY.

    The shell's standard streams are pipes, as in a session by ssh; the terminal is its controlling one.
    """

    def __init__(self, machine, user, tty):
        super().__init__(machine, user)
        self.tty = tty
        self._folder = f"/run/lab/{secrets.token_hex(4)}"
        self._terminal = _open_terminal(machine, tty)
        self._descriptors = [self._terminal]
        login = f"exec setsid --ctty --wait login -f {shlex.quote(user)} <>/dev/{tty} >&0 2>&0"
        self._said = b""
        self._login = machine.spawn(login, start_new_session=True)
        try:
            self._connect()
            self._look_around()
        except (ShellEnded, LoginRefused):
            self._disconnect()
            raise LoginRefused(f"login {user}: {self._said.decode(errors='replace')}") from None

    def _connect(self):
        """Has the login shell replaced by one that reads from and writes to pipes."""
        names = [f"{self._folder}/{name}" for name in ("in", "out", "err")]
        self.machine.run(f"mkdir -p {self._folder} && mkfifo {' '.join(names)} && chown {self.user} {' '.join(names)}")
        paths = [self.machine.path(name) for name in names]
        outputs = [os.open(path, os.O_RDONLY | os.O_NONBLOCK) for path in paths[1:]]
        self._descriptors += outputs
        typed = f"{BASH} <{names[0]} >{names[1]} 2>{names[2]}\n"
        commands = wait_for(lambda: self._open_input(paths[0], typed), f"{self.user} gets a shell")
        self._descriptors.append(commands)
        self._shell = Shell(commands, *outputs)

    def _open_input(self, path, typed):
        """What login(1) finds typed before it sets up the terminal is lost: so it is typed again until it works."""
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            pass
        self._listen()
        if self._login.poll() is not None:
            raise LoginRefused
        if self._said.rstrip().endswith((b"$", b"#")):
            self._said = b""
            os.write(self._terminal, typed.encode())
        return None

    def _listen(self):
        # EIO: login(1) hangs the terminal up before it opens it anew.
        with contextlib.suppress(BlockingIOError, OSError):
            self._said += os.read(self._terminal, 65536)

    def terminal_output(self):
        """What the terminal showed and nobody has read yet, such as messages of PAM modules."""
        self._listen()
        said, self._said = self._said, b""
        return said.decode(errors="replace")

    def _disconnect(self):
        while self._descriptors:
            os.close(self._descriptors.pop())
        self._login.wait()


def _open_terminal(machine, tty):
    """Makes a pseudo-terminal in the machine, bound to /dev/TTY, and returns its master."""
    master = os.open(machine.path("/dev/pts/ptmx"), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    (number,) = struct.unpack("i", fcntl.ioctl(master, _TIOCGPTN, struct.pack("i", 0)))
    machine.run(f"touch /dev/{tty}; umount -q /dev/{tty}; mount --bind /dev/pts/{number} /dev/{tty}")
    return master


def _parent(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
        return int(re.search(r"^PPid:\s+(\d+)$", status.read(), re.MULTILINE)[1])


def _host_pid(cgroup, pid):
    """The host's id of the process in this cgroup that has the id pid in the machine."""
    for candidate in cgroups.pids(cgroup):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{candidate}/status", encoding="utf-8", errors="replace") as status:
                if re.search(rf"^NSpid:.*\s{pid}$", status.read(), re.MULTILINE):
                    return candidate
    raise LabError(f"process {pid} is not in {cgroup}")
