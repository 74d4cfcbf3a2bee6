# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Fixtures of the tests on virtual machines.

All tests that take the fixture `machine` share one computer. After each of them nothing is plugged in, nobody is logged
in, and the policy is empty again.
"""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[1:1] = [str(HERE.parent / "lab"), str(HERE / "kernels")]

# pylint: disable=wrong-import-position
import disk  # noqa: E402
import qemu  # noqa: E402
import roots  # noqa: E402
from administration import POLICY  # noqa: E402
from computer import Computer  # noqa: E402
from need import unavailable  # noqa: E402
from watching import LabError  # noqa: E402


def pytest_addoption(parser):
    """Debian 13 is enough for every day."""
    parser.addoption("--suite", choices=roots.SUITES, default=disk.SUITE, help="Debian of the virtual machine")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Shows with a failure what the machine logged during the test."""
    report = (yield).get_result()
    machine = getattr(item, "funcargs", {}).get("machine")
    if report.when == "call" and report.failed and machine:
        report.sections.append(("journal of the machine", "\n".join(machine.journal()[-100:])))


@pytest.fixture(scope="session")
def computer(request):
    """A booted computer with the module installed and in the PAM stacks."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    try:
        qemu.require()
        with capture.global_and_fixture_disabled():  # it says how far it is
            made = disk.disk(request.config.getoption("--suite"))
    except (LabError, roots.RootError) as error:
        unavailable(error)
    with capture.global_and_fixture_disabled():
        booted = Computer(made).boot()
    with booted:
        booted.install_build()
        booted.configure_pam()
        booted.policy("")
        yield booted


@pytest.fixture
def machine(computer):
    """The shared computer, as it was installed: no policy, nothing plugged in, nobody logged in, a log that begins now."""
    computer.mark_journal()
    yield computer
    computer.unplug_all()
    computer.log_out_everybody()
    computer.run(f"rm -rf /etc/security/bpfdev.d; echo '# no rules' >{POLICY}")
