# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Cgroups that are named as systemd names them, below one of our own: MOUNT/pam_bpfdev_module.PID.N.

systemd has no part in it. PID is the process that made it, so that what a killed run left can be told and removed.
"""

import itertools
import os
import pathlib
import time

import bpf

PREFIX = "pam_bpfdev_module"
_serial = itertools.count(1)


class NoCgroup2(Exception):
    """This machine has no cgroup2 hierarchy that the tests can use."""


def mount_point():
    """Where cgroup2 is mounted. Raises NoCgroup2."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            return pathlib.Path(fields[4])
    raise NoCgroup2("no cgroup2 hierarchy is mounted here")


class Scratch:
    """A tree of cgroups, which starts empty and is removed as a whole, with all processes in it."""

    def __init__(self):
        self.root = mount_point() / f"{PREFIX}.{os.getpid()}.{next(_serial)}"
        self.root.mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        destroy(self.root)

    def make(self, path):
        """Makes the cgroup at this path below the root, and those above it. Returns its folder."""
        folder = self.root / path
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def scope(self, number=1, uid=1000):
        """The cgroup of a session of the user."""
        return self.make(f"user.slice/user-{uid}.slice/session-{number}.scope")

    def manager(self, uid=1000):
        """The cgroup of the user's manager."""
        return self.make(f"user.slice/user-{uid}.slice/user@{uid}.service")

    def filters(self):
        """How many device programs each cgroup has, as {path below the root: number}; none is left out."""
        counts = {folder: len(bpf.device_programs(folder)) for folder in folders(self.root)}
        return {str(folder.relative_to(self.root)): count for folder, count in counts.items() if count}


def programs(cgroup):
    """The ids of the device programs of this very cgroup."""
    return [program["id"] for program in bpf.device_programs(cgroup)]


def pids(cgroup):
    """The processes right in this cgroup."""
    return [int(line) for line in (cgroup / "cgroup.procs").read_text(encoding="ascii").split()]


def folders(cgroup):
    """The cgroup and all below it, the innermost first."""
    return [pathlib.Path(folder) for folder, _, _ in os.walk(cgroup, topdown=False)]


def destroy(cgroup, patience=10):
    """Kills all processes in the cgroup and below it, and removes it. Gives up after @patience seconds."""
    deadline = time.monotonic() + patience
    while cgroup.exists():
        (cgroup / "cgroup.kill").write_text("1", encoding="ascii")
        for folder in folders(cgroup):
            try:
                folder.rmdir()
            except OSError:
                pass  # A process in it is still on its way out.
        if time.monotonic() > deadline:
            raise RuntimeError(f"{cgroup} does not go away")
        time.sleep(0.005)


def sweep():
    """Removes what runs that were killed have left."""
    for cgroup in mount_point().glob(f"{PREFIX}.*.*"):
        if not pathlib.Path(f"/proc/{cgroup.name.split('.')[1]}").exists():
            destroy(cgroup)
