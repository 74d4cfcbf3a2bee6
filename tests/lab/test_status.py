# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev status: what it shows of real sessions, as a table and as JSON."""

import contextlib
import os
import re
import signal

import pytest

import cgroups
from sessions import LoginRefused
from statuses import COMMAND, NONE, ONE, by_session, facts, state, table
from suites import every_suite, one_suite
from verbs import FUSE, REMOTE_RULES, RULES, Waiting, equipped

pytestmark = one_suite

POLICY = "/etc/security/bpfdev.conf"
MANY = """
printf 'session required pam_bpfdev.so\\n' >/etc/pam.d/only
for n in $(seq $1); do
    scope=/sys/fs/cgroup/user.slice/user-1000.slice/session-$n.scope
    mkdir $scope || exit
    session="echo 0 >$scope/cgroup.procs; pamtester only alice open_session && exec sleep infinity"
    sh -c "$session" >/dev/null 2>&1 </dev/null &
done
until [ $(bpfdev status --json | grep -c '"service": "only"') = $1 ]; do sleep 0.1; done
"""


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def test_nobody_is_logged_in(box):
    box.policy(RULES)
    assert table(box) == ([], [NONE])
    assert facts(box) == {"sessions": [], "managers": [], "unfiltered": [], "unfiltered_sessions": 0}


@every_suite
def test_sessions_and_their_manager(box):
    box.policy(REMOTE_RULES)
    with box.ssh_session("alice") as remote, box.console_login("alice") as local:
        rows, lines = table(box)
        now = box.run("date '+%Y-%m-%d'").stdout.strip()
        assert all(row.pop("SINCE").startswith(now) for row in rows)
        names = ("SESSION", "USER", "SERVICE", "TTY", "FROM", "RULES", "POLICY")
        expected = [(remote.id, "alice", "sshd", "ssh", "127.0.0.1", "3", "current"),
                    (local.id, "alice", "login", "tty1", "-", "2", "current"),
                    ("manager", "alice", "-", "-", "-", "-", f"union of {remote.id}, {local.id}")]
        assert rows == [dict(zip(names, row)) for row in expected]
        assert lines == ["2 sessions with device rules in force"]


def test_every_field_of_the_json(box):
    box.policy(REMOTE_RULES)
    before = int(box.run("date +%s").stdout)
    with box.ssh_session("alice") as session:
        said = facts(box)
        (found,), (manager,) = said.pop("sessions"), said.pop("managers")
        assert said == {"unfiltered": [], "unfiltered_sessions": 0}
        for opened in (found.pop("opened"), manager.pop("opened")):
            assert before <= opened <= int(box.run("date +%s").stdout)
        assert re.fullmatch("[0-9a-f]{16}", found["policy"].pop("digest"))
        assert found == {
            "session": session.id, "unit": f"session-{session.id}.scope", "user": "alice", "uid": 1000,
            "role": "session", "filters": 1, "readable": True, "service": "sshd", "tty": "ssh", "rhost": "127.0.0.1",
            "rules": 3,
            "unrestricted": False, "audit": False, "closed": False, "no_login": False, "conf": False,
            "policy": {"path": POLICY, "state": "current", "mistake": None}, "exceptions": [],
            "callers": []}
        assert manager == {"unit": "user@1000.service", "user": "alice", "uid": 1000, "role": "manager", "filters": 1,
                           "readable": True, "state": "in line", "union_of": [session.id]}


def test_rows_are_in_order(box):
    box.policy(f"* allow *\n* deny {FUSE}\n")
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(box.ssh_session(user)) for user in ("bob", "alice", "bob", "alice")]
        expected = [("alice", sessions[1].id), ("alice", sessions[3].id), ("alice", "manager"),
                    ("bob", sessions[0].id), ("bob", sessions[2].id), ("bob", "manager")]
        assert [(row["USER"], row["SESSION"]) for row in table(box)[0]] == expected
        assert [found["session"] for found in facts(box)["sessions"]] == [sessions[i].id for i in (1, 3, 0, 2)]


def policy_state(box):
    """The policy state of the one session, which table and JSON agree on."""
    (found,) = facts(box)["sessions"]
    rows, _ = table(box)
    assert rows[0]["POLICY"] == found["policy"]["state"]
    return found["policy"]["state"]


def test_policy_that_changes_and_changes_back(box):
    box.policy(RULES)
    with box.ssh_session("alice"):
        assert policy_state(box) == "current"
        box.policy(f"{RULES}# not the same text\n")
        assert policy_state(box) == "changed"
        box.policy(RULES)
        assert policy_state(box) == "current"
        box.write_file("/etc/security/bpfdev.d/10-more.conf", "bob audit\n")
        assert policy_state(box) == "changed"


