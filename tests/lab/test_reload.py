# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev reload: the policy as it is now, for sessions that are open."""

import concurrent.futures
import contextlib
import functools
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from administration import POLICY
from verbs import MANAGER, TRY_NODES, Waiting, denied_by_manager, denied_nodes, equip, equipped, ours, scope_gone

FIRST = "@students allow *\n@students deny c 510:1\n"  # three rules, for "*" is two
SECOND = "@students allow *\n@students deny c 510:2\n@students deny c 510:3\n"
EVERYBODY = "* allow *\n* deny c 510:{}\n"
BROKEN = "@students dny *\n"
UNFILTERED = "{} without device rules; --all gives them those that the policy has for them\n"
NOBODY = "no open session has device rules\n"
RELOADS = 300


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def reload(machine, arguments="", prefix="", user=None):
    """What the command says: exit status, standard output, standard error. prefix: what starts it."""
    result = machine.run(f"{prefix} bpfdev reload {arguments}", user, check=False)
    return result.returncode, result.stdout, result.stderr


def told(machine, arguments="", status=0):
    """What it says as JSON: {session: fields}."""
    result = machine.run(f"bpfdev reload --json {arguments}", check=False)
    assert result.returncode == status, result.stderr
    return {f"{entry['user']} {entry['session']}": entry for entry in json.loads(result.stdout)["sessions"]}


def results(machine, arguments="", status=0):
    return {name: entry["result"] for name, entry in told(machine, arguments, status).items()}


def table(*rows):
    """The rows below their headings, as the command aligns them."""
    rows = (("SESSION", "USER", "RESULT"), *rows)
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return "".join(f"{row[0]:{widths[0]}} {row[1]:{widths[1]}} {row[2]}\n" for row in rows)


def logged(machine, grep="bpfdev\\["):
    return [re.sub(r".*?bpfdev\[\d+\]: ", "", line) for line in machine.journal(grep)]


def test_open_sessions_get_the_new_policy(box):
    box.policy(FIRST)
    with box.ssh_session("alice") as ssh, box.console_login("alice") as console, box.ssh_session("bob"):
        sessions = sorted((ssh, console), key=lambda session: (len(session.id), session.id))
        assert {denied_nodes(session) for session in sessions} == {"1"}
        names = [(session.id, "alice") for session in sessions] + [("manager", "alice")]
        others = UNFILTERED.format("1 open session is")
        assert reload(box) == (0, table(*(name + ("as it was",) for name in names)) + others, "")
        assert not logged(box)

        box.policy(SECOND)
        sessions_said = [name + ("changed: 4 rules, 3 before",) for name in names[:2]]
        assert reload(box) == (0, table(*sessions_said, names[2] + ("changed",)) + others, "")
        assert {denied_nodes(session) for session in sessions} == {"23"}
        assert denied_by_manager(box) == "23"
        assert logged(box) == ["the policy was applied to 2 open sessions and 1 manager, asked for by uid 0"]
        assert {len(ids) for ids in ours(box).values()} == {1}


def test_a_policy_that_names_nobody_and_names_them_again(box):
    assert reload(box) == (0, NOBODY, "")
    box.policy(FIRST)
    with box.ssh_session("alice") as session:
        box.policy("")
        all_is_allowed = table((session.id, "alice", "changed: everything is allowed"), ("manager", "alice", "changed"))
        assert reload(box) == (0, all_is_allowed, "")
        assert (denied_nodes(session), denied_by_manager(box)) == ("", "")
        box.policy("@students deny c 510:5\nalice allow * remote\nalice deny c 510:4 local\n")
        reload(box)
        assert (denied_nodes(session), denied_by_manager(box)) == ("", "")
        box.policy("@students allow *\n@students deny c 510:1 service=sshd\n@students deny c 510:2 tty=ssh\n"
                   "@students deny c 510:3 remote\n@students deny c 510:4 local\n")
        assert reload(box)[:2] == (0, table((session.id, "alice", "changed: 5 rules, 3 before"),
                                            ("manager", "alice", "changed")))
        assert denied_nodes(session) == "123"


