# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What is left in the kernel, and what is changed in the process that the module is a guest in: nothing."""

import os
import re

import bpf
import kernel
from test_open import DENIED
from waiting import wait_for

ROUNDS = 300


def test_rounds_leave_nothing_in_the_kernel(login, tree):
    """Others on this machine may load programs meanwhile; but one more for each round would be ours."""
    unit = f"session-leak{os.getpid()}.scope"
    tree.manager()
    alice = login(cgroup=tree.make(f"user.slice/user-1000.slice/{unit}"))
    programs, maps = bpf.program_count(), bpf.map_count()
    assert alice.call("rounds", ROUNDS) == str(ROUNDS)
    wait_for(lambda: bpf.program_count() - programs < ROUNDS / 2, "the programs are gone")
    wait_for(lambda: bpf.map_count() - maps < ROUNDS / 2, "the maps are gone")
    wait_for(lambda: not kernel.of_unit(unit), "no filter of this session is left")


def test_rounds_leave_the_process_as_it_was(login, tree):
    tree.manager()
    alice = login()
    alice.call("rounds", 1)
    before = alice.state()
    alice.call("rounds", 30)
    assert alice.state() == before


def test_open_session_leaves_the_process_as_it_was(login, tree, world):
    tree.manager()
    world.service("alone", "debug nonsense")
    alice = login()
    before = alice.state()
    assert alice.open() == "PAM_SUCCESS"
    assert alice.state() == before


def test_refused_session_leaves_the_process_as_it_was(login, tree, world):
    world.policy("alice nonsense\n")
    alice = login()
    before = alice.state()
    assert alice.open() == "PAM_SESSION_ERR"
    assert alice.state() == before


def test_limit_on_locked_memory_is_put_back(login):
    """It is raised only where root may do that: with CAP_SYS_RESOURCE."""
    alice = login(prefix=("prlimit", "--memlock=65536:131072"))
    before = alice.state()
    assert alice.open() == "PAM_SUCCESS"
    assert re.search("locked memory +65536 +131072", before["limits"]) and alice.state() == before


def test_nothing_is_written_to_the_host_s_output(login):
    alice = login()
    alice.open()
    alice.close()
    assert alice.quit() == (0, "")


def test_odd_umask_does_not_matter(login, world):
    for umask in ("0777", "0000"):
        (world.path("/run/pam_bpfdev/1000.lock")).unlink(missing_ok=True)
        alice = login(prefix=("sh", "-c", f'umask {umask}; exec "$@"', "sh"))
        assert alice.open() == "PAM_SUCCESS"
        assert alice.close() == "PAM_SUCCESS"


def test_closed_standard_streams_do_not_matter(login):
    """Its descriptors must not become those that a login program takes for its own."""
    alice = login(prefix=("sh", "-c", 'exec "$@" 2>&-', "sh"))
    before = alice.state()
    assert alice.open() == "PAM_SUCCESS"
    assert alice.state() == before
    assert alice.opens("/dev/zero") == DENIED
