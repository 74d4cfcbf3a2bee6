# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Fixtures of the tests that call the module through PAM, on this machine's kernel."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "lab"))  # for its bpf.py

# pylint: disable=wrong-import-position
import scratch as cgroups  # noqa: E402
from stalled import stalled_login  # noqa: E402
from waiting import LOCK  # noqa: E402
from world import MODULE, World, build_client  # noqa: E402

TOOLS = ("cc", "unshare", "nsenter", "mount")


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
def possible(needs):
    """That this machine can run the tests at all."""
    if os.geteuid() != 0:
        _cannot_run("only root can make cgroups and attach programs")
    needs(*TOOLS)
    if not MODULE.exists():
        pytest.fail(f"{MODULE} is not built: run make", pytrace=False)
    try:
        cgroups.sweep()
    except cgroups.NoCgroup2 as error:
        _cannot_run(str(error))


@pytest.fixture(scope="session")
def built(possible, tmp_path_factory):
    """The folder with what is compiled for the tests: client, failing.so."""
    folder = tmp_path_factory.mktemp("built")
    build_client(folder)
    return folder


@pytest.fixture(scope="session")
def shared_world(possible, tmp_path_factory):
    """The mount namespace that the tests share."""
    with World(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(scope="session", autouse=True)
def stalled(shared_world, built):
    """A login behind a lock that nobody lets go: it waits while the other tests run."""
    with stalled_login(shared_world, built / "client") as login:
        yield login


@pytest.fixture
def world(shared_world):
    """The namespace with the policy and services that world.py has, and an empty log."""
    shared_world.reset()
    shared_world.path(LOCK).parent.mkdir(mode=0o700, exist_ok=True)
    shared_world.path(LOCK).unlink(missing_ok=True)
    shared_world.log.clear()
    yield shared_world


@pytest.fixture
def tree(world):
    """Cgroups to log in to, and none in there yet."""
    with cgroups.Scratch() as tree:
        yield tree


@pytest.fixture
def login(world, tree, built):
    """A function that starts a client in a cgroup, by default that of alice's session 1, for a user and a service."""
    clients = []

    def start(user="alice", service="alone", cgroup=None, rhost=None, **options):
        client = world.client(built / "client", cgroup or tree.scope(), **options)
        clients.append(client)
        client.start(user, service)
        if rhost:
            client.call("item", "rhost", rhost)
        else:  # local, as pam_systemd says
            client.call("env", "XDG_SEAT=seat0")
        return client

    yield start
    for client in clients:
        client.kill()


@pytest.fixture
def outsider(world, built, tree):
    """A client in no session, to see what a process there may open."""
    with world.client(built / "client", tree.make("system.slice/other.service")) as client:
        yield client


@pytest.fixture
def foreign_program(outsider):
    """A function that attaches a program to a cgroup that is not ours and allows everything."""
    def attach(cgroup, name="pam_bpfdev"):
        assert outsider.call("attach", cgroup, name) == "ok"
    return attach


@pytest.fixture
def stay(world, tree):
    """A function that leaves a process in a cgroup, and returns what kills it."""
    processes = []

    def leave(cgroup):
        process = subprocess.Popen(world.command(cgroup, ["sleep", "1000"]), stdin=subprocess.DEVNULL)
        processes.append(process)
        while process.pid not in cgroups.pids(cgroup):
            assert process.poll() is None

        def end():
            process.kill()
            process.wait()
        return end

    yield leave
    for process in processes:
        process.kill()
        process.wait()
