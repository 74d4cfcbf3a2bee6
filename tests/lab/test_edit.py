# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev edit and bpfdev install, with people who are logged in and who log in."""

import pytest

from administration import POLICY
from reloads import FIRST, SECOND
from suites import every_suite, one_suite
from verbs import denied_nodes, equipped

pytestmark = one_suite


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def edit(box, text, answers):
    """Runs bpfdev edit with an editor that writes @text, and answers. Returns status, output and errors."""
    box.write_file("/run/new.conf", text)
    box.write_file("/run/ed-test", "#!/bin/sh\ncat /run/new.conf >\"$1\"\n")
    box.run("chmod +x /run/ed-test")
    done = box.run(f"printf '{answers}' | VISUAL=/run/ed-test bpfdev edit", check=False)
    return done.returncode, done.stdout, done.stderr


@every_suite
def test_before_and_after(box):
    box.policy(FIRST)
    with box.ssh_session("alice") as session:
        assert denied_nodes(session) == "1"
        status, said, _ = edit(box, "@students dny *\n", "q\\n")
        assert status == 2 and 'unknown verb "dny"' in said
        with box.ssh_session("alice") as other:
            assert denied_nodes(other) == "1"

        status, said, _ = edit(box, SECOND, "y\\nn\\n")
        assert status == 0 and f"{POLICY} is in place\n" in said
        rows = [line.split() for line in said.splitlines()]
        assert ["alice", "tighter", "and", "wider", "tighter", "and", "wider", "1"] in rows
        assert not any(row[:1] == ["bob"] for row in rows)
        assert "1 open session has the former rules. Apply the policy now? [y/n]" in said
        with box.ssh_session("alice") as other:
            assert (denied_nodes(session), denied_nodes(other)) == ("1", "23")

        status, said, _ = edit(box, FIRST, "y\\ny\\n")
        assert status == 0 and f"{session.id} " in said and denied_nodes(session) == "1"
        box.write_file("/run/new.conf", SECOND)
        assert box.run("bpfdev install --reload /run/new.conf").returncode == 0
        assert denied_nodes(session) == "23"
    assert any(f"the policy {POLICY} was replaced, asked for by uid" in line for line in box.journal("bpfdev"))
