# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A machine: real systemd, logind, sshd, cron and login(1) in namespaces of their own, up in about a second.

Nothing in it outlives it and nothing outside knows of it: its files are an overlay on a tmpfs in a private mount
namespace, its processes are in one cgroup, and a keeper ends them when the process that booted it is gone.
"""

import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

import bpf
import cgroups
import roots
import sessions
from administration import Administration, as_user
from watching import LabError, wait_for

HERE = pathlib.Path(__file__).resolve().parent
NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc", "--net")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}


class CommandFailed(LabError):
    """A command in the machine ended with another status than 0. Attribute result: its CompletedProcess."""

    def __init__(self, result):
        super().__init__(f"{result.args!r} ended with {result.returncode}\n{result.stdout}{result.stderr}")
        self.result = result


class Machine(Administration):
    """One machine. Use it as a context manager, or call boot() and shutdown().

    suite: whose root it runs, one of roots.SUITES; recipe: one of roots. Attributes once booted: cgroup, the path of the
    cgroup root; pid, the host's id of its systemd.
    """

    def __init__(self, suite=roots.SUITES[0], recipe=roots.LAB):
        self.suite = suite
        self._recipe = recipe
        self.cgroup = None
        self.pid = None
        self._keeper = None
        self._log = None
        self._root = None
        self._serial = itertools.count(1)

    def __enter__(self):
        return self.boot()

    def __exit__(self, *_):
        self.shutdown()

    def boot(self, timeout=60):
        """Starts the machine and waits until systemd says that all of it runs. Raises LabError, roots.RootError."""
        root = roots.root(self.suite, self._recipe)
        cgroups.sweep()
        self.cgroup = cgroups.create()
        try:
            self._start(root)
            wait_for(self._find_init, f"systemd of {self.suite} starts", timeout)
            (self.cgroup / "lab").mkdir()
            wait_for(self._is_up, f"{self.suite} comes up", timeout)
            # Only now: systemd and journald would write to these, which are the host's.
            self.make_node("/dev/console", "c", 5, 1, mode=0o600)
            self.make_node("/dev/kmsg", "c", 1, 11, mode=0o644)
        except BaseException as error:
            said = self._boot_log()
            self.shutdown()
            if isinstance(error, LabError):
                raise LabError(f"{error}\n{said}") from error
            raise
        return self

    def _start(self, root):
        self._root = roots.hold(root)
        self._log = tempfile.TemporaryFile("w+")
        mountpoint = roots.cache_folder() / "mnt"
        mountpoint.mkdir(exist_ok=True)
        self._keeper = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "keeper.py"), str(self.cgroup), "unshare", *NAMESPACES,
             "--propagation", "private", str(HERE / "stage"), str(root), str(mountpoint)],
            stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, start_new_session=True)

    def _find_init(self):
        if self._keeper.poll() is not None:
            raise LabError("the machine's keeper ended")
        self.pid = next(iter(cgroups.pids(self.cgroup / "init.scope")), None)
        return self.pid

    def _is_up(self):
        state = self.run("systemctl is-system-running --wait", check=False).stdout.strip()
        if state == "degraded":
            raise LabError(self.run("systemctl --failed --no-pager; journalctl --no-pager -n 50").stdout)
        return state == "running"

    def _boot_log(self):
        if not self._log:
            return ""
        self._log.seek(0)
        return self._log.read()

    def shutdown(self):
        """Ends the machine at once and waits until nothing of it is left. May be called again."""
        if self._keeper:
            self._keeper.stdin.close()
            self._keeper.wait()
            self._keeper = None
        if self.cgroup:
            cgroups.destroy(self.cgroup)
        if self._log:
            self._log.close()
            os.close(self._root)
        self.cgroup = self.pid = self._log = self._root = None

    def spawn(self, command, user=None, **options):
        """Starts a command in the machine, as root or user, and returns its Popen. options: those of Popen.

        command is a list, or a text for bash. It runs in a cgroup of its own that belongs to no unit and no session, so
        no filter ever applies to it; Popen's attribute cgroup is that cgroup.
        """
        if isinstance(command, str):
            command = ["bash", "-c", command]
        if user:
            command = as_user(command, user)
        leaf = self.cgroup / "lab" / str(next(self._serial))
        leaf.mkdir()
        process = subprocess.Popen(self._entering(leaf) + command, env=ENVIRONMENT, **options)
        process.cgroup = leaf
        return process

    def _entering(self, leaf):
        enter = 'echo 0 >"$0" && exec "$@"'
        return ["sh", "-c", enter, str(leaf / "cgroup.procs"),
                "nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "--"]

    def run(self, command, user=None, input=None, check=True, timeout=60):
        """Runs a command in the machine (see spawn), to its end. Returns a CompletedProcess with texts.

        Raises CommandFailed if check is true and its status not 0, TimeoutExpired after timeout seconds.
        """
        feed = subprocess.DEVNULL if input is None else subprocess.PIPE
        process = self.spawn(command, user, stdin=feed, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             encoding="utf-8", errors="replace")
        try:
            stdout, stderr = process.communicate(input, timeout)
        except BaseException:
            # Killing nsenter would leave what it started, for that is another process.
            (process.cgroup / "cgroup.kill").write_text("1", encoding="ascii")
            process.communicate()
            raise
        finally:
            self._forget(process.cgroup)
        result = subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
        if check and result.returncode != 0:
            raise CommandFailed(result)
        return result

    @staticmethod
    def _forget(leaf):
        try:
            leaf.rmdir()
        except OSError:
            pass  # A process that was left in the background; the cgroup goes with the machine.

    def path(self, path):
        """The host's path of a file in the machine. Only for files that no symbolic link leads to."""
        return pathlib.Path(f"/proc/{self.pid}/root{path}")

    def ssh(self, user, command, input=None, timeout=60):
        """Logs user in by ssh for one command. Returns a CompletedProcess; 255 also means that login was refused."""
        return self.run(["ssh", f"{user}@127.0.0.1", command], input=input, check=False, timeout=timeout)

    def ssh_session(self, user):
        """Logs user in by ssh and keeps the session open: see sessions.Session. Raises sessions.LoginRefused."""
        return sessions.SshSession(self, user)

    def console_login(self, user, tty="tty1"):
        """Logs user in by login(1) on /dev/TTY, with no remote host: see sessions.Session. Raises LoginRefused.

        tty1 to tty63 make a session on seat0; they need a kernel with virtual terminals. Any other name makes one
        without a seat.
        """
        return sessions.ConsoleSession(self, user, tty)

    def programs(self):
        """The cgroup_device programs in this machine: {cgroup: [{id, name, attach_type, attach_flags}, ...]}.

        The cgroup is written as the machine sees it, "/user.slice/user-1000.slice/session-1.scope"; those without a
        program are left out.
        """
        found = {}
        for folder in cgroups.folders(self.cgroup):
            try:
                attached = bpf.device_programs(folder)
            except FileNotFoundError:
                continue
            if attached:
                found[str(pathlib.PurePath("/") / folder.relative_to(self.cgroup))] = attached
        return found

    @staticmethod
    def prog_and_map_count():
        """How many BPF programs and maps the whole kernel holds: a pair."""
        return bpf.program_count(), bpf.map_count()

    @staticmethod
    def wait_for(predicate, what, timeout=30):
        """Waits until predicate() is true, and returns what it returned: see watching.wait_for."""
        return wait_for(predicate, what, timeout)