def test_json(box):
    box.policy(FIRST)
    with box.ssh_session("alice") as session, box.ssh_session("bob") as other:
        box.policy(SECOND)
        said = json.loads(box.run("bpfdev reload --json").stdout)
        alice, bob = {"user": "alice", "uid": 1000, "message": ""}, {"user": "bob", "uid": 1001, "message": ""}
        scope = f"session-{session.id}.scope"
        assert said == {"sessions": [
            alice | {"session": session.id, "unit": scope, "role": "session", "result": "changed", "rules": 4,
                     "rules_before": 3},
            alice | {"session": "manager", "unit": "user@1000.service", "role": "manager", "result": "changed"},
            bob | {"session": other.id, "unit": f"session-{other.id}.scope", "role": "session",
                   "result": "unfiltered"},
            bob | {"session": "manager", "unit": "user@1001.service", "role": "manager", "result": "unfiltered"},
        ]}
        assert told(box)[f"alice {session.id}"] == alice | {
            "session": session.id, "unit": scope, "role": "session", "result": "same", "rules": 4, "rules_before": 4}
    box.log_out_everybody()
    assert json.loads(box.run("bpfdev reload --json").stdout) == {"sessions": []}


def test_one_user(box):
    box.policy(EVERYBODY.format(1))
    with box.ssh_session("alice") as alice, box.ssh_session("bob") as bob:
        box.policy(EVERYBODY.format(2))
        changed = {f"alice {alice.id}": "changed", "alice manager": "changed"}
        assert results(box, "alice") == changed
        assert (denied_nodes(alice), denied_nodes(bob)) == ("2", "1")
        assert results(box, ":1001") == {f"bob {bob.id}": "changed", "bob manager": "changed"}
        assert denied_nodes(bob) == "2"
        assert reload(box, "carol") == (0, NOBODY, "")
        assert reload(box, ":4242") == (0, NOBODY, "")


def test_what_cannot_be_done(box):
    assert reload(box, prefix="PATH=$PATH:/usr/sbin:/usr/local/sbin", user="alice") == (
        3, "", "bpfdev: reload needs root: it changes what users may do (try: sudo bpfdev reload)\n")
    assert reload(box, "nemo") == (3, "", "bpfdev: there is no user \"nemo\"\n")
    not_uid = "bpfdev: \":{}\" is no uid; expected a user's name or :UID\n"
    for text in ("", "x", "-1", "1x", "4294967295", "99999999999999999999"):
        assert reload(box, f":{text}") == (3, "", not_uid.format(text))
    assert reload(box, "$'a\\e[31mb'")[2] == "bpfdev: there is no user \"a\\x1b[31mb\"\n"
    assert reload(box, "alice bob")[0] == 64
    assert reload(box, "--bogus")[0] == 64
    assert reload(box, "--conf=relative")[0] == 64
    status, said, _ = reload(box, "--help")
    assert status == 0 and "--all" in said and "--json" in said


def test_policy_with_mistakes_changes_nothing(box):
    box.policy(FIRST)
    with box.ssh_session("alice") as session:
        before = ours(box)
        mistake = f"bpfdev: {POLICY}:1:11: unknown verb \"dny\"; expected allow, deny, exempt or audit " \
                  "(did you mean \"deny\"?)\n"
        unchanged = "bpfdev: nothing was changed: every session keeps the rules that it has\n"
        box.policy(BROKEN)
        for arguments in ("", "alice", "--all", "--json"):
            assert reload(box, arguments) == (2, "", mistake + unchanged)
        box.policy(BROKEN + "alice allow @nothing\n" + FIRST)
        assert reload(box) == (2, "", mistake + "bpfdev: and 1 more mistakes: see bpfdev check\n" + unchanged)
        assert (ours(box), denied_nodes(session)) == (before, "1")
        assert not logged(box)
        box.policy(FIRST)
        assert set(results(box).values()) == {"same"}


def test_failure_of_one_user_is_not_the_others(box):
    """A user can hold up the lock of their own logins; any other trouble with it does as well here."""
    box.policy(EVERYBODY.format(1))
    with contextlib.ExitStack() as stack:
        sessions = {name: stack.enter_context(box.ssh_session(name)) for name in ("alice", "bob", "carol", "kiosk")}
        box.policy(EVERYBODY.format(2))
        box.run("chmod 644 /run/pam_bpfdev.1001.lock")
        stack.callback(box.run, "chmod 600 /run/pam_bpfdev.1001.lock")
        said = told(box, status=3)
        assert {name for name, entry in said.items() if entry["result"] == "failed"} == {"bob user-1001.slice"}
        assert "/run/pam_bpfdev.1001.lock: must be a regular file" in said["bob user-1001.slice"]["message"]
        assert {name: denied_nodes(session) for name, session in sessions.items()} == {
            "alice": "2", "bob": "1", "carol": "2", "kiosk": "2"}
        status, said, error = reload(box, "bob --all")
        assert (status, said) == (3, table(("user-1001.slice", "bob", "failed")))
        assert error.startswith("bpfdev: user-1001.slice of bob is as it was: /run/pam_bpfdev.1001.lock: ")


