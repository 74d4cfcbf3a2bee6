# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev monitor: denials of real logins while they happen, as lines and as JSON."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from monitors import COMMAND, HEADING, KINDS, MANY, MANY_RULES, Monitor, refused, with_storm
from suites import one_suite
from verbs import FORBIDDEN, FUSE, RULES, by_manager, equipped, scope_gone, tried
from watching import wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "command"))
import schema  # noqa: E402

POLICY = "/etc/security/bpfdev.conf"
# $1 sessions of alice's, each of which is denied a device $2 times, and again once something is written to its /root/go-N.
SESSIONS = f"""
printf 'session required pam_bpfdev.so\\n' >/etc/pam.d/only
for n in $(seq $1); do
    scope=/sys/fs/cgroup/user.slice/user-1000.slice/session-$n.scope
    mkfifo /root/go-$n
    mkdir $scope || exit
    storm="storm $2 {FORBIDDEN}"
    session="echo 0 >$scope/cgroup.procs; pamtester only alice open_session && $storm && read go </root/go-$n; $storm"
    sh -c "$session; exec sleep infinity" >/dev/null 2>&1 </dev/null &
done
"""


@pytest.fixture
def box(machine):
    """The machine with the commands attempt, probe and storm."""
    yield from equipped(with_storm(machine))


def test_sessions_that_are_open_and_those_that_open_later(box):
    box.policy(f"{RULES}bob deny {FUSE}\n")
    with box.ssh_session("alice") as alice:
        assert tried(alice) == "EPERM ok"
        with Monitor(box) as text, Monitor(box, "--json") as monitor:
            tried(alice)
            wait_for(lambda: monitor.count(session=alice.id) == 1, "what was denied is told")
            with box.ssh_session("bob") as bob:
                assert tried(bob) == "EPERM EPERM"
                wait_for(lambda: monitor.count(session=bob.id) == 2, "bob's are told")
                by_manager(alice)
                wait_for(lambda: monitor.count(user="alice") == 2, "the manager's is told")
            scope_gone(box, bob)
            tried(alice)
            wait_for(lambda: monitor.count(session=alice.id) == 2, "it goes on")
            wait_for(lambda: len(text.lines()) >= 5, "the lines are there, too")
            assert (monitor.end(), text.end(signal.SIGINT)) == (0, 0)
        told = {(line["user"], line["session"], line["device"], line["why"]) for line in text.lines()}
        assert told == {("alice", alice.id, f"{FORBIDDEN} ({FUSE})", f"{POLICY}:2"),
                        ("alice", "manager", f"{FORBIDDEN} ({FUSE})", f"{POLICY}:2"),
                        ("bob", bob.id, f"{FORBIDDEN} ({FUSE})", f"{POLICY}:3"),
                        ("bob", bob.id, "/dev/loop-control (c 10:237)", "no rule")}
        assert all(line["access"] == "rw" and line["process"].startswith("attempt[") for line in text.lines())
        assert [(line["new"], line["count"]) for line in text.lines() if line["session"] == alice.id] == [("1", "2"), ("1", "3")]


def test_every_field_of_the_json(box):
    box.policy(f"alice allow *\nalice deny {FORBIDDEN} w\n")
    before = int(box.run("date +%s").stdout)
    with box.ssh_session("alice") as session, Monitor(box, "--json") as monitor:
        tried(session, probe=f"attempt rw {FORBIDDEN}")
        (event,) = wait_for(monitor.events, "it is told")
        assert before <= event.pop("first") == event.pop("last") <= int(box.run("date +%s").stdout)
        assert event.pop("pid") > 0
        assert event == {
            "event": "denied", "new": 1, "count": 1,
            "session": session.id, "unit": f"session-{session.id}.scope", "user": "alice", "uid": 1000,
            "device": FUSE, "type": "char", "major": 10, "minor": 229, "was": None, "door": None, "path": FORBIDDEN,
            "driver": "misc", "access": "rw-", "refused": "-w-", "audited": "---", "result": "refused", "cause": "line",
            "line": f"{POLICY}:2", "text": f"alice deny {FORBIDDEN} w", "comm": "attempt", "process_uid": 1000,
            "rules_of": None}


def test_node_that_is_made_later(box):
    box.policy(MANY_RULES)
    with box.ssh_session("alice") as session, Monitor(box, "--json") as monitor:
        session.run("storm 1 /dev/try0")
        wait_for(monitor.events, "it has looked for names")
        box.make_node("/dev/later", "c", 510, MANY)
        session.run("storm 1 /dev/later")
        wait_for(lambda: monitor.events()[1:], "it is told")
    box.run("rm /dev/later")
    assert [event["path"] for event in monitor.events()] == ["/dev/try0", "/dev/later"]


