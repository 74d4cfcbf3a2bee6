# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Opening and closing a session, alone and as part of a login by ssh."""

import os
import pathlib
import re
import statistics
import tempfile
import textwrap
import time

import foreign
import said
from figures import TOP, row
from machine import Machine
from scratch import Scratch, programs
from world import GROUP, World, build_client

ROUNDS, FEWER = 200, 40  # the latter with many rules
FIRSTS = 25  # processes that open and close once
LOGINS, TURNS = 4, 10


def numbers(count):
    """
    A policy with so many rules for alice, each for a device of its own. The first one makes a session by the console
    and the user manager differ, so that the manager's filter is replaced at each open and close.
    """
    rules = (f"alice {'deny' if number % 2 else 'allow'} c {1 + number % 500}:{300 + number // 500} rw"
             for number in range(1, count))
    return "\n".join(["alice deny c 1:11 rw remote", *rules]) + "\n"


def readme_policy():
    """The policy with which the README begins."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    return textwrap.dedent(re.search(r"(?:^ {4}# who .*\n)((?:^ {4}\S.*\n)+)", text, re.M)[1])


def classes():
    """The classes that ship, as text, and their names."""
    text = (TOP / "conf" / "classes.conf").read_text(encoding="utf-8")
    return text, re.findall(r"^class +(\S+)", text, re.M)


def policies():
    """{name: (what it is, its text)}."""
    text, names = classes()
    every = "".join(f"alice deny @{name} rw\n" for name in names)
    return {"numbers": ("20 lines of numbers", numbers(20)), "readme": ("README's policy", text + readme_policy()),
            "classes": (f"all {len(names)} classes", text + "alice allow *\nalice deny c 1:11 rw remote\n" + every),
            "many": ("10,000 lines of numbers", numbers(10000))}


def fork_and_exec():
    """The median time of starting /bin/true and waiting for its end."""
    times = []
    for _ in range(300):
        started = time.perf_counter()
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def begin(client, service, user="alice"):
    """Has the client begin a transaction for the user, local as pam_systemd says."""
    client.start(user, service)
    client.call("env", "XDG_SEAT=seat0")


def opened(world, client, count):
    """Opens and closes so many times. Returns the times in milliseconds."""
    client.messages.clear()
    if client.call("rounds", count) != str(count):
        raise SystemExit(f"bench: the module fails: {world.log.texts()}")
    return [int(message.split()[0]) / 1e6 for message in client.messages]


def rounds(world, program, service, tree, count):
    """The median time of opening and closing in a process that does only that."""
    with world.client(program, tree.scope()) as client:
        begin(client, service)
        opened(world, client, 3)
        return statistics.median(opened(world, client, count))


def firsts(world, program, service, tree, count=FIRSTS):
    """The median time of the first opening and closing in a process, as a login has it."""
    times = []
    for _ in range(count):
        with world.client(program, tree.scope()) as client:
            begin(client, service)
            times += opened(world, client, 1)
    return statistics.median(times)


def count_calls(world, program, tree, folder):
    """The system calls of an opening and closing in a new process: (all, those of bpf(2)); and all of pam_start."""
    trace = folder / "trace"
    with world.client(program, tree.scope(), prefix=("strace", "-o", trace)) as client:
        begin(client, "quiet")
        opened(world, client, 1)
    text = trace.read_text(encoding="utf-8", errors="replace")
    return *said.calls(text, 'read(0, "rounds', 'write(1, "> '), said.calls(text, 'read(0, "start', 'write(1, "= ')[0]


def measure_policy(world, program, figures, name, base, folder):
    """The rows about one policy: without a user manager, and with one whose filter is replaced each time."""
    what, text = policies()[name]
    world.policy(text)
    for manager in (False, True):
        with_manager = ", and the user manager" if manager else ""
        key = f"{name}/{'manager' if manager else 'alone'}"
        with Scratch() as tree:
            if manager:
                tree.manager()
                rounds(world, program, "quiet", tree, 1)
                before = programs(tree.manager())
            steady = rounds(world, program, "quiet", tree, FEWER if name == "many" else ROUNDS)
            if manager and programs(tree.manager()) == before:
                raise SystemExit("bench: the user manager's filter has not been replaced")
            first = firsts(world, program, "quiet", tree)
            calls, bpf, start = count_calls(world, program, tree, folder)
        figures.row(f"{key}/steady", f"open + close, {what}{with_manager}", steady, steady / base)
        figures.row(f"{key}/first", "  the first in a process", first, first / base)
        figures.put(f"{key}/calls", calls)
        figures.put(f"{key}/bpf", bpf)
        row(f"  system calls: {calls}, {bpf} of them bpf(2); pam_start {start}")


def measure_module(figures):
    """The rows about the module in a process of its own, and what they are compared with."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        program, _ = build_client(folder)
        with World(folder / "world") as world:
            world.write("group", GROUP + "staff:x:50:\n")
            world.write("pam.d/permit", "session required pam_permit.so\n")
            world.service("quiet", "quiet")
            base = fork_and_exec()
            figures.row("exec", "fork and exec of /bin/true", base, 1.0)
            with Scratch() as tree:
                permit = rounds(world, program, "permit", tree, 300)
            row("open + close, a stack of pam_permit.so only", permit, permit / base)
            with Scratch() as others:
                # systemd-logind has one, so that on no machine the kernel's first one is a session's: that costs more.
                foreign.attach_program(others.make("system.slice/systemd-logind.service"))
                for name in policies():
                    measure_policy(world, program, figures, name, base, folder)


def log_in(machine):
    """The times of some logins by ssh, in milliseconds."""
    times = []
    for _ in range(LOGINS):
        started = time.perf_counter()
        if machine.ssh("alice", "true").returncode != 0:
            raise SystemExit("bench: alice cannot log in")
        times.append((time.perf_counter() - started) * 1000)
    return times


def measure_ssh(figures):
    """A whole login by ssh, with and without the module, by turns."""
    times = {"": [], "required": []}
    with Machine() as machine:
        machine.add_user("alice", 1000)
        machine.run("groupadd -f staff")
        machine.install_build()
        machine.policy(readme_policy())
        log_in(machine)
        for _ in range(TURNS):
            for control, found in times.items():
                machine.configure_pam(control=control)
                found += log_in(machine)
    without, filtered = statistics.median(times[""]), statistics.median(times["required"])
    figures.row("ssh/without", "ssh, log in and out, without the module", without, 1.0)
    figures.row("ssh/with", "ssh, log in and out, README's policy", filtered, filtered / without,
                f"{(filtered - without) / filtered * 100:+.1f} % of the login, by these two")
    figures.put("ssh/share", (filtered - without) / filtered * 100)


def bench(figures):
    """Opening and closing a session: in a process that does only that, and as part of a login by ssh."""
    measure_module(figures)
    measure_ssh(figures)
