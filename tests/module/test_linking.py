# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the module brings into a login program, and what it lets be seen of itself."""

import re
import subprocess

import pytest

from world import MODULE, TOP

NEEDED = {"libpam.so.0", "libc.so.6"}


@pytest.fixture
def output(possible, needs):
    """A function that gives a command's output about the module."""
    def run(*command):
        needs(command[0])
        done = subprocess.run([*command, MODULE], capture_output=True, text=True, check=False, env={"LC_ALL": "C"})
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr
    return run


def test_only_the_two_hooks_are_exported(output):
    symbols = [line.split()[-1] for line in output("nm", "-D", "--defined-only").splitlines()]
    assert sorted(symbols) == ["pam_sm_close_session", "pam_sm_open_session"]


def test_libraries(output):
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-dW")))
    assert needed == NEEDED


def test_libraries_of_libraries(output):
    """No libbpf above all, which would be the host's, of any version, and would obey the environment of su's user."""
    found = {line.split()[0].rpartition("/")[2] for line in output("ldd").splitlines()}
    assert "not found" not in output("ldd")
    assert {name for name in found if not name.startswith("ld-linux")} <= \
        NEEDED | {"linux-vdso.so.1", "libaudit.so.1", "libcap-ng.so.0", "libeconf.so.0"}


def test_nothing_is_undefined(output):
    assert "undefined symbol" not in output("ldd", "-r")


@pytest.mark.parametrize("target, order", (("s390x-linux-gnu", 2), ("i386-linux-gnu", 1)))
def test_program_has_the_byte_order_of_the_machine_that_it_is_for(target, order, needs, tmp_path):
    needs("clang", "llvm-strip")
    made = tmp_path / "bpfdev.bpf.o"
    subprocess.run(["make", "-s", f"CC=clang --target={target}", f"BUILD={tmp_path}", made], cwd=TOP, check=True)
    magic, data = made.read_bytes()[:4], made.read_bytes()[5]
    assert (magic, data) == (b"\x7fELF", order)


def test_hardening(output):
    dynamic = output("readelf", "-dW")
    assert "BIND_NOW" in dynamic and "NOW" in re.search(r"FLAGS_1\).*", dynamic)[0]
    assert "TEXTREL" not in dynamic and "RPATH" not in dynamic and "RUNPATH" not in dynamic
    segments = output("readelf", "-lW")
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK.*\sRW\s", segments)


def test_imports_nothing_that_a_module_may_not_call(output):
    imported = {line.split()[-1].partition("@")[0] for line in output("nm", "-D", "--undefined-only").splitlines()}
    assert not imported & {"exit", "_exit", "abort", "__assert_fail", "signal", "sigaction", "sigprocmask", "umask",
                           "setenv", "putenv", "unsetenv", "chdir", "fork", "system", "popen", "pthread_create",
                           "setlocale", "strtok", "getpwnam", "getgrnam", "alarm", "setitimer"}


def test_libpam_loads_it_from_another_folder(login, world, tree, built):
    """pam_start_confdir() is what test suites and some daemons use; all symbols are resolved at once there too."""
    world.write("elsewhere/alone", f"session required {MODULE}\n")
    with world.client(built / "client", tree.scope()) as alice:
        alice.start("alice", "alone", "/etc/elsewhere")
        assert (alice.open(), alice.close()) == ("PAM_SUCCESS", "PAM_SUCCESS")
