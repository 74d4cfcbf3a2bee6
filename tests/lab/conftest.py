# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Fixtures of the tests that log in to real machines.

A test that takes the fixture `machine` runs once for each suite (option --suites), on a machine which the tests of one
file share. After each test everybody is logged out and the policy is empty again.
"""

import os
import sys

import pytest

import cgroups
import roots
from machine import Machine

USERS = (("alice", 1000, ("students",)), ("bob", 1001, ("staff",)), ("carol", 1002, ()), ("kiosk", 1003, ()))


def pytest_addoption(parser):
    parser.addoption("--suites", default=",".join(roots.SUITES), help="Debian suites to test on, with commas between")


def pytest_configure(config):
    config.addinivalue_line("markers", "only_suite(name): for what does not depend on the suite, and takes long")
    config.addinivalue_line("markers", "alone: for what looks at the whole kernel, where other machines would disturb")
    config.addinivalue_line("markers", "xdist_group(name): the machine, for workers side by side")


def pytest_generate_tests(metafunc):
    if "suite" in metafunc.fixturenames:
        # Interned: pytest shares a fixture among tests whose parameter is the same object, not an equal one.
        suites = [sys.intern(suite) for suite in metafunc.config.getoption("suites").split(",")]
        only = metafunc.definition.get_closest_marker("only_suite")
        if only:
            suites = [suite for suite in suites if suite in only.args]
        metafunc.parametrize("suite", suites, indirect=True, scope="module")


@pytest.hookimpl(tryfirst=True)  # before the workers read the groups
def pytest_collection_modifyitems(items):
    """Brings the tests of one file and suite together, since they share a machine."""
    files = list(dict.fromkeys(item.path for item in items))

    def suite_of(item):
        return item.callspec.params.get("suite") if hasattr(item, "callspec") else None

    def place(item):
        suite = suite_of(item)
        return files.index(item.path), roots.SUITES.index(suite) if suite in roots.SUITES else -1

    items.sort(key=place)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{suite_of(item)}"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Shows with a failure what the machine logged during the test."""
    report = (yield).get_result()
    machine = getattr(item, "funcargs", {}).get("machine")
    if report.when == "call" and report.failed and machine:
        report.sections.append(("journal of the machine", "\n".join(machine.journal()[-100:])))


def cannot_run(why):
    """Skips the test; where PAM_BPFDEV_REQUIRE=1 says that all must run, fails it."""
    if os.environ.get("PAM_BPFDEV_REQUIRE") == "1":
        pytest.fail(f"cannot run, but PAM_BPFDEV_REQUIRE=1: {why}", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="module")
def suite(request):
    """The name of the suite that the test runs on."""
    return request.param


@pytest.fixture(scope="module")
def lab(suite):
    """A function that makes machines of this suite, which has been checked to be possible here.

    It takes a recipe of roots, whose root may still have to be built.
    """
    if os.geteuid() != 0:
        cannot_run("only root can boot a machine")
    try:
        cgroups.mount_point()
        roots.root(suite)
    except (cgroups.CgroupError, roots.RootError) as error:
        cannot_run(str(error))
    return lambda recipe=roots.LAB: Machine(suite, recipe)


def _populate(machine):
    for name, uid, groups in USERS:
        machine.add_user(name, uid, groups)


@pytest.fixture(scope="module")
def bare_machine(lab):
    """A booted machine with the users, and without the module."""
    with lab() as machine:
        _populate(machine)
        yield machine


@pytest.fixture(scope="module")
def shared_machine(lab):
    """A booted machine with the users, with the module installed and in the PAM stacks."""
    with lab() as machine:
        _populate(machine)
        machine.install_build()
        machine.configure_pam()
        machine.policy("")
        yield machine


@pytest.fixture
def machine(shared_machine):
    """The shared machine, as it was installed: no policy, nobody logged in, a log that begins now."""
    shared_machine.mark_journal()
    yield shared_machine
    shared_machine.log_out_everybody()
    shared_machine.run("rm -rf /etc/security/bpfdev.d")
    shared_machine.policy("")
    if shared_machine.pam != ("", "required"):
        shared_machine.configure_pam()
