# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The machines' cgroups: where they are, whose they are, how they end.

A machine's cgroup is MOUNT/pam_bpfdev-lab.PID.START.N, PID and START (its start time) being those of the process that
asked for the machine. So anybody can tell later whether that process still lives.
"""

import itertools
import os
import pathlib
import time

PREFIX = "pam_bpfdev-lab"
_serial = itertools.count(1)


class CgroupError(Exception):
    """The machine has no cgroup2 that the lab can use, or a cgroup does not go away."""


def mount_point():
    """Where cgroup2 is mounted: /sys/fs/cgroup, or /sys/fs/cgroup/unified beside cgroup v1. Raises CgroupError."""
    path = _find_mount()
    if not os.access(path, os.W_OK):
        raise CgroupError(f"no cgroup can be made in {path}: it cannot be written to")
    return path


def _find_mount():
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            return pathlib.Path(fields[4])
    raise CgroupError("no cgroup2 is mounted here (/proc/self/mountinfo)")


def create():
    """Makes a cgroup for one machine of this process and returns its path."""
    path = mount_point() / f"{PREFIX}.{os.getpid()}.{start_time(os.getpid())}.{next(_serial)}"
    path.mkdir()
    return path


def start_time(pid):
    """When the process started, in clock ticks since boot; None if there is no such process."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[19])


def pids(cgroup):
    """The processes right in this cgroup, by their ids on the host; none if it is gone."""
    try:
        return [int(pid) for pid in (cgroup / "cgroup.procs").read_text(encoding="ascii").split()]
    except OSError:
        return []


def folders(cgroup):
    """This cgroup and all below it, the innermost first."""
    return [pathlib.Path(folder) for folder, _, _ in os.walk(cgroup, topdown=False)]


def destroy(cgroup, patience=10):
    """Kills all in the cgroup and below, and removes it. Raises CgroupError after patience seconds."""
    deadline = time.monotonic() + patience
    while cgroup.exists():
        _kill(cgroup)
        for folder in folders(cgroup):
            _remove(folder)
        if not cgroup.exists():
            return
        if time.monotonic() > deadline:
            raise CgroupError(f"{cgroup} does not go away; in it: {pids(cgroup)}")
        time.sleep(0.01)


def _kill(cgroup):
    try:
        (cgroup / "cgroup.kill").write_text("1", encoding="ascii")
    except FileNotFoundError:
        if cgroup.exists():
            raise CgroupError("the kernel has no cgroup.kill: the lab needs Linux 5.14") from None


def _remove(folder):
    try:
        folder.rmdir()
    except OSError:
        pass  # Somebody else removed it, or a process in it is still on its way out.


def sweep():
    """Destroys the machines whose owner is dead and whose keeper is too. Returns their cgroups."""
    stale = [path for path in mount_point().glob(f"{PREFIX}.*.*.*") if not _owner_lives(path)]
    for path in stale:
        destroy(path)
    return stale


def _owner_lives(path):
    pid, start = path.name[len(PREFIX) + 1:].split(".")[:2]
    return start_time(int(pid)) == int(start)