NAMES = "names in it stand for something else by now"


def test_policy_whose_names_stand_for_something_else_by_now(box):
    """The text is the same: a device that was plugged in, and a group that the user has joined."""
    box.policy("* allow *\n* deny /dev/plugged*\n@video deny c 1:9\n")
    with box.ssh_session("alice") as session:
        assert policy_state(box) == "current"
        try:
            box.make_node("/dev/plugged0", "c", 511, 7)
            assert policy_state(box) == "changed" and NAMES in facts(box)["sessions"][0]["policy"]["why"]
            assert table(box)[1] == [f"session {session.id} of alice: policy: the text is the same, but {NAMES}: "
                                     "bpfdev reload alice", ONE]
            box.run("bpfdev reload")
            assert policy_state(box) == "current"
        finally:
            box.run("rm -f /dev/plugged0")
        assert policy_state(box) == "changed"
        box.run("bpfdev reload")
        try:
            box.run("gpasswd -a alice video")
            assert policy_state(box) == "changed"
        finally:
            box.run("gpasswd -d alice video")
        assert policy_state(box) == "current" and "why" not in facts(box)["sessions"][0]["policy"]


def test_exception_does_not_make_the_policy_another_one(box):
    box.policy("alice allow *\nalice deny /dev/plugged*\nalice deny c 1:9\n")
    with box.ssh_session("alice"):
        box.run("bpfdev allow alice 'c 1:9' rw --for 15m")
        assert policy_state(box) == "current"
        try:
            box.make_node("/dev/plugged0", "c", 511, 7)
            assert policy_state(box) == "changed"
        finally:
            box.run("rm -f /dev/plugged0")


def test_exception_whose_name_stands_for_something_else_by_now(box):
    box.policy("alice allow *\nalice deny c 511:*\n")
    with box.ssh_session("alice") as session:
        box.make_node("/dev/plugged", "c", 511, 7)
        try:
            box.run("bpfdev allow alice /dev/plugged rw --for 15m")
            assert policy_state(box) == "current" and len(table(box)[1]) == 2
            box.run("rm /dev/plugged")
            box.make_node("/dev/plugged", "c", 511, 8)
            assert policy_state(box) == "current"
            assert table(box)[1][1] == (f"session {session.id} of alice: exceptions: names in them stand for something else "
                                        "by now: bpfdev reload alice")
            box.run("bpfdev reload alice")
            assert len(table(box)[1]) == 2
        finally:
            box.run("rm -f /dev/plugged")


