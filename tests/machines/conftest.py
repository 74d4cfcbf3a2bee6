# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Fixtures of the tests on virtual machines.

All tests that take the fixture `machine` share one computer. After each of them nothing is plugged in, nobody is logged
in, the policy is empty again, and so are the users' homes.
"""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[1:1] = [str(HERE.parent / "lab"), str(HERE / "kernels")]

# pylint: disable=wrong-import-position
import disk  # noqa: E402
import roots  # noqa: E402
from administration import POLICY  # noqa: E402
from prepared import prepared  # noqa: E402


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
    """The computer of most tests."""
    with prepared(request.config, "plain") as booted:
        yield booted


@pytest.fixture
def machine(computer):
    """The shared computer, as it was installed: no policy, nothing plugged in or kept, nobody logged in, a log that begins now."""
    computer.mark_journal()
    yield computer
    computer.unplug_all()
    computer.log_out_everybody()
    computer.run(f"rm -rf /etc/security/bpfdev.d /home/*/*; echo '# no rules' >{POLICY}")
