# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""SELinux, enforcing: without our policy module login services refuse whom the rules name, with it they filter them.

The tests that need the module stand behind those that need its absence, in one machine.
"""

import json
import re

import pytest

import disk
import selinux_policy as selinux
from hammering import equip, plug
from need import unavailable
from prepared import prepared
from sessions import LoginRefused

FULL = "c 1:7"  # /dev/full, which SELinux lets everybody open
# The last two are looked for among what udev knows.
RULES = f"alice allow *\nalice deny {FULL}\nalice deny block-sd\nalice deny /dev/input/by-id/*\nalice deny tag:none\n"
ATTEMPT = "attempt rw /dev/full"
MOUNT = "udisksctl mount --no-user-interaction -b /dev/sda"
# What Debian's policy lacks for sessions of these: pam_systemd hands logind a descriptor of theirs, and logind loses its bus
# where it may not have that.
WITHOUT_LOGIND = ("crond_t", "staff_su_t", "staff_sudo_t")
REFUSED = r"alice is refused, .*; SELinux enforces here, and its policy may lack the module pam_bpfdev"


@pytest.fixture(scope="module")
def computer(request):
    """One that was booted with SELinux."""
    if request.config.getoption("--suite") != disk.SUITE:
        unavailable(f"only the disk of {disk.SUITE} has a policy for SELinux")
    with prepared(request.config, "selinux") as booted:
        equip(booted)
        yield booted


@pytest.fixture(scope="module")
def allowed(computer, tmp_path_factory):
    """The policy before, and with, our module, which is loaded from here on."""
    folder = tmp_path_factory.mktemp("policies")
    for name in ("before", "after"):
        if name == "after":
            selinux.load(computer, "".join(f"(allow systemd_logind_t {domain} (fd (use)))" for domain in WITHOUT_LOGIND))
        (folder / name).write_bytes(computer.pull("/sys/fs/selinux/policy"))
    return selinux.Policy(folder / "before"), selinux.Policy(folder / "after")


@pytest.fixture
def nothing_denied(machine, allowed):
    """Fails if anything of ours was."""
    ours = allowed[1].members("pam_bpfdev_domain") | allowed[1].members("pam_bpfdev_maker") | {"policykit_t"}
    yield
    assert [denial for denial in selinux.denials(machine) if denial.domain in ours] == []


def doctor(machine):
    """What it says of SELinux: (level, message)."""
    told = json.loads(machine.run("bpfdev doctor --json", check=False).stdout)
    return [(finding["level"], finding["message"]) for finding in told["findings"] if finding["topic"] == "selinux"]


def test_who_has_rules_is_refused_without_the_module(machine):
    machine.policy(RULES)
    assert machine.run("getenforce").stdout == "Enforcing\n"
    assert machine.ssh("alice", ATTEMPT).returncode != 0
    assert machine.journal(rf"sshd\S*: .*{REFUSED}")
    with pytest.raises(LoginRefused):
        machine.console_login("alice")
    assert machine.journal(rf"login\S*: .*{REFUSED}")
    assert [machine.ssh(user, ATTEMPT).stdout for user in ("carol", "root")] == ["ok\n", "ok\n"]
    (said,) = [message for level, message in doctor(machine) if level == "warn" and "no module pam_bpfdev" in message]
    assert re.search(r"services in the domains sshd_t, local_login_t, .*crond_t", said)
    assert any(level == "warn" and "accesses of ours were denied since" in message for level, message in doctor(machine))


@pytest.mark.usefixtures("nothing_denied")
def test_by_ssh_and_in_the_manager(machine):
    machine.run("rm -rf /run/pam_bpfdev")  # sshd, or systemd, makes it anew
    machine.policy(RULES)
    told = machine.ssh("alice", f"{ATTEMPT}; systemd-run --user --pipe --wait -q {ATTEMPT}")
    assert told.stdout == "EPERM\nEPERM\n", told.stderr
    assert machine.ssh("carol", f"{ATTEMPT}; systemd-run --user --pipe --wait -q {ATTEMPT}").stdout == "ok\nok\n"
    assert ":pam_bpfdev_runtime_t:" in machine.run("ls -dZ /run/pam_bpfdev /run/pam_bpfdev/1000.lock").stdout
    assert doctor(machine) == [("ok", "SELinux enforces, and its policy has the module pam_bpfdev")]


@pytest.mark.usefixtures("nothing_denied")
def test_at_the_console_with_a_stick(machine):
    """login(1); settle, which udev runs; and ask, which polkit runs."""
    machine.policy(RULES)
    with machine.console_login("alice") as alice:
        assert alice.run(ATTEMPT).stdout == "EPERM\n"
        plug(machine, "stick")
        assert alice.run("attempt rw /dev/sda").stdout == "EPERM\n"
        refused = alice.run(MOUNT)
        assert refused.returncode != 0 and "Not authorized to perform operation" in refused.stderr
        assert "udisks2 for" in machine.run("bpfdev denials alice").stdout
    with machine.console_login("carol") as carol:
        assert carol.run("attempt rw /dev/sda").stdout == "ok\n"
        assert carol.run(MOUNT).returncode == 0
        machine.run("umount /media/*/*")


@pytest.fixture
def confined(machine):
    """bob is staff_u, a confined user, whose su and sudo have domains of their own. Passwords are the users' names."""
    seusers = "/etc/selinux/default/seusers"
    machine.run(f"cp {seusers} /root/seusers; echo bob:staff_u:s0-s0:c0.c1023 >>{seusers}; chcon -R -u staff_u /home/bob; "
                "printf 'alice:alice\\nbob:bob\\n' | chpasswd")
    yield "bob"
    # Under Debian's policy the manager of a confined user fails, and leaves the slice.
    machine.run("systemctl stop user-1001.slice; systemctl reset-failed", check=False)
    machine.run(f"cat /root/seusers >{seusers}; chcon -R -u unconfined_u /home/bob")


