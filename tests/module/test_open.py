# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What opening a session does to its devices, and whom it leaves alone."""

import pytest

import kernel
import scratch

ALLOWED = {"r": "ok", "w": "ok", "rw": "ok", "F_OK": "ok"}
DENIED = {"r": "EPERM", "w": "EPERM", "rw": "EPERM", "F_OK": "ok"}
SCOPE = "user.slice/user-1000.slice/session-1.scope"
MANAGER = "user.slice/user-1000.slice/user@1000.service"


def test_session_has_its_rules(login):
    alice = login()
    assert alice.open() == "PAM_SUCCESS"
    assert alice.opens("/dev/null") == ALLOWED
    assert alice.opens("/dev/zero") == DENIED
    assert alice.opens("/dev/full") == {"r": "ok", "w": "EPERM", "rw": "EPERM", "F_OK": "ok"}


def test_mknod_has_its_rules(login):
    alice = login()
    assert alice.call("mknod", "c", 1, 9, "/run/node") == "ok"
    alice.open()
    assert alice.call("mknod", "c", 1, 5, "/run/node") == "EPERM"
    assert alice.call("mknod", "c", 1, 7, "/run/node") == "ok"
    assert alice.call("mknod", "c", 1, 9, "/run/node") == "EPERM"
    assert alice.opens("/dev/urandom") == ALLOWED


def test_child_cgroups_of_the_scope_have_them_too(login, tree):
    below = tree.make(SCOPE + "/container")
    alice = login(cgroup=below)
    assert alice.open() == "PAM_SUCCESS"
    assert tree.filters() == {SCOPE: 1}
    assert alice.opens("/dev/zero") == DENIED


def test_nobody_else_has_them(login, outsider, tree):
    login().open()
    bob = login("bob", cgroup=tree.scope(2, 1001))
    assert bob.open() == "PAM_IGNORE"
    for other in (bob, outsider):
        assert other.opens("/dev/zero") == ALLOWED


def test_without_lines_nothing_is_attached(login, tree, world):
    tree.manager(1001)
    assert login("bob", cgroup=tree.scope(1, 1001)).open() == "PAM_IGNORE"
    assert tree.filters() == {}
    assert world.log.entries() == []


def test_manager_is_filtered_with_the_session(login, tree, world):
    manager = tree.manager()
    assert login().open() == "PAM_SUCCESS"
    assert tree.filters() == {SCOPE: 1, MANAGER: 1}
    within = login(cgroup=manager)
    assert within.opens("/dev/zero") == DENIED and within.opens("/dev/null") == ALLOWED


def test_close_takes_the_rules_away(login, tree):
    alice = login()
    assert (alice.open(), alice.close()) == ("PAM_SUCCESS", "PAM_SUCCESS")
    assert tree.filters() == {}
    assert alice.opens("/dev/zero") == ALLOWED


def test_log_says_who_is_filtered_where(login, world):
    login().open()
    (entry,) = world.log.entries()
    assert entry == ("info", "alice filtered in session-1.scope: 5 rules")


def test_log_says_that_nothing_is_restricted(login, tree, world):
    world.policy("alice deny c 1:5 rwm remote\n")
    login().open()
    assert world.log.entries() == [("info", "alice not restricted in session-1.scope: no line of the policy applies "
                                            "to this session")]


def test_log_says_that_the_manager_is_filtered(login, tree, world):
    login(service="systemd-user", cgroup=tree.manager()).open()
    assert world.log.entries() == [("info", "user manager of alice filtered in user@1000.service")]


def test_quiet_and_debug(login, world):
    world.service("alone", "quiet")
    login().open()
    assert world.log.entries() == []
    world.service("alone", "debug")
    assert login().open() == "PAM_IGNORE"
    assert [entry.priority for entry in world.log.entries()] == ["debug"]


def test_user_without_a_rule_that_counts_may_do_everything(login, tree, world):
    world.policy("alice deny c 1:5 rwm remote\n")
    alice = login()
    assert alice.open() == "PAM_SUCCESS"
    assert tree.filters() == {SCOPE: 1}
    assert alice.opens("/dev/zero") == ALLOWED
    world.policy("alice deny c 1:5 rwm\nalice exempt\n")
    exempt = login(cgroup=tree.scope(2))
    assert exempt.open() == "PAM_SUCCESS"
    assert exempt.opens("/dev/zero") == ALLOWED


