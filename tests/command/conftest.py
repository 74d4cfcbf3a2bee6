# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Fixtures of the tests that run the command `bpfdev` on this machine.

The command is build/bpfdev, or bpfdev in the folder that the environment variable BUILD names. It runs in a mount
namespace (place.py) with accounts (root; alice and carol, who are students; bob, who is staff; the system accounts
daemon and greeter; nobody), a /dev, a /proc/devices and a policy of its own, so that what it says does not depend on
the machine. The cgroups are the machine's: what needs logins belongs into tests/lab.

A test says what the policy is, runs the command, and looks at what came out:

    def test_denied(bpfdev, policy):
        policy("alice deny @webcam\\n")
        result = bpfdev("explain", "alice", "/dev/video0")
        assert result.code == 1 and result.lines[0] == "..."
        assert bpfdev("explain", "alice", "/dev/video0", "--json", user="bob").json()["..."]

bpfdev(): user= runs it as somebody else than root, env= adds to its environment, cwd= is where it runs, stdin= what it
reads (bytes), stdout= where it writes (a file or descriptor; the default is Result.out).
on_terminal(): the same with a terminal as standard output.
policy(): name= for another file than bpfdev.conf below /etc/security, "bpfdev.d/10.conf" for instance.
place: everything else, see Place: write(), devices(), run().
"""

import os
import shutil

import pytest

from place import COMMAND, Place

TOOLS = ("unshare", "nsenter", "mount", "setpriv")


def _cannot_run(why):
    """Skips the test; where PAM_BPFDEV_REQUIRE=1 says that all must run, fails it."""
    if os.environ.get("PAM_BPFDEV_REQUIRE") == "1":
        pytest.fail(f"cannot run, but PAM_BPFDEV_REQUIRE=1: {why}", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def cannot_run():
    """The function for a test that finds out that it cannot run."""
    return _cannot_run


@pytest.fixture(scope="session")
def needs():
    """A function that skips the test if a program is missing."""
    def check(*programs):
        missing = [program for program in programs if not shutil.which(program)]
        if missing:
            _cannot_run(f"not installed: {', '.join(missing)}")
    return check


@pytest.fixture(scope="session")
def shared_place(needs, tmp_path_factory):
    """The namespace that the tests share."""
    if os.geteuid() != 0:
        _cannot_run("only root can make a mount namespace")
    needs(*TOOLS)
    if not COMMAND.exists():
        pytest.fail(f"{COMMAND} is not built: run make", pytrace=False)
    with Place(tmp_path_factory.mktemp("place")) as place:
        yield place


@pytest.fixture
def place(shared_place):
    """The namespace, as place.py makes it: whatever an earlier test wrote is gone."""
    shared_place.reset()
    return shared_place


@pytest.fixture
def bpfdev(place):
    """A function that runs the command: its arguments, and the keywords of Place.run(). Returns a Result."""
    return lambda *arguments, **options: place.run("bpfdev", *arguments, **options)


@pytest.fixture
def on_terminal(place):
    """The same with a terminal as standard output: keywords of Place.run_on_terminal()."""
    return lambda *arguments, **options: place.run_on_terminal("bpfdev", *arguments, **options)


@pytest.fixture
def policy(place):
    """A function that writes a file of the policy, bpfdev.conf if not told otherwise. Returns its path."""
    return lambda text, name="bpfdev.conf": place.write(f"/etc/security/{name}", text)
