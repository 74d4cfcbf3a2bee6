# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What an administrator does on a machine: files, accounts, PAM, the policy, the log."""

import pathlib
import re
import shlex
import subprocess
import tempfile

from watching import wait_for

TOP = pathlib.Path(__file__).resolve().parents[2]
POLICY = "/etc/security/bpfdev.conf"
MODULE = "pam_bpfdev.so"


def as_user(command, user):
    """The command, a list, as root starts it to run as user."""
    become = 'exec setpriv --reuid="$0" --regid="$(id -g "$0")" --init-groups --reset-env -- "$@"'
    return ["sh", "-c", become, user, *command]


class Administration:
    """The verbs of class Machine that need no more than its run()."""

    pam = ("", "")  # what configure_pam() was last called with
    _journal_start = None

    def write_file(self, path, text, mode=0o644, owner="root:root"):
        """
        Writes a file in one step, so that no reader sees half of it; folders are made as needed. It looks as if it had
        been written before, so that no login waits until it stands still.
        """
        script = '{ [ -d "${1%/*}/" ] || mkdir -p "${1%/*}/"; } && cat >"$1.lab" && ' \
                 '{ [ "$3" = root:root ] || chown "$3" "$1.lab"; } && chmod "$2" "$1.lab" && ' \
                 'touch -d "2 seconds ago" "$1.lab" && mv -T "$1.lab" "$1"'
        self.run(["sh", "-c", script, "sh", path, f"{mode:o}", owner], input=text)

    def read_file(self, path):
        """The text of a file in the machine."""
        return self.run(["cat", path]).stdout

    def make_node(self, path, kind, major, minor, mode=0o666, owner="root:root"):
        """Makes a device node (kind "c" or "b"), in place of one that may be there."""
        script = 'rm -f "$1" && mknod -m "$2" "$1" "$3" "$4" "$5" && chown "$6" "$1"'
        self.run(["sh", "-c", script, "sh", path, f"{mode:o}", kind, str(major), str(minor), owner])

    def add_user(self, name, uid=None, groups=()):
        """Adds an account with a home folder, and the supplementary groups that do not exist yet."""
        script = [f"groupadd -f {shlex.quote(group)}" for group in groups]
        number = [] if uid is None else ["-u", str(uid)]
        script.append(shlex.join(["useradd", "-m", "-s", "/bin/bash", *number, "-G", ",".join(groups), name]))
        self.run(" && ".join(script))

    def policy(self, text):
        """Puts the text, or a policy without rules, in place as /etc/security/bpfdev.conf, root:root 0644."""
        self.write_file(POLICY, text or "# no rules\n")

    def install_build(self, *variables):
        """Installs the project into the machine as `make install` does. variables: more for make, NAME=VALUE."""
        with tempfile.TemporaryDirectory() as stage:
            subprocess.run(["make", "--silent", "-C", str(TOP), "install", f"DESTDIR={stage}", *variables], check=True,
                           stdin=subprocess.DEVNULL)
            packed = subprocess.Popen(["tar", "-C", stage, "--owner=root", "--group=root", "-c", "."],
                                      stdout=subprocess.PIPE)
            # /lib is a symbolic link in the machine and shall stay one.
            unpacking = self.spawn(["tar", "-C", "/", "--keep-directory-symlink", "--no-overwrite-dir", "-x"],
                                   stdin=packed.stdout)
            if unpacking.wait() or packed.wait():
                raise subprocess.CalledProcessError(unpacking.returncode, "tar")
        self.pretend_udev()

    def pretend_udev(self):
        """udev does not run in a container. doctor is to say what it says on machines where it does."""
        self.run("mkdir -p /run/udev && touch /run/udev/control")

    def configure_pam(self, arguments="", control="required"):
        """Makes the module the last of every session stack that counts, in place of an earlier such line.

        Those are common-session (sshd, login, su), common-session-noninteractive (cron, at, sudo), and systemd-user
        where that does not include one of these. An empty control takes the module out of them.
        """
        self.pam = (arguments, control)
        for service in ("common-session", "common-session-noninteractive", "systemd-user"):
            path = f"/etc/pam.d/{service}"
            if self.run(["test", "-e", path], check=False).returncode != 0:
                path = f"/usr/lib/pam.d/{service}"
            self._append_module(path, f"/etc/pam.d/{service}", arguments, control)

    def _append_module(self, source, target, arguments, control):
        lines = [line for line in self.read_file(source).splitlines() if MODULE not in line]
        included = any(re.match(r"(@include|session\s+\S*include)\s+common-session", line.strip()) for line in lines)
        if control and not included:
            lines.append(f"session {control} {MODULE} {arguments}".strip())
        self.write_file(target, "\n".join(lines) + "\n")

    def mark_journal(self):
        """From now on, journal() gives only what is logged after this."""
        shown = self.run("journalctl --sync; journalctl -q -n 0 --show-cursor").stdout
        self._journal_start = re.search(r"cursor: (\S+)", shown)[1]

    def journal(self, grep=None, since=None):
        """The lines of the machine's log, as a list: those in which the regular expression grep is found.

        since: a time as journalctl(1) reads it; without it the log begins where mark_journal() was called last, or at
        boot.
        """
        command = ["journalctl", "-q", "--no-pager", "-o", "short-monotonic"]
        if since:
            command.append(f"--since={since}")
        elif self._journal_start:
            command.append(f"--after-cursor={self._journal_start}")
        self.run(["journalctl", "--sync"])
        lines = self.run(command).stdout.splitlines()
        return [line for line in lines if grep is None or re.search(grep, line)]

    def users_logged_in(self):
        """The ids of the users that have a session or a user manager."""
        slices = (self.cgroup / "user.slice").glob("user-*.slice")
        return sorted(int(path.name[len("user-"):-len(".slice")]) for path in slices)

    def log_out_everybody(self):
        """Ends all sessions and user managers, and waits until they are gone."""
        self.run("rm -rf /var/lib/systemd/linger/*")
        # systemd itself kills what has not ended after 90 s.
        wait_for(self._nobody_left, "all sessions are gone", timeout=120)

    def _nobody_left(self):
        left = self.users_logged_in()
        if left:
            self.run(["loginctl", "terminate-user", *map(str, left)], check=False)
        return not left
