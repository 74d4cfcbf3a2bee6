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
