# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the tests of logins share: a device that the rules forbid, one that they permit, and ways to try them."""

import contextlib
import functools
import itertools
import pathlib
import shutil
import subprocess
import tempfile

from watching import wait_for

SOURCE = pathlib.Path(__file__).with_name("attempts.c")
FORBIDDEN, PERMITTED = "/dev/fuse", "/dev/loop-control"
FUSE = "c 10:229"
RULES = f"alice allow * rwm\nalice deny {FUSE} rwm\n"
REMOTE_RULES = f"alice allow * rwm\nalice deny {FUSE} rwm remote\n"
PROBE = "probe"  # the command that tries to open both
DENIED, ALLOWED = "EPERM ok", "ok ok"  # what it says
NODES = 10  # /dev/try0 and so on: c 510:0 and so on, which no driver has
TRY_NODES = "attempt " + " ".join(f"rw /dev/try{number}" for number in range(NODES))
BY_MANAGER = "systemd-run --user --pipe --wait --quiet"
MANAGER = "/user.slice/user-1000.slice/user@1000.service"  # alice's
_serial = itertools.count(1)


@functools.cache
def _tool():
    folder = tempfile.TemporaryDirectory()
    path = pathlib.Path(folder.name) / "attempt"
    subprocess.run(["cc", "-O1", "-static", "-pthread", "-o", path, SOURCE], check=True)
    return folder, path


def equip(machine):
    """Puts the commands attempt (attempts.c) and probe into the machine, once, and has su ask nobody for a password."""
    if not getattr(machine, "equipped", False):
        machine.write_file("/usr/bin/probe", f"#!/bin/sh\nexec attempt rw {FORBIDDEN} rw {PERMITTED}\n", 0o755)
        for unit in ("user@.service", "user-runtime-dir@.service"):  # so many logins, so little time between them
            machine.write_file(f"/etc/systemd/system/{unit}.d/lab.conf", "[Unit]\nStartLimitIntervalSec=0\n")
        machine.run("systemctl daemon-reload")
        shutil.copy(_tool()[1], machine.path("/usr/bin/attempt"))
        machine.make_node(PERMITTED, "c", 10, 237)
        for number in range(NODES):
            machine.make_node(f"/dev/try{number}", "c", 510, number)
        for service in ("/etc/pam.d/su", "/etc/pam.d/su-l"):
            machine.write_file(service, f"auth sufficient pam_permit.so\n{machine.read_file(service)}")
        machine.equipped = True
    return machine


def equipped(machine):
    """For a fixture: equip(), and afterwards the end of what sessions have left behind, which loginctl spares."""
    yield equip(machine)
    for kill in (machine.cgroup / "user.slice").glob("user-*.slice/session-*.scope/cgroup.kill"):
        with contextlib.suppress(OSError):  # it is gone by now
            kill.write_text("1", encoding="ascii")


def tried(session, prefix="", probe=PROBE):
    """What the probe says in this session, started by what the prefix names; or why it did not start."""
    result = session.run(f"{prefix} {probe}")
    return result.stdout.strip() or result.stderr.strip()


def denied_nodes(session):
    """The numbers of those /dev/tryN that may not be opened in the session, as a text: "025"."""
    return _denied(tried(session, probe=TRY_NODES))


def _denied(said):
    assert set(said.split()) <= {"EPERM", "ENXIO"}, said
    return "".join(str(number) for number, error in enumerate(said.split()) if error == "EPERM")


def by_manager(session):
    """What the probe says when the user's manager starts it."""
    return tried(session, BY_MANAGER)


def by_lingering_manager(machine, probe=PROBE):
    """The same, asked for from outside: no session of alice's is opened for it."""
    return machine.run(f"XDG_RUNTIME_DIR=/run/user/1000 {BY_MANAGER} {probe}", user="alice").stdout.strip()


def denied_by_manager(machine):
    """As denied_nodes, for what alice's manager starts."""
    return _denied(by_lingering_manager(machine, TRY_NODES))


def ours(machine):
    """The module's programs: {cgroup: [id, ...]}."""
    found = {}
    for cgroup, programs in machine.programs().items():
        ids = [program["id"] for program in programs if program["name"] == "pam_bpfdev"]
        if ids:
            found[cgroup] = ids
    return found


def told(machine, path):
    """What some process writes into the file, once it has; the file is removed."""
    file = machine.path(path)
    text = wait_for(lambda: file.exists() and file.read_text(encoding="utf-8").strip(), f"something is in {path}")
    file.unlink()
    return text


class Waiting:
    """A process that a session starts and leaves; go() has it try the devices, and returns what it says.

    start: how it is started, {} standing for the command. command: what it is to do, {fifo} being what to wait for.
    """

    def __init__(self, session, start="setsid {} &", command=f"sh -c 'read -r go <{{fifo}}; {PROBE}'"):
        self.machine = session.machine
        name = f"/home/{session.user}/waiting-{next(_serial)}"
        self._fifo, self._answer = f"{name}.fifo", f"{name}.answer"
        script = f"echo $$ >{name}.pid; exec {command.format(fifo=self._fifo)} >{self._answer}\n"
        self.machine.write_file(f"{name}.sh", script)
        session.run(f"mkfifo {self._fifo}", check=True)
        session.run(start.format(f"sh {name}.sh >/dev/null 2>&1 </dev/null"), check=True)
        self.pid = told(self.machine, f"{name}.pid")

    def go(self):
        """Lets the process try; it ends thereafter."""
        self.machine.run(f": >{self._fifo}")
        return told(self.machine, self._answer)


@contextlib.contextmanager
def changed_file(machine, path, text):
    """Another text in a file for a while."""
    before = machine.read_file(path)
    machine.write_file(path, text)
    try:
        yield
    finally:
        machine.write_file(path, before)


def scope_gone(machine, session):
    """Waits until the session's cgroup is no more."""
    path = machine.cgroup / session.cgroup[1:]
    wait_for(lambda: not path.exists(), f"{session.cgroup} is gone")