def test_audit_and_what_was_denied_before(box):
    box.policy(f"alice allow *\nalice deny {FORBIDDEN} w\nalice audit\n")
    with box.ssh_session("alice") as session:
        assert tried(session) == "ok ok"
        with Monitor(box, "--all") as monitor:
            (line,) = wait_for(monitor.lines, "it is told")
            assert (line["result"], line["new"], line["count"]) == ("audit", "1", "1")
            assert " audit w " in monitor.said()[1]


def test_one_user_who_comes_later(box):
    box.policy(f"* allow *\n* deny {FUSE}\n")
    with box.ssh_session("alice") as alice, Monitor(box, "--json bob") as monitor:
        tried(alice)
        with box.ssh_session("bob") as bob:
            tried(alice)
            tried(bob)
            wait_for(monitor.events, "it is told")
        assert {event["user"] for event in monitor.events()} == {"bob"}


def test_one_session_until_it_is_over(box):
    box.policy(RULES)
    with box.ssh_session("alice") as one, box.ssh_session("alice") as other:
        monitor = Monitor(box, f"--json {one.id}")
        tried(other)
        tried(one)
        wait_for(monitor.events, "it is told")
        one.close()
        assert monitor.wait() == 0
        assert {event["session"] for event in monitor.events()} == {one.id}
        assert monitor.said(1) == [f"bpfdev: session-{one.id}.scope is over"]


