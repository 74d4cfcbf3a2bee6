# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev denials, and what the journal says at a session's end, of real logins."""

import contextlib
import json
import re
import shlex

import pytest

import cgroups
from foreign import attach_filter
from suites import every_suite, one_suite
from verbs import BY_MANAGER, FUSE, REMOTE_RULES, RULES, Waiting, equipped, scope_gone

pytestmark = one_suite

POLICY = "/etc/security/bpfdev.conf"
COMMAND = "bpfdev denials"
NOTHING = "nothing has been denied\n"
HOST = "process ids are those of the host, which has other ones than this container"
OPEN = ": </dev/fuse"  # the shell itself does that, and lives on
MANY = """import os, stat
for minor in range(300):
    try:
        os.mknod("/tmp/node", stat.S_IFCHR, os.makedev(510, minor))
    except PermissionError:
        pass
"""
RENAMED = """with open("/proc/self/comm", "wb", 0) as comm:
    comm.write({})
open("/dev/fuse")
"""


@pytest.fixture
def box(machine):
    machine.write_file("/etc/sudoers.d/lab", "alice ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    yield from equipped(machine)


def facts(box, arguments=""):
    """What the JSON says."""
    return json.loads(box.run(f"{COMMAND} --json {arguments}").stdout)


def rows(box, arguments=""):
    """The denials in the JSON."""
    return facts(box, arguments)["denials"]


def brief(row):
    """What the tests ask most: where, what, how often."""
    return row["session"], row["comm"], row["device"], row["access"], row["count"]


def briefs(box, arguments=""):
    return sorted(map(brief, rows(box, arguments)))


def table(box, arguments=""):
    """The rows as dictionaries by the headings, and the lines behind them."""
    heading, *lines = box.run(f"{COMMAND} {arguments}").stdout.splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", heading)]
    found = []
    while lines and re.match(r"\d{4}-\d\d-\d\d ", lines[0]):
        line = lines.pop(0)
        found.append(dict(zip(heading.split(), (line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])))))
    return found, lines


def entries(box, match):
    """Entries of the journal."""
    found = box.run(f"journalctl --sync; journalctl -q -o json _UID=0 {match}").stdout
    return [json.loads(line) for line in found.splitlines()]


def renamed(session, name):
    """A process of this name (bytes) is denied a device."""
    session.run(f"python3 -c {shlex.quote(RENAMED.format(name))}")


def host_pid(session):
    """The host's id of the session's shell."""
    inside = session.run("echo $$").stdout.strip()
    for pid in cgroups.pids(session.machine.cgroup / session.cgroup[1:]):
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            if re.search(rf"^NSpid:.*\t{inside}$", status.read(), re.MULTILINE):
                return pid
    raise AssertionError(f"no process {inside} in {session.cgroup}")


def test_nothing_is_denied(box):
    assert box.run(COMMAND).stdout == NOTHING
    assert facts(box) == {"denials": [], "lost": [], "unreadable": []}
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        session.run(": </dev/null")
        assert box.run(COMMAND).stdout == box.run(f"{COMMAND} alice").stdout == NOTHING


@every_suite
def test_every_field(box):
    box.policy(RULES)
    before = int(box.run("date +%s").stdout)
    with box.ssh_session("alice") as session:
        session.run(f"{OPEN}; {OPEN}")
        after = int(box.run("date +%s").stdout)
        (row,) = rows(box)
        first, last = row.pop("first"), row.pop("last")
        assert before <= first <= last <= after
        assert row == {
            "session": session.id, "unit": f"session-{session.id}.scope", "user": "alice", "uid": 1000, "device": FUSE,
            "type": "char", "major": 10, "minor": 229, "was": None, "door": None, "path": "/dev/fuse",
            "driver": "misc", "access": "r--",
            "refused": "r--", "audited": "---", "result": "refused", "cause": "line", "line": f"{POLICY}:2",
            "text": f"alice deny {FUSE} rwm", "pid": host_pid(session), "comm": "bash", "process_uid": 1000, "count": 2,
            "rules_of": None}
        when = box.run(f"date -d @{last} '+%Y-%m-%d %H:%M'").stdout.strip()
        assert table(box) == ([{"WHEN": when, "USER": "alice", "SESSION": session.id, "PROCESS": f"bash[{row['pid']}]",
                                "DEVICE": f"/dev/fuse ({FUSE})", "ACCESS": "r", "RESULT": "refused", "WHY": f"{POLICY}:2",
                                "COUNT": "2"}], [HOST])


