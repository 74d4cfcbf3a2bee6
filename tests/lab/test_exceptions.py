# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev allow and revoke: a device for the open sessions of a user, for a time."""

import datetime
import json
import re

import pytest

from lending import (COMMAND, FOR, NODE, NONE, POLICY, TIMERS, TRY_LATER, bpfdev, ended, no_timers_left, timers,
                     under_rules, without, without_timers)
from reloads import asker, logged
from suites import every_suite, one_suite
from verbs import Waiting, denied_by_manager, denied_nodes, ours, scope_gone

pytestmark = one_suite


@pytest.fixture
def box(machine):
    yield from without_timers(machine)


@pytest.fixture
def alice(box):
    """A session of alice's by ssh, under rules."""
    yield from under_rules(box)


@every_suite
def test_it_ends_by_itself(box, alice):
    assert denied_nodes(alice) == NONE
    status, said, error = bpfdev(box, f"allow alice {NODE} --for 3s")
    assert (status, error) == (0, "")
    assert re.fullmatch(rf"alice may use {NODE} \(rw\) {FOR} {alice.id}\n", said)
    assert denied_nodes(alice) == without(1)
    over = f"alice may no longer use {NODE} in session {alice.id}: the exception's time is over"
    assert ended(box) == [over]
    assert denied_nodes(alice) == NONE
    no_timers_left(box)
    assert logged(box) == [f"{said.strip()}, asked for by uid {asker(box)}", over]
    assert {len(ids) for ids in ours(box).values()} == {1}


