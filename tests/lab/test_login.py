# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What a login may open: shells, children, sudo; rules for users, groups and kinds of login."""

import pytest

from verbs import (ALLOWED, DENIED, FORBIDDEN, FUSE, MANAGER, NODES, PERMITTED, RULES, changed_file, denied_nodes,
                   equipped, ours, tried)

EVERY_MODE = "attempt " + " ".join(f"{mode} {path}" for path in (FORBIDDEN, PERMITTED) for mode in ("r", "w", "rw"))
STARTERS = ("sudo", "sudo -u bob", "bash -c 'bash -c $0; exit 0'", "unshare -Ur", "unshare -Urmpf", "setsid -w",
            "nohup", "sudo unshare -mpfC", "env XDG_SESSION_ID= XDG_SESSION_CLASS=none su alice -c", "su - alice -c")
# Each is the condition of a line that denies one node: node 0, node 1, and so on.
CONDITIONS = ("remote", "local", "service=sshd", "service=login", "tty=tty1", "tty=tty[12]", "tty=tty2",
              "service=gdm*,log*", "service=login tty=tty2", "local service=login tty=tty1")
DENIED_BY_SSH, DENIED_AT_THE_CONSOLE = "02", "134579"
GROUPS = ("@students", "@alice", "@1000:1999", "1000:1000", "999:", ":1000", "*", "@staff", "bob", "@60000:")


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def ssh_tries(box, user="alice"):
    with box.ssh_session(user) as session:
        return tried(session)


def lines(fields):
    """A policy that denies node 0 by the first of the fields, node 1 by the second, and so on."""
    denying = [field.format(f"deny c 510:{number} rwm") for number, field in enumerate(fields)]
    return "\n".join(["* allow *", *denying, ""])


def test_what_is_denied_gives_eperm_and_the_rest_opens(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        assert tried(session, probe=EVERY_MODE) == "EPERM EPERM EPERM ok ok ok"
        assert tried(session, probe="attempt r /dev/loop0 r /dev/nix rw /dev/null") == "EACCES ENOENT ok"
        assert set(ours(box)) == {MANAGER, session.cgroup}
    assert box.journal(r"pam_bpfdev\(sshd:session\): alice filtered in session-\w+\.scope: \d+ rules")


def test_one_letter_denied_leaves_the_others_alone(box):
    box.policy(f"alice allow * rw\nalice deny {FUSE} w\n")
    with box.ssh_session("alice") as session:
        assert tried(session, probe=EVERY_MODE) == "ok EPERM EPERM ok ok ok"


def test_without_an_allow_line_only_the_baseline_is_left(box):
    box.policy("alice allow c 10:237 rw\n")
    with box.ssh_session("alice") as session:
        assert tried(session, probe="attempt rw /dev/null r /dev/urandom rw /dev/ptmx") == "ok ok ok"
        assert tried(session) == DENIED
        assert len(denied_nodes(session)) == NODES


def test_whatever_the_session_starts_is_denied(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        said = {starter: tried(session, starter) for starter in STARTERS}
    assert said == dict.fromkeys(STARTERS, DENIED)


def test_root_in_the_session_is_filtered_too(box):
    box.policy(RULES + "alice deny b 7:1 rwm\n")
    made = "attempt c:10:229 /root/made c:10:237 /root/made b:7:0 /root/made b:7:1 /root/made"
    with box.ssh_session("alice") as session:
        assert tried(session, "sudo", made) == "EPERM ok ok EPERM"
        opened = f"attempt rw /dev/loop0 rw /dev/loop1 handle {FORBIDDEN} handle {PERMITTED}"
        assert tried(session, "sudo", opened) == "ok EPERM EPERM ok"
    assert box.run(made).stdout == "ok ok ok ok\n"


def test_user_without_lines_has_no_program_anywhere(box):
    box.policy(RULES)
    with box.ssh_session("bob") as session:
        assert tried(session) == ALLOWED
        assert session.run("systemd-run --user --quiet --wait true").returncode == 0
        assert ours(box) == {}


def test_rules_for_users_groups_and_ranges(box):
    box.policy(lines(f"{who} {{}}" for who in GROUPS))
    with box.ssh_session("alice") as alice, box.ssh_session("bob") as bob:
        assert (denied_nodes(alice), denied_nodes(bob)) == ("0123456", "24678")


def test_primary_group_that_nobody_is_listed_in(box):
    box.run("groupadd kiosks && usermod -g kiosks kiosk")
    box.policy(f"@kiosks allow *\n@kiosks deny {FUSE}\n")
    try:
        assert ssh_tries(box, "kiosk") == DENIED
    finally:
        box.run("usermod -g kiosk kiosk && groupdel kiosks")


def test_group_of_ten_thousand_and_a_user_in_two_hundred_groups(box):
    crowd = ",".join(f"somebody{number}" for number in range(9999))
    groups = [f"crowd:x:50000:{crowd},alice"] + [f"group{n}:x:{51000 + n}:alice" for n in range(200)]
    box.policy(lines(["@crowd {}", "@group0 {}", "@group199 {}", "@group200 {}"]))
    with changed_file(box, "/etc/group", box.read_file("/etc/group") + "\n".join(groups) + "\n"):
        with box.ssh_session("alice") as session:
            assert denied_nodes(session) == "012"


def test_logins_of_one_user_differ_by_their_conditions(box):
    box.policy(lines(f"alice {{}} {when}" for when in CONDITIONS))
    with box.ssh_session("alice") as remote, box.console_login("alice") as local:
        assert (denied_nodes(remote), denied_nodes(local)) == (DENIED_BY_SSH, DENIED_AT_THE_CONSOLE)


def test_conditions_on_allow_lines(box):
    box.policy(f"@students allow *\n@students deny {FUSE}\nalice allow {FUSE} rw local\n")
    with box.ssh_session("alice") as remote, box.console_login("alice") as local:
        assert (tried(remote), tried(local)) == (DENIED, ALLOWED)


def test_exempt_and_audited_users_may_open_everything(box):
    box.policy(f"@students deny * rwm\nalice exempt\nbob deny {FUSE} rwm\nbob audit\n")
    with box.ssh_session("alice") as alice, box.ssh_session("bob") as bob:
        assert (tried(alice), tried(bob)) == (ALLOWED, ALLOWED)
        assert {alice.cgroup, bob.cgroup} < set(ours(box))


def test_shipped_class_and_drop_in(box):
    box.policy("alice allow *\n")
    box.write_file("/etc/security/bpfdev.d/50-fuse.conf", "alice deny @fuse\n")
    assert ssh_tries(box) == DENIED


def test_changed_policy_counts_from_the_next_login_on(box):
    box.policy(RULES)
    with box.ssh_session("alice") as first:
        box.policy("alice allow *\n")
        with box.ssh_session("alice") as second:
            assert (tried(first), tried(second)) == (DENIED, ALLOWED)
