# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What `bpfdev doctor` says of what other programs let users do: threads, sudo, daemons, what fills up."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

from examined import Examined, assert_only, assert_well
from suites import every_suite, one_suite
from test_doctor import running
from verbs import FORBIDDEN, FUSE, RULES, equipped

pytestmark = one_suite

LIMITS = "/run/systemd/logind.conf.d/limits.conf"
SOURCE = pathlib.Path(__file__).with_name("threads.c")


@pytest.fixture
def box(machine):
    yield from equipped(machine)


@pytest.mark.only_suite("bookworm")
@pytest.mark.parametrize("first", ["stay", "end"])
def test_device_that_another_thread_has_open(box, first, tmp_path):
    box.policy("alice allow *\n")
    subprocess.run(["cc", "-static", "-pthread", "-D_GNU_SOURCE", "-o", tmp_path / "threads", SOURCE], check=True)
    shutil.copy(tmp_path / "threads", box.path("/usr/bin/threads"))
    with box.ssh_session("alice") as session:
        session.run(f"setsid threads {FORBIDDEN} {first} >/dev/null 2>&1 &", check=True)
        box.wait_for(lambda: box.run("rm /tmp/opened", check=False).returncode == 0, "it has the device open")
        box.policy(RULES)
        box.run("bpfdev reload")
        box.wait_for(lambda: Examined(box).of("bad"), "it is seen")
        (text,) = assert_only(box, "^devices alice: ").of("bad")
        assert re.search(rf": {FORBIDDEN} \({FUSE}\) is open for reading and writing in .*: process \d+ \(threads\)$",
                         text)
        session.run("pkill -KILL -x threads", check=True)
        box.wait_for(lambda: not box.run("pgrep -x threads", check=False).stdout, "it is gone")
        assert_well(box)


@every_suite
def test_sudo_rights_of_users_with_rules(box):
    box.policy(RULES)
    examined = Examined(box, sudo=True)
    assert (examined.code, examined.of("bad")) == (1, [
        "sudo alice: has rules, and may run anything as root: root can leave the session and its rules, by "
        "systemd-run(1) for one"])
    right = "/etc/sudoers.d/right"
    for line, level, said in (("alice ALL=(bob) NOPASSWD: ALL", "warn", "(bob) NOPASSWD: ALL"),
                              ("alice ALL=(root) /usr/bin/id, /bin/true", "note", "(root) /usr/bin/id, /bin/true"),
                              ("bob ALL=(ALL) ALL", "note", None)):
        box.write_file(right, f"{line}\n", 0o440)
        found = [text for text in Examined(box).of("bad", level) if text.startswith("sudo")]
        assert found == ([f"sudo alice: has rules, and may become others: {said}"] if said else [])
    box.run(f"rm {right}")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_what_doas_lets_users_with_rules_do(box):
    """The program itself is not in the machine, and is not asked."""
    box.policy(RULES)
    box.run("cp /bin/true /usr/bin/doas")
    for line, level, said in (
            ("permit nopass keepenv alice", "bad", "may run anything as root"),
            ("permit setenv { A B=c } :students as root", "bad", "may run anything as root"),
            ("permit alice as bob", "warn", "may become bob"),
            ("permit persist alice as root cmd /usr/bin/id args", "note", "may become root"),
            ("deny alice", "bad", None), ("permit bob", "bad", None), ("permit :staff", "bad", None)):
        box.write_file("/etc/doas.conf", f"# who\n{line}\n")
        found = [text for text in Examined(box).of("bad", "warn", "note") if text.startswith("doas")]
        assert len(found) == (said is not None), line
        assert not said or f"doas alice: has rules, and {said}" in found[0] and Examined(box).of(level), line
    box.run("rm /usr/bin/doas /etc/doas.conf")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_daemon_that_lets_in_without_pam(box):
    box.policy(RULES)
    box.run("cp /usr/bin/python3 /usr/local/bin/dropbear")
    listen = "import socket, sys; s = socket.create_server(('127.0.0.1', 2222)); sys.stdin.read()"
    with running(box, f'exec dropbear -c "{listen}"'):
        box.wait_for(lambda: ":08AE" in box.run("cat /proc/net/tcp").stdout, "it listens")
        assert_only(box, r"^logins dropbear: process \d+ listens, and opens no PAM session: who logs in by it has no")
    box.run("rm /usr/local/bin/dropbear")
    assert_well(box)


