# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The lab itself: what the other tests take for granted about the machines, none of it needing the module."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

import cgroups
from machine import CommandFailed
from sessions import LoginRefused
from watching import wait_for

OWNER = """
import sys, time
from machine import Machine
machine = Machine(sys.argv[1]).boot()
print(machine.cgroup, machine._keeper.pid, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def calm(bare_machine):
    """The bare machine, with nobody logged in before and after the test."""
    bare_machine.mark_journal()
    yield bare_machine
    bare_machine.log_out_everybody()


def own_cgroup(text):
    return next(line[3:] for line in text.splitlines() if line.startswith("0::"))


def test_systemd_is_up(bare_machine):
    assert bare_machine.run("systemctl is-system-running").stdout == "running\n"
    assert bare_machine.run("systemctl is-active ssh cron atd systemd-logind").stdout.split() == ["active"] * 4


def test_run_is_in_no_unit(bare_machine):
    assert own_cgroup(bare_machine.run("cat /proc/self/cgroup").stdout).startswith("/lab/")


def test_run_reports_status_and_output(bare_machine):
    result = bare_machine.run("cat; echo bad >&2; exit 3", input="good", check=False)
    assert (result.returncode, result.stdout, result.stderr) == (3, "good", "bad\n")
    with pytest.raises(CommandFailed, match="bad"):
        bare_machine.run("echo bad >&2; false")


def test_run_as_a_user(bare_machine):
    assert bare_machine.run("id -un; id -Gn; pwd; echo $HOME", user="alice").stdout.split() == \
        ["alice", "alice", "students", "/", "/home/alice"]


def test_run_that_takes_too_long_leaves_nothing(bare_machine):
    with pytest.raises(subprocess.TimeoutExpired):
        bare_machine.run("sleep 12345 & sleep 12345", timeout=0.5)
    wait_for(lambda: not bare_machine.run("pgrep -f '^sleep 12345'", check=False).stdout, "the command is gone")


def test_kernel_settings_are_read_only(bare_machine):
    for path in ("/proc/sys/kernel/core_pattern", "/sys/kernel/mm/ksm/run", "/proc/sysrq-trigger"):
        assert bare_machine.run(f"! [ -e {path} ] || ! echo 0 >{path}", check=False).returncode == 0


def test_ssh_lands_in_a_session_scope(calm):
    with calm.ssh_session("alice") as session:
        assert session.cgroup == f"/user.slice/user-1000.slice/session-{session.id}.scope"
        assert "Remote=yes" in calm.run(f"loginctl show-session {session.id}").stdout


def test_session_keeps_its_shell(calm):
    with calm.ssh_session("alice") as session:
        session.run("cd /usr; word=kept")
        result = session.run("pwd; echo $word; echo bad >&2; (exit 4)")
        assert (result.returncode, result.stdout, result.stderr) == (4, "/usr\nkept\n", "bad\n")
        assert session.run("cat").stdout == "\n"


def test_two_sessions_of_one_user_have_their_own_scopes(calm):
    with calm.ssh_session("alice") as first, calm.ssh_session("alice") as second:
        assert first.id != second.id


def test_ssh_of_one_command(calm):
    result = calm.ssh("bob", "id -un; exit 5")
    assert (result.returncode, result.stdout) == (5, "bob\n")


def test_refused_ssh_login_says_why(calm):
    calm.write_file("/etc/nologin", "closed for today\n")
    try:
        assert calm.ssh("alice", "true").returncode == 255
        with pytest.raises(LoginRefused, match="closed for today"):
            calm.ssh_session("alice")
    finally:
        calm.run("rm /etc/nologin")


def test_refused_console_login_says_why(calm):
    stack = calm.read_file("/etc/pam.d/common-session")
    calm.write_file("/etc/motd", "closed for today\n")
    refusing = "session required pam_motd.so motd=/etc/motd\nsession required pam_deny.so\n"
    calm.write_file("/etc/pam.d/common-session", refusing)
    try:
        with pytest.raises(LoginRefused, match="closed for today"):
            calm.console_login("alice")
    finally:
        calm.write_file("/etc/pam.d/common-session", stack)
        calm.run("rm /etc/motd")


def test_user_manager_starts_programs(calm):
    with calm.ssh_session("alice") as session:
        said = session.run("systemd-run --user --pipe --wait --quiet cat /proc/self/cgroup", check=True).stdout
        assert own_cgroup(said).startswith("/user.slice/user-1000.slice/user@1000.service/app.slice/")


def test_console_login_is_local(calm):
    with calm.console_login("kiosk") as session:
        shown = calm.run(f"loginctl show-session {session.id}").stdout.split()
        assert {"Remote=no", "TTY=tty1", "Service=login", "Name=kiosk"} <= set(shown)
        assert session.run("exec 3<>/dev/tty && echo ok").stdout == "ok\n"


def test_console_is_free_again_after_logout(calm):
    for user in ("kiosk", "alice"):
        with calm.console_login(user) as session:
            assert session.run("id -un").stdout == f"{user}\n"


@pytest.mark.parametrize("kind", ["ssh_session", "console_login"])
@pytest.mark.parametrize("end", ["close", "hang_up", "kill"])
def test_ended_session_goes_away(calm, kind, end):
    session = getattr(calm, kind)("alice")
    getattr(session, end)()
    scope = calm.cgroup / session.cgroup[1:]
    wait_for(lambda: not scope.exists(), "the scope is gone")
    if end != "hang_up":  # What login(1) does about that depends on whose it is.
        assert bool(calm.journal(r"(sshd|login)\b.*session closed for user alice")) == (end == "close")


def test_at_job_runs(calm):
    calm.run("echo 'id -un >/tmp/at-job' | at now", user="bob")
    calm.wait_for(lambda: calm.run("cat /tmp/at-job", check=False).stdout == "bob\n", "the job has run", 90)


def test_journal_has_what_pam_modules_say(calm):
    calm.ssh("alice", "true")
    assert calm.journal(r"sshd.*pam_unix\(sshd:session\): session opened for user alice")
    calm.mark_journal()
    assert not calm.journal("session opened for user alice")


def test_programs_are_found_in_their_cgroups(calm):
    calm.run("systemd-run --quiet --unit=filtered -p DevicePolicy=closed sleep 1000")
    programs = calm.programs()["/system.slice/filtered.service"]
    calm.run("systemctl stop filtered")
    assert [program["attach_type"] for program in programs] == ["cgroup_device"]
    assert programs[0]["name"].startswith("sd_devices") and programs[0]["id"] > 0
    assert calm.prog_and_map_count()[0] >= 0


def test_log_out_everybody_ends_what_lingers(calm):
    calm.run("loginctl enable-linger alice")
    calm.ssh_session("bob")
    calm.wait_for(lambda: calm.users_logged_in() == [1000, 1001], "both are there")
    calm.log_out_everybody()
    assert calm.users_logged_in() == []


def test_module_goes_last_into_the_pam_stacks(calm):
    calm.configure_pam("debug")
    try:
        last = calm.read_file("/etc/pam.d/common-session").splitlines()[-1]
        assert last == "session required pam_bpfdev.so debug"
    finally:
        calm.configure_pam(control="")
    assert "pam_bpfdev" not in calm.run("cat /etc/pam.d/*").stdout


def test_nothing_remains_after_shutdown(lab):
    mounts = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    machine = lab()
    with machine:
        cgroup, pid = machine.cgroup, machine.pid
        session_left_open = machine.ssh_session("root")
        assert session_left_open.run("true").returncode == 0
    assert not cgroup.exists()
    assert not pathlib.Path(f"/proc/{pid}").exists()
    assert pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8") == mounts
    assert processes_naming(cgroup.name) == []


def processes_naming(text):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                found.append(path)
        except OSError:
            pass
    return found


@pytest.fixture
def owner(lab, suite):
    """Another process that has booted a machine: its Popen, the machine's cgroup and the keeper's pid."""
    process = subprocess.Popen([sys.executable, "-B", "-c", OWNER, suite], stdout=subprocess.PIPE, text=True,
                               cwd=pathlib.Path(__file__).parent)
    cgroup, keeper = process.stdout.readline().split()
    yield process, pathlib.Path(cgroup), int(keeper)
    process.kill()
    process.communicate()


def test_killed_owner_takes_the_machine_with_it(owner):
    process, cgroup, _ = owner
    process.kill()
    wait_for(lambda: not cgroup.exists(), "the keeper has ended the machine")


def test_sweep_ends_machines_of_dead_owners_only(owner):
    process, cgroup, keeper = owner
    assert cgroup not in cgroups.sweep()
    os.kill(keeper, signal.SIGKILL)
    process.kill()
    process.wait()
    assert cgroup in cgroups.sweep()
    assert not cgroup.exists()
