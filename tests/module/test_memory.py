# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The module under valgrind, and its sanitized build in a login program that is not."""

import os
import pathlib
import subprocess

import pytest

from test_strain import POLICY
from world import HERE, TOP

KINDS = "definite,indirect,possible"
VALGRIND = ("valgrind", "-q", f"--suppressions={HERE / 'valgrind.supp'}", "--error-exitcode=99", "--track-fds=yes",
            "--leak-check=full", f"--show-leak-kinds={KINDS}", f"--errors-for-leak-kinds={KINDS}")
SANITIZED = TOP / "build" / "sanitized"


def lead_through(client, world):
    """Everything that a login may go through, well or not."""
    assert (client.open(), client.close(), client.open()) == ("PAM_SUCCESS",) * 3
    assert client.open() == "PAM_IGNORE"
    client.close()
    client.close()
    world.policy("alice nonsense\nalice deny c 1:5-\n")
    assert client.open() == "PAM_SESSION_ERR"
    world.policy("bob deny c 1:5\n")
    assert (client.open(), client.close()) == ("PAM_IGNORE", "PAM_IGNORE")


@pytest.fixture
def led(world, tree, login, stay):
    """A function that leads a client, started with a prefix, through all of it. Returns status and output."""
    def lead(**options):
        tree.manager()
        world.policy(POLICY)
        client = login(**options)
        lead_through(client, world)
        world.policy(POLICY)
        other = login(cgroup=tree.scope(2), **options)
        end = stay(tree.scope(2))
        assert (other.open(), other.close()) == ("PAM_SUCCESS", "PAM_SUCCESS")
        end()
        return client.quit(), other.quit()
    return lead


def test_valgrind_finds_nothing(led, needs):
    needs("valgrind")
    for status, said in led(prefix=VALGRIND):
        assert status == 0, said


@pytest.fixture(scope="session")
def sanitized(possible):
    """The module built with sanitizers, and the library to preload for it."""
    made = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", f"BUILD={SANITIZED.relative_to(TOP)}",
                           "SANITIZE=address,undefined"], cwd=TOP, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    compiler = os.environ.get("CC", "cc").split()
    library = subprocess.run([*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    return SANITIZED / "pam_bpfdev.so", pathlib.Path(library.stdout.strip()).resolve()


def test_sanitizers_find_nothing(led, sanitized, world, cannot_run):
    module, library = sanitized
    if not library.is_absolute():
        cannot_run("the compiler has no libasan.so")
    world.service("alone", module=module)
    options = "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
    for status, said in led(prefix=("env", f"LD_PRELOAD={library}", f"ASAN_OPTIONS={options}",
                                    "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1")):
        assert (status, said) == (0, "")
