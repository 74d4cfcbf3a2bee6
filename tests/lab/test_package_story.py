# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the README shows of the first ten minutes, done as a new user would do it, on fresh machines."""

import pytest

import debs
import transcripts
from administration import POLICY, TOP
from conftest import cannot_run
from packaging import DOWNLOADS, ENVIRONMENT, download, freshen
from roots import RootError
from verbs import FORBIDDEN

pytestmark = pytest.mark.only_suite("bookworm", "trixie")

SHOWN = transcripts.read(TOP / "README.md")


@pytest.fixture
def fresh_machine(lab, suite):
    """A machine with sam, who is a student, and a package that was downloaded."""
    with lab() as machine:
        freshen(machine)
        machine.add_user("sam", 1000, ("students",))
        machine.add_user("tara", 1001, ("staff",))
        try:
            download(machine, debs.package(debs.built(suite)))
        except RootError as error:
            cannot_run(str(error))
        yield machine


def play(machine, name, session=None):
    """Runs a transcript of the README: "$" in the session, "#" as root in the folder with the package."""
    for prompt, command, expected in SHOWN[name]:
        if command == f"cat {POLICY}":
            machine.policy(expected)
        done = session.run(command) if prompt == "$" else \
            machine.run(f"cd {DOWNLOADS} && export {ENVIRONMENT} && {command}", check=False)
        output = transcripts.plain(done.stdout + done.stderr, [(session.id, "3")] if session else ())
        assert output == transcripts.filled(transcripts.plain(expected), output), f"{prompt} {command}"


def test_from_apt_to_a_refusal_and_back(fresh_machine):
    play(fresh_machine, "apt-install")
    with fresh_machine.ssh_session("sam") as session:
        play(fresh_machine, "refused", session)
        play(fresh_machine, "apt-remove", session)
    with fresh_machine.ssh_session("sam") as session:
        play(fresh_machine, "afterwards", session)
        assert session.run(f"head -c 0 {FORBIDDEN}").returncode == 0