def test_policy_of_a_user_who_is_not_known_any_more(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        before = box.read_file("/etc/passwd")
        try:
            box.write_file("/etc/passwd", before.replace("alice:", "alicia:"))
            assert policy_state(box) == "unknown"
            assert re.match(rf"session {session.id} of alice: policy: whether it gives the same rules now is not known: ",
                            table(box)[1][0])
        finally:
            box.write_file("/etc/passwd", before)
        assert policy_state(box) == "current"


def test_policy_that_has_mistakes(box):
    box.policy(RULES)
    with box.ssh_session("alice"):
        box.policy(f"{RULES}alice deni c 1:3\nbob\n")
        done = box.run(COMMAND)
        assert done.stderr == ("bpfdev: the policy has mistakes: new logins are refused, and open sessions keep the "
                               f"rules that they have: {facts(box)['sessions'][0]['policy']['mistake']}\n")
        assert re.search(rf"{POLICY}:3:7: .*deni.*and 1 more mistake", done.stderr)
        assert policy_state(box) == "broken"
        assert box.run(f"{COMMAND} --json").stderr == ""
        with pytest.raises(LoginRefused):
            box.console_login("alice")


def test_policy_named_by_conf(box):
    box.configure_pam("conf=/etc/lab.conf")
    box.write_file("/etc/lab.conf", RULES)
    box.policy("what is this\n")
    with box.ssh_session("alice"):
        (found,) = facts(box)["sessions"]
        assert (found["conf"], found["policy"]["path"]) == (True, "/etc/lab.conf")
        assert policy_state(box) == "current" and state(box) == "in line"
        box.write_file("/etc/lab.conf", f"{RULES}\n")
        assert policy_state(box) == "changed"
        box.run("rm /etc/lab.conf")
        assert policy_state(box) == "broken"


@every_suite
def test_session_that_left_processes(box):
    box.policy(RULES)
    with box.ssh_session("alice") as other:
        with box.ssh_session("alice") as session:
            waiting = Waiting(session)
        rows, _ = table(box)
        assert by_session(rows) == {session.id: "current, closed", other.id: "current",
                                    "manager": f"union of {other.id}"}
        assert {found["session"]: found["closed"] for found in facts(box)["sessions"]} == {session.id: True,
                                                                                          other.id: False}
        waiting.go()


def test_unrestricted_session(box):
    box.policy(f"* allow *\n* deny {FUSE}\nalice exempt local\n")
    with box.ssh_session("alice") as remote, box.console_login("alice") as local:
        rules = {row["SESSION"]: row["RULES"] for row in table(box)[0]}
        assert rules == {remote.id: "3", local.id: "none", "manager": "-"}
        assert table(box)[1] == ["1 session with device rules in force; 1 may do everything"]
        assert [(found["unrestricted"], found["rules"]) for found in facts(box)["sessions"]] == [(False, 3), (True, 0)]


@every_suite
def test_su_that_is_no_login(box):
    """Before systemd 256 such a session stays in the user's manager."""
    box.policy(REMOTE_RULES)
    with box.ssh_session("alice") as session:
        session.run("systemd-run --user --quiet --unit=fresh sudo -i -u alice sleep infinity", check=True)
        box.wait_for(lambda: box.run("pgrep -x sleep", check=False).stdout, "the fresh session runs")
        found = {found["session"]: found["no_login"] for found in facts(box)["sessions"]}
        assert found.pop(session.id) is False
        assert list(found.values()) == ([] if box.suite == "bookworm" else [True])
        for fresh in found:
            assert by_session(table(box)[0])[fresh] == "current, no login, and rules of alice"
        session.run("systemctl --user stop fresh")


def test_sessions_without_rules(box):
    with box.ssh_session("alice") as early:
        box.policy(RULES)
        assert table(box) == ([], [f"{NONE}; 1 without (--all lists them)"])
        with box.ssh_session("alice") as late, box.ssh_session("bob") as bob:
            assert table(box)[1] == [f"{ONE}; 2 without (--all lists them)"]
            assert facts(box)["unfiltered_sessions"] == 2 and facts(box)["unfiltered"] == []
            rows, lines = table(box, "--all")
            assert [(row["USER"], row["SESSION"], row["POLICY"]) for row in rows] == [
                ("alice", early.id, "no rules"), ("alice", late.id, "current"),
                ("alice", "manager", f"union of {late.id}"),
                ("bob", bob.id, "no rules"), ("bob", "manager", "no rules")]
            assert {rows[0][name] for name in ("SERVICE", "TTY", "FROM", "SINCE", "RULES")} == {"-"}
            assert lines == [f"{ONE}; 2 without"]
            said = facts(box, "-a")
            assert said["unfiltered"] == [
                {"session": early.id, "unit": f"session-{early.id}.scope", "user": "alice", "uid": 1000,
                 "callers": []},
                {"session": bob.id, "unit": f"session-{bob.id}.scope", "user": "bob", "uid": 1001, "callers": []}]
            assert [manager["user"] for manager in said["managers"]] == ["alice"]
            assert by_session(table(box, early.id)[0]) == {early.id: "no rules"}


def test_user_and_session_arguments(box):
    box.policy(f"* allow *\n* deny {FUSE}\n")
    with box.ssh_session("alice") as first, box.console_login("alice") as second, box.ssh_session("bob") as bob:
        def shown(argument):
            rows, lines = table(box, argument)
            said = facts(box, argument)
            assert lines == [] and len(rows) == len(said["sessions"]) + len(said["managers"])
            return [row["SESSION"] for row in rows]

        assert shown("alice") == shown("1000") == shown(":1000") == [first.id, second.id, "manager"]
        assert shown("bob") == [bob.id, "manager"]
        assert shown(second.id) == shown(f"session-{second.id}.scope") == [second.id]
        assert shown("user@1001.service") == ["manager"]
        assert table(box, "user@1000.service")[0][0]["POLICY"] == f"union of {first.id}, {second.id}"


def test_number_of_a_session_and_of_a_user(box):
    box.policy(f"* allow *\n* deny {FUSE}\n")
    with box.ssh_session("bob"):
        scope = "/sys/fs/cgroup/user.slice/user-1001.slice/session-1001.scope"
        box.run(f"mkdir {scope}")
        stay = box.spawn(f"echo 0 >{scope}/cgroup.procs; exec sleep infinity")
        box.wait_for(lambda: facts(box)["unfiltered_sessions"] == 1, "the session is there")
        assert by_session(table(box, "1001")[0]) == {"1001": "no rules"}
        assert len(table(box, ":1001")[0]) == 3
        stay.kill()
        stay.wait()


@pytest.mark.parametrize("argument,said", [
    ("carol", "carol is not logged in, and has no manager"), ("1002", "1002 is not logged in, and has no manager"),
    ("nosuch", 'there is no session and no user "nosuch"'), ("session-9.scope", 'there is no session and no user '
                                                             '"session-9.scope"'),
    ("$'a\\e[1m'", 'there is no session and no user "a\\x1b[1m"')])
def test_argument_that_names_nothing(box, argument, said):
    box.policy(RULES)
    with box.ssh_session("alice"):
        for options in ("", "--json", "--all --rules"):
            done = box.run(f"{COMMAND} {options} {argument}", check=False)
            assert (done.returncode, done.stdout, done.stderr) == (1, "", f"bpfdev: {said}\n")


def test_not_root(box):
    box.policy(RULES)
    with box.ssh_session("alice"):
        for arguments in ("", "--json", "--rules bob", "nosuch"):
            done = box.run(f"{COMMAND} {arguments}", user="alice", check=False)
            assert (done.returncode, done.stdout) == (3, "")
            assert done.stderr.startswith("bpfdev: status needs root: ") and "sudo bpfdev status" in done.stderr


def test_usage(box):
    assert box.run(f"{COMMAND} one two", check=False).returncode == 64
    assert box.run(f"{COMMAND} --nonsense", check=False).returncode == 64
    said = box.run(f"{COMMAND} --help").stdout
    for word in ("[USER|SESSION]", "-a, --all", "-r, --rules", "--json", "--color"):
        assert word in said
    box.policy(RULES)
    with box.ssh_session("alice"):
        box.policy("")
        assert "\033[33mchanged\033[0m" in box.run(f"{COMMAND} --color=always").stdout
        assert "\033" not in box.run(COMMAND).stdout


def test_control_characters_print_harmlessly(box):
    service, rhost, tty = "x\033[1m", "h\033]0;owned\a\r\nroot", "t\udc9b31m\u009b\u202e"
    box.policy(RULES)
    box.run(["sh", "-c", 'echo "session required pam_bpfdev.so" >"/etc/pam.d/$0"', service])
    with box.ssh_session("alice"):
        scope = "/sys/fs/cgroup/user.slice/user-1000.slice/session-7.scope"
        script = 'mkdir "$0"; echo 0 >"$0"/cgroup.procs; ' \
                 'pamtester -I rhost="$2" -I tty="$3" "$1" alice open_session && exec sleep infinity'
        evil = box.spawn(["sh", "-c", script, scope, service, rhost, tty])
        box.wait_for(lambda: facts(box, "alice")["sessions"][1:], "the session is there")
        for options in ("", "7", "--rules", "--json"):
            said = box.run(f"{COMMAND} {options}").stdout
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said), ascii(said)
        (found,) = facts(box, "7")["sessions"]
        assert (found["service"], found["rhost"]) == (service, rhost) and found["tty"].startswith("t\\x9b31m")
        (row,), _ = table(box, "7")
        assert row["SERVICE"] == "x\\x1b[1m" and row["FROM"] == "h\\x1b]0;owned\\x07\\x0d\\x0aroot"
        evil.kill()
        evil.wait()


