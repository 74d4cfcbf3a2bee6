# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A machine that apt installs the package on: what it lacks is in an archive of its own, for it has no network."""

import pathlib
import shutil
import threading

import debs
import roots
from verbs import PROBE
from watching import wait_for

NAME = "libpam-bpfdev"
ARCHIVE = "/srv/debian"
DOWNLOADS = "/root"
STACKS = ("/etc/pam.d/common-session", "/etc/pam.d/common-session-noninteractive")
ENVIRONMENT = "DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8"


def freshen(machine):
    """Makes a lab machine into one on which nothing was prepared for the package. Returns the machine."""
    machine.run("dpkg --purge libjansson4")
    # What keeps the lab's roots small.
    machine.run("sed -i /path-exclude/d /etc/dpkg/dpkg.cfg.d/*; rm -f /etc/apt/sources.list.d/*")
    machine.write_file("/etc/apt/sources.list", f"deb [trusted=yes] file:{ARCHIVE} ./\n")
    shutil.copytree(roots.root(machine.suite, roots.BUILD) / ARCHIVE[1:], machine.path(ARCHIVE))
    machine.run("apt-get -q update")
    machine.pretend_udev()
    return machine


def download(machine, package):
    """Puts the package where an administrator would have put it. Returns its name there."""
    shutil.copy(package, machine.path(DOWNLOADS))
    return f"./{pathlib.Path(package).name}"


def older(package, folder, change=lambda files: None):
    """A package that the given one is an upgrade of. change: see debs.repacked; the module differs in any case."""
    def changed(files):
        (module,) = files.glob("usr/lib/*/security/pam_bpfdev.so")
        module.write_bytes(module.read_bytes() + b"older")
        change(files)

    target = folder / f"{NAME}_0.0.9_amd64.deb"
    debs.repacked(package, target, "0.0.9", changed)
    return target


def apt(machine, arguments, check=True):
    """Runs apt as an administrator who answers no questions. Returns a CompletedProcess."""
    return machine.run(f"cd {DOWNLOADS} && {ENVIRONMENT} apt {arguments}", check=check)


def version(machine):
    """What is installed; empty if nothing is."""
    state = machine.run(f"dpkg-query -W -f '${{db:Status-Status}} ${{Version}}' {NAME}", check=False).stdout
    return state.removeprefix("installed ") if state.startswith("installed ") else ""


def lines_in_stacks(machine):
    """The module's lines in the stacks that pam-auth-update manages, blanks made one."""
    return [" ".join(line.split()) for stack in STACKS for line in machine.read_file(stack).splitlines()
            if "bpfdev" in line]


class Logins:
    """Logs alice in again and again for as long as the context lasts. Attribute said: what the probe said, each time."""

    def __init__(self, machine):
        self.said = []
        self._machine = machine
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._log_in)

    def _log_in(self):
        while not self._over.is_set():
            result = self._machine.ssh("alice", PROBE)
            self.said.append(result.stdout.strip() or f"refused: {result.stderr.strip()}")

    def __enter__(self):
        self._thread.start()
        self.more()
        return self

    def more(self):
        """Waits until two more logins are over: the second one began after this was called."""
        count = len(self.said) + 2
        wait_for(lambda: len(self.said) >= count or not self._thread.is_alive(), "logins go on", 60)

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