def start_socket(box, name, listen, program):
    """Has systemd wait there, and start the program for whoever connects."""
    box.write_file(f"/run/systemd/system/{name}.socket", f"[Socket]\nListenStream={listen}\nAccept=yes\n")
    box.write_file(f"/run/systemd/system/{name}@.service", f"[Service]\nExecStart=-{program}\nStandardInput=socket\n")
    box.run(f"systemctl daemon-reload && systemctl start {name}.socket")


def end_socket(box, name):
    box.run(f"systemctl stop {name}.socket && rm /run/systemd/system/{name}[.@]* && systemctl daemon-reload")


@pytest.mark.only_suite("bookworm")
def test_daemon_without_pam_that_systemd_starts(box):
    box.policy(RULES)
    start_socket(box, "small-ssh", "127.0.0.1:2223", "/usr/sbin/dropbear -i")
    start_socket(box, "harmless", "127.0.0.1:2224", "/bin/cat /etc/dropbear")
    assert_only(box, "^logins dropbear: is started by small-ssh.socket when somebody connects, and opens no PAM session: ")
    end_socket(box, "small-ssh")
    end_socket(box, "harmless")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
@pytest.mark.parametrize("listen", ["/run/host/unix-export/ssh", "/run/ssh-unix-local/socket", "127.0.0.1:2223"])
def test_sshd_on_a_socket_that_is_reached_from_outside(box, listen):
    start_socket(box, "sshd-extra", listen, '/usr/sbin/sshd -i -o "AuthorizedKeysFile none"')
    for policy, tells in ((f"{RULES}carol deny @gpu rw remote\n", listen.startswith("/run/host")), ("alice deny @gpu\n", False)):
        box.policy(policy)
        found = [text for text in Examined(box).of("note") if text.startswith("sshd ")]
        assert len(found) == tells
        assert not tells or found[0].startswith(f"sshd sshd-extra.socket: lets in by {listen}; sshd knows no address")
    end_socket(box, "sshd-extra")


