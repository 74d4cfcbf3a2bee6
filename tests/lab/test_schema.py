# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The JSON of every subcommand has the fields that bpfdev(8) lists, all of them, and no others."""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "command"))
import schema  # noqa: E402
from foreign import attach_filter  # noqa: E402

pytestmark = pytest.mark.only_suite("bookworm")

POLICY = """\
@students  allow  *
@students  deny   c 10:229  rw  remote
@students  deny   c 1:11    rw  service=sshd
@students  deny   c 510:*   m
carol      audit
carol      allow  c 10:229
carol      deny   c 1:11
kiosk      exempt
"""
NOTHING = "* dney *\n"


def ask(machine, command):
    """The JSON that a command prints, whatever its exit status."""
    done = machine.run(f"bpfdev {command} --json", check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def everything(machine, console):
    """What all subcommands print in situations that differ: {subcommand: [value]}."""
    found = {
        "status": [ask(machine, "status --all --rules"), ask(machine, "status bob")],
        "explain": [ask(machine, f"explain {words}") for words in (
            "alice /dev/fuse", "alice c 10:229 --remote", "carol /dev/fuse", "kiosk /dev/null", "bob /dev/null",
            "alice 'c *:*' --su", "alice c 13:64",
            "alice c 226:0 --session", "alice c 10:229 --session", f"alice c 1:11 rwm --session={console}")],
        "rules": [ask(machine, f"rules {user}") for user in ("alice --remote", "carol", "kiosk", "bob")],
        "check": [ask(machine, "check")],
        "doctor": [ask(machine, "doctor")],
        "denials": [ask(machine, "denials"), ask(machine, "denials bob")],
        "allow": [ask(machine, "allow alice c 10:229 --for=1h")],
    }
    found["status"].append(ask(machine, "status --rules"))
    # A program of systemd's on the way up.
    machine.run("systemctl set-property --runtime user-1000.slice DevicePolicy=closed")
    found["explain"].append(ask(machine, "explain alice c 10:229 --session"))
    found["denials"].append(ask(machine, "denials"))
    # The same text stands for something else.
    machine.run("gpasswd -d alice students")
    found["status"].append(ask(machine, "status"))
    machine.run("gpasswd -a alice students")
    found["revoke"] = [ask(machine, "revoke alice")]
    found["reload"] = [ask(machine, "reload"), ask(machine, "reload --all")]
    machine.policy("ghost deny *\n")
    found["check"].append(ask(machine, "check"))
    machine.policy(NOTHING)
    found["check"].append(ask(machine, "check"))
    found["status"].append(ask(machine, "status"))
    found["explain"].append(ask(machine, "explain alice c 10:229 --session"))
    return found


def be_denied(machine, session, other):
    """Has alice's session be denied more than its filter tells apart, and gives the other one another version's."""
    machine.write_file("/etc/sudoers.d/lab", "alice ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    machine.write_file("/usr/share/many.sh", "for minor in $(seq 300); do mknod /tmp/node c 510 $minor; rm -f /tmp/node; done\n")
    session.run("sudo sh /usr/share/many.sh")
    attach_filter(machine.cgroup / other.cgroup[1:], 99)
    # What is said of alice alone outweighs a line for all students.
    machine.policy("alice audit\nalice deny c 510:1\n")
    return {"denials": [ask(machine, "denials")],
            "suggest": [ask(machine, "suggest"), ask(machine, "suggest --who=@students")]}


def test_json_is_as_the_manual_says(machine):
    machine.make_node("/dev/fuse", "c", 10, 229)
    with machine.ssh_session("bob") as other, machine.ssh_session("alice"):
        machine.policy(POLICY)
        with machine.ssh_session("alice"), machine.console_login("alice", "tty1") as console, \
                machine.ssh_session("carol"), machine.ssh_session("kiosk"):
            found = everything(machine, console.id)
            for subcommand, values in be_denied(machine, console, other).items():
                found.setdefault(subcommand, []).extend(values)
    for subcommand, values in found.items():
        for value in values:
            schema.check(subcommand, value)
        # Nobody becomes somebody else in a session of their own here: tests/module/test_become.py has callers.
        left = [field for field in schema.uncovered(subcommand, values) if not field.endswith("callers[]")]
        assert left == [], subcommand