@pytest.mark.usefixtures("nothing_denied")
def test_su_and_sudo_of_a_confined_user(machine, confined):
    machine.policy(f"bob allow *\nbob deny {FULL}\n{RULES}")
    with machine.login(confined) as bob:
        assert ":staff_t:" in bob.run("id -Z").stdout
        assert bob.run(ATTEMPT).stdout == "EPERM\n"
        assert bob.run(f"sudo -n -u alice {ATTEMPT}").stdout == "EPERM\n"
        assert bob.run(f"echo alice | su alice -c '{ATTEMPT}'").stdout == "EPERM\n"


@pytest.fixture
def cron(machine):
    """cron's jobs have sessions, as they have where distributions' common stacks include pam_systemd."""
    stack = "/etc/pam.d/common-session-noninteractive"
    machine.run(f"cp {stack} /root/stack; sed -i 's/^session.*pam_bpfdev/session optional pam_systemd.so\\n&/' {stack}")
    yield
    machine.run(f"cat /root/stack >{stack}; rm -f /etc/cron.d/test /run/crond.reboot")


@pytest.mark.usefixtures("cron", "nothing_denied")
def test_jobs_of_cron(machine):
    machine.policy(RULES)
    # Its jobs may not write into homes.
    machine.write_file("/etc/cron.d/test", "".join(f"@reboot {user} {ATTEMPT} | logger -t job-of-{user}\n" for user in ("alice", "carol")))
    machine.run("rm -f /run/crond.reboot && systemctl restart cron")
    machine.wait("journalctl -b | grep -q job-of-alice && journalctl -b | grep -q job-of-carol", "the jobs have run")
    assert machine.journal("job-of-alice.*: EPERM$") and machine.journal("job-of-carol.*: ok$")


@pytest.mark.usefixtures("nothing_denied")
def test_services_and_commands(machine):
    machine.policy(RULES)
    machine.run("systemctl start bpfdev-monitor")
    with machine.login("alice") as alice:
        assert alice.run(ATTEMPT).stdout == "EPERM\n"
        machine.wait("journalctl -t bpfdev -b | grep -q 'alice.*/dev/full'", "the monitor has seen it")
        machine.policy(RULES.replace(f"deny {FULL}", "deny block-*"))
        machine.run("bpfdev reload")
        assert alice.run(ATTEMPT).stdout == "ok\n"
        # What an administrator's command has made, sshd's session takes off again.
    machine.run("systemctl stop bpfdev-monitor")


def test_nothing_is_given_to_users(allowed):
    before, after = allowed
    members = after.members("pam_bpfdev_domain")
    assert {"sshd_t", "local_login_t", "crond_t", "udev_t", "init_t", "staff_su_t"} <= members
    assert members & after.members("userdomain") == set()
    added = after.rules() - before.rules() - {f"allow systemd_logind_t {domain}:fd use;" for domain in WITHOUT_LOGIND}
    sources = {rule.split()[1] for rule in added}
    assert sources <= members | {"pam_bpfdev_domain", "policykit_t", "pam_bpfdev_runtime_t"}


def test_doctor_sees_a_wrong_label(machine, allowed):
    assert allowed
    machine.policy(RULES)
    machine.ssh("alice", "true")
    machine.run("chcon -t var_run_t /run/pam_bpfdev")
    try:
        assert any("/run/pam_bpfdev has the label" in message for _, message in doctor(machine))
    finally:
        machine.run("restorecon -RF /run/pam_bpfdev")
    assert [level for level, message in doctor(machine) if "label" in message] == []
