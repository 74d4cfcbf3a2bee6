# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the user's manager may do while sessions come and go."""

import pytest

import kernel
import scratch
from test_open import ALLOWED, DENIED, MANAGER, SCOPE
from world import PASSWD

# One device for each kind of line: c 1:5 is for sshd-test, c 1:7 for login-test, c 1:11 and c 1:9 for neither.
CONDITIONAL = """alice allow c 1:5 rwm service=sshd-test
alice allow c 1:7 rwm service=login-test
alice allow c 1:11
alice deny c 1:9 rwm remote
"""


@pytest.fixture
def manager(login, tree, world):
    """A client in alice's manager, which tells what can be opened there: "zero", "full", "urandom"."""
    world.policy(CONDITIONAL)
    client = login(service="systemd-user", cgroup=tree.manager())

    def may():
        paths = {name: client.opens(f"/dev/{name}") for name in ("zero", "full", "urandom")}
        assert all(opens in (ALLOWED, DENIED) for opens in paths.values())
        return {name for name, opens in paths.items() if opens == ALLOWED}
    client.may = may
    return client


@pytest.fixture
def without_zero(world):
    """Takes /dev/zero and /dev/full, which the baseline allows, away from alice where no line gives them."""
    world.policy("alice deny c 1:*\nalice allow c 1:3\n" + CONDITIONAL)


def test_manager_may_what_any_session_may(manager, without_zero, login, tree):
    ssh, console = login(service="sshd-test"), login(service="login-test", cgroup=tree.scope(2))
    ssh.open()
    assert manager.may() == {"zero"}
    console.open()
    assert manager.may() == {"zero", "full"}
    assert ssh.opens("/dev/full") == DENIED and console.opens("/dev/zero") == DENIED
    ssh.close()
    assert manager.may() == {"full"}
    console.close()
    assert manager.may() == set()
    assert tree.filters() == {MANAGER: 1}


def test_base_filter_takes_denials_and_no_grants(manager, tree):
    """The baseline allows what no line takes away: conditional deny applies to urandom."""
    assert manager.open() == "PAM_SUCCESS"
    assert tree.filters() == {MANAGER: 1}
    (program,) = scratch.programs(tree.manager())
    said = kernel.info(program)
    assert (said["role"], said["unit"], said["service"]) == (kernel.MANAGER, "user@1000.service", "systemd-user")
    assert manager.may() == {"zero", "full"}


def test_conditional_grant_is_not_for_the_manager(manager, without_zero, world):
    manager.open()
    assert manager.may() == set()
    manager.close()
    world.policy("alice deny c 1:*\nalice allow c 1:5 rwm service=systemd-user\n"
                 "alice allow c 1:7 rwm service=systemd-*,other remote\n")
    assert manager.open() == "PAM_SUCCESS"
    assert manager.may() == {"zero"}


def test_manager_opens_in_init_scope(manager, login, tree):
    within = login(service="systemd-user", cgroup=tree.make(MANAGER + "/init.scope"))
    assert within.open() == "PAM_SUCCESS"
    assert tree.filters() == {MANAGER: 1}
    within.close()
    assert tree.filters() == {MANAGER: 1}


def test_manager_reopened_has_one_filter(manager, tree):
    assert [manager.open(), manager.open()] == ["PAM_SUCCESS"] * 2
    assert tree.filters() == {MANAGER: 1}


def test_manager_follows_the_policy(manager, tree, world):
    manager.open()
    world.policy("alice deny c 1:7\n")
    manager.open()
    assert manager.may() == {"zero", "urandom"}
    assert tree.filters() == {MANAGER: 1}


def test_manager_of_a_user_without_lines_loses_its_filter(manager, login, tree, world):
    alice = login()
    alice.open()
    world.policy("bob deny *\n")
    alice.close()
    assert tree.filters() == {}


def test_manager_that_lingers_is_released_by_a_session_without_lines(manager, login, tree, world):
    manager.open()
    world.policy("bob deny *\n")
    assert login().open() == "PAM_IGNORE"
    assert tree.filters() == {}


def test_equal_filter_is_left_alone(manager, login, tree):
    manager.open()
    login(service="sshd-test").open()
    before = scratch.programs(tree.manager())
    login(service="sshd-test", cgroup=tree.scope(2)).open()
    assert scratch.programs(tree.manager()) == before


