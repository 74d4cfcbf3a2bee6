# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev reload while much else happens: opens in a tight loop, many sessions, logins, other reloads."""

import concurrent.futures
import contextlib
import functools
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from reloads import EVERYBODY, applied, logged, reload, results
from verbs import denied_nodes, equipped, ours

RELOADS = 300


@pytest.fixture
def box(machine):
    yield from equipped(machine)


@functools.cache
def _hammer():
    folder = tempfile.TemporaryDirectory()
    source = pathlib.Path(__file__).with_name("hammer.c")
    path = pathlib.Path(folder.name) / "hammer"
    subprocess.run(["cc", "-O1", "-static", "-o", path, source], check=True)
    return folder, path


class Hammer:
    """A loop of opens in a session, or wherever start puts it. end() says how often they passed and were refused."""

    def __init__(self, session, name, nodes, start="{}"):
        program = session.machine.path("/usr/bin/hammer")
        if not program.exists():
            shutil.copy(_hammer()[1], program)
        self.session, self.file = session, f"/home/alice/{name}"
        paths = " ".join(f"/dev/try{node}" for node in nodes)
        session.machine.write_file(f"{self.file}.sh", f"echo $$ >{self.file}.pid; exec hammer {paths} >{self.file}\n")
        session.run(f"setsid {start.format(f'sh {self.file}.sh')} </dev/null >/dev/null 2>&1 &", check=True)
        pid = session.machine.path(f"{self.file}.pid")
        session.machine.wait_for(lambda: pid.exists() and pid.read_text(encoding="ascii").strip(), f"{name} runs")

    def end(self):
        self.session.machine.run(f"kill $(cat {self.file}.pid)")
        said = self.session.machine.path(self.file)
        said = self.session.machine.wait_for(lambda: said.read_text(encoding="ascii").strip(), "the hammer has ended")
        return [tuple(int(number) for number in pair.split("/")) for pair in said.split()]


# Node 0 is always allowed by the same line and node 1 by ever another one, be it for a group or for the user; node 2
# never is, with and without a line that says so.
STEADY = "alice allow c 510:0\n"
LOAD = [
    STEADY + "alice allow c 510:1\n",
    STEADY + "@students allow c 510:*\n@students deny c 510:2\n",
    "".join(f"alice deny c 511:{minor}\n" for minor in range(3000)) + STEADY + "alice allow *\nalice deny c 510:2\n",
    STEADY + "* allow a *:1\nalice deny char-misc\n" + "".join(f"alice allow b 100:{minor}\n" for minor in range(40)),
    "".join(f"class c{i} c {i}:*\nalice allow @c{i}\n" for i in range(20, 400)) + STEADY + "@students allow c 510:1\n",
]
RELOADING = """
set -e
for i in $(seq {count}); do
    ln -f /root/load/$((i % {kinds})) /etc/security/bpfdev.conf.new
    mv /etc/security/bpfdev.conf.new /etc/security/bpfdev.conf
    bpfdev reload
done | grep -c ' changed'
"""


@pytest.mark.only_suite("bookworm")
def test_under_load_nothing_allowed_fails_and_nothing_denied_passes(box):
    for number, text in enumerate(LOAD):
        box.write_file(f"/root/load/{number}", text)
    box.policy(LOAD[0])
    by_manager = "systemd-run --user --quiet {}"
    with box.ssh_session("alice") as session:
        allowed, denied = Hammer(session, "allowed", "01"), Hammer(session, "denied", "2")
        managed = Hammer(session, "managed", "012", by_manager)
        changed = box.run(RELOADING.format(count=RELOADS, kinds=len(LOAD)), timeout=300).stdout
        counts = [*allowed.end(), *denied.end(), *managed.end()]
        assert int(changed) == 2 * RELOADS
        passed, refused = zip(*counts)
        assert (refused[0], refused[1], passed[2], refused[3], refused[4], passed[5]) == (0,) * 6, counts
        assert min(sum(pair) for pair in counts) > 10 * RELOADS, counts
    assert {len(ids) for ids in ours(box).values()} <= {1}


@pytest.mark.only_suite("bookworm")
def test_fifty_sessions_at_once(box):
    box.policy(EVERYBODY.format(1))
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(4) as pool:
        users = ["alice"] * 30 + ["bob"] * 19 + ["carol"]
        sessions = [stack.enter_context(session) for session in pool.map(box.ssh_session, users)]
        box.policy(EVERYBODY.format(2))
        said = results(box)
        assert set(said) == {f"{session.user} {session.id}" for session in sessions} | {
            f"{user} manager" for user in set(users)}
        assert set(said.values()) == {"changed"}
        assert {denied_nodes(session) for session in sessions} == {"2"}
        found = ours(box)
        assert len(found) == 53 and {len(ids) for ids in found.values()} == {1}
        assert logged(box) == applied(box, "50 open sessions and 3 managers")


@pytest.mark.only_suite("bookworm")
def test_two_reloads_and_ten_logins_at_once(box):
    box.policy(EVERYBODY.format(0))
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(12) as pool:
        sessions = [stack.enter_context(box.ssh_session(user)) for user in ("alice", "bob")]
        for number in range(1, 4):
            box.policy(EVERYBODY.format(number))
            logins = [pool.submit(box.ssh_session, user) for user in ("alice", "bob") * 2]
            reloads = [pool.submit(reload, box) for _ in range(2)]
            logins += [pool.submit(box.ssh_session, user) for user in ("alice", "bob") * 3]
            sessions += [stack.enter_context(login.result()) for login in logins]
            assert {done.result()[::2] for done in reloads} == {(0, "")}
            assert {denied_nodes(session) for session in sessions} == {str(number)}
            assert set(results(box).values()) == {"same"}
            found = ours(box)
            assert {session.cgroup for session in sessions} < set(found)
            assert len(found) == len(sessions) + 2 and {len(ids) for ids in found.values()} == {1}
