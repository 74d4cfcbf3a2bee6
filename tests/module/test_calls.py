# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What a login asks of the kernel: nothing twice that it knows already."""

import collections
import re
import subprocess

import pytest

POLICY = "* allow *\nalice deny c 1:5 rw\nalice deny char-mem:7 w\nalice deny c 5:* rw remote\n"
# What it names may come and go, so it is looked up once more when the filter is in place.
FOLLOWING = "* allow *\nalice deny block-*\nalice deny /dev/input/by-id/* rw\n"
# What it took when this was written, and a little more; before, it was 66 and 216, and 295 and 576 by numbers.
BPF_CALLS = {"without a manager": 30, "with a manager": 84}
CALLS = {"without a manager": 255, "with a manager": 460}


class Trace:
    """What strace has seen. Attributes: calls, names of system calls with how often; opened, the same of paths."""

    def __init__(self, text):
        self.calls = collections.Counter(re.findall(r"^(?:\d+ +)?(\w+)\(", text, re.MULTILINE))
        self.opened = collections.Counter(re.findall(r'openat\([^"]*"([^"]*)"', text))


@pytest.fixture
def traced(login, needs, tmp_path):
    """A function that leads alice's client through what it is given, and returns the Trace of that."""
    needs("strace")

    def trace(*commands):
        client, output = login(), tmp_path / "trace"
        client.open()  # what is mapped and read once for a process is
        client.close()
        tracer = subprocess.Popen(["strace", "-f", "-o", output, "-p", str(client.pid)], stderr=subprocess.PIPE)
        tracer.stderr.readline()
        for command in commands:
            assert client.call(command) == "PAM_SUCCESS"
        tracer.terminate()
        tracer.wait()
        return Trace(output.read_text())

    return trace


@pytest.mark.parametrize("policy", [POLICY, FOLLOWING], ids=["numbers", "following"])
@pytest.mark.parametrize("manager", CALLS)
def test_open_and_close(traced, tree, world, manager, policy):
    world.policy(policy)
    if manager == "with a manager":
        tree.manager()
    trace = traced("open", "close")
    print(trace.calls.total(), trace.calls["bpf"])
    assert trace.calls["bpf"] <= BPF_CALLS[manager]
    assert trace.calls.total() <= CALLS[manager]


def test_open_reads_each_file_once(traced, tree, world):
    world.policy(POLICY)
    tree.manager()
    opened = traced("open").opened
    for path in ("/proc/devices", "/proc/self/mountinfo", "/proc/self/cgroup", "/etc/security/bpfdev.conf"):
        assert opened[path] == 1, path


def test_close_asks_nobody_for_the_user(traced, world):
    world.policy(POLICY)
    opened = traced("open", "close").opened
    assert opened["/etc/group"] == 1
    assert opened["/etc/passwd"] == 3  # by name, by uid, and for other names of that uid