@pytest.mark.only_suite("bookworm")
def test_shell_for_debugging(box):
    box.policy(RULES)
    box.write_file("/run/systemd/system/debug-shell.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    box.run("systemctl daemon-reload && systemctl start debug-shell.service")
    assert_only(box, "^logins debug-shell.service: runs, a shell of root's on tty9 that asks for no password: ")
    box.run("systemctl stop debug-shell.service && rm /run/systemd/system/debug-shell.service && systemctl daemon-reload")
    assert_well(box)


ADMINISTRATORS = "polkit.addAdminRule(function(action, subject) {{ return [{}]; }});\n"


@pytest.fixture
def polkit(box):
    """A function that says what polkit's program answers; it is not in the machine, and its files are read as text."""
    def answer(status):
        box.write_file("/usr/bin/pkcheck", f'#!/bin/sh\necho "$*" >/run/asked\nexit {status}\n', 0o755)

    answer(2)
    box.run("mkdir -p /etc/polkit-1/rules.d /usr/share/polkit-1/rules.d")
    box.policy(RULES)
    yield answer
    box.run("rm -rf /usr/bin/pkcheck /etc/polkit-1 /usr/share/polkit-1 /run/asked")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_administrators_of_polkit(box, polkit):
    """Who is one leaves the session by run0 or systemd-run."""
    shipped, own = "/usr/share/polkit-1/rules.d/50-default.rules", "/etc/polkit-1/rules.d/49-own.rules"
    box.write_file(shipped, ADMINISTRATORS.format('"unix-group:sudo", "unix-group:students"'))
    assert_only(box, f"^polkit alice: has rules, and is an administrator by {shipped}: with their own password, run0")
    for admins, is_one in (("'unix-user:0'", False), ("'unix-user:alice'", True), ('"unix-user:1000"', True),
                           ('"unix-netgroup:students"', False), ('"unix-group:staff", "unix-user:bob"', False)):
        box.write_file(own, ADMINISTRATORS.format(admins))
        assert [text for text in Examined(box).of("bad") if text.startswith("polkit alice: ")][:1] == \
            [f"polkit alice: has rules, and is an administrator by {own}: with their own password, run0(1) and "
             "systemd-run(1) start anything as root, outside of the session and its rules"][:is_one], admins


@pytest.mark.only_suite("bookworm")
def test_whom_polkit_lets_start_anything_unasked(box, polkit):
    with box.ssh_session("alice"):
        assert_well(box)
        pid = re.fullmatch(r"--action-id org.freedesktop.systemd1.manage-units --process (\d+)\n", box.read_file("/run/asked"))[1]
        assert "/user-1000.slice/session-" in box.run(f"cat /proc/{pid}/cgroup").stdout
        polkit(0)
        assert_only(box, "^polkit alice: has rules, and may have systemd start anything as root without a password")
    box.log_out_everybody()


def log_findings(box, prefix=""):
    said = json.loads(box.run(f"{prefix} bpfdev doctor --json", check=False).stdout)
    return [(finding["level"], finding["subject"], finding["message"]) for finding in said["findings"]
            if finding["topic"] == "log"]


@pytest.mark.only_suite("bookworm")
@pytest.mark.parametrize("setting, lost", [("Storage=none", "anything"), ("MaxLevelStore=err", "what is less urgent"),
                                           ("MaxLevelStore=4", "what is less urgent"), ("MaxLevelStore=notice", None),
                                           ("MaxLevelStore=err\nMaxLevelStore=info", None), ("#Storage=none", None)])
def test_journal_that_keeps_nothing(box, setting, lost):
    box.policy(RULES)
    box.run("mkdir -p /run/systemd/journald.conf.d")
    box.write_file("/run/systemd/journald.conf.d/zz.conf", f"[Journal]\n{setting}\n")
    try:
        found = log_findings(box)
        assert [level for level, _, _ in found] == ["warn"] * (lost is not None)
        assert not lost or found[0][2].startswith(f"the journal does not keep {lost}")
    finally:
        box.run("rm /run/systemd/journald.conf.d/zz.conf")


@pytest.mark.only_suite("bookworm")
def test_journal_that_drops_what_is_too_much(box):
    """With CAP_SYS_ADMIN ours are not among them; see test_log.py."""
    box.policy(RULES)
    box.run("systemd-run --unit=flood -p LogRateLimitIntervalSec=1s -p LogRateLimitBurst=5 "
            "sh -c 'while sleep 0.3; do yes | head -20; done'")
    box.wait_for(lambda: box.journal(r"Suppressed \d+ messages from flood.service"), "it was too much")
    box.run("systemctl stop flood.service")
    assert log_findings(box) == []
    found = log_findings(box, "setpriv --inh-caps=-sys_admin --bounding-set=-sys_admin")
    assert found[0] == ("note", "", "without CAP_SYS_ADMIN, a session that writes enough to the journal can have it drop what "
                        "is said of that session")
    assert {(level, subject) for level, subject, _ in found[1:]} == {("warn", "flood.service")}
    assert re.match(r"the journal has dropped \d+ of its messages since boot", found[1][2])


@pytest.mark.only_suite("bookworm")
def test_sessions_that_run_out(box):
    box.policy(RULES)
    limit = "busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager SessionsMax"
    again = "systemctl restart systemd-logind"
    box.run(f"mkdir -p /run/systemd/logind.conf.d && printf '[Login]\\nSessionsMax=1\\n' >{LIMITS} && {again}")
    try:
        box.wait_for(lambda: box.run(limit).stdout == "t 1\n", "logind has the limit")
        with box.ssh_session("alice"):
            (text,) = assert_only(box, "^systemd : ", "warn", 0).of("warn")
            assert re.match(r"systemd : 1 of 1 sessions are open: logind makes no more \(SessionsMax=\)", text)
    finally:
        box.log_out_everybody()  # logind would not see to the end of users whom it had not before it was started
        box.run(f"rm {LIMITS}; {again}")
    box.wait_for(lambda: box.run(limit).stdout != "t 1\n", "logind has its own limit again")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_run_that_fills_up(box):
    box.policy(RULES)
    room = box.run("df --output=avail -k /run | tail -1").stdout.strip()
    box.run(f"fallocate -l {int(room) - 40}K /run/fill")
    try:
        assert_only(box, r"^systemd : /run is nearly full \(\d+ KiB and \d+ files are left\)", "warn", 0)
    finally:
        box.run("rm /run/fill")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_exception_that_is_overdue(box):
    box.policy(RULES)
    with box.ssh_session("alice"):
        box.run(f"bpfdev allow alice {FUSE!r} --for=1h")
        # Of a clock that is two hours ahead.
        said = json.loads(box.run("unshare --time --boottime 7200 --fork bpfdev doctor --json", check=False).stdout)
        found = [finding for finding in said["findings"] if "exception" in finding["message"]]
        assert [(finding["topic"], finding["level"], finding["subject"]) for finding in found] == \
            [("sessions", "warn", "alice")]
        assert re.match(rf"the exception for {FUSE} in session-\S+.scope should have ended (59|60) minutes ago",
                        found[0]["message"])
        assert found[0]["advice"].startswith("bpfdev revoke --expired alice ends it")
        box.run("bpfdev revoke alice")
    assert_well(box)