def test_session_closed_with_processes_left_grants_the_manager_nothing(manager, without_zero, login, stay, tree):
    ssh = login(service="sshd-test")
    ssh.open()
    stay(tree.scope())
    assert manager.may() == {"zero"}
    ssh.close()
    assert manager.may() == set()
    assert tree.filters() == {SCOPE: 1, MANAGER: 1}


def test_scope_without_processes_grants_the_manager_nothing(manager, without_zero, login, tree):
    ssh = login(service="sshd-test")
    ssh.open()
    ssh.kill()
    console = login(service="login-test", cgroup=tree.scope(2))
    console.open()
    assert manager.may() == {"full"}


def test_unrestricted_session_makes_the_manager_unrestricted(manager, login, tree, world):
    world.policy("alice deny c 1:5 rwm service=sshd-test\n")
    login(service="sshd-test").open()
    assert manager.may() == {"full", "urandom"}
    console = login(service="login-test", cgroup=tree.scope(2))
    console.open()
    assert manager.may() == {"zero", "full", "urandom"}
    console.close()
    assert manager.may() == {"full", "urandom"}


def test_other_users_sessions_do_not_count(manager, without_zero, login, tree, world):
    world.policy("alice deny c 1:*\nalice allow c 1:5 rwm service=sshd-test\nbob deny c 1:5\n")
    login("bob", "sshd-test", tree.scope(3, 1001)).open()
    manager.open()
    assert manager.may() == set()


@pytest.mark.parametrize("first, second", [("alice", "alicia"), ("alicia", "alice"), ("alicia", "alicia")])
def test_another_name_of_the_uid_has_the_same_rules(login, tree, world, first, second):
    """And does not give the manager back what the other one's session took."""
    world.write("passwd", PASSWD + "alicia:x:1000:1000::/:/bin/sh\n")
    world.policy("alice allow *\nalice deny c 1:5\nalicia deny c 1:7\n")
    manager = login(service="systemd-user", cgroup=tree.manager())
    one, other = login(first), login(second, cgroup=tree.scope(2))
    for client in one, other:
        assert client.open() == "PAM_SUCCESS"
        assert client.opens("/dev/zero") == client.opens("/dev/full") == DENIED
    other.close()
    assert manager.opens("/dev/zero") == manager.opens("/dev/full") == DENIED
    assert one.opens("/dev/zero") == DENIED and sorted(tree.filters()) == sorted([MANAGER, SCOPE])


def test_policy_broken_meanwhile_leaves_the_manager_the_baseline(manager, login, world, tree):
    world.policy("alice allow *\nalice deny c 1:9\n")
    alice = login()
    alice.open()
    assert manager.may() == {"zero", "full"}
    world.policy("nonsense\n")
    assert alice.close() == "PAM_SUCCESS"
    assert tree.filters() == {MANAGER: 1}
    assert manager.may() == {"zero", "full", "urandom"}
    assert manager.call("mknod", "c", 1, 5, "/run/node") == "EPERM"


def test_forty_sessions_at_once(login, tree):
    tree.manager()
    clients = [login(cgroup=tree.scope(number)) for number in range(40)]
    for client in clients:
        client.send("open")
    assert [client.answer() for client in clients] == ["PAM_SUCCESS"] * 40
    scopes = {f"user.slice/user-1000.slice/session-{number}.scope": 1 for number in range(40)}
    assert tree.filters() == {MANAGER: 1, **scopes}
    for client in clients:
        client.send("close")
    assert [client.answer() for client in clients] == ["PAM_SUCCESS"] * 40
    assert tree.filters() == {MANAGER: 1}


def policy_digest(cgroup):
    (program,) = scratch.programs(cgroup)
    return kernel.info(program)["policy_digest"]


def test_manager_says_of_which_policy_its_lines_are(manager, login, tree, world):
    """0: of several. It follows the sessions also where their rules are the same."""
    manager.open()
    base = policy_digest(tree.manager())
    first = login(service="sshd-test")
    first.open()
    assert base == policy_digest(tree.scope()) == policy_digest(tree.manager()) != 0
    world.policy(f"{CONDITIONAL}# not the same text\n")
    second = login(service="sshd-test", cgroup=tree.scope(2))
    second.open()
    assert policy_digest(tree.scope(2)) not in (0, base) and policy_digest(tree.manager()) == 0
    first.close()
    assert policy_digest(tree.manager()) == policy_digest(tree.scope(2))
    second.close()
    assert policy_digest(tree.manager()) not in (0, base)
