# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev allow and revoke, where they say no: wrong words, devices that are none, nobody to ask, nobody there."""

import contextlib
import json

import pytest

from lending import NODE, NONE, POLICY, bpfdev, timers, under_rules, without, without_timers
from reloads import logged
from suites import one_suite
from verbs import denied_nodes

pytestmark = one_suite


@pytest.fixture
def box(machine):
    yield from without_timers(machine)


@pytest.fixture
def alice(box):
    """A session of alice's by ssh, under rules."""
    yield from under_rules(box)


def test_devices_that_are_none(box, alice):
    as_it_was = f"bpfdev: session-{alice.id}.scope is as it was: "
    for device, said in (("/dev/none", '"/dev/none" stands for no device here'),
                         ("char-none", '"char-none" stands for no device here'),
                         ("@none", 'there is no class "none" in the policy')):
        assert bpfdev(box, f"allow alice {device} --for 1h") == (3, "", f"{as_it_was}{said}\n")
    assert bpfdev(box, "allow alice char-loop-control --for 1h") == (
        3, "", f"{as_it_was}\"char-loop-control\" stands for no device here\n"
               "bpfdev: char-loop-control is no driver but a device of char-misc; expected \"c 10:237\"\n")
    for number in range(8):
        assert bpfdev(box, f"allow alice c 510:{number} --for 1h")[0] == 0
    assert bpfdev(box, "allow alice c 510:9 --for 1h") == (
        3, "", f"{as_it_was}there are 8 exceptions already, the most that a session can have; revoke one\n")
    assert denied_nodes(alice) == "89"
    # For what was not granted nothing has to end.
    assert len(timers(box)) == 8


def test_sessions_without_rules(box):
    box.policy(POLICY)
    for user in ("bob", "carol", ":4242"):
        with box.ssh_session("bob") if user == "bob" else contextlib.nullcontext():
            said = f"bpfdev: {user} has no open session with device rules: nothing to allow\n"
            assert bpfdev(box, f"allow {user} {NODE} --for 1h") == (1, "", said)
            said = f"bpfdev: {user} has no such exception in any open session\n"
            assert bpfdev(box, f"revoke {user}") == (1, "", said)
    assert not timers(box) and not logged(box)


@pytest.mark.only_suite("bookworm")
def test_words_that_are_not_understood(box):
    usage = (
        ("allow alice /dev/null", "an exception must have an end"),
        ("allow alice --for 1h", "expected a user and a device"),
        ("allow", "expected a user and a device"),
        *((f"allow alice /dev/null --for '{text}'", f"--for={text}; expected a time such as 15min or 1h30m, a week")
          for text in ("0", "8d", "604801", "soon", "-1", "1.5h", "1h x", "")),
        ("allow alice c --for 1h", "device numbers missing; expected c MAJOR:MINOR"),
        ("allow alice c x:1 --for 1h", "bad major number \"x:1\""),
        ("allow alice sda --for 1h", "unknown device"),
        ("allow alice /etc/passwd --for 1h", "is not below /dev"),
        ("allow alice /dev/../etc/x --for 1h", "write it without"),
        (f"allow alice /dev/{'x' * 200} --for 1h", "expected a device of at most 111 bytes"),
        ("allow alice /dev/null x --for 1h", '"x"; expected letters of rwm, once'),
        ("allow alice /dev/null '' --for 1h", '""; expected letters of rwm, once'),
        ("allow alice /dev/null r w --for 1h", '"w"; expected letters of rwm, once'),
        ("allow alice c 1:3 r w --for 1h", "Too many arguments"),
        ("allow alice '/dev/null r' --for 1h", '"r" is no part of a device; expected ACCESS as a word of its own'),
        ("allow alice 'c 1:3 r' --for 1h", "bad device numbers"),
        ("revoke", "expected a user"),
        ("revoke alice /dev/null rw", '"rw": expected one device'),
        ("revoke alice c 1:3 rw", "Too many arguments"),
        ("revoke alice --for 1h", "unrecognized option"),
    )
    for arguments, said in usage:
        status, output, error = bpfdev(box, arguments)
        assert (status, output) == (64, "") and said in error, (arguments, status, error)
    for subcommand in ("allow", "revoke"):
        status, said, _ = bpfdev(box, f"{subcommand} --help")
        assert status == 0 and f"Usage: bpfdev {subcommand}" in said and "--json" in said


def test_what_cannot_be_done(box, alice):
    path = "PATH=$PATH:/usr/sbin:/usr/local/sbin"
    refused = "bpfdev: {0} needs root: it changes what other users may do (try: sudo bpfdev {0})\n"
    assert bpfdev(box, f"allow alice {NODE} --for 1h", path, "bob") == (3, "", refused.format("allow"))
    assert bpfdev(box, "revoke alice", path, "alice") == (3, "", refused.format("revoke"))
    for command in (f"allow nemo {NODE} --for 1h", "revoke nemo"):
        assert bpfdev(box, command) == (3, "", "bpfdev: there is no user \"nemo\"\n")
    status, said, error = bpfdev(box, f"allow alice {NODE} --for 1h", "PATH=/usr/local/sbin")
    assert (status, said) == (3, "")
    assert error == "bpfdev: systemd-run, which is to end the exception, cannot be run: No such file or directory\n"
    hide = "unshare -m sh -c 'mount --bind /bin/false /usr/bin/systemd-run && exec \"$@\"' sh"
    assert bpfdev(box, f"allow alice {NODE} --for 1h", hide) == (
        3, "", "bpfdev: systemd-run, which is to end the exception, failed: nothing was allowed\n")
    box.run("chmod 644 /run/pam_bpfdev/1000.lock")
    for command in (f"allow alice {NODE} --for 1h", "revoke alice"):
        status, said, error = bpfdev(box, command)
        assert (status, said) == (3, "") and "/run/pam_bpfdev/1000.lock: must be a regular file" in error
    box.run("chmod 600 /run/pam_bpfdev/1000.lock")
    assert denied_nodes(alice) == NONE
    assert not timers(box) and not logged(box)


def test_control_characters_print_harmlessly(box, alice):
    evil, shown = "$'/dev/a\\e\\nb'", r"/dev/a\x1b\x0ab"
    status, _, error = bpfdev(box, f"allow alice {evil} --for 1h")
    assert status == 3 and error.endswith(f'"{shown}" stands for no device here\n')
    assert bpfdev(box, f"revoke alice {evil}")[0] == 1
    assert bpfdev(box, "allow $'a\\e[31m\\nb' /dev/null --for 1h")[2] == 'bpfdev: there is no user "a\\x1b[31m\\x0ab"\n'
    for arguments in (f"allow alice {NODE} $'\\e[31m' --for 1h", "allow alice $'\\e[31m' --for 1h",
                      f"allow alice {NODE} --for $'\\e[31m'", f"revoke alice {NODE} $'\\e[31m'"):
        status, said, error = bpfdev(box, arguments)
        assert status == 64 and "\033" not in said + error, arguments
    # As the name of a device that is there.
    box.run(f"mknod -m 666 {evil} c 510 1")
    status, said, _ = bpfdev(box, f"allow alice {evil} --for 1h")
    assert status == 0 and said.startswith(f"alice may use {shown} (rw) until")
    assert denied_nodes(alice) == without(1)
    assert json.loads(bpfdev(box, f"revoke alice {evil} --json")[1])["revoked"][0]["device"] == "/dev/a\033\nb"
    assert not [line for line in box.journal("bpfdev") if "\033" in line]
    box.run(f"rm {evil}")