def test_sessions_with_a_policy_file_of_their_own(box):
    box.policy("")
    box.write_file("/etc/own.conf", FIRST)
    box.configure_pam("conf=/etc/own.conf")
    with box.ssh_session("alice") as session:
        box.write_file("/etc/own.conf", SECOND)
        box.policy("alice deny *\n")
        assert results(box)[f"alice {session.id}"] == "changed"
        assert denied_nodes(session) == "23"
        box.write_file("/etc/own.conf", BROKEN)
        assert results(box, status=2)[f"alice {session.id}"] == "failed"
        assert denied_nodes(session) == "23"


def test_table_has_colour_if_asked_for(box):
    box.policy(FIRST)
    with box.ssh_session("alice"):
        box.policy(SECOND)
        assert "\033[32m" in reload(box, "--color=always")[1]
        assert "\033" not in reload(box, "--color=auto")[1]


def test_manager_keeps_a_killed_sessions_share_until_then(box):
    box.policy("alice allow *\nalice deny c 510:1 remote\n")
    box.run("loginctl enable-linger alice")
    local = box.console_login("alice")
    assert denied_by_manager(box) == ""
    local.kill()
    scope_gone(box, local)
    assert denied_by_manager(box) == ""
    assert reload(box) == (0, table(("manager", "alice", "changed")), "")
    assert denied_by_manager(box) == "1"
    assert logged(box) == ["the policy was applied to 0 open sessions and 1 manager, asked for by uid 0"]


def test_lingering_managers(box):
    box.policy("alice allow *\nalice deny c 510:1\n")
    box.run("loginctl enable-linger alice bob; systemctl start user@1000 user@1001")
    assert set(ours(box)) == {MANAGER}
    box.policy("alice allow *\nalice deny c 510:2\nbob allow *\nbob deny c 510:3 remote\n")
    assert results(box) == {"alice manager": "changed", "bob manager": "unfiltered"}
    assert denied_by_manager(box) == "2"
    assert reload(box, "--all") == (0, table(("manager", "alice", "as it was"), ("manager", "bob", "filtered")), "")
    bobs = box.run(f"XDG_RUNTIME_DIR=/run/user/1001 systemd-run --user --pipe --wait --quiet {TRY_NODES}", user="bob")
    assert bobs.stdout.split() == ["ENXIO"] * 3 + ["EPERM"] + ["ENXIO"] * 6
    box.policy("")
    assert set(results(box).values()) == {"changed"}
    assert ours(box) == {}
    assert reload(box, "--all") == (0, NOBODY, "")


def test_all_takes_in_who_logged_in_when_no_line_named_them(box):
    with box.ssh_session("alice") as ssh, box.console_login("alice") as console, box.ssh_session("bob"):
        box.policy("@students allow *\n@students deny c 510:1 service=sshd\n@students deny c 510:2 tty=ssh\n"
                   "@students deny c 510:3 remote\n@students deny c 510:4 local\n@students deny c 510:5 tty=tty1\n"
                   "@students deny c 510:6 service=login\n")
        assert reload(box) == (0, NOBODY + UNFILTERED.format("3 open sessions are"), "")
        assert ours(box) == {}
        said = told(box, "--all")
        assert {name: entry["result"] for name, entry in said.items() if entry["user"] == "alice"} == {
            f"alice {ssh.id}": "filtered", f"alice {console.id}": "filtered", "alice manager": "filtered"}
        assert {entry["result"] for entry in said.values() if entry["user"] == "bob"} == {"unfiltered"}
        assert said[f"alice {ssh.id}"]["rules"] == 5 and "rules_before" not in said[f"alice {ssh.id}"]
        assert (denied_nodes(ssh), denied_nodes(console), denied_by_manager(box)) == ("123", "456", "")
        assert set(ours(box)) == {ssh.cgroup, console.cgroup, MANAGER}
        assert logged(box) == ["the policy was applied to 2 open sessions and 1 manager, asked for by uid 0"]
        assert reload(box, "alice --all")[2] == ""
        assert set(results(box, "alice --all").values()) == {"same"}
    box.log_out_everybody()
    assert not ours(box)


def test_all_says_that_the_manager_changed_with_a_session_that_came_to_it(box):
    with box.console_login("alice") as console:
        box.policy("alice allow *\nalice deny c 510:3 remote\n")
        with box.ssh_session("alice") as ssh:
            assert denied_by_manager(box) == "3"
            assert results(box, "--all") == {f"alice {console.id}": "filtered", f"alice {ssh.id}": "same",
                                             "alice manager": "changed"}
            assert (denied_nodes(console), denied_nodes(ssh), denied_by_manager(box)) == ("", "3", "")