def test_revoked_before(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 1h")
    bpfdev(box, "allow alice /dev/try2 --for 1h")
    bpfdev(box, "allow alice @few r --for 1h")
    assert {box.run(f"systemctl show -P AccuracyUSec {timer}").stdout for timer in timers(box)} == {"1s\n"}
    assert denied_nodes(alice) == without(1, 2)
    assert alice.run("attempt r /dev/try3 w /dev/try3 r /dev/try5").stdout == "ENXIO EPERM EPERM\n"
    may_not = f"alice may no longer use {{}} in session {alice.id}\n"
    assert bpfdev(box, f"revoke alice {NODE}") == (0, may_not.format(NODE), "")
    assert denied_nodes(alice) == without(2)
    assert bpfdev(box, f"revoke alice {NODE}") == (1, "", "bpfdev: alice has no such exception in any open session\n")
    assert bpfdev(box, "revoke alice ''")[0] == 1
    assert bpfdev(box, "revoke alice") == (0, may_not.format("/dev/try2") + may_not.format("@few"), "")
    assert denied_nodes(alice) == NONE
    by = f"asked for by uid {asker(box)}"
    assert logged(box)[3:] == [f"alice may no longer use {device} in session {alice.id}, {by}"
                               for device in (NODE, "/dev/try2", "@few")]
    assert bpfdev(box, "revoke alice") == (1, "", "bpfdev: alice has no such exception in any open session\n")


def test_all_open_sessions_and_none_that_is_opened_later(box, alice):
    with box.console_login("alice") as console:
        first, second = sorted((alice.id, console.id), key=lambda name: (len(name), name))
        said = bpfdev(box, f"allow alice {NODE} --for 1h")[1]
        assert re.search(rf"in session ({first}, {second}|{second}, {first})\n", said)
        with box.ssh_session("alice") as late:
            assert [denied_nodes(session) for session in (alice, console, late)] == [without(1), without(1), NONE]
            # The manager serves them all.
            assert denied_by_manager(box) == without(1)
            status, said, _ = bpfdev(box, "revoke alice")
            assert status == 0 and said.count("\n") == 2
            assert [denied_nodes(session) for session in (alice, console, late)] == [NONE] * 3
            assert denied_by_manager(box) == NONE


@every_suite
def test_manager_has_it_while_a_session_is_open_that_has_it(box, alice):
    box.run("loginctl enable-linger alice")
    with box.ssh_session("alice") as session:
        bpfdev(box, "revoke alice")
        assert bpfdev(box, f"allow alice {NODE} --for 1h")[0] == 0
        alice.close()
        assert denied_by_manager(box) == without(1)
        assert denied_nodes(session) == without(1)
    assert denied_by_manager(box) == NONE


def test_json(box, alice):
    before = datetime.datetime.now().timestamp()
    said = json.loads(box.run("bpfdev allow alice c 510:1 rwm --for 1h30m --json").stdout)
    assert 5399 <= said.pop("until") - before < 5460
    assert said == {"user": "alice", "uid": 1000, "device": "c 510:1", "access": "rwm", "sessions": [alice.id]}
    said = json.loads(box.run("bpfdev revoke alice --json").stdout)
    assert said == {"revoked": [{"user": "alice", "session": alice.id, "device": "c 510:1"}]}
    status, said, error = bpfdev(box, "revoke alice --json")
    assert (status, json.loads(said)) == (1, {"revoked": []})
    assert error == "bpfdev: alice has no such exception in any open session\n"


def test_ways_to_write_a_device(box, alice):
    for written, device, denied in (("c 510:1", "c 510:1", without(1)), ("'c 510:1'", "c 510:1", without(1)),
                                    ("a '510:2-3' rw", "a 510:2-3", without(2, 3)), ("'*'", "*", ""),
                                    ("@few", "@few", without(3, 4)), ("'/dev/try[56]'", "/dev/try[56]", without(5, 6))):
        assert bpfdev(box, f"allow :1000 {written} --for 1h")[1].startswith(f"alice may use {device} (rw) until")
        assert denied_nodes(alice) == denied, written
        device = written.removesuffix(" rw")
        assert bpfdev(box, f"revoke :1000 {device}")[0] == 0, written
        assert denied_nodes(alice) == NONE
    assert alice.run("attempt c:510:1 ~/node").stdout == "EPERM\n"
    bpfdev(box, "allow alice c 510:1 m --for 1h")
    assert alice.run("sudo attempt c:510:1 /root/node").stdout == "ok\n"
    assert denied_nodes(alice) == NONE


@pytest.mark.only_suite("bookworm")
def test_again_for_the_same_device(box, alice):
    """The later end counts, and is the one that the timer finds."""
    assert bpfdev(box, f"allow alice {NODE} --for 1h")[0] == 0
    # In the same second too, when nothing is different.
    assert [bpfdev(box, f"allow alice {NODE} --for 1h")[0] for _ in range(5)] == [0] * 5
    assert bpfdev(box, f"allow alice {NODE} --for 2s")[0] == 0
    ended(box)
    assert denied_nodes(alice) == NONE
    assert bpfdev(box, f"allow alice {NODE} --for 1")[0] == 0
    assert bpfdev(box, f"allow alice {NODE} --for 1h")[0] == 0
    assert bpfdev(box, "allow alice /dev/try2 --for 1")[0] == 0
    box.wait_for(lambda: denied_nodes(alice) == without(1), "the last one has ended, and the one before has not")


@pytest.mark.only_suite("bookworm")
def test_different_ends(box, alice):
    bpfdev(box, "allow alice /dev/try3 --for 3s")
    bpfdev(box, "allow alice /dev/try1 --for 1s")
    bpfdev(box, "allow alice /dev/try2 --for 1h")
    assert {line.split()[5] for line in ended(box, 2)} == {"/dev/try1", "/dev/try3"}
    assert denied_nodes(alice) == without(2)


def test_session_that_is_over_first(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 4s")
    alice.close()
    no_timers_left(box)
    assert len(logged(box)) == 1


@pytest.mark.only_suite("bookworm")
def test_user_who_is_gone_before(box):
    box.run("useradd -m -u 1050 -s /bin/bash -G students dora")
    box.policy(POLICY)
    with box.ssh_session("dora") as session:
        bpfdev(box, f"allow dora {NODE} --for 4s")
        box.run("userdel -f dora")
        assert session.run("attempt rw /dev/try1").stdout == "ENXIO\n"
        box.wait_for(lambda: any(":1050 may no longer use" in line for line in logged(box)), "it has ended")
        assert session.run("attempt rw /dev/try1").stdout == "EPERM\n"
        no_timers_left(box)
        status, said, _ = bpfdev(box, "revoke :1050")
        assert (status, said) == (1, "")


def test_processes_that_are_left_lose_it(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 1h")
    left = Waiting(alice, command=TRY_LATER)
    alice.close()
    assert left.go() == " ".join(["ENXIO"] + ["EPERM"] * 9)
    scope_gone(box, alice)


def test_processes_that_are_left_get_none(box, alice):
    left = Waiting(alice, command=TRY_LATER)
    alice.close()
    nobody = "bpfdev: alice has no open session with device rules: nothing to allow\n"
    assert bpfdev(box, f"allow alice {NODE} --for 1h") == (1, "", nobody)
    assert left.go() == " ".join(["ENXIO"] + ["EPERM"] * 9)


@pytest.mark.only_suite("bookworm")
def test_killed_session_leaves_the_manager_with_it_until_the_end(box, alice):
    box.run("loginctl enable-linger alice; systemctl start user@1000")
    bpfdev(box, f"allow alice {NODE} --for 2s")
    alice.kill()
    scope_gone(box, alice)
    box.wait_for(lambda: denied_by_manager(box) == NONE, "the manager has lost it")
    no_timers_left(box)


@pytest.mark.only_suite("bookworm")
def test_reload_in_between(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 5s")
    bpfdev(box, "allow alice @few --for 1h")
    box.policy("@students allow c 510:8\nclass few c 510:5\n")
    assert bpfdev(box, "reload")[::2] == (0, "")
    assert denied_nodes(alice) == "0234679"
    ended(box)
    assert denied_nodes(alice) == "01234679"
    # With the class, what was lent goes: the log and whoever asked for the reload are told.
    box.policy("@students allow c 510:8\n")
    status, _, error = bpfdev(box, "reload")
    assert (status, error) == (0, f"bpfdev: session-{alice.id}.scope of alice: the exception for @few has ended: "
                                  "there is no class \"few\" in the policy\n")
    assert denied_nodes(alice) == "012345679"
    assert f"alice may no longer use @few in session {alice.id}" in logged(box)


@pytest.mark.only_suite("bookworm")
def test_policy_with_mistakes_at_its_end(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 2s")
    box.policy("oops\n")
    ended(box)
    assert denied_nodes(alice) == NONE
    assert denied_by_manager(box) == NONE
    no_timers_left(box)
    # Numbers and paths need no policy, and classes do.
    assert bpfdev(box, f"allow alice {NODE} --for 1h")[0] == 0
    status, said, error = bpfdev(box, "allow alice @few --for 1h")
    assert (status, said) == (2, "")
    assert error.startswith(f"bpfdev: session-{alice.id}.scope is as it was: /etc/security/bpfdev.conf:1:5: ")
    assert bpfdev(box, "revoke alice")[0] == 0


@pytest.mark.only_suite("bookworm")
def test_timer_tries_again_when_it_cannot(box, alice):
    box.run(f"bpfdev allow alice {NODE} --for 2s && chmod 644 /run/pam_bpfdev/1000.lock")
    box.wait_for(lambda: "auto-restart" in box.run(TIMERS).stdout, "it has failed and waits")
    assert box.journal(r"bpfdev\[\d+\]: bpfdev: /run/pam_bpfdev/1000.lock: must be")
    # The program itself has ended it: the timer only tidies up.
    assert denied_nodes(alice) == NONE
    box.run("chmod 600 /run/pam_bpfdev/1000.lock")
    ended(box)
    assert denied_nodes(alice) == NONE


@pytest.mark.only_suite("bookworm")
def test_time_that_was_over_before_the_sessions_could_be_had(box, alice):
    """Else its timer might come first, and nobody would end it."""
    held = f"flock /run/pam_bpfdev/1000.lock sh -c 'echo; sleep 3' | (read -r held; {COMMAND} {{}})"
    result = box.run(held.format(f"allow alice {NODE} --for 1"), check=False)
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr.startswith(f"bpfdev: session-{alice.id}.scope is as it was: the time was over before")
    assert denied_nodes(alice) == NONE
    no_timers_left(box)


@pytest.mark.only_suite("bookworm")
def test_timer_that_was_stopped(box, alice):
    box.run(f"bpfdev allow alice {NODE} --for 3s && systemctl stop 'bpfdev-revoke-*.timer'")
    assert bpfdev(box, "revoke alice") == (0, f"alice may no longer use {NODE} in session {alice.id}\n", "")
    assert denied_nodes(alice) == NONE
    # And what has ended without one is dropped with the next change.
    box.run(f"bpfdev allow alice {NODE} --for 1 && systemctl stop 'bpfdev-revoke-*.timer' && sleep 2")
    assert denied_nodes(alice) == NONE
    bpfdev(box, "allow alice /dev/try2 --for 1h")
    assert denied_nodes(alice) == without(2)
    assert f"alice may no longer use {NODE} in session {alice.id}: the exception's time is over" in logged(box)


def test_log_says_who_asked(box, alice):
    with box.ssh_session("bob") as bob:
        said = bob.run(f"sudo $0 allow alice {NODE} --for 1h && sudo $0 revoke alice".replace("$0", COMMAND))
    assert (said.returncode, said.stderr) == (0, "")
    assert [line.rpartition(" ")[2] for line in logged(box)] == ["1001"] * 2
    bpfdev(box, f"allow alice {NODE} --for 1h", "env SUDO_UID=1002")
    assert logged(box)[-1].rpartition(" ")[2] == asker(box, "1002")
