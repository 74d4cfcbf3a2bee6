# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev status: managers, filters of other versions, and the rules in the kernel."""

import re

import pytest

from foreign import attach_filter
from statuses import COMMAND, NONE, ONE, by_session, cells, facts, state, table
from suites import every_suite, one_suite
from verbs import FUSE, REMOTE_RULES, RULES, Waiting, equipped, scope_gone

pytestmark = one_suite

POLICY = "/etc/security/bpfdev.conf"


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def test_lingering_manager_with_a_policy_named_by_conf(box):
    box.configure_pam("conf=/etc/lab.conf")
    box.write_file("/etc/lab.conf", RULES)
    box.policy("bob audit\n")
    box.run("loginctl enable-linger alice; systemctl restart user@1000")
    assert state(box) == "base"
    box.write_file("/etc/lab.conf", "bob audit\n")
    assert state(box) == "stale"
    box.run("rm /etc/lab.conf")


def test_manager_that_needs_no_filter_any_more(box):
    box.policy(RULES)
    box.run("loginctl enable-linger alice")
    with box.ssh_session("alice") as session:
        waiting = Waiting(session)
        box.policy("")
    assert by_session(table(box)[0]) == {session.id: "changed, closed"}
    assert by_session(table(box, "alice")[0]) == {session.id: "changed, closed", "manager": "no rules"}
    waiting.go()


def test_lingering_manager_and_its_policy(box):
    box.policy(RULES)
    box.run("loginctl enable-linger alice; systemctl restart user@1000")
    rows, lines = table(box)
    assert by_session(rows) == {"manager": "base filter (no session is open)"} and lines == [NONE]
    assert (state(box), facts(box)["managers"][0]["union_of"]) == ("base", [])
    box.policy(f"{RULES}# the same rules\n")
    assert state(box) == "base"
    for other in (f"{RULES}alice deny c 1:9\n", "bob audit\n"):
        box.policy(other)
        assert by_session(table(box)[0]) == {"manager": "stale: bpfdev reload alice"} and state(box) == "stale"
    box.policy("broken\n")
    assert by_session(table(box)[0]) == {"manager": "base filter (no session is open)"} and state(box) == "base"
    assert "the policy has mistakes" in box.run(COMMAND).stderr
    assert re.match(r"user@1000.service of alice: whether the policy gives it the same rules now is not known: .*bpfdev.conf:1:",
                    table(box)[1][0])


@every_suite
def test_manager_with_the_rules_of_a_login_that_died(box):
    box.policy(REMOTE_RULES)
    box.run("loginctl enable-linger alice")
    with box.ssh_session("alice") as remote:
        local = box.console_login("alice")
        assert state(box) == "in line"
        local.kill()
        scope_gone(box, local)
        assert by_session(table(box)[0]) == {remote.id: "current", "manager": "stale: bpfdev reload alice"}
        assert state(box) == "stale"
        box.run("bpfdev reload alice")
        assert by_session(table(box)[0])["manager"] == f"union of {remote.id}" and state(box) == "in line"


