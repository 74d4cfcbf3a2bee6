# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the log says, at a session's end, of what it was denied."""

import pytest

POLICY_FILE = "/etc/security/bpfdev.conf"
ZERO = f"/dev/zero (c 1:5) rw 3 times by {POLICY_FILE}:2"
DENIED = f"alice was denied 3 times in session-1.scope: {ZERO}"
LEFT = "alice left processes in session-1.scope: they stay filtered"


@pytest.fixture
def alice(login, world):
    """An open session of alice's, after which the log is empty."""
    alice = login()
    alice.open()
    world.log.clear()
    return alice


def test_line_at_close(alice, world):
    alice.opens("/dev/zero")
    assert alice.close() == "PAM_SUCCESS"
    assert world.log.entries() == [("notice", DENIED)]


def test_nothing_denied_is_no_line(alice, world):
    alice.opens("/dev/null")
    alice.close()
    assert world.log.entries() == []


def test_quiet_does_not_silence_it(login, world):
    world.service("alone", "quiet")
    alice = login()
    alice.open()
    alice.opens("/dev/zero")
    alice.close()
    assert world.log.texts() == [DENIED]


def test_most_often_comes_first(alice, world):
    alice.opens("/dev/full")
    alice.opens("/dev/zero")
    alice.call("mknod", "c", 1, 9, "/run/node")
    alice.close()
    assert world.log.texts() == [f"alice was denied 6 times in session-1.scope: {ZERO}, /dev/full (c 1:7) w 2 times by "
                                 f"{POLICY_FILE}:3, /dev/urandom (c 1:9) m once by {POLICY_FILE}:4"]


def test_lack_of_a_rule(login, world):
    world.policy("alice allow c 1:3\nalice deny c 1:5\n")
    alice = login()
    alice.open()
    world.log.clear()
    alice.call("mknod", "c", 510, 3, "/run/node")
    alice.call("mknod", "b", 8, 3, "/run/node")
    alice.close()
    (text,) = world.log.texts()
    assert text.startswith("alice was denied 2 times in session-1.scope: ")
    assert "c 510:3 m once by no rule" in text and "block-sd (b 8:3) m once by no rule" in text


def test_more_devices_than_are_named(alice, world):
    world.policy("alice allow c 1:3\n")
    alice.close()
    alice.open()
    world.log.clear()
    for minor in range(7):
        alice.call("mknod", "c", 510, minor, "/run/node")
    alice.close()
    (text,) = world.log.texts()
    assert text.startswith("alice was denied 7 times in session-1.scope: c 510:") and text.count(" m once by no rule") == 5
    assert text.endswith("; 2 more devices")


def test_audit_would_have_denied(login, world):
    world.policy("alice allow *\nalice deny c 1:5\nalice audit\n")
    alice = login()
    alice.open()
    assert world.log.texts() == ["alice filtered in session-1.scope: 3 rules, audit"]
    world.log.clear()
    assert alice.opens("/dev/zero")["rw"] == "ok"
    alice.close()
    assert world.log.entries() == [("notice", f"alice would have been denied 3 times in session-1.scope, but for audit: "
                                              f"{ZERO}")]


def test_audit_below_a_rank_that_enforces(login, world):
    world.policy("* allow *\n* deny c 1:5\n* audit\nalice deny c 1:7\n")
    alice = login()
    alice.open()
    world.log.clear()
    assert (alice.call("try", "r", "/dev/zero"), alice.call("try", "w", "/dev/zero")) == ("ok", "ok")
    assert alice.call("try", "r", "/dev/full") == "EPERM"
    alice.close()
    assert world.log.texts() == ["alice was denied once in session-1.scope, and but for audit 2 times more: /dev/full (c 1:7) "
                                 f"r once by {POLICY_FILE}:4, for audit /dev/zero (c 1:5) rw 2 times by {POLICY_FILE}:2"]


@pytest.mark.parametrize("text", ("alice deny *\nalice deny c 1:5\n", "nonsense\n"))
def test_line_of_a_policy_that_has_changed(alice, world, text):
    alice.opens("/dev/zero")
    world.policy(text)
    alice.close()
    assert "alice was denied 3 times in session-1.scope: /dev/zero (c 1:5) rw 3 times by a line of a policy that has " \
           "changed since" in world.log.texts()


def test_policy_of_conf(login, world):
    world.write("lab.conf", "# here\nalice deny c 1:5\nalice allow *\n")
    world.service("alone", "conf=/etc/lab.conf")
    alice = login()
    alice.open()
    world.log.clear()
    alice.opens("/dev/zero")
    alice.close()
    assert world.log.texts() == [DENIED.replace(f"{POLICY_FILE}:2", "/etc/lab.conf:2")]


def test_processes_left_behind(alice, stay, world, tree):
    alice.opens("/dev/zero")
    stay(tree.scope())
    alice.close()
    assert world.log.texts() == [DENIED, LEFT]


def test_it_is_told_once(alice, stay, world, tree):
    alice.opens("/dev/zero")
    end = stay(tree.scope())
    alice.close()
    alice.opens("/dev/zero")
    alice.close()
    end()
    alice.close()
    assert world.log.texts() == [DENIED, LEFT, LEFT]


def test_su_within_does_not_tell_it(alice, login, world):
    alice.opens("/dev/zero")
    inner = login()
    inner.open()
    inner.close()
    inner.kill()
    assert world.log.texts() == []
    alice.close()
    assert world.log.texts() == [DENIED]


def test_close_in_another_process(alice, login, stay, world, tree):
    """That is the session's end only if nobody is left."""
    end = stay(tree.scope())
    alice.opens("/dev/zero")
    alice.kill()
    closer = login()
    closer.close()
    assert world.log.texts() == [LEFT]
    end()
    closer.close()
    assert world.log.texts() == [LEFT, DENIED]


def test_children_count(alice, login, tree, world):
    below = login(cgroup=tree.make("user.slice/user-1000.slice/session-1.scope/container"))
    below.opens("/dev/zero")
    below.kill()
    alice.close()
    assert world.log.texts() == [DENIED]
