# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A booted computer for tests, or why there is none."""

import contextlib

import disk
import qemu
import roots
from computer import Computer
from need import unavailable
from watching import LabError


@contextlib.contextmanager
def prepared(config, system):
    """A booted computer with the module installed and in the PAM stacks. system: one of booted.SYSTEMS."""
    capture = config.pluginmanager.getplugin("capturemanager")
    try:
        qemu.require()
        with capture.global_and_fixture_disabled():  # it says how far it is
            made = disk.disk(config.getoption("--suite"))
    except (LabError, roots.RootError) as error:
        unavailable(error)
    with capture.global_and_fixture_disabled():
        booted = Computer(made, system).boot()
    with booted:
        booted.install_build()
        booted.configure_pam()
        booted.policy("")
        yield booted
