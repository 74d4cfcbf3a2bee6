# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What conf/rpm/README.PAM has an administrator do where there is no pam-auth-update, and what doctor says of it."""

import re

import pytest

import stacks
from administration import TOP
from examined import without_sudo
from verbs import ALLOWED, DENIED, PROBE, RULES, by_lingering_manager, by_manager, equip

# The systemd that is nearest to what such systems have.
pytestmark = pytest.mark.only_suite("trixie")

TEXT = (TOP / "conf/rpm/README.PAM").read_text(encoding="utf-8")
_, *PARTS = re.split(r"^(\S.*)\n-+$", TEXT, flags=re.M)
WAYS = dict(zip(PARTS[::2], PARTS[1::2]))


@pytest.fixture(scope="module")
def laid_out(bare_machine):
    """A machine with the module installed, and such services."""
    bare_machine.install_build()
    return equip(bare_machine)


@pytest.fixture
def machine(laid_out):
    """That machine, with none of the services naming the module, and rules for alice."""
    stacks.lay_out(laid_out)
    laid_out.policy(RULES)
    yield laid_out
    laid_out.log_out_everybody()


def follow(machine, way):
    """Runs what the section says; what is written for authselect's templates is done to the files made from them."""
    (command,) = re.findall(r"^ +(echo .*?) +# run", WAYS[way], re.M)
    command = command.replace("/etc/authselect/custom/bpfdev", "/etc/pam.d")
    machine.run(f"for stack in system-auth password-auth; do {command}; done" if "$stack" in command else command)


def said_by_doctor(machine):
    """The first lines of its findings about PAM, and its exit status."""
    with without_sudo(machine):
        result = machine.run("bpfdev doctor", check=False)
    return [line for line in result.stdout.splitlines() if re.match(r"\S+ +pam ", line)], result.returncode


def promised(way="What bpfdev doctor says"):
    return re.findall(r"^ {4}((?:ok|bad) .*)", WAYS[way], re.M)


def tried_everywhere(machine):
    with machine.ssh_session("alice") as session, machine.console_login("alice") as console:
        return session.run(PROBE).stdout.strip(), console.run(PROBE).stdout.strip(), by_manager(session)


def test_before(machine):
    said, status = said_by_doctor(machine)
    assert status == 1 and promised()[0] in said
    assert tried_everywhere(machine) == (ALLOWED, ALLOWED, ALLOWED)


def test_authselect(machine):
    follow(machine, "With authselect")
    assert tried_everywhere(machine) == (DENIED, DENIED, DENIED)
    assert said_by_doctor(machine)[1] == 1
    follow(machine, "The user manager")
    said, status = said_by_doctor(machine)
    assert (said, status) == (promised()[1:3], 0)
    assert tried_everywhere(machine) == (DENIED, DENIED, DENIED)


def test_manager_that_lingers(machine):
    follow(machine, "With authselect")
    machine.run("loginctl enable-linger alice")
    machine.wait_for(lambda: machine.run("systemctl is-active user@1000", check=False).returncode == 0, "alice lingers")
    assert by_lingering_manager(machine) == ALLOWED
    machine.log_out_everybody()
    follow(machine, "The user manager")
    machine.run("loginctl enable-linger alice")
    machine.wait_for(lambda: machine.run("systemctl is-active user@1000", check=False).returncode == 0, "alice lingers")
    assert by_lingering_manager(machine) == DENIED


def test_postlogin(machine):
    follow(machine, "With postlogin")
    follow(machine, "The user manager")
    said, status = said_by_doctor(machine)
    assert status == 1 and set(promised()[3:]) <= set(said)
    assert tried_everywhere(machine) == (DENIED, DENIED, DENIED)
    with machine.ssh_session("alice") as session:
        assert session.run(f"sudo -n {PROBE}").stdout.strip() == DENIED