def test_manager_without_a_filter(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        box.configure_pam(control="")
        box.run("systemctl restart user@1000")
        rows, lines = table(box)
        assert by_session(rows) == {session.id: "current", "manager": "WITHOUT RULES: bpfdev reload alice"}
        assert lines == ["user@1000.service runs WITHOUT device rules: whatever alice starts by it may open any device",
                         ONE]
        (manager,) = facts(box)["managers"]
        assert (manager["state"], manager["filters"], manager["opened"]) == ("missing", 0, None)
        box.run("bpfdev reload alice")
        assert state(box) == "in line"


def test_rules_in_the_kernel(box):
    box.policy(f"{RULES}alice deny c 10:237 w\n")
    with box.ssh_session("alice") as session:
        rows = [["DEVICE", "NAME", "ALLOWED", "LINE"], ["c 10:229", "/dev/fuse", "---", f"{POLICY}:2"],
                ["c 10:237", "/dev/loop-control", "r-m", f"rm: {POLICY}:1, w: {POLICY}:3"],
                ["b *:*", "all others", "rwm", f"{POLICY}:1"], ["c *:*", "all others", "rwm", f"{POLICY}:1"]]
        _, lines = table(box, "--rules")
        assert lines[:3] == [ONE, "", f"session-{session.id}.scope of alice:"]
        assert [cells(lines[3], line) for line in lines[3:8]] == rows
        assert lines[8:10] == ["", "user@1000.service of alice:"] and lines[10:] == lines[3:8]
        (found,), (manager,) = (facts(box, "--rules")[key] for key in ("sessions", "managers"))
        assert found["table"] == manager["table"]
        assert [row["device"] for row in found["table"]] == [row[0] for row in rows[1:]]
        assert found["table"][0] == {
            "device": "c 10:229", "type": "char", "major": [10, 10], "minor": [229, 229], "name": "/dev/fuse",
            "allowed": "---", "audit": "---", "lines": [{"access": "rwm", "line": f"{POLICY}:2"}]}


def test_lines_of_a_policy_that_has_changed(box):
    box.policy(RULES)
    with box.ssh_session("alice"):
        box.policy(f"# one line more\n{RULES}")
        said = facts(box, "--rules")

        def lines(units):
            return {line["line"] for unit in units for row in unit["table"] for line in row["lines"]}

        assert lines(said["sessions"]) == {"changed since: allow *", f"changed since: deny {FUSE}"}
        assert lines(said["managers"]) == {"changed since"}
        assert POLICY not in box.run(f"{COMMAND} --rules").stdout


def test_what_an_exception_lends(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        box.run(f"bpfdev allow alice '{FUSE}' rw --for 15m")
        now = int(box.run("date +%s").stdout)
        (found,) = facts(box, "--rules")["sessions"]
        (exception,) = found["exceptions"]
        assert now + 600 < exception.pop("until") <= now + 15 * 60 + 2
        assert exception == {"device": FUSE, "access": "rw-", "over": False, "asked_by": 0}
        assert found["table"][0]["lines"] == [{"access": "rw-", "line": "exception"},
                                              {"access": "--m", "line": f"{POLICY}:2"}]
        assert re.fullmatch(rf"session {session.id} of alice: exception: {FUSE} rw until \d+-\d\d-\d\d \d\d:\d\d "
                            r"\(asked by uid 0\)", table(box)[1][0])
        box.run("bpfdev revoke alice")
        assert table(box)[1] == [ONE] and facts(box)["sessions"][0]["exceptions"] == []


def test_exception_whose_time_is_over(box):
    """It lends nothing any more; systemd's timer, which takes it out of the list, has been stopped."""
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        box.run(f"bpfdev allow alice '{FUSE}' rw --for 1s && systemctl stop 'bpfdev-*.timer'")
        box.wait_for(lambda: facts(box)["sessions"][0]["exceptions"][0]["over"], "its time is over")
        assert re.fullmatch(rf"session {session.id} of alice: exception: {FUSE} rw over since \d+-\d\d-\d\d \d\d:\d\d, and "
                            r"not yet tidied up \(asked by uid 0\)", table(box)[1][0])
        assert session.run("cat /dev/fuse 2>&1; true").stdout == "cat: /dev/fuse: Operation not permitted\n"
        assert {unit["table"][0]["allowed"] for kind in ("sessions", "managers") for unit in facts(box, "--rules")[kind]} == {"---"}
        assert box.run(f"bpfdev explain alice {FUSE} --session", check=False).returncode == 1
        box.run("bpfdev revoke alice --expired")
        assert table(box)[1] == [ONE]


def test_filter_of_another_version(box):
    with box.ssh_session("alice") as session:
        attach_filter(box.cgroup / session.cgroup[1:], 99)
        rows, lines = table(box)
        assert by_session(rows) == {session.id: "made by another version",
                                    "manager": "WITHOUT RULES: bpfdev reload alice"}
        assert lines[-1] == ONE
        (found,) = facts(box, "--rules")["sessions"]
        assert (found["readable"], found["user"], found["filters"]) == (False, "alice", 1)
        unknown = ("opened", "service", "tty", "rhost", "rules", "unrestricted", "audit", "closed", "no_login", "conf", "policy",
                   "exceptions", "table")
        assert [found[name] for name in unknown] == [None] * len(unknown)


def test_two_filters_on_one_session(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        attach_filter(box.cgroup / session.cgroup[1:], 1)
        rows, lines = table(box)
        # Of the other one nothing is known but that it lets less pass.
        assert by_session(rows) == {session.id: "current", "manager": "stale: bpfdev reload alice"}
        assert lines == [f"session-{session.id}.scope of alice has 2 filters: the kernel asks all of them, the first "
                         "one is shown", ONE]
        assert facts(box)["sessions"][0]["filters"] == 2
