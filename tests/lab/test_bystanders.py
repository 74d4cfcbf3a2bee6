# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Whom the rules are not for, nothing happens to: daemons, other users, root, system accounts, other device rules."""

import pytest

from foreign import attach_program
from verbs import (ALLOWED, BY_MANAGER, DENIED, FORBIDDEN, FUSE, MANAGER, PERMITTED, PROBE, RULES, by_manager,
                   equipped, ours, tried)

BECOMING = ("su bob -c", "su - bob -c", "sudo -u bob", "sudo -i -u bob", "sudo -i")
EVERYBODY = f"* allow *\n* deny {FUSE} rwm\n"
# systemd forbids loop-control, the module forbids fuse; both let zero pass.
DROP_IN = f"DevicePolicy=closed\nDeviceAllow={FORBIDDEN} rw\n"
THREE = f"attempt rw {FORBIDDEN} rw {PERMITTED} rw /dev/zero"
BOTH_HOLD = "EPERM EPERM ok"


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def test_daemons_and_slices_carry_no_program(box):
    box.policy(EVERYBODY)
    with box.ssh_session("alice") as alice, box.console_login("bob") as bob:
        box.run(f"echo '{PROBE}' | at now; echo '@reboot {PROBE}' | crontab -", user="carol")
        box.run("rm -f /run/crond.reboot; systemctl reset-failed cron; systemctl restart cron")
        box.wait_for(lambda: len(box.journal(r"(atd|cron):session\): carol is refused")) == 2, "both jobs are refused")
        assert set(ours(box)) == {MANAGER, alice.cgroup, bob.cgroup, MANAGER.replace("1000", "1001")}


def test_other_user_within_the_session(box):
    box.policy(RULES + "bob allow *\nbob deny c 10:237 rwm\n")
    with box.ssh_session("alice") as session:
        before = ours(box)
        for become in (*BECOMING, f"{BY_MANAGER} sudo -u bob"):
            assert tried(session, become) == DENIED, become
            assert ours(box) == before
    assert not box.journal("pam_bpfdev.*bob")


def test_session_of_another_user_in_that_of_a_user_without_rules(box):
    box.policy(RULES)
    with box.ssh_session("bob") as session:
        assert tried(session, "su alice -c") == ALLOWED
        assert ours(box) == {}


def test_system_accounts_are_untouched_by_lines_for_everybody(box):
    box.policy(EVERYBODY)
    box.run("id kit 2>/dev/null || useradd --system -m -s /bin/bash kit")
    assert box.ssh("kit", PROBE).stdout.strip() == ALLOWED
    pam = box.run(f"systemd-run --quiet --pipe --wait -p PAMName=login -p User=kit {PROBE}")
    assert pam.stdout.strip() == ALLOWED
    assert box.ssh("alice", PROBE).stdout.strip() == DENIED
    assert not box.journal("pam_bpfdev.*kit")
    box.policy(f"kit allow *\nkit deny {FUSE}\n")
    assert box.ssh("kit", PROBE).stdout.strip() == DENIED


def test_service_with_a_pam_session_is_a_login_too(box):
    box.policy(RULES)
    run = f"systemd-run --quiet --pipe --wait -p PAMName=login -p User=alice {PROBE}"
    assert box.run(run).stdout.strip() == DENIED


def test_root_is_untouched_by_lines_for_everybody(box):
    box.policy(f"{EVERYBODY}@root deny {FUSE}\n0:99999 deny {FUSE}\n")
    with box.ssh_session("root") as session:
        assert tried(session) == ALLOWED
        assert tried(session, "systemd-run --user --pipe --wait --quiet") == ALLOWED
        assert ours(box) == {}
        assert tried(session, "su alice -c") == ALLOWED
        assert ours(box) == {}


def test_root_is_filtered_by_lines_that_name_root(box):
    box.policy(f"root allow *\nroot deny {FUSE}\n")
    assert box.ssh("root", PROBE).stdout.strip() == DENIED
    box.policy(f":0 allow *\n:0 deny {FUSE}\n")
    assert box.ssh("root", PROBE).stdout.strip() == DENIED


def reloads(box):
    for verb in ("daemon-reload", "daemon-reexec"):
        box.run(f"systemctl {verb}")
        yield verb


def set_devices(box, unit):
    box.run(["systemctl", "set-property", "--runtime", unit, "DevicePolicy=closed", f"DeviceAllow={FORBIDDEN} rw"])


@pytest.fixture
def properties(box):
    """Sees to it that no property that is set at run time is left."""
    yield
    box.run("systemctl revert user@1000.service")


def test_devices_that_systemd_forbids_to_an_open_session(box, properties):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        for unit in (f"session-{session.id}.scope", "user@1000.service"):
            set_devices(box, unit)
        assert (tried(session, probe=THREE), tried(session, BY_MANAGER, THREE)) == (BOTH_HOLD, BOTH_HOLD)
        for verb in reloads(box):
            assert (tried(session, probe=THREE), tried(session, BY_MANAGER, THREE)) == (BOTH_HOLD, BOTH_HOLD), verb
            assert set(ours(box)) == {MANAGER, session.cgroup}
        with box.console_login("alice"):
            assert tried(session, BY_MANAGER, THREE) == BOTH_HOLD


@pytest.fixture
def drop_ins(box):
    """systemd's device rules for every session scope and every user manager from now on."""
    folders = [f"/etc/systemd/system/{unit}.d" for unit in ("session-.scope", "user@.service")]
    for folder, section in zip(folders, ("Scope", "Service")):
        box.write_file(f"{folder}/devices.conf", f"[{section}]\n{DROP_IN}")
    box.run("systemctl daemon-reload")
    yield
    box.run(f"rm -f {folders[0]}/devices.conf {folders[1]}/devices.conf && systemctl daemon-reload")


def test_devices_that_systemd_forbids_from_the_start(box, drop_ins):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        for verb in ("login", *reloads(box)):
            assert (tried(session, probe=THREE), tried(session, BY_MANAGER, THREE)) == (BOTH_HOLD, BOTH_HOLD), verb
        names = {program["name"] for program in box.programs()[session.cgroup]}
        assert "pam_bpfdev" in names and len(names) == 2
    with box.ssh_session("bob") as session:
        assert tried(session, probe=THREE) == "ok EPERM ok"


@pytest.mark.parametrize("below", ["", "/within"])
def test_program_of_a_container_engine(box, below):
    box.policy(RULES)
    with box.ssh_session("alice") as first, box.ssh_session("alice") as session:
        cgroup = f"{session.cgroup}{below}"
        box.run(f"mkdir -p /sys/fs/cgroup{cgroup}")
        attach_program(box.cgroup / cgroup[1:])
        move = f"sh -c 'echo 0 >/sys/fs/cgroup{cgroup}/cgroup.procs && probe'"
        assert tried(session, "sudo", move) == "EPERM EPERM"
        assert tried(first) == DENIED
        box.run("systemctl daemon-reload")
        assert tried(session, "sudo", move) == "EPERM EPERM"
    box.wait_for(lambda: cgroup not in box.programs(), "the session is gone")


def test_sessions_begin_and_end_around_a_reexecuted_systemd(box):
    box.policy(RULES)
    with box.ssh_session("alice") as first:
        box.run("systemctl daemon-reexec")
        with box.ssh_session("alice") as second:
            assert (tried(first), tried(second), by_manager(first)) == (DENIED, DENIED, DENIED)
        assert set(ours(box)) == {MANAGER, first.cgroup}
