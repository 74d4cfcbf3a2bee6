# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev-monitor.service: each new denial in the journal."""

import contextlib
import json
import os
import re
import socket
import time

import pytest

from monitors import COMMAND, KINDS, MANY, MANY_RULES, Monitor, refused, with_storm
from verbs import FORBIDDEN, FUSE, RULES, equipped, tried
from watching import wait_for

POLICY = "/etc/security/bpfdev.conf"
SERVICE = "bpfdev-monitor.service"


@pytest.fixture
def box(machine):
    """The machine with the commands attempt, probe and storm."""
    yield from equipped(with_storm(machine))


def entries(box, session, *matches):
    """What the service wrote of the session, as dictionaries."""
    matches = [f"_SYSTEMD_UNIT={SERVICE}", "BPFDEV_EVENT=denied", f"BPFDEV_SESSION=session-{session.id}.scope", *matches]
    box.run("journalctl --sync")
    said = box.run(["journalctl", "-q", "-o", "json", *matches]).stdout
    return [json.loads(line) for line in said.splitlines()]


@pytest.fixture
def service(box):
    """The machine, with the service running."""
    box.run(f"systemctl start {SERVICE}")
    yield box
    box.run(f"systemctl stop {SERVICE}")


def test_service_is_off(box):
    done = box.run(f"systemctl is-enabled {SERVICE}; systemctl is-active {SERVICE}", check=False)
    assert done.stdout.split() == ["disabled", "inactive"]


def test_service_writes_to_the_journal(service):
    service.policy(RULES)
    with service.ssh_session("alice") as session:
        tried(session)
        (entry,) = wait_for(lambda: entries(service, session), "it is in the journal")
        pid = entry["BPFDEV_PID"]
        assert entry["MESSAGE"] == (f"alice was denied {FORBIDDEN} ({FUSE}) rw once in session-{session.id}.scope by {POLICY}:2: "
                                    f"attempt[{pid}]")
        own = {name: value for name, value in entry.items() if name.startswith(("BPFDEV_", "SYSLOG_", "PRIORITY"))}
        assert own == {
            "PRIORITY": "5", "SYSLOG_FACILITY": "10", "SYSLOG_IDENTIFIER": "bpfdev",
            "BPFDEV_EVENT": "denied", "BPFDEV_USER": "alice", "BPFDEV_UID": "1000",
            "BPFDEV_SESSION": f"session-{session.id}.scope", "BPFDEV_DEVICE": [FUSE, FORBIDDEN], "BPFDEV_ACCESS": "rw",
            "BPFDEV_BITS": "rw", "BPFDEV_RESULT": "refused", "BPFDEV_LINE": f"{POLICY}:2", "BPFDEV_PROCESS_UID": "1000",
            "BPFDEV_COMM": "attempt", "BPFDEV_PID": pid, "BPFDEV_REFUSED": "1", "BPFDEV_AUDITED": "0", "BPFDEV_NEW": "1",
            "BPFDEV_SERVICE": "sshd", "BPFDEV_TTY": "ssh", "BPFDEV_RHOST": "127.0.0.1"}
        for match in (f"BPFDEV_DEVICE={FORBIDDEN}", f"BPFDEV_DEVICE={FUSE}", "BPFDEV_USER=alice", "BPFDEV_UID=1000"):
            assert len(entries(service, session, match)) == 1
    service.run("journalctl --sync")
    # By what the sender says: of which unit it is, journald may find out too late.
    said = service.run(["journalctl", "-q", "-o", "json", f"BPFDEV_SESSION=session-{session.id}.scope", "BPFDEV_EVENT=denied",
                        "SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session"]).stdout
    module = {name: value for name, value in json.loads(said).items() if name.startswith("BPFDEV_")}
    assert {name: own.get(name) for name in module} == module


def test_service_writes_of_audit(service):
    service.policy(f"alice allow *\nalice deny {FORBIDDEN} w\nalice audit\n")
    with service.ssh_session("alice") as session:
        tried(session)
        (entry,) = wait_for(lambda: entries(service, session), "it is in the journal")
        assert (entry["PRIORITY"], entry["BPFDEV_RESULT"], entry["BPFDEV_BITS"]) == ("6", "audit", "w")
        assert (entry["BPFDEV_REFUSED"], entry["BPFDEV_AUDITED"]) == ("0", "1")
        assert "alice but for audit would have been denied" in entry["MESSAGE"]


