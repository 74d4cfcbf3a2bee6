# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A computer: a virtual machine with a kernel, udev and USB ports of its own, for what namespaces cannot show.

What happens in it reaches neither the disk nor the state that it starts from nor the host, and its keeper ends it when the
process that started it is gone.
"""

import os
import re
import shlex
import subprocess
import tempfile
import time

import booted
import logins
import roots
from administration import Administration, as_user
from machine import CommandFailed
from qemu import Qemu
from usb import Usb
from watching import LabError, wait_for

SSH = ("-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
       "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o", "KexAlgorithms=curve25519-sha256")
INSTALLED = ("/usr/local", "/usr/share/pam_bpfdev", "/usr/share/polkit-1", "/etc/security", "/etc/pam.d")


class Computer(Usb, Administration):
    """One computer. Use it as a context manager, or call boot() and shutdown()."""

    def __init__(self, made, system="plain"):
        """made: what it boots from, a disk.Disk. system: as what, one of booted.SYSTEMS."""
        super().__init__()
        self._disk = made
        self._system = system
        self.suite = made.suite
        self.qemu = None
        self._held = None
        self._master = None
        self._ports = {}

    def __enter__(self):
        return self if self.qemu else self.boot()

    def __exit__(self, *_):
        self.shutdown()

    def boot(self):
        """Starts the computer and waits until all of it runs. Raises LabError."""
        self._held = roots.hold(self._disk.folder)
        self.qemu = Qemu()
        try:
            booted.start(self.qemu, self._disk, self._system)
            self._connect()
        except BaseException as error:
            console = self.qemu.console()
            self.shutdown()
            if isinstance(error, LabError):
                raise LabError(f"{error}\n{console[-4000:]}") from error
            raise
        return self

    def _connect(self):
        """Opens the connection through which run() gives its commands."""
        shown = self.qemu.ask_person("info usernet")
        self._ports = {guest: host for host, guest in re.findall(r"HOST_FORWARD.* 127\.0\.0\.1 +(\d+) +\S+ +(\d+)", shown)}
        self._master = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *self._ssh("2222"), "-M", "-N", "root@127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        wait_for(self._is_connected, "ssh is connected", 120)
        self.run(f"date -s @{time.time()}")  # it goes on at the time of its state

    def _is_connected(self):
        if self._master.poll() is not None:
            raise LabError(f"ssh: {self._master.stderr.read().decode()}")
        return (self.qemu.folder / "ssh").exists()

    def _ssh(self, port):
        control = ("-S", str(self.qemu.folder / "ssh")) if port == "2222" else ()
        return ["ssh", *SSH, *control, "-i", str(self._disk.key), "-p", self._ports[port]]

    def shutdown(self):
        """Ends the computer at once and waits until nothing of it is left. May be called again."""
        if self._master:
            self._master.kill()
            self._master.communicate()
            self._master = None
        if self.qemu:
            self.qemu.end()
            self.qemu = None
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def spawn(self, command, user=None, **options):
        """Starts a command in the computer, as root or user, outside of all sessions, and returns the Popen of the ssh(1)
        that stands for it. Killing that does not end the command.

        command is a list, or a text for bash. options: those of Popen.
        """
        if not isinstance(command, str):
            command = shlex.join(command)
        if user:
            command = shlex.join(as_user(["bash", "-c", command], user))
        return subprocess.Popen([*self._ssh("2222"), "root@127.0.0.1", "--", command], **options)

    def run(self, command, user=None, input=None, check=True, timeout=120):
        """Runs a command in the computer (see spawn), to its end. Returns a CompletedProcess with texts.

        Raises CommandFailed if check is true and its status not 0, TimeoutExpired after timeout seconds.
        """
        feed = subprocess.DEVNULL if input is None else subprocess.PIPE
        with self.spawn(command, user, stdin=feed, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        encoding="utf-8", errors="replace") as process:
            try:
                stdout, stderr = process.communicate(input, timeout)
            except BaseException:
                process.kill()
                raise
        result = subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
        if check and result.returncode != 0:
            raise CommandFailed(result)
        return result

    def wait(self, condition, what, timeout=180, then="true"):
        """Waits in the computer, which is cheaper than to ask again and again, until a shell's condition holds.

        what completes "waited in vain until ...". then: what is to be run thereafter, and must not fail.
        Raises LabError after timeout seconds.
        """
        waiting = f"timeout {timeout} sh -c {shlex.quote(f'until {condition}; do sleep 0.1; done')}"
        if self.run(f"{waiting} && {then}", check=False, timeout=3 * timeout).returncode != 0:
            raise LabError(f"waited {timeout} s in vain until {what}")

    def push(self, source, target, mode=0o644):
        """Copies a file of the host into the computer."""
        with open(source, "rb") as file:
            script = f"cat >{shlex.quote(target)} && chmod {mode:o} {shlex.quote(target)}"
            with self.spawn(script, stdin=file) as process:
                pass
        if process.returncode:
            raise LabError(f"cannot write {target} in the computer")

    def pull(self, source):
        """The bytes of a file in the computer."""
        with self.spawn(["cat", source], stdout=subprocess.PIPE) as process:
            content = process.stdout.read()
        if process.returncode:
            raise LabError(f"cannot read {source} in the computer")
        return content

    def load(self, module):
        """Loads a module of the kernel."""
        self.run(["modprobe", module])

    def unload(self, module):
        """Takes a module out of the kernel."""
        self.run(["modprobe", "-r", module])

    def install_build(self, *variables):
        """Installs the project as class Administration does, and does what is left to do with DESTDIR."""
        super().install_build(*variables)
        if self._system == "selinux":
            self.run(f"restorecon -R {' '.join(INSTALLED)}")
        self.run("udevadm control --reload && systemctl daemon-reload && systemctl enable --now bpfdev-ask.socket")

    def ssh(self, user, command, input=None, timeout=120):
        """Logs user in by ssh for one command. Returns a CompletedProcess; 255 also means that login was refused."""
        return subprocess.run(self.ssh_command(user, command), input=input or "", capture_output=True, timeout=timeout,
                              encoding="utf-8", errors="replace", check=False)

    def ssh_command(self, user, command):
        """The command of the host's that logs user in by ssh to run a command."""
        return [*self._ssh("22"), f"{user}@127.0.0.1", "--", command]

    def terminal_command(self, user):
        """The command of the host's that logs user in at the terminal where it is run; root without a session."""
        return [*self._ssh("2222" if user == "root" else "22"), "-t", f"{user}@127.0.0.1"]

    def login(self, user):
        """Logs user in by ssh and keeps the session open: see logins.Session. Raises LoginRefused."""
        return logins.SshSession(self, user)

    def console_login(self, user):
        """Logs user in at tty1, hence at seat0: see logins.Session. Raises LoginRefused."""
        return logins.ConsoleSession(self, user)

    def log_out_everybody(self):
        """Ends all sessions and user managers, and waits until they are gone."""
        left = "$(ls /sys/fs/cgroup/user.slice | sed -n 's/^user-\\(.*\\)\\.slice$/\\1/p')"
        terminate = "{ loginctl terminate-user $users 2>/dev/null; sleep 0.5; false; }"
        self.wait(f'rm -rf /var/lib/systemd/linger/*; users={left}; [ -z "$users" ] || {terminate}', "all sessions are gone")

    def mark_journal(self):
        """From now on, journal() gives only what is logged after this."""
        self._journal_start = float(self.run("read -r up _ </proc/uptime; echo $up").stdout)

    def journal(self, grep=None, since=None):
        """As class Administration has it."""
        start, self._journal_start = self._journal_start, None
        try:
            lines = super().journal(None, since)
        finally:
            self._journal_start = start
        for number, line in enumerate(lines):
            stamp = re.match(r"\[ *(\d+\.\d+)\]", line)  # the further lines of a message have none
            if since or not start or (stamp and float(stamp[1]) >= start):
                return [line for line in lines[number:] if grep is None or re.search(grep, line)]
        return []

    def users_logged_in(self):
        """The ids of the users that have a session or a user manager."""
        names = self.run("ls /sys/fs/cgroup/user.slice").stdout
        return sorted(map(int, re.findall(r"^user-(\d+)\.slice$", names, re.M)))

    def stick_image(self, files, size="8M", filesystem="ext4"):
        """Makes the image of a stick with a file system and files (name: text) on it, and returns its path."""
        image = self.qemu.folder / f"image{len(list(self.qemu.folder.glob('image*')))}"
        with tempfile.TemporaryDirectory(dir=self.qemu.folder) as tree:
            for name, text in files.items():
                with open(os.path.join(tree, name), "w", encoding="utf-8") as file:
                    file.write(text)
            os.chmod(tree, 0o755)
            subprocess.run(["mke2fs", "-q", "-t", filesystem, "-d", tree, image, size], check=True)
        return image
