# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Where the log goes: to the journal with fields, where there is one, or else to syslog, and never to both."""

import pytest

from journalreader import JournalReader

LINE = "pam_bpfdev(sshd-test:session): "
SOCKET = "/run/systemd/journal/socket"
FILTERED = "alice filtered in session-1.scope: 5 rules"


@pytest.fixture
def journal(world):
    with JournalReader(world.path(SOCKET)) as reader:
        yield reader


@pytest.fixture
def remote(login):
    """Alice, who comes by sshd from afar."""
    return login(service="sshd-test", rhost="far.example")


def test_open_has_its_fields(remote, journal, world):
    remote.call("item", "tty", "/dev/pts/4")
    remote.open()
    assert journal.entry() == {
        "MESSAGE": f"{LINE}{FILTERED}, from far.example", "PRIORITY": "6", "SYSLOG_FACILITY": "10",
        "SYSLOG_IDENTIFIER": "client", "SYSLOG_PID": str(remote.pid), "OBJECT_PID": str(remote.pid), "BPFDEV_EVENT": "open", "BPFDEV_USER": "alice", "BPFDEV_UID": "1000",
        "BPFDEV_SESSION": "session-1.scope", "BPFDEV_SERVICE": "sshd-test", "BPFDEV_TTY": "pts/4",
        "BPFDEV_RHOST": "far.example"}
    assert world.log.entries() == []


def test_program_that_has_written_a_title_over_its_name(remote, journal):
    assert remote.call("title", "--alice") == "ok"
    remote.open()
    assert journal.entry()["SYSLOG_IDENTIFIER"] == "client"


def test_denials_have_their_devices(remote, journal, world):
    remote.open()
    remote.opens("/dev/zero")
    remote.opens("/dev/full")
    journal.entries()
    remote.close()
    assert journal.entry() == {
        "MESSAGE": f"{LINE}alice was denied 5 times in session-1.scope: /dev/zero (c 1:5) rw 3 times by "
                   "/etc/security/bpfdev.conf:2, /dev/full (c 1:7) w 2 times by /etc/security/bpfdev.conf:3",
        "PRIORITY": "5", "SYSLOG_FACILITY": "10", "SYSLOG_IDENTIFIER": "client", "SYSLOG_PID": str(remote.pid),
        "OBJECT_PID": str(remote.pid), "BPFDEV_EVENT": "denied",
        "BPFDEV_USER": "alice", "BPFDEV_UID": "1000", "BPFDEV_SESSION": "session-1.scope", "BPFDEV_SERVICE": "sshd-test",
        "BPFDEV_RHOST": "far.example", "BPFDEV_REFUSED": "5", "BPFDEV_AUDITED": "0",
        "BPFDEV_DEVICE": ["c 1:5", "/dev/zero", "c 1:7", "/dev/full"]}
    assert world.log.entries() == []


@pytest.mark.parametrize("arguments, policy, event, priority", (
    ("", "nonsense\n", "refused", "3"),
    ("onerr=succeed", "nonsense\n", "unfiltered", "3"),
    ("what", None, "trouble", "3"),
    ("debug", "# no rules\n", "open", "7"),
))
def test_every_line_has_its_kind(login, journal, world, arguments, policy, event, priority):
    world.service("alone", arguments)
    if policy is not None:
        world.policy(policy)
    login().open()
    found = {(fields["BPFDEV_EVENT"][0], fields["PRIORITY"][0]) for fields in journal.entries()}
    assert (event, priority) in found
    assert world.log.entries() == []


def test_user_who_is_not_there(login, journal, world):
    login("nobody-knows").open()
    fields = journal.entry()
    assert (fields["BPFDEV_EVENT"], fields["BPFDEV_USER"]) == ("refused", "nobody-knows")
    assert "BPFDEV_UID" not in fields and "BPFDEV_SESSION" not in fields


def test_names_cannot_forge_a_line(login, journal, world):
    """As MESSAGE is what terminals show, it has no control characters; fields are as they are."""
    alice = login(service="sshd-test", rhost="\x1b[2Jx\r")
    alice.open()
    fields = journal.entry()
    assert fields["MESSAGE"] == f"{LINE}{FILTERED}, from \\x1b[2Jx\\x0d"
    assert fields["BPFDEV_RHOST"] == "\x1b[2Jx\r"
    world.path(SOCKET).rename(world.path(f"{SOCKET}.away"))
    alice.close()
    alice.open()
    world.path(f"{SOCKET}.away").rename(world.path(SOCKET))
    assert world.log.entries() == [("info", f"{FILTERED}, from \\x1b[2Jx\\x0d")]


def test_nobody_listens_so_syslog_has_it(remote, journal, world):
    journal.stop()
    assert remote.open() == "PAM_SUCCESS"
    assert world.log.entries() == [("info", f"{FILTERED}, from far.example")]


def test_journal_that_hangs_holds_up_nobody(remote, journal, world):
    journal.fill()
    assert remote.open() == "PAM_SUCCESS"
    assert world.log.entries() == [("info", f"{FILTERED}, from far.example")]


def test_process_is_left_as_it_was(remote, journal):
    before = remote.state()
    assert remote.open() == "PAM_SUCCESS"
    assert remote.state() == before
