# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Who closes a session, how often, from where, and what stays because of whom."""

import pytest

import kernel
import scratch
from test_open import ALLOWED, DENIED, MANAGER, SCOPE
from waiting import wait_for


def flags_of(cgroup):
    """The flags of the only filter of the cgroup."""
    (program,) = scratch.programs(cgroup)
    return kernel.info(program)["flags"]


def test_close_in_another_process(login, tree):
    alice = login()
    alice.open()
    alice.kill()
    assert tree.filters() == {SCOPE: 1}
    assert login().close() == "PAM_SUCCESS"
    assert tree.filters() == {}


def test_close_while_the_directory_has_lost_the_user(login, tree, world):
    """Who it is was found out at the open: a close asks nobody, so it neither waits nor fails."""
    alice = login()
    alice.open()
    world.write("passwd", "root:x:0:0::/root:/bin/sh\n")
    assert alice.close() == "PAM_SUCCESS"
    assert tree.filters() == {}


STUDENTS = "* deny c 1:*\n* allow c 1:3\n@students allow c 1:5 rwm\nalice allow c 1:7 service=sshd-test\n"
GROUPS = "root:x:0:\nalice:x:1000:\nstudents:x:2000:{}\n"


@pytest.fixture
def left_students(login, tree, world):
    """A function that opens a manager and a session for alice the student, who is one no more when the session ends."""
    def lead(passwd=None):
        world.policy(STUDENTS)
        world.write("group", GROUPS.format("alice"))
        manager, session = login(service="systemd-user", cgroup=tree.manager()), login(service="sshd-test")
        manager.open()
        session.open()
        assert manager.opens("/dev/zero") == ALLOWED
        world.write("group", GROUPS.format(""))
        if passwd:
            world.write("passwd", passwd)
        world.log.clear()
        assert session.close() == "PAM_SUCCESS"
        return manager
    return lead


def test_manager_is_left_what_the_user_may_by_now(left_students):
    """Not what the groups at the login said."""
    assert left_students().opens("/dev/zero") == DENIED


def test_manager_of_whom_nobody_knows_is_left_what_every_shell_needs(left_students, world):
    assert left_students(passwd="root:x:0:0::/root:/bin/sh\n").opens("/dev/null") == ALLOWED
    assert any("keeps only what every shell needs" in text for text in world.log.texts())


def test_close_in_another_process_with_others_left(login, stay, tree):
    """It cannot know whether it ends the session or one within it (su), so it leaves all as it is."""
    alice, end = login(), stay(tree.scope())
    alice.open()
    alice.kill()
    closer = login()
    assert closer.close() == "PAM_SUCCESS"
    assert tree.filters() == {SCOPE: 1} and flags_of(tree.scope()) == 0
    end()
    assert closer.close() == "PAM_SUCCESS"
    assert tree.filters() == {}


def test_session_of_this_handle_though_others_were_there_before(login, stay, tree, world):
    """What an earlier module has started (pam_exec, a keyring) does not make it somebody else's session."""
    end, alice = stay(tree.scope()), login()
    alice.call("env", "XDG_SESSION_ID=1")
    alice.open()
    world.log.clear()
    alice.opens("/dev/zero")
    alice.close()
    assert flags_of(tree.scope()) == kernel.CLOSED
    assert world.log.texts()[0].startswith("alice was denied 3 times in session-1.scope")
    end()


def test_close_without_privileges_changes_nothing(login, tree, world):
    alice = login()
    alice.open()
    world.log.clear()
    assert alice.call("become", 1000) == "ok"
    assert alice.close() == "PAM_SUCCESS"
    assert tree.filters() == {SCOPE: 1}
    assert all("ends with its cgroup" in text for text in world.log.texts())


def test_unprivileged_close_is_no_news(login, world):
    alice = login()
    alice.open()
    world.log.clear()
    alice.call("become", 1000)
    alice.close()
    assert {entry.priority for entry in world.log.entries()} <= {"debug"}


def test_close_twice(login, tree):
    alice = login()
    alice.open()
    assert alice.close() == "PAM_SUCCESS"
    alice.close()
    assert tree.filters() == {}
    assert login().close() == "PAM_IGNORE"


def test_close_that_was_never_opened(login, tree, world):
    assert login().close() == "PAM_IGNORE"
    assert login("bob", cgroup=tree.scope(1, 1001)).close() == "PAM_IGNORE"
    assert tree.filters() == {} and world.log.entries() == []


def test_without_close_the_filter_ends_with_its_cgroup(login, tree):
    alice, scope = login(), tree.scope(7)
    alice.call("move", scope / "cgroup.procs")
    alice.open()
    (program,) = scratch.programs(scope)
    assert program in kernel.of_unit("session-7.scope")
    alice.kill()
    scope.rmdir()
    wait_for(lambda: not kernel.info(program), "the kernel has dropped the program")