def test_two_hundred_sessions(box):
    count = 200
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        box.write_file("/root/many", MANY)
        box.run(f"sh /root/many {count}")
        rows, lines = table(box)
        numbers = [str(number) for number in range(1, count + 1)]
        assert [row["SESSION"] for row in rows if row["SERVICE"] == "only"] == numbers
        assert {row["POLICY"] for row in rows[:-1]} <= {"current", "current, no login"} and len(rows) == count + 2
        assert rows[-1]["POLICY"] == "union of 1, 2, 3, 4, 5, 6, 7, 8 and 193 more"
        assert lines == [f"{count + 1} sessions with device rules in force"]
        (manager,) = facts(box)["managers"]
        assert manager["state"] == "in line" and set(manager["union_of"]) == {*numbers, session.id}
        for scope in (box.cgroup / "user.slice/user-1000.slice").glob("session-*.scope"):
            if scope.name != f"session-{session.id}.scope":
                for pid in cgroups.pids(scope):
                    os.kill(pid, signal.SIGKILL)


def test_sessions_that_come_and_go_meanwhile(box):
    box.policy(RULES)
    box.write_file("/root/log-in", "for i in $(seq 60); do\n"
                                   "    pamtester sshd alice open_session close_session\ndone >/dev/null\n")
    box.run("loginctl enable-linger alice")
    with box.ssh_session("alice") as session:
        logins = box.spawn("sh /root/log-in")
        seen = []
        while logins.poll() is None:
            said = facts(box, "--rules")
            assert session.id in [found["session"] for found in said["sessions"]]
            assert {manager["state"] for manager in said["managers"]} == {"in line"}
            seen.append(len(said["sessions"]))
        assert logins.returncode == 0 and max(seen) > 1
