# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Too little memory, too few descriptors: then a login is refused, and never let in without its filter."""

import re

import pytest

from world import GROUP, PASSWD

# Every kind of line and of device, a class, and a group that has to be looked up.
POLICY = """class quiet c 1:5 @pair
class pair c 1:7 /dev/urandom
alice allow *
@students deny @quiet rw
@wheel deny char-mem
alice deny char-input rw service=alone,other
alice deny usb:*:*:STRAIN
alice deny tag:strain r
alice deny char-strain w
alice audit remote
"""
ANSWER = re.compile(r"(.+) scope=(\d) manager=(\w+) descriptors=([+-]\d+)")
# The others are what libpam itself says, if it cannot even call the module.
REFUSALS = {"PAM_SESSION_ERR", "Memory buffer error", "System error"}


class Strained:
    """A client that opens alice's sessions under strain, in children, and is itself in no session."""

    def __init__(self, login, tree, failing, uid):
        self._scope, self._manager = tree.scope(uid=uid), tree.manager(uid)
        self._away = tree.make("system.slice/strain.service")
        self._client = login(cgroup=self._away, prefix=("env", f"LD_PRELOAD={failing}"))

    def allocations(self):
        """How many allocations a login takes that goes well."""
        assert self._client.call("move", self._scope / "cgroup.procs") == "ok"
        count = int(self._client.call("allocations"))
        assert self._client.call("move", self._away / "cgroup.procs") == "ok"
        assert count > 50
        return count

    def open(self, what, amount):
        """Opens, judges whether what came of it is sound, and returns what the module answered."""
        said = self._client.call("strain", what, amount, self._scope, self._manager)
        context = f"{what} {amount}: {said}"
        assert ANSWER.fullmatch(said), context
        result, filtered, manager, leaked = ANSWER.fullmatch(said).groups()
        assert leaked == "+0", context
        assert (filtered == "1") == (result == "PAM_SUCCESS"), context
        assert result == "PAM_SUCCESS" or (result in REFUSALS and manager == "same"), context
        return result

    def open_all(self):
        """Opens with every single allocation that fails, and with every number of descriptors that is too small."""
        for number in range(1, self.allocations() + 1):
            self.open("allocation", number)
        for number in range(20):
            self.open("descriptors", number)


@pytest.fixture
def strained(world, tree, login, built):
    """A function that makes one."""
    failing = built / "failing.so"
    world.policy(POLICY)
    world.service("alone", more=f"session required {failing}\n")
    return lambda uid=1000: Strained(login, tree, failing, uid)


def test_every_single_allocation_may_fail(strained):
    alice = strained()
    results = [alice.open("allocation", number) for number in range(1, alice.allocations() + 1)]
    assert results.count("PAM_SESSION_ERR") > len(results) / 2
    assert alice.open("allocation", len(results) + 1000) == "PAM_SUCCESS"


def test_memory_may_end_at_any_point(strained):
    alice = strained()
    results = [alice.open("allocations", number) for number in range(1, alice.allocations() + 1, 2)]
    assert results.count("PAM_SESSION_ERR") > len(results) / 3


def test_descriptors_may_end_at_any_point(strained):
    alice = strained()
    results = [alice.open("descriptors", number) for number in range(30)]
    assert results[0] == "PAM_SESSION_ERR" and results[-1] == "PAM_SUCCESS"


def test_address_space_may_end_at_any_point(strained):
    alice = strained()
    results = [alice.open("space", number * 65536) for number in range(64)]
    assert results[0] == "PAM_SESSION_ERR" and results[-1] == "PAM_SUCCESS"


def test_member_by_supplementary_group_only(strained, world):
    """NSS that fails half-way must not make a member of the group somebody without rules."""
    world.policy("@students deny c 1:5\n")
    world.write("group", GROUP.replace("2000:carol", "2000:alice"))
    strained().open_all()


def test_account_that_only_login_defs_calls_regular(strained, world):
    """UID_MIN that cannot be read must not make it a system account, whom lines for everybody spare."""
    world.policy("* deny c 1:5\n")
    world.write("passwd", PASSWD.replace("1000:1000", "500:1000"))
    world.write("login.defs", "UID_MIN 500\n")
    strained(500).open_all()