@every_suite
def test_children_root_and_the_manager_have_their_places(box):
    box.policy(RULES)
    with box.ssh_session("alice") as first, box.console_login("alice") as second:
        first.run("sh -c 'cat /dev/fuse; true' & wait")
        first.run("sudo dd if=/dev/null of=/dev/fuse")
        second.run("sudo -i cat /dev/fuse; sudo -u bob head /dev/fuse")
        first.run(f"{BY_MANAGER} tail /dev/fuse")
        assert briefs(box) == sorted([
            (first.id, "cat", FUSE, "r--", 1), (first.id, "dd", FUSE, "-w-", 1), (second.id, "head", FUSE, "r--", 2),
            ("manager", "tail", FUSE, "r--", 1)])
        assert {row["comm"]: (row["process_uid"], row["uid"], row["user"], row["unit"]) for row in rows(box)} == {
            "cat": (1000, 1000, "alice", f"session-{first.id}.scope"), "dd": (0, 1000, "alice", f"session-{first.id}.scope"),
            "head": (1001, 1000, "alice", f"session-{second.id}.scope"), "tail": (1000, 1000, "alice", "user@1000.service")}
        assert {re.sub(r"\[\d+\]", "", row["PROCESS"]): row["SESSION"] for row in table(box)[0]} == {
            "cat": first.id, "dd by root": first.id, "head by bob": second.id, "tail": "manager"}
        assert {row["line"] for row in rows(box)} == {f"{POLICY}:2"}