def test_service_sums_up(service):
    service.policy(MANY_RULES)
    started = time.monotonic()
    with service.ssh_session("alice") as session:
        total = refused(session, f"storm 1000 {FORBIDDEN}")
        wait_for(lambda: entries(service, session), "it is in the journal")
        total += refused(session, f"storm 100000 {FORBIDDEN}")
        total += refused(session, f"storm {2 * MANY} /dev/many/*")
        service.run(f"systemctl stop {SERVICE}")
        found = entries(service, session)
        assert sum(int(entry["BPFDEV_NEW"]) for entry in found) == total
        devices = [str(entry.get("BPFDEV_DEVICE")) for entry in found]
        assert len(set(devices)) == KINDS
        # The first, and what there was to say at the end.
        assert max(map(devices.count, set(devices))) <= 2 + (time.monotonic() - started) / 60
        rest = [entry for entry in found if "what there was no room to tell apart" in entry["MESSAGE"]]
        assert rest and max(int(entry["BPFDEV_UNTOLD"]) for entry in rest) == 2 * (MANY - KINDS + 2)
        assert all(("BPFDEV_UNTOLD" in entry) == (entry in rest) for entry in found)


def test_service_sums_up_a_session_that_ends(service):
    service.policy(f"{RULES}bob deny {FUSE}\n")
    with service.ssh_session("alice") as alice, service.ssh_session("bob") as bob:
        tried(alice)
        wait_for(lambda: entries(service, alice), "it is in the journal")
        tried(alice)
        tried(alice)
        tried(bob)
        wait_for(lambda: entries(service, bob), "it has looked since")
        assert len(entries(service, alice)) == 1
        alice.close()
        _, found = wait_for(lambda: entries(service, alice)[1:] and entries(service, alice), "the rest is told, too")
        assert found["BPFDEV_NEW"] == "2" and found["BPFDEV_REFUSED"] == "3" and "2 times more" in found["MESSAGE"]


def test_service_that_starts_again(service):
    """It tells of nothing twice, be it killed or restarted."""
    service.policy(f"{RULES}bob deny {FUSE}\n")
    with service.ssh_session("alice") as alice, service.ssh_session("bob") as bob:
        for number, command in enumerate(("restart", "kill -s KILL"), 1):
            tried(alice)
            wait_for(lambda expected=number: len(entries(service, alice)) == expected, "it is in the journal")
            service.run(f"systemctl {command} {SERVICE}")
            wait_for(lambda: service.run(f"systemctl is-active {SERVICE}", check=False).returncode == 0, "it runs again")
        tried(alice)
        tried(bob)
        wait_for(lambda: entries(service, bob), "it has looked since")
        assert [(entry["BPFDEV_NEW"], entry["BPFDEV_REFUSED"]) for entry in entries(service, alice)] == [
            ("1", "1"), ("1", "2"), ("1", "3")]


class Journal:
    """A journal in the place of the machine's, for who is started by wrap, that takes nothing but when it is asked to."""

    def __init__(self, box):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._path = str(box.path("/run/journal-lab"))
        self._socket.bind(self._path)
        self.wrap = "unshare --mount sh -c 'mount --bind /run/journal-lab /run/systemd/journal/socket && {}'"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        os.unlink(self._path)

    def fill(self):
        """Leaves no room in it."""
        with contextlib.suppress(BlockingIOError):
            while True:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                    sender.sendto(b"full", self._path)

    def read(self):
        """The entries in it, as dictionaries; there is room again."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._socket.recv(65536).decode())
        return [dict(line.split("=", 1) for line in entry.splitlines()) for entry in found if entry != "full"]


def test_journal_that_does_not_keep_up(box):
    box.policy(f"{RULES}alice deny c 510:*\n")
    with Journal(box) as journal, box.ssh_session("alice") as session:
        with Monitor(box, "--journal", journal.wrap) as monitor:
            journal.fill()
            total = sum(refused(session, f"storm {count} {FORBIDDEN} /dev/try0") for count in (1000, 500, 50))
            before = monitor.waits()
            wait_for(lambda: monitor.waits() >= before + 100, "it has given up, and tried again")
            found = []
            wait_for(lambda: found.extend(journal.read()) or len(found) >= 2, "they are told")
            assert monitor.end() == 0
            found += journal.read()
            assert sum(int(entry["BPFDEV_NEW"]) for entry in found) == total
            assert len(found) <= 4 and monitor.said(1) == []


def test_journal_that_is_full_at_the_end(box):
    box.policy(RULES)
    with Journal(box) as journal, box.ssh_session("alice") as session:
        monitor = Monitor(box, "--journal", journal.wrap)
        journal.fill()
        refused(session, f"storm 1000 {FORBIDDEN}")
        assert monitor.end() == 3
        assert monitor.said(1) == ["bpfdev: the journal does not keep up: it does not have the last of all denials"]


def test_no_journal(box):
    gone = "mount -t tmpfs none /run/systemd/journal"
    done = box.run(f"unshare --mount sh -c '{gone} && exec {COMMAND} --journal'", check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "bpfdev: there is no journal to write to: /run/systemd/journal/socket: No such file or directory\n"


def test_service_may_do_little(service):
    """What of its confinement systemd-analyze(1) counts."""
    said = service.run(f"systemd-analyze security --no-pager {SERVICE}").stdout
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1]) < 2