def test_open_twice_in_one_process(login, tree):
    alice = login()
    assert (alice.open(), alice.open()) == ("PAM_SUCCESS", "PAM_IGNORE")
    assert tree.filters() == {SCOPE: 1}
    assert alice.opens("/dev/zero") == DENIED
    alice.close()
    assert tree.filters() == {}
    alice.close()
    assert tree.filters() == {}


def test_open_close_open_in_one_process(login, tree):
    alice = login()
    for _ in range(2):
        assert alice.open() == "PAM_SUCCESS"
        assert tree.filters() == {SCOPE: 1}
        assert alice.close() == "PAM_SUCCESS"
        assert tree.filters() == {}


def test_inner_session_first_to_close_leaves_the_outer_one(login, tree):
    outer = login()
    outer.open()
    inner = login()
    assert inner.open() == "PAM_IGNORE"
    inner.close()
    inner.kill()
    assert tree.filters() == {SCOPE: 1} and flags_of(tree.scope()) == 0
    assert outer.close() == "PAM_SUCCESS"
    assert tree.filters() == {}


def test_a_hundred_nested_sessions(login, tree):
    outer = login()
    outer.open()
    before = scratch.programs(tree.scope())
    nested = [login() for _ in range(100)]
    assert [inner.open() for inner in nested] == ["PAM_IGNORE"] * 100
    assert scratch.programs(tree.scope()) == before
    for inner in reversed(nested):
        inner.close()
        inner.kill()
    assert scratch.programs(tree.scope()) == before and flags_of(tree.scope()) == 0
    assert outer.close() == "PAM_SUCCESS" and tree.filters() == {}


def test_forked_child_that_ends_its_handle_leaves_the_filter(login, tree):
    alice = login()
    alice.open()
    before = scratch.programs(tree.scope())
    assert alice.call("end-in-child") == "ok"
    assert scratch.programs(tree.scope()) == before and flags_of(tree.scope()) == 0
    assert alice.opens("/dev/zero") == DENIED
    assert alice.close() == "PAM_SUCCESS" and tree.filters() == {}


def test_end_without_close_leaves_the_filter(login, tree):
    alice = login()
    alice.open()
    assert alice.call("end") == "PAM_SUCCESS"
    assert tree.filters() == {SCOPE: 1}


def test_processes_left_behind_stay_filtered(login, stay, tree, world):
    tree.manager()
    alice = login()
    alice.open()
    end = stay(tree.scope())
    world.log.clear()
    assert alice.close() == "PAM_SUCCESS"
    assert world.log.entries() == [("info", "alice left processes in session-1.scope: they stay filtered")]
    assert flags_of(tree.scope()) == kernel.CLOSED
    assert tree.filters() == {SCOPE: 1, MANAGER: 1}
    alice.kill()
    left = login()
    assert left.opens("/dev/zero") == DENIED and left.opens("/dev/null") == ALLOWED
    end()


def test_processes_left_below_the_scope_count(login, stay, tree):
    below = tree.make(SCOPE + "/container/deep")
    alice = login()
    alice.open()
    stay(below)
    assert alice.close() == "PAM_SUCCESS"
    assert flags_of(tree.scope()) == kernel.CLOSED


def test_su_in_a_session_that_has_no_filter_yet_is_not_its_end(login, stay, tree):
    """The session is older than the policy; su within it filters it, and ends while the session goes on."""
    stay(tree.scope())
    inner = login()
    assert (inner.open(), inner.close()) == ("PAM_SUCCESS", "PAM_SUCCESS")
    assert flags_of(tree.scope()) == 0
    assert tree.filters() == {SCOPE: 1}


def test_leaving_processes_twice_changes_nothing_more(login, stay, tree):
    stay(tree.scope())
    alice = login()
    alice.open()
    alice.close()
    before = scratch.programs(tree.scope())
    alice.close()
    assert scratch.programs(tree.scope()) == before


def test_session_reopened_in_a_closed_scope_stays_filtered(login, stay, tree):
    stay(tree.scope())
    alice = login()
    alice.open()
    alice.close()
    assert login().open() == "PAM_IGNORE"
    assert alice.opens("/dev/zero") == DENIED


def test_broken_policy_does_not_keep_a_session_open(login, tree, world):
    alice = login()
    alice.open()
    world.policy("nonsense\n")
    assert alice.close() == "PAM_SUCCESS" and tree.filters() == {}


def test_close_takes_only_our_program_away(login, tree, foreign_program):
    alice = login()
    alice.open()
    foreign_program(tree.scope())
    assert alice.close() == "PAM_SUCCESS"
    assert len(scratch.programs(tree.scope())) == 1