def test_conditions_see_what_pam_knows(login, tree, world):
    world.policy("alice allow *\nalice deny c 1:5 rwm remote\nalice deny c 1:7 rwm tty=tty9\n"
                 "alice deny c 1:9 rwm service=sshd-test\n")
    near, far = login(), login(service="sshd-test", cgroup=tree.scope(2), rhost="far.example")
    far.call("item", "tty", "/dev/tty9")
    assert (near.open(), far.open()) == ("PAM_SUCCESS", "PAM_SUCCESS")
    for device in ("/dev/zero", "/dev/full", "/dev/urandom"):
        assert near.opens(device) == ALLOWED
        assert far.opens(device) == DENIED


def test_what_is_neither_local_nor_remote_comes_from_anywhere(login, tree, world):
    world.policy("alice allow *\nalice deny c 1:5 rwm remote\nalice deny c 1:7 rwm local\n")
    terminals = {"tty2": ALLOWED, "console": ALLOWED, "/dev/ttyS0": ALLOWED, "": DENIED, "pts/0": DENIED, "ssh": DENIED,
                 "tty": DENIED, ":0": DENIED}
    said = {}
    for number, tty in enumerate(terminals, 2):
        alice = login(cgroup=tree.scope(number))
        alice.call("env", "XDG_SEAT")
        if tty:
            alice.call("item", "tty", tty)
        assert alice.open() == "PAM_SUCCESS"
        said[tty] = alice.opens("/dev/zero")
        assert alice.opens("/dev/full") == DENIED
    assert said == terminals


def test_only_baseline_is_left_where_nothing_is_allowed(login, world):
    world.policy("alice deny c 10:229\n")
    alice = login()
    assert alice.open() == "PAM_SUCCESS"
    assert alice.opens("/dev/null") == ALLOWED
    assert alice.call("mknod", "c", 1, 3, "/run/node") == "EPERM"


def test_group_line_counts_for_its_members(login, tree, world):
    world.policy("@students deny c 1:5\n")
    assert login("carol", cgroup=tree.scope(1, 1002)).open() == "PAM_SUCCESS"
    assert login("bob", cgroup=tree.scope(1, 1001)).open() == "PAM_IGNORE"


@pytest.mark.parametrize("user, uid", [("root", 0), ("greeter", 120), ("nobody", 65534)])
def test_lines_for_everybody_spare_system_accounts(login, tree, world, user, uid):
    world.policy("* deny *\n0: deny *\n")
    if user == "nobody":
        world.policy("* deny *\n")
    assert login(user, cgroup=tree.scope(1, uid)).open() == "PAM_IGNORE"
    assert tree.filters() == {}
    world.policy(f"* deny *\n{user} deny c 1:5\n")
    assert login(user, cgroup=tree.scope(2, uid)).open() == "PAM_SUCCESS"


def test_unknown_user(login, tree, world):
    for user in ("mallory", ""):
        assert login(user).open() == "PAM_USER_UNKNOWN"
    assert [entry.priority for entry in world.log.entries()] == ["err", "err"]
    assert world.log.texts()[0] == 'there is no user "mallory"'
    assert tree.filters() == {}


def test_program_says_what_it_is_for(login, tree):
    alice = login(service="sshd-test", rhost="far.example")
    alice.call("item", "tty", "/dev/pts/4")
    alice.open()
    (program,) = scratch.programs(tree.scope())
    said = kernel.info(program)
    strings = {key: value for key, value in said.items() if isinstance(value, str)}
    assert strings == {"user": "alice", "service": "sshd-test", "tty": "pts/4", "rhost": "far.example",
                       "unit": "session-1.scope", "policy": "/etc/security/bpfdev.conf"}
    assert (said["uid"], said["flags"], said["rule_count"]) == (1000, 0, 5)


def test_another_program_on_the_cgroup_stays(login, tree, world, foreign_program):
    scope = tree.scope()
    foreign_program(scope)
    before = scratch.programs(scope)
    assert len(before) == 1
    alice = login()
    assert alice.open() == "PAM_SUCCESS"
    assert alice.opens("/dev/zero") == DENIED and len(scratch.programs(scope)) == 2
    alice.close()
    assert scratch.programs(scope) == before


def test_pamtester_agrees(world, tree, needs):
    needs("pamtester")
    scope = tree.scope()
    opened = world.run(scope, "pamtester", "-I", "rhost=far.example", "usual", "alice", "open_session")
    assert "successfully opened a session" in opened.stdout
    assert world.run(scope, "sh", "-c", ": </dev/zero").returncode != 0
    closed = world.run(scope, "pamtester", "usual", "alice", "close_session")
    assert closed.returncode == 0 and tree.filters() == {}
    world.policy("alice nonsense\n")
    refused = world.run(scope, "pamtester", "usual", "alice", "open_session")
    assert refused.returncode != 0 and "Please tell the administrator" in refused.stdout + refused.stderr
