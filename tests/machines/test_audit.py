# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The audit trail: what auditd keeps of logins, of what they were denied, and of what root changed."""

import re

import pytest

import transcripts
from administration import POLICY, TOP
from sessions import LoginRefused
from need import unavailable

PAGE = TOP / "pam_bpfdev/pam_bpfdev.8"
RULES = "@students allow *\n@students deny c 10:229\n@students deny c 1:7 w\n"
ORIGIN = r" hostname=10\.0\.2\.2 addr=10\.0\.2\.2 terminal=ssh"


@pytest.fixture(scope="module", autouse=True)
def _auditd(computer):
    if computer.run("command -v auditd ausearch", check=False).returncode:
        unavailable("auditd is not on this machine's disk")
    computer.run("systemctl start auditd.service")
    yield
    computer.run("systemctl kill --signal=TERM auditd.service; auditctl -e 0")


@pytest.fixture
def trail(machine):
    """A function that gives the records of ours since the test began, without their heads."""
    machine.run("auditctl -e 1")
    start = machine.run("LC_ALL=C date '+%x %X'; sleep 1.1").stdout.split()

    def read(kinds="USER_DEVICE,USYS_CONFIG", *options):
        command = ["env", "LC_ALL=C", "ausearch", "--input-logs", "--raw", "-m", kinds, "-ts", *start, *options]
        lines = machine.run(command, check=False).stdout.splitlines()
        return [line for line in lines if "bpfdev" in line]

    return read


def messages(lines):
    """What the records say themselves."""
    return [re.search(r"msg='(.*)'", line)[1] for line in lines]


def test_login_and_what_it_was_denied(machine, trail):
    machine.policy(RULES)
    with machine.login("alice") as session:
        session.run(": </dev/fuse; : </dev/fuse; : >/dev/full; systemd-run --user --wait sh -c ': </dev/fuse'")
        unit = session.run("sed 's/.*\\///' /proc/self/cgroup").stdout.strip()
    machine.wait("! pgrep -u alice sshd", "alice's connection has ended")
    said = "\n".join(messages(trail("USER_DEVICE")))
    exe = r' exe="/usr/\S*sshd\S*"'
    assert re.search(rf'^op=bpfdev-open acct="alice" unit="{unit}" service="sshd"{exe}{ORIGIN} res=success$', said, re.M), said
    for device, numbers, perm, count, line in (("/dev/fuse", "c:10:229", "r", 2, 2), ("/dev/full", "c:1:7", "w", 1, 3)):
        assert re.search(rf'^op=bpfdev-denied acct="alice" unit="{unit}" service="sshd" device="{device}" numbers="{numbers}" '
                         rf'access="{perm}" count={count} rule="{POLICY}:{line}"{exe}{ORIGIN} res=failed$', said, re.M), said
    assert re.search(r'^op=bpfdev-denied acct="alice" unit="user@1000\.service" device="/dev/fuse" numbers="c:10:229" access="r" count=1 ',
                     said, re.M), said
    # The kernel says whose login it was, and auditd's tools find it.
    assert {re.search(r" auid=(\d+) ", line)[1] for line in trail("USER_DEVICE", "-sv", "no")} == {"1000"}
    assert len(trail("USER_DEVICE", "-sv", "no")) == 3


def test_login_that_is_refused(machine, trail):
    machine.policy("nonsense\n")
    with pytest.raises(LoginRefused):
        machine.login("alice")
    (said,) = (text for text in messages(trail("USER_DEVICE")) if 'service="sshd"' in text)
    assert re.fullmatch(rf'op=bpfdev-refused acct="alice" unit=\? service="sshd" exe="\S+"{ORIGIN} res=failed', said)


def test_nothing_is_recorded_of_who_has_no_rules(machine, trail):
    machine.policy(RULES)
    with machine.login("bob") as session:
        session.run(": </dev/fuse")
    assert not trail()


def test_what_root_changes(machine, trail):
    machine.policy(RULES)
    with machine.login("alice") as session:
        unit = session.run("sed 's/.*\\///' /proc/self/cgroup").stdout.strip()
        number = re.search(r"\d+", unit)[0]
        machine.run("bpfdev allow alice c 10:229 --for 1h && bpfdev revoke alice c 10:229")
        machine.policy(RULES + "@students deny c 1:12\n")
        machine.run("bpfdev reload; echo '# no rules' >/root/new; bpfdev install /root/new")
    said = messages(trail("USYS_CONFIG"))
    tail = r' exe="/usr/local/sbin/bpfdev" hostname=\? addr=\? terminal=\S+ res=success'
    expected = [rf'op=bpfdev-allow acct="alice" sessions="{number}" device=6320\S+ access="rw" until=\d+',
                rf'op=bpfdev-revoke acct="alice" sessions="{number}" device=6320\S+',
                r'op=bpfdev-reload sessions=1 managers=1', rf'op=bpfdev-edit file="{POLICY}"']
    assert len(said) == len(expected), said
    for line, pattern in zip(said, expected):
        assert re.fullmatch(pattern + tail, line), line


def test_login_does_not_depend_on_it(machine, trail):
    """Off, or with nobody who listens."""
    machine.policy(RULES)
    machine.run("auditctl -e 0")
    with machine.login("alice") as session:
        assert "EPERM" not in session.run("true").stderr and session.run(": </dev/fuse").returncode
    machine.run("auditctl -e 1")
    assert not trail()


def test_transcript_of_the_manual(machine, trail):
    """As it stands in pam_bpfdev(8), but for times, numbers and what this machine does not have."""
    (text,) = [text for name, text in transcripts.displays(PAGE, "check: run").items() if name == "audit"]
    command, *expected = text.splitlines()
    machine.policy("@students allow *\n" * 3 + "@students deny c 10:229\n")
    with machine.login("alice") as session:
        session.run(": <>/dev/fuse; : <>/dev/fuse")
    machine.wait("! pgrep -u alice sshd", "alice's connection has ended")
    assert trail("USER_DEVICE")
    said = machine.run(command.removeprefix("# ").replace("sam", "alice") + " --input-logs -if /var/log/audit/audit.log").stdout
    records = [line for line in said.splitlines() if line.startswith("type=")]
    assert fields(records[-1]) == fields(" ".join(expected))


def fields(record):
    """The names of the fields of a record, in order."""
    return re.findall(r"(\w+)=", record)
