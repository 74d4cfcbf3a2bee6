# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the module says of a session is in the journal, whatever the session itself writes there."""

import json

import pytest

from suites import every_suite
from verbs import FUSE, RULES, by_manager, equipped, scope_gone, tried

FLOOD = """import socket
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect("/run/systemd/journal/socket")
for number in range(500):
    for priority in range(8):
        journal.send(b"MESSAGE=flood\\nPRIORITY=%d\\n" % priority)
for priority in range(8):
    journal.send(b"MESSAGE=not this one either\\nPRIORITY=%d\\n" % priority)
"""
LIMIT = "/etc/systemd/journald.conf.d/limit.conf"
RESTART = "systemctl reset-failed systemd-journald; systemctl restart systemd-journald"  # however often


@pytest.fixture
def box(machine):
    """A machine whose journal takes 100 entries of a priority from a unit, no more while the tests run."""
    machine.write_file(LIMIT, "[Journal]\nRateLimitIntervalSec=1h\nRateLimitBurst=100\n")
    machine.write_file("/root/flood.py", FLOOD)
    machine.run(f"chmod 755 /root; {RESTART}")
    yield from equipped(machine)
    machine.run(f"rm {LIMIT}; {RESTART}")


def entries(box, match):
    found = box.run(f"journalctl --sync; journalctl -q -o json _UID=0 {match}").stdout
    return [json.loads(line) for line in found.splitlines()]


def flood(session):
    """Has the session write more than the journal takes from it, so that it takes nothing else from it."""
    session.run("python3 /root/flood.py", check=True)


@every_suite
def test_session_cannot_suppress_what_it_was_denied(box):
    box.policy(RULES)
    with box.ssh_session("alice") as alice:
        assert tried(alice) == "EPERM ok"
        flood(alice)
    scope_gone(box, alice)
    (entry,) = entries(box, "BPFDEV_EVENT=denied BPFDEV_USER=alice")
    assert f"alice was denied once in session-{alice.id}.scope: /dev/fuse ({FUSE}) rw once" in entry["MESSAGE"]
    assert not box.journal("not this one either")


@every_suite
def test_entry_says_who_sent_it(box):
    """The name of pid 1 is on it; OBJECT_PID is the process that spoke, of which the journal itself says more."""
    box.policy(RULES)
    with box.ssh_session("alice") as alice:
        tried(alice)
        flood(alice)
    scope_gone(box, alice)
    scope = f"session-{alice.id}.scope"
    (entry,) = entries(box, f"BPFDEV_EVENT=denied BPFDEV_SESSION={scope}")
    assert (entry["_PID"], entry["_SYSTEMD_UNIT"]) == ("1", "init.scope")
    assert entry["OBJECT_COMM"] == entry["SYSLOG_IDENTIFIER"]
    assert entry["OBJECT_SYSTEMD_UNIT"] in (scope, "ssh.service")  # the journal does not look each time
    assert entry["OBJECT_PID"] == entry["SYSLOG_PID"] != "1"


@every_suite
def test_last_session_tells_what_the_manager_was_denied(box):
    """Otherwise systemd-run --user were the way to be denied something that no log ever tells."""
    box.policy(RULES)
    manager = "BPFDEV_EVENT=denied BPFDEV_SESSION=user@1000.service"
    with box.ssh_session("alice") as alice:
        with box.ssh_session("alice") as other:
            assert by_manager(other) == "EPERM ok"
        scope_gone(box, other)
        assert not entries(box, manager)
        assert by_manager(alice) == "EPERM ok"
    scope_gone(box, alice)
    (entry,) = entries(box, manager)
    assert f"alice was denied 2 times in user@1000.service: /dev/fuse ({FUSE}) rw 2 times" in entry["MESSAGE"]
    assert (entry["BPFDEV_USER"], entry["BPFDEV_REFUSED"]) == ("alice", "2")
    assert "BPFDEV_RHOST" not in entry  # from where is not known of what the manager starts
    assert not entries(box, f"BPFDEV_EVENT=denied BPFDEV_SESSION=session-{alice.id}.scope")

