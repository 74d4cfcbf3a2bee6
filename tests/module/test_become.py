# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A session that somebody in another one has begun for another user: su and sudo, where systemd makes that a session."""

import pytest

from test_denied import ZERO
from test_open import ALLOWED, DENIED

# It stays where it was started, as the shell that su is called from.
CALLER = ("sh", "-c", '"$0"; true')
BOBS = {"user.slice/user-1001.slice/session-7.scope": 1}
BOBS_MANAGER = {"user.slice/user-1001.slice/user@1001.service": 1}


@pytest.fixture
def alice(login, world):
    """An open session of alice's, who may not open /dev/zero and /dev/full; the log is empty."""
    alice = login()
    alice.open()
    world.log.clear()
    return alice


@pytest.fixture
def become(alice, login, tree):
    """A function that has alice become bob: a client in a session of bob's, to be opened."""
    def start(uid=1001, user="bob", caller=None):
        client = login(user, cgroup=caller or tree.scope(), prefix=CALLER)
        client.call("move", tree.scope(7, uid) / "cgroup.procs")
        return client
    return start


@pytest.fixture
def bobs_manager(login, tree):
    """A client in the manager of bob."""
    return login("bob", service="systemd-user", cgroup=tree.manager(1001))


def opens(client):
    """What it may open of two devices."""
    return {name for name in ("zero", "full") if client.opens(f"/dev/{name}") == ALLOWED}


def test_rules_go_along(become, tree, world):
    bob = become()
    assert (bob.open(), bob.opens("/dev/zero")) == ("PAM_SUCCESS", DENIED)
    assert world.log.texts() == ["bob filtered in session-7.scope: by the rules of alice, who became bob"]
    assert {**BOBS}.items() <= tree.filters().items()
    assert bob.close() == "PAM_SUCCESS"
    assert not set(BOBS) & set(tree.filters())


def test_the_close_tells_whose_rules_denied(become, world):
    bob = become()
    bob.open()
    world.log.clear()
    bob.opens("/dev/zero")
    bob.close()
    assert world.log.texts() == [
        f"bob was denied 3 times in session-7.scope by the rules of alice, who became bob: {ZERO}"]


def test_manager_of_a_user_without_rules(become, bobs_manager, tree):
    bob = become()
    assert opens(bobs_manager) == {"zero", "full"}
    bob.open()
    assert opens(bobs_manager) == set()
    bob.close()
    assert opens(bobs_manager) == {"zero", "full"} and not set(BOBS_MANAGER) & set(tree.filters())


def test_manager_that_begins_later(become, login, tree):
    bob = become()
    bob.open()
    manager = login("bob", service="systemd-user", cgroup=tree.manager(1001))
    assert (manager.open(), opens(manager)) == ("PAM_IGNORE", set())


def test_manager_is_held_to_both_rules(alice, become, bobs_manager, world):
    alice.close()
    world.policy("alice allow *\nalice deny c 1:5\nbob allow *\nbob deny c 1:7\n")
    alice.open()
    bob = become()
    bob.open()
    assert (opens(alice), opens(bob), opens(bobs_manager)) == ({"full"}, set(), set())
    bob.close()
    assert opens(bobs_manager) == {"zero"}


@pytest.mark.parametrize("policy", ["", "bob allow *\nbob deny c 1:7\n"])
def test_own_session_takes_nothing_from_the_own_manager(become, bobs_manager, login, tree, world, policy):
    """Nobody locks bob's programs by becoming bob beside him."""
    own = {"zero"} if policy else {"zero", "full"}
    world.policy(f"carol deny *\n{policy}")
    bob = become()
    bob.open()
    assert opens(bobs_manager) == set()
    himself = login("bob", cgroup=tree.scope(8, 1001))
    himself.open()
    assert opens(bobs_manager) == own
    himself.close()
    himself.kill()
    bob.close()
    assert opens(bobs_manager) == own


def test_processes_that_are_left_do_not_hold_the_manager(become, bobs_manager, stay, tree):
    bob = become()
    bob.open()
    end = stay(tree.scope(7, 1001))
    bob.close()
    assert opens(bobs_manager) == {"zero", "full"} and BOBS.items() <= tree.filters().items()
    end()


def test_roots_manager_is_not_held(become, login, tree):
    manager = login("root", service="systemd-user", cgroup=tree.manager(0))
    root = become(0, "root")
    assert (root.open(), opens(root), opens(manager)) == ("PAM_SUCCESS", set(), {"zero", "full"})