@one_suite
def test_nobody_of_that_name(box):
    box.policy(RULES)
    done = box.run(f"{COMMAND} whoever", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", 'bpfdev: there is no session and no user "whoever"\n')


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_waits_where_there_is_no_filter(box, number):
    with Monitor(box, "--json") as monitor:
        assert box.users_logged_in() == []
        assert monitor.end(number) == 0
        assert (monitor.said(), monitor.said(1)) == ([], [])


def test_signal_that_is_ignored(box):
    """As nohup(1) does it."""
    box.policy(RULES)
    with box.ssh_session("alice") as session, Monitor(box, "--json", "trap '' HUP; {}") as monitor:
        os.kill(monitor.pid, signal.SIGHUP)
        for number in range(1, 3):
            tried(session)
            wait_for(lambda expected=number: monitor.count() == expected, "it goes on")


@one_suite
def test_ends_after_so_many_looks(box):
    done = box.run(f"{COMMAND} --looks=2")
    assert [line.split() for line in done.stdout.splitlines()] == [HEADING]


def test_ends_when_nobody_reads(box):
    done = box.run(f"{COMMAND} | head -n 1; echo ${{PIPESTATUS[0]}}")
    heading, status = done.stdout.splitlines()
    assert (heading.split(), status) == (HEADING, "0")
    assert "ipe" not in done.stderr  # Broken pipe


def test_reader_that_is_gone_when_lines_come(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        tried(session)
        reader, writer = os.pipe()
        os.close(reader)
        done = box.spawn(f"exec {COMMAND} --json --all", stdout=writer, stderr=subprocess.PIPE, encoding="utf-8")
        os.close(writer)
        assert done.communicate(timeout=60)[1] == "" and done.returncode == 0
        done = box.run(f"{COMMAND} --json --all >/dev/full", check=False)
        assert (done.returncode, done.stderr) == (3, "bpfdev: standard output: No space left on device\n")


@one_suite
@pytest.mark.parametrize("arguments, why", [
    ("--interval=0.1", "the shortest is 200ms"), ("--interval=199ms", "the shortest is 200ms"),
    ("--interval=0", "expected a time"), ("--interval=", "expected a time"), ("--interval=1.5min", "expected a time"),
    ("--interval=.5", "expected a time"), ("--interval=-1", "expected a time"), ("--interval=9999999999", "expected a time"),
    ("--interval=99999999999999999999ms", "expected a time"), ("--looks=0", "expected a number"), ("--looks=1x", "expected a number"),
    ("--looks=-1", "expected a number"), ("--json --journal", "expected one of them"), ("--top", "needs a terminal"),
    ("alice bob", "Too many arguments"),
])
def test_usage(box, arguments, why):
    done = box.run(f"bpfdev monitor {arguments}", check=False)
    assert done.returncode == 64 and why in done.stderr


@one_suite
@pytest.mark.parametrize("interval", ["200ms", "0.2", "0.25s", "1.0s", "1", "1s"])
def test_intervals(box, interval):
    box.run(f"bpfdev monitor --interval={interval} --looks=1")


def test_others_than_root(box):
    done = box.run(f"/usr/local/sbin/{COMMAND}", user="alice", check=False)
    assert done.returncode == 3 and "needs root" in done.stderr


def test_storm_on_one_device(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session, Monitor(box, "--json") as monitor:
        total = refused(session, f"storm 1000 {FORBIDDEN}")
        wait_for(lambda: monitor.count() == total, "the first are told")
        before = monitor.memory()
        total += refused(session, f"storm 1000000 {FORBIDDEN}")
        wait_for(lambda: monitor.count() == total, "all are told")
        assert total == 1001000
        assert monitor.events()[-1]["count"] == total
        assert len(monitor.events()) <= monitor.looks()
        assert monitor.memory() <= before + 256


def test_storm_on_more_devices_than_a_filter_tells_apart(box):
    box.policy(MANY_RULES)
    with box.ssh_session("alice") as session, Monitor(box, "--json") as monitor:
        total = refused(session, f"storm {MANY} /dev/many/*")
        wait_for(lambda: monitor.count() == total, "the first are told")
        before = monitor.memory()
        total += refused(session, f"storm {20 * MANY} /dev/many/*")
        wait_for(lambda: monitor.count() == total, "all are told")
        assert total == 21 * MANY
        kinds = [(event["event"], event.get("device")) for event in monitor.events()]
        assert len(set(kinds)) == KINDS and ("lost", None) in kinds
        assert max(map(kinds.count, set(kinds))) <= monitor.looks()
        for event in monitor.events():
            schema.check("monitor", event)
        assert schema.uncovered("monitor", monitor.events()) == []
        assert monitor.memory() <= before + 1024


def test_what_is_lost_as_a_line(box):
    box.policy(MANY_RULES)
    with box.ssh_session("alice") as session, Monitor(box) as monitor:
        refused(session, f"storm {MANY} /dev/many/*")
        lost = MANY - KINDS + 1
        last = re.compile(rf"..:..:.. alice +{session.id} +- +others +- +- +\+[1-9]\d* +{lost} no room to tell them apart")
        wait_for(lambda: any(map(last.fullmatch, monitor.said())), "it is told")


@one_suite
def test_two_hundred_sessions(box):
    box.policy(RULES)
    box.write_file("/root/many", SESSIONS)
    with box.ssh_session("alice"), Monitor(box, "--json") as monitor:
        box.run("sh /root/many 200 100")
        wait_for(lambda: monitor.count() == 20000, "all of all are told")
        numbers = {str(number) for number in range(1, 201)}
        assert {event["session"] for event in monitor.events()} == numbers
        before = monitor.memory()
        box.run("for node in $(seq 200); do echo >/root/go-$node; done")
        wait_for(lambda: monitor.count() == 40000, "what they are denied then is told, too")
        assert monitor.memory() <= before + 1024
        box.run("kill $(pidof sleep)")
        with box.ssh_session("alice") as later:
            tried(later)
            wait_for(lambda: monitor.count(session=later.id) == 1, "it goes on")


def test_reload_in_between(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session, Monitor(box, "--json") as monitor:
        total = 0
        for lines in range(5):
            total += refused(session, f"storm 1000 {FORBIDDEN}")
            box.policy("\n" * (lines + 1) + RULES)
            box.run("bpfdev reload")
        total += refused(session, f"storm 1000 {FORBIDDEN}")
        wait_for(lambda: monitor.count() == total, "all are told")
        assert all(event["new"] > 0 for event in monitor.events())
        assert [event["count"] for event in monitor.events()] == sorted(event["count"] for event in monitor.events())
        assert monitor.events()[-1]["line"] == f"{POLICY}:7"


def test_reloads_while_a_storm_goes_on(box):
    """Nothing is lost from one filter to the next, and nothing told twice."""
    box.policy(RULES)
    with box.ssh_session("alice") as session, Monitor(box, "--json") as monitor:
        session.run(f"storm 300000 {FORBIDDEN} >/home/alice/refused 2>&1 </dev/null &")
        for number in range(40):
            box.policy("\n" * (number % 7) + RULES)
            box.run("bpfdev reload")
        answer = box.path("/home/alice/refused")
        total = int(wait_for(answer.read_text, "the storm is over"))
        wait_for(lambda: monitor.events()[-1]["count"] == total, "the last are told")
        assert monitor.count() == total == 300000