def test_counts_are_exact(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        session.run(f"for p in 1 2 3 4; do (for i in $(seq 500); do {OPEN}; done) 2>/dev/null & done; wait")
        assert briefs(box) == [(session.id, "bash", FUSE, "r--", 2000)]


def test_newest_comes_first(box):
    box.policy("alice allow c 1:3\nalice allow c 1:5\n")
    with box.ssh_session("alice") as session:
        for number in (3, 0, 7):
            session.run(f": </dev/try{number}")
        assert [row["device"] for row in rows(box)] == ["c 510:7", "c 510:0", "c 510:3"]
        session.run(": </dev/try3")
        assert [row["DEVICE"] for row in table(box)[0]] == [f"/dev/try{n} (c 510:{n})" for n in (3, 7, 0)]
        assert {(row["WHY"], row["RESULT"]) for row in table(box)[0]} == {("no rule", "refused")}
        assert {(row["cause"], row["line"], row["text"]) for row in rows(box)} == {("no rule", None, None)}


def test_part_of_what_was_asked(box):
    box.policy(f"alice allow *\nalice deny {FUSE} w\n")
    with box.ssh_session("alice") as session:
        session.run("attempt rw /dev/fuse")
        (row,) = rows(box)
        assert (row["access"], row["refused"], row["audited"]) == ("rw-", "-w-", "---")
        assert [(row["ACCESS"], row["RESULT"]) for row in table(box)[0]] == [("rw", "refused w")]


def test_audit(box):
    box.policy(f"@staff allow *\n@staff deny {FUSE} w\n@staff audit\nbob deny c 510:1\n")
    with box.console_login("bob") as session:
        assert session.run("attempt rw /dev/fuse; attempt r /dev/try1; attempt r /dev/try2").stdout.split() == [
            "ok", "EPERM", "ENXIO"]
        refused, audit = rows(box)
        assert (audit["device"], audit["result"], audit["refused"], audit["audited"], audit["line"]) == (
            FUSE, "audit", "---", "-w-", f"{POLICY}:2")
        assert (refused["device"], refused["result"], refused["refused"], refused["line"]) == (
            "c 510:1", "refused", "r--", f"{POLICY}:4")
        assert [(row["ACCESS"], row["RESULT"]) for row in table(box)[0]] == [("r", "refused"), ("rw", "audit w")]
    assert box.journal(r"pam_bpfdev\(login:session\): bob was denied once in session-\w+\.scope, and but for audit once more: ")


def test_denials_stay_when_rules_are_reloaded(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        session.run(f"{OPEN}; {BY_MANAGER} cat /dev/fuse")
        box.policy(f"# one line more\n{RULES}")
        assert {(row["session"], row["cause"], row["line"]) for row in rows(box)} == {
            (session.id, "changed", None), ("manager", "changed", None)}
        assert {row["WHY"] for row in table(box)[0]} == {"changed since"}
        box.run("bpfdev reload")
        assert [row["count"] for row in rows(box)] == [1, 1]
        session.run(f"{OPEN}; {BY_MANAGER} cat /dev/fuse")
        assert {(row["session"], row["count"], row["line"]) for row in rows(box)} == {
            (session.id, 2, f"{POLICY}:3"), ("manager", 2, f"{POLICY}:3")}
        box.policy("nonsense\n")
        assert {row["cause"] for row in rows(box)} == {"changed"}


def test_manager_of_sessions_with_two_policies(box):
    """Its rules are lines of both, so that nobody knows."""
    box.policy(RULES)
    with box.ssh_session("alice") as first:
        box.policy(f"{RULES}# the same rules\n")
        with box.console_login("alice"):
            first.run(f"{BY_MANAGER} cat /dev/fuse")
            assert [row["cause"] for row in rows(box)] == ["changed"]
        first.run(f"{BY_MANAGER} cat /dev/fuse")
        box.policy(RULES)
        assert [(row["count"], row["line"]) for row in rows(box)] == [(2, f"{POLICY}:2")]


@every_suite
def test_session_that_left_processes(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        session.run(OPEN)
        waiting = Waiting(session)
    denied = f"alice was denied once in session-{session.id}.scope: /dev/fuse ({FUSE}) r once by {POLICY}:2"
    assert len(box.journal(r"pam_bpfdev\(sshd:session\): " + re.escape(denied))) == 1
    assert briefs(box) == [(session.id, "bash", FUSE, "r--", 1)]
    waiting.go()
    scope_gone(box, session)
    assert box.run(COMMAND).stdout == NOTHING
    assert len(box.journal("was denied")) == 1


def test_denials_after_the_close(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        waiting = Waiting(session, command="sh -c 'read -r go <{fifo}; attempt r /dev/fuse; read -r go <{fifo}'")
    assert box.journal("was denied") == []
    assert waiting.go() == "EPERM"
    assert briefs(box) == briefs(box, session.id) == [(session.id, "attempt", FUSE, "r--", 1)]


def test_user_and_session_arguments(box):
    box.policy(f"* allow *\n* deny {FUSE}\n")
    with box.ssh_session("alice") as first, box.console_login("alice") as second, box.ssh_session("bob") as bob:
        for session in (first, second, bob):
            session.run(OPEN)
        second.run(f"{BY_MANAGER} cat /dev/fuse")

        def shown(argument):
            return sorted(row["session"] for row in rows(box, argument))

        assert shown("alice") == shown("1000") == shown(":1000") == sorted([first.id, second.id, "manager"])
        assert shown("bob") == shown(bob.id) == shown(f"session-{bob.id}.scope") == [bob.id]
        assert shown("user@1000.service") == ["manager"]
        assert box.run(f"{COMMAND} user@1001.service").stdout == NOTHING
        for argument, message in (("carol", "carol is not logged in, and has no manager"),
                                  ("sam", 'there is no session and no user "sam"')):
            done = box.run(f"{COMMAND} {argument}", check=False)
            assert (done.returncode, done.stdout, done.stderr) == (1, "", f"bpfdev: {message}\n")


def test_other_exit_codes(box):
    done = box.run(f"/usr/local/sbin/{COMMAND}", user="alice", check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == ("bpfdev: denials needs root: the kernel shows its programs to nobody else (try: sudo bpfdev "
                           "denials)\n")
    assert box.run(f"{COMMAND} alice bob", check=False).returncode == 64
    assert "[USER|SESSION]" in box.run(f"{COMMAND} --help").stdout


def test_process_with_a_hostile_name(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        renamed(session, b"\x1b[2J\n\xff")
        (row,) = table(box)[0]
        assert re.fullmatch(r"\\x1b\[2J\\x0a\\xff\[\d+\]", row["PROCESS"])
        assert [row["comm"] for row in rows(box)] == ["\\x1b[2J\\x0a\\xff"]


def test_process_whose_name_begins_a_sequence(box):
    """U+009B is what ESC [ is, and UTF-8; U+202E turns what follows round."""
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        renamed(session, "\u009b2J\u202e".encode())
        for arguments in ("denials --json", "suggest --json", "monitor --json --all --looks=1"):
            said = box.run(f"bpfdev {arguments}").stdout
            assert said.isascii() and r'"\u009b2j\u202e"' in said.lower()
        assert [row["comm"] for row in rows(box)] == ["\x9b2J\u202e"]
        for arguments in ("denials", "suggest", "monitor --all --looks=1"):
            said = box.run(f"bpfdev {arguments}").stdout
            assert said.isascii() and r"\xc2\x9b2J\xe2\x80\xae" in said


def test_more_than_a_filter_tells_apart(box):
    box.policy(f"alice allow *\nalice deny c 510:*\nalice allow {FUSE}\n")
    box.write_file("/usr/share/many.py", MANY)
    with box.ssh_session("alice") as session:
        session.run("sudo python3 /usr/share/many.py", check=True)
        said = facts(box)
        (lost,) = said["lost"]
        assert sum(row["count"] for row in said["denials"]) + lost.pop("count") == 300
        assert lost == {"session": session.id, "unit": f"session-{session.id}.scope", "user": "alice", "uid": 1000}
        number = 300 - len(said["denials"])
        assert number > 0
        assert table(box)[1] == [f"session-{session.id}.scope of alice: {number} more, of devices or accesses that there was "
                                 "no room to tell apart", HOST]
        assert facts(box, session.id)["lost"][0]["count"] == number
    assert box.journal(rf"; besides {number} times what there was no room to tell apart$")
    (denied,) = entries(box, f"BPFDEV_SESSION=session-{session.id}.scope BPFDEV_EVENT=denied")
    assert (int(denied["BPFDEV_REFUSED"]), denied["BPFDEV_UNTOLD"]) == (300 - number, str(number))


def test_filter_of_another_version(box):
    with box.ssh_session("alice") as session:
        attach_filter(box.cgroup / session.cgroup[1:], 99)
        assert box.run(COMMAND).stdout == (f"{NOTHING}session-{session.id}.scope of alice: the filter was made by another "
                                           "version: what it denies is not known\n")
        unreadable = {"session": session.id, "unit": f"session-{session.id}.scope", "user": "alice", "uid": 1000}
        assert facts(box) == {"denials": [], "lost": [], "unreadable": [unreadable]}


@every_suite
def test_journal_finds_users_and_devices(box):
    box.policy(REMOTE_RULES)
    with box.ssh_session("alice") as session:
        session.run(OPEN)
    with box.console_login("alice", "tty2"):
        pass

    (denied,) = entries(box, f"BPFDEV_DEVICE=/dev/fuse BPFDEV_SESSION=session-{session.id}.scope")
    assert denied["BPFDEV_DEVICE"] == [FUSE, "/dev/fuse"] and denied["BPFDEV_EVENT"] == "denied"
    assert (denied["BPFDEV_RHOST"], denied["BPFDEV_REFUSED"], denied["BPFDEV_AUDITED"]) == ("127.0.0.1", "1", "0")
    assert denied["MESSAGE"].startswith("pam_bpfdev(sshd:session): alice was denied once")
    assert denied["SYSLOG_FACILITY"] == "10"
    opened = {(entry["BPFDEV_SERVICE"], entry.get("BPFDEV_RHOST"), entry.get("BPFDEV_TTY"), entry["MESSAGE"].split(", ")[-1])
              for entry in entries(box, "BPFDEV_USER=alice BPFDEV_EVENT=open") if entry["BPFDEV_SERVICE"] != "systemd-user"}
    assert {("sshd", "127.0.0.1", "ssh", "from 127.0.0.1"), ("login", None, "tty2", "on tty2")} <= opened
    assert entries(box, "BPFDEV_USER=carol") == []


def test_session_that_its_user_kills(box):
    """As bpfdev(8) and pam_bpfdev(8) say: nobody closes it, so the log has no line on what it was denied."""
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        session.run(f"{OPEN}; (sleep 0.1; loginctl kill-session --signal=KILL $XDG_SESSION_ID) >/dev/null 2>&1 &")
        scope_gone(box, session)
    assert entries(box, f"BPFDEV_SESSION=session-{session.id}.scope BPFDEV_EVENT=open")
    assert entries(box, f"BPFDEV_SESSION=session-{session.id}.scope BPFDEV_EVENT=denied") == []


def test_what_another_program_refuses_is_looked_for_here_in_vain(box):
    """systemd's own filter on the user's slice refuses the device: nothing of ours has counted that."""
    box.policy("alice allow *\n")
    with box.ssh_session("alice") as session, contextlib.ExitStack() as stack:
        assert "programs" not in facts(box)
        box.run("systemctl set-property --runtime user-1000.slice DevicePolicy=closed")
        stack.callback(box.run, "systemctl revert user-1000.slice", check=False)
        assert session.run("cat /dev/fuse 2>&1; true").stdout == "cat: /dev/fuse: Operation not permitted\n"
        (attached,) = box.programs()["/user.slice/user-1000.slice"]
        scope, manager = f"session-{session.id}.scope", "user@1000.service"
        cgroup = {"id": attached["id"], "name": attached["name"], "cgroup": "/user.slice/user-1000.slice"}
        said = facts(box)
        assert said["denials"] == [] and said["programs"] == [cgroup | {"units": [scope, manager]}]
        line = (f'not counted: what program {attached["id"]} "{attached["name"]}" on /user.slice/user-1000.slice refuses, which '
                f"is not ours and is asked, too, for {scope}")
        assert box.run(COMMAND).stdout == f"{NOTHING}{line} and 1 more\n"
        assert box.run(f"{COMMAND} {session.id}").stdout == f"{NOTHING}{line}\n"


def test_nothing_counts_for_who_has_no_filter(box):
    box.policy(RULES)
    with box.ssh_session("bob"):
        assert box.run(f"{COMMAND} bob").stdout == f"{NOTHING}bob: there is no filter that would count what is denied\n"
