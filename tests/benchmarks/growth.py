# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""How what it costs grows: with the lines of a policy, and with the sessions that are open."""

import contextlib
import pathlib
import re
import statistics
import tempfile

import node
from crowd import COMMAND, PATIENCE, ROUNDS, Crowd, memory, timed
from opening import begin, classes, opened, readme_policy
from scratch import Scratch
from world import GROUP, World, build_client

SESSIONS = (1, 10, 100, 500, 2000)
LINES = (10, 100, 1000, 10000, 100000)
A_FILE = 20000  # lines


def drivers():
    """The names of all drivers that are there."""
    text = pathlib.Path("/proc/devices").read_text(encoding="utf-8").partition("Block")[0]
    return sorted(set(re.findall(r"^ *\d+ (\S+)$", text, re.M)))


def lines(kind, count):
    """So many lines that all have to be looked at for alice."""
    if kind == "numbers":
        return [f"alice deny c {1 + number % 500}:{300 + number // 500}" for number in range(count)]
    if kind == "groups":
        return [f"@g{number} deny c 1:{300 + number}" for number in range(count)]
    names = drivers()
    return [f"alice deny char-{names[number % len(names)]}" for number in range(count)]


def write_policy(world, kind, count):
    """Puts such a policy in place, in files that are not too large, and the groups that it names."""
    world.policy("alice allow *\nalice deny c 1:11 rw remote\n")
    every = lines(kind, count)
    for number in range(0, max(LINES), A_FILE):
        text = "\n".join(every[number:number + A_FILE])
        world.write(f"security/bpfdev.d/{number:06}.conf", text + "\n" if text else "# none\n")
    groups = "".join(f"g{number}:x:{3000 + number}:bob\n" for number in range(count)) if kind == "groups" else ""
    world.write("group", GROUP + groups)


def measure_open(world, program):
    """Opening and closing, the median of some, or of one if that is slow already."""
    with Scratch() as tree, world.client(program, tree.scope()) as client:
        begin(client, "quiet")
        opened(world, client, 1)  # waits until the folder of the policy stands still
        once = opened(world, client, 1)
        return once[0] if once[0] > PATIENCE / 10 else statistics.median(opened(world, client, ROUNDS))


def grow_lines(world, program, figures, counts=LINES):
    """The table of lines: opening and closing, and `bpfdev check`, which looks at every line for everybody."""
    print(f"\n{'lines':>10} {'':<10} {'open + close':>14} {'bpfdev check':>14}")
    for kind in ("numbers", "drivers", "groups"):
        spent = {"open": 0, "check": 0}
        for count in counts:
            write_policy(world, kind, count)
            for what in ("open", "check"):
                if spent[what] is not None and spent[what] < PATIENCE / 5:
                    spent[what] = measure_open(world, program) if what == "open" else \
                        timed(world.command(None, [COMMAND, "check"]))
                    figures.put(f"lines/{kind}/{count}/{what}", spent[what] or f"over {PATIENCE}")
            shown = [figures.values.get(f"lines/{kind}/{count}/{what}", "-") for what in ("open", "check")]
            print(f"{count:>10} {kind:<10} " + " ".join(
                f"{value:>11.2f} ms" if isinstance(value, float) else f"{value:>14}" for value in shown), flush=True)


def grow_sessions(world, program, figures, counts=SESSIONS):
    """The table of sessions: all of one user, who has a manager."""
    text, _ = classes()
    world.write("group", GROUP + "staff:x:50:\n")
    world.policy(text + readme_policy())
    print(f"\n{'sessions':>10} {'open + close':>14} {'reload':>14} {'kernel memory':>16}")
    with Scratch() as tree, Crowd(world, program, tree) as crowd:
        for count in counts:
            crowd.grow(count)
            kept = memory(tree)
            tree.manager()
            took, reload = crowd.open_one_more(), crowd.reload()
            with contextlib.suppress(OSError):
                tree.manager().rmdir()  # so that opening the next ones does not take its time as well
            figures.put(f"sessions/{count}/open", took)
            figures.put(f"sessions/{count}/reload", reload or f"over {PATIENCE}")
            figures.put(f"sessions/{count}/memory", kept)
            print(f"{count:>10} {took:>11.2f} ms " + (f"{reload:>11.2f} ms" if reload else f"over {PATIENCE} ms") +
                  f" {kept:>16,}", flush=True)


def bench(figures, sessions=SESSIONS, counts=LINES, crowd=node.CROWD):
    """How what it costs grows, with open sessions, with users and with lines."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        program, _ = build_client(folder)
        with World(folder / "world") as world:
            world.service("quiet", "quiet")
            grow_sessions(world, program, figures, sessions)
            node.measure(world, program, figures, *crowd)
            grow_lines(world, program, figures, counts)
