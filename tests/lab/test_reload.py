# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev reload: the policy as it is now, for sessions that are open."""

import contextlib
import json

import pytest

from administration import POLICY
from reloads import EVERYBODY, FIRST, NOBODY, SECOND, UNFILTERED, applied, logged, reload, results, table, told
from suites import every_suite, one_suite
from verbs import MANAGER, TRY_NODES, denied_by_manager, denied_nodes, equipped, ours, scope_gone

pytestmark = one_suite

BROKEN = "@students dny *\n"


@pytest.fixture
def box(machine):
    yield from equipped(machine)


@every_suite
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
        assert logged(box) == applied(box, "2 open sessions and 1 manager")
        assert {len(ids) for ids in ours(box).values()} == {1}


def test_login_name_of_a_hundred_characters(box):
    """It is in the filter as a whole, or reload would look somebody else up."""
    name = "long" * 25
    box.add_user("shortly", 1064, ("students",))
    box.run(f"sed -i 's/\\bshortly\\b/{name}/' /etc/passwd /etc/shadow /etc/group /etc/gshadow")
    box.policy(FIRST)
    with box.ssh_session(name) as session:
        assert denied_nodes(session) == "1"
        box.policy(SECOND)
        assert results(box) == {f"{name} {session.id}": "changed", f"{name} manager": "changed"}
        assert denied_nodes(session) == "23"


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
        box.run("chmod 644 /run/pam_bpfdev/1001.lock")
        stack.callback(box.run, "chmod 600 /run/pam_bpfdev/1001.lock")
        said = told(box, status=3)
        assert {name for name, entry in said.items() if entry["result"] == "failed"} == {"bob user-1001.slice"}
        assert "/run/pam_bpfdev/1001.lock: must be a regular file" in said["bob user-1001.slice"]["message"]
        assert {name: denied_nodes(session) for name, session in sessions.items()} == {
            "alice": "2", "bob": "1", "carol": "2", "kiosk": "2"}
        status, said, error = reload(box, "bob --all")
        assert (status, said) == (3, table(("user-1001.slice", "bob", "failed")))
        assert error.startswith("bpfdev: user-1001.slice of bob is as it was: /run/pam_bpfdev/1001.lock: ")


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


@every_suite
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
    assert logged(box) == applied(box, "0 open sessions and 1 manager")


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
