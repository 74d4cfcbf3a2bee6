# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The user manager may do what any of the user's open sessions may do, and no more."""

import concurrent.futures
import contextlib

import pytest

from verbs import (ALLOWED, DENIED, FUSE, MANAGER, REMOTE_RULES, RULES, Waiting, by_lingering_manager, by_manager,
                   equipped, ours, scope_gone, told, tried)

NEST = """
[ "$1" -gt 0 ] && exec su alice -c "sh ~/nest $(($1 - 1))"
echo deep >deep
read -r go <go
probe >said
"""


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def test_as_the_session_by_ssh_while_there_is_no_other(box):
    box.policy(REMOTE_RULES)
    with box.ssh_session("alice") as remote:
        assert (tried(remote), by_manager(remote)) == (DENIED, DENIED)


def test_as_the_console_while_somebody_is_there(box):
    box.policy(REMOTE_RULES)
    with box.ssh_session("alice") as remote:
        with box.console_login("alice") as local:
            assert (tried(local), tried(remote), by_manager(remote)) == (ALLOWED, DENIED, ALLOWED)
        assert (tried(remote), by_manager(remote)) == (DENIED, DENIED)


def test_as_the_console_when_the_session_by_ssh_comes_and_goes(box):
    box.policy(REMOTE_RULES)
    with box.console_login("alice") as local:
        with box.ssh_session("alice") as remote:
            assert (tried(remote), by_manager(remote)) == (DENIED, ALLOWED)
        assert (tried(local), by_manager(local)) == (ALLOWED, ALLOWED)


def test_process_left_at_the_console_grants_the_manager_nothing(box):
    box.policy(REMOTE_RULES)
    with box.ssh_session("alice") as remote:
        with box.console_login("alice") as local:
            waiting = Waiting(local)
            assert by_manager(remote) == ALLOWED
        assert set(ours(box)) == {MANAGER, remote.cgroup, local.cgroup}
        assert by_manager(remote) == DENIED
        with box.ssh_session("alice"):
            assert by_manager(remote) == DENIED
        assert waiting.go() == ALLOWED


def test_each_of_two_rules_that_hold_in_one_session_only(box):
    box.policy(f"alice allow {FUSE} rw remote\nalice allow c 10:237 rw local\n")
    with box.ssh_session("alice") as remote, box.console_login("alice") as local:
        assert (tried(remote), tried(local), by_manager(remote)) == ("ok EPERM", "EPERM ok", ALLOWED)


@pytest.mark.parametrize("line", ["exempt local", f"deny {FUSE} rwm remote"])
def test_exempt_and_unrestricted_sessions_count_as_allowing_everything(box, line):
    box.policy(f"* allow *\n* deny {FUSE}\nalice {line}\n" if "exempt" in line else f"alice {line}\n")
    with box.ssh_session("alice") as remote:
        assert by_manager(remote) != ALLOWED
        with box.console_login("alice") as local:
            assert local.cgroup in ours(box)
            assert by_manager(remote) == ALLOWED
        assert by_manager(remote) != ALLOWED


def test_forty_sessions_have_a_program_each_and_the_manager_one(box):
    box.policy(RULES)
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(4) as pool:
        sessions = [stack.enter_context(session) for session in pool.map(box.ssh_session, ["alice"] * 40)]
        found = ours(box)
        assert set(found) == {MANAGER} | {session.cgroup for session in sessions}
        assert len(found) == 41 and {len(ids) for ids in found.values()} == {1}
        assert {tried(session) for session in sessions} == {DENIED}
        assert by_manager(sessions[0]) == DENIED
    box.wait_for(lambda: set(ours(box)) <= {MANAGER}, "the sessions are gone")


def test_nested_su_adds_nothing(box):
    box.policy(RULES)
    box.write_file("/home/alice/nest", NEST)
    with box.ssh_session("alice") as session:
        before = ours(box)
        session.run("cd; mkfifo go; sh nest 100 </dev/null >/dev/null 2>&1 &", check=True)
        told(box, "/home/alice/deep")
        assert ours(box) == before
        box.run(": >/home/alice/go")
        assert told(box, "/home/alice/said") == DENIED
        box.wait_for(lambda: not box.run("pgrep -x su", check=False).stdout, "all su have ended")
        assert ours(box) == before
        assert (tried(session), by_manager(session)) == (DENIED, DENIED)


def test_login_that_died_is_not_counted_any_more_after_the_next(box):
    box.policy(REMOTE_RULES)
    box.run("loginctl enable-linger alice")
    local = box.console_login("alice")
    assert by_lingering_manager(box) == ALLOWED
    local.kill()
    scope_gone(box, local)
    with box.ssh_session("alice") as remote:
        assert (tried(remote), by_manager(remote)) == (DENIED, DENIED)


def test_manager_of_a_user_whom_no_line_names_any_more(box):
    box.policy(RULES)
    box.run("loginctl enable-linger alice; systemctl restart user@1000")
    assert by_lingering_manager(box) == DENIED
    box.policy("")
    with box.ssh_session("alice") as session:
        assert (tried(session), by_manager(session), ours(box)) == (ALLOWED, ALLOWED, {})


def test_inner_session_that_ends_leaves_the_outer_ones_filter(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        before = ours(box)
        for inner in ("su alice -c", "sudo -u alice", "sudo -i -u alice", "su - alice -c"):
            assert tried(session, inner) == DENIED
            assert ours(box) == before
