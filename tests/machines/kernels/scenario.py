# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What is run on each kernel, all in one boot: programs, files and steps.

A step is a command with a label by which the tests ask for its result. The layouts of cgroups come
in the order of guest.LAYOUTS, since "none" and "v1" are only true to life before the others.
"""

import shutil
from pathlib import Path
from typing import Iterable, NamedTuple

TOP = Path(__file__).resolve().parents[3]
BUILD = TOP / "build"
# The programs with the tests of the filter, by cmocka: they make their own cgroups.
FILTER_TESTS = sorted(source.stem for source in (TOP / "tests/bpf").glob("test_*.c"))
USERS = {"alice": 1000, "bob": 1001, "root": 0}  # lines stand for alice only
MEMLOCK = ("64", "0")  # KiB; the first is what Linux before 5.16 starts with
SERVICE = "bpfdev-test"
IN_AND_OUT = "open_session close_session\nstatus=$?; session end; exit $status"
UNIFIED = ("hybrid", "v2")  # the layouts with a cgroup2
WITHOUT_UNIFIED = ("none", "v1")

# probe runs after the module, so that it sees what holds after opening and after closing. Where all
# modules of a stack say PAM_IGNORE, libpam refuses: hence pam_permit.
FILES = {
    # Those that every machine has are for tests of the filter.
    "/etc/passwd": "".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n"
                           for name, uid in {**USERS, "daemon": 1, "nobody": 65534}.items()),
    "/etc/group": "".join(f"{name}:x:{uid}:\n" for name, uid in USERS.items()),
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
    "/etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\n",
    "/etc/security/bpfdev.conf": "alice allow c 1:* rwm\nalice deny c 1:11 rwm\n",
    f"/etc/pam.d/{SERVICE}": (
        "session required pam_bpfdev.so\n"
        "session optional pam_exec.so stdout /bin/probe\n"
    ),
    f"/etc/pam.d/{SERVICE}-only": (
        "session required pam_bpfdev.so\n"
        "session required pam_permit.so\n"
    ),
    "/etc/pam.d/other": "# nothing: libpam complains if the file is not there\n",
}


class Group(NamedTuple):
    """Steps that need the same programs, so that the others can run where one is missing."""

    programs: dict[str, Path | None]  # path in the guest -> path here, None if it was not found
    steps: dict[str, str]  # label -> command

    def missing(self) -> str | None:
        """Which programs there are not, in words; None: all are there."""
        sources = self.programs.items()
        absent = [str(host or path) for path, host in sources if not (host and host.exists())]
        return f"not there: {', '.join(absent)}" if absent else None


def groups(devprog: Path) -> list[Group]:
    """All groups, in the order in which they run."""
    kernel = {"/bin/devprog": devprog}
    module = kernel | {
        "/bin/pamtester": _in_path("pamtester"),
        **_pam_module("pam_exec.so"),
        **_pam_module("pam_permit.so"),
        **_pam_module("pam_bpfdev.so", BUILD / "pam_bpfdev.so"),
    }
    return [
        Group({}, {"none": "cgroup-layout none", "release": "uname -r"}),
        Group(module, _logins("none", USERS)),
        Group({}, {"v1": "cgroup-layout v1", "v1 hierarchies": "cat /proc/self/cgroup"}),
        Group(module, _logins("v1", USERS)),
        Group({}, {"hybrid": "cgroup-layout hybrid"}),
        Group(module, _logins("hybrid", ["alice"])),
        Group({}, {"v2": "cgroup-layout v2"}),
        Group(kernel, {"kernel alone": KERNEL_ALONE, "kernel alone, memlock": KERNEL_MEMLOCK}),
        Group(module, _logins("v2", USERS) | _closed_elsewhere() | _memlock()),
        *(_filter_tests(name) for name in FILTER_TESTS),
    ]


def _filter_tests(name: str) -> Group:
    # In an emulated machine with one CPU a replacement takes a tenth of a second.
    command = f"PAM_BPFDEV_REPLACEMENTS=50 {name}"
    return Group({f"/bin/{name}": BUILD / "tests" / name}, {name: command})


KERNEL_ALONE = """\
cgroup=/sys/fs/cgroup/alone
mkdir $cgroup
devprog attach $cgroup && devprog count $cgroup
(echo 0 >$cgroup/cgroup.procs; : </dev/null)
devprog detach $cgroup && devprog count $cgroup
(echo 0 >$cgroup/cgroup.procs; : </dev/null) && echo opened
"""
KERNEL_MEMLOCK = """\
cgroup=/sys/fs/cgroup/memlock
mkdir $cgroup
ulimit -l 0
devprog attach $cgroup; status=$?
rmdir $cgroup
exit $status
"""


def _logins(layout: str, users: Iterable[str]) -> dict[str, str]:
    """Each user logs in and out, in one process."""
    client = f"pamtester {SERVICE}" if layout in UNIFIED else f"pamtester {SERVICE}-only"
    return {
        f"{layout} {user}": f"logged session run {USERS[user]} {client} {user} {IN_AND_OUT}"
        for user in users
    }


def _closed_elsewhere() -> dict[str, str]:
    """Opened and closed by two processes, as some display managers do it."""
    client = f"session run 1000 pamtester {SERVICE}-only alice"
    return {
        "elsewhere": f"{client} open_session || exit\n"
        "session run 1000 probe opened\n"
        f"{client} close_session; status=$?\n"
        "session run 1000 probe closed\n"
        "session end; exit $status"
    }


def _memlock() -> dict[str, str]:
    client = f"logged session run 1000 pamtester {SERVICE} alice {IN_AND_OUT}"
    return {f"memlock {limit}": f"ulimit -l {limit} && {client}" for limit in MEMLOCK}


def _in_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _pam_module(name: str, source: Path | None = None) -> dict[str, Path | None]:
    """Where libpam looks for the module: the folder, which is built into it, of its own modules."""
    folders = [*Path("/lib").glob("*/security"), *Path("/usr/lib").glob("*/security")]
    folder = next((folder for folder in folders if (folder / "pam_permit.so").exists()), None)
    if not folder:
        return {name: None}
    return {str(folder / name): source or folder / name}
