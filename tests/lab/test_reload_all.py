# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev reload --all: rules for sessions that were opened without them."""

import pytest

from reloads import FIRST, NOBODY, SECOND, UNFILTERED, applied, logged, reload, results, table, told
from verbs import MANAGER, TRY_NODES, Waiting, denied_by_manager, denied_nodes, equip, equipped, ours


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def test_all_takes_in_who_logged_in_when_no_line_named_them(box):
    with box.ssh_session("alice") as ssh, box.console_login("alice") as console, \
            box.ssh_session("bob") as bob:
        box.policy("@students allow *\n@students deny c 510:1 service=sshd\n@students deny c 510:2 tty=ssh\n"
                   "@students deny c 510:3 remote\n@students deny c 510:4 local\n@students deny c 510:5 tty=tty1\n"
                   "@students deny c 510:6 service=login\n")
        due = "".join(f"session {session.id} of alice is without device rules, and the policy has 5 for it now\n"
                      for session in (ssh, console))
        assert reload(box) == (0, NOBODY + due + UNFILTERED.format("3 open sessions are"), "")
        assert {name: entry.get("rules_due") for name, entry in told(box).items()} == {
            f"alice {ssh.id}": 5, f"alice {console.id}": 5, f"bob {bob.id}": None, "alice manager": None, "bob manager": None}
        assert ours(box) == {}
        said = told(box, "--all")
        assert {name: entry["result"] for name, entry in said.items() if entry["user"] == "alice"} == {
            f"alice {ssh.id}": "filtered", f"alice {console.id}": "filtered", "alice manager": "filtered"}
        assert {entry["result"] for entry in said.values() if entry["user"] == "bob"} == {"unfiltered"}
        assert said[f"alice {ssh.id}"]["rules"] == 5 and "rules_before" not in said[f"alice {ssh.id}"]
        assert (denied_nodes(ssh), denied_nodes(console), denied_by_manager(box)) == ("123", "456", "")
        assert set(ours(box)) == {ssh.cgroup, console.cgroup, MANAGER}
        assert logged(box) == applied(box, "2 open sessions and 1 manager")
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
        box.run("systemctl stop user@1000")
        unknown = f"session {session.id} of alice is without device rules, and whether the policy has any for it now is not known: "
        assert reload(box, "", hide)[1].startswith(f"{NOBODY}{unknown}libsystemd cannot be loaded: ")
        box.run("systemctl start user@1000")
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