TRY_LATER = f"sh -c 'read -r go <{{fifo}}; {TRY_NODES}'"
# What comes from nowhere could come from anywhere.
ORIGINS = "alice allow *\nalice deny c 510:3 remote\nalice deny c 510:4 local\nalice deny c 510:5 service=none\n"
FROM_NOWHERE = "ENXIO ENXIO ENXIO EPERM EPERM EPERM ENXIO ENXIO ENXIO ENXIO"


def test_all_takes_a_session_whose_login_was_killed_for_no_login(box):
    box.run("loginctl enable-linger alice")
    killed = box.ssh_session("alice")
    left = Waiting(killed, command=TRY_LATER)
    killed.kill()
    box.policy(ORIGINS)
    assert results(box, "--all") == {f"alice {killed.id}": "filtered", "alice manager": "filtered"}
    assert left.go() == FROM_NOWHERE


@pytest.mark.only_suite("trixie", "sid")  # before, logind leaves it in the manager
def test_all_takes_su_by_the_manager_for_no_login(box):
    with box.console_login("alice") as console:
        below = Waiting(console, "systemd-run --user --quiet su alice -c '{}'", TRY_LATER)
        box.policy(ORIGINS)
        said = results(box, "--all")
        assert len(said) == 3 and set(said.values()) == {"filtered"}
        assert denied_nodes(console) == "4"
        assert below.go() == FROM_NOWHERE


def test_all_without_logind(box):
    with box.ssh_session("alice") as session:
        box.policy(FIRST)
        failed = table((session.id, "alice", "failed"), ("manager", "alice", "filtered"))
        complaint = f"bpfdev: session-{session.id}.scope of alice is as it was: "
        status, said, error = reload(box, "--all", "env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere")
        assert (status, said) == (3, failed)
        assert error == f"{complaint}the system bus, by which logind is asked: No such file or directory\n"
        hide = "unshare -m sh -c 'mount --bind /dev/null \"$(ls /usr/lib/*/libsystemd.so.0)\" && exec \"$@\"' sh"
        status, said, error = reload(box, "--all", hide)
        assert (status, said) == (3, table((session.id, "alice", "failed"), ("manager", "alice", "as it was")))
        assert error.startswith(f"{complaint}libsystemd cannot be loaded: ")
        assert reload(box, "", hide)[::2] == (0, "")
        assert set(ours(box)) == {MANAGER}


def test_all_with_a_policy_that_is_named(box):
    with box.ssh_session("alice") as session:
        box.policy("alice deny *\n")
        box.write_file("/etc/own.conf", FIRST)
        assert reload(box, "--all --conf=/etc/own.conf")[0] == 0
        assert denied_nodes(session) == "1"
        box.write_file("/etc/own.conf", SECOND)
        assert results(box)[f"alice {session.id}"] == "changed"
        assert denied_nodes(session) == "23"


def test_all_for_sessions_older_than_the_module(bare_machine):
    """As an administrator does it: install, write rules, reload --all, log out nobody."""
    equip(bare_machine).run("loginctl enable-linger carol")
    with bare_machine.ssh_session("alice") as ssh, bare_machine.console_login("alice") as console, \
            bare_machine.ssh_session("bob") as bob:
        bare_machine.install_build()
        bare_machine.configure_pam()
        bare_machine.policy("@students allow *\n@students deny c 510:1 remote\n@students deny c 510:2 local\n"
                            "carol deny *\n")
        assert results(bare_machine, "--all") == {
            f"alice {ssh.id}": "filtered", f"alice {console.id}": "filtered", "alice manager": "filtered",
            f"bob {bob.id}": "unfiltered", "bob manager": "unfiltered", "carol manager": "filtered"}
        assert (denied_nodes(ssh), denied_nodes(console), denied_nodes(bob)) == ("1", "2", "")
        assert denied_by_manager(bare_machine) == ""
        with bare_machine.ssh_session("alice") as late:
            assert denied_nodes(late) == "1"
    bare_machine.run("loginctl terminate-user alice bob")
    bare_machine.wait_for(lambda: set(ours(bare_machine)) == {"/user.slice/user-1002.slice/user@1002.service"},
                          "carol's lingering manager alone is filtered")


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
    STEADY + "* allow a *:1\nalice deny char-none\n" + "".join(f"alice allow b 100:{minor}\n" for minor in range(40)),
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
        assert logged(box) == ["the policy was applied to 50 open sessions and 3 managers, asked for by uid 0"]


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
