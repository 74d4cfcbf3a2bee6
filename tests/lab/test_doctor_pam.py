# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""`bpfdev doctor` on PAM stacks and an sshd in which one thing is wrong: seen, and gone once it is mended."""

import pytest

from administration import MODULE
from examined import Examined, assert_only, assert_well
from verbs import RULES, changed_file, equipped, tried

PAM = "/etc/pam.d"


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def expanded(box, service, session):
    """The file of a service, with what the function session makes of common-session in the place of the include."""
    common = box.read_file(f"{PAM}/common-session")
    return box.read_file(f"{PAM}/{service}").replace("@include common-session\n", session(common))


def without_module(text):
    return "".join(line for line in text.splitlines(True) if MODULE not in line)


def test_module_is_missing_in_sshd(box):
    box.policy(RULES)
    with changed_file(box, f"{PAM}/sshd", expanded(box, "sshd", without_module)):
        examined = assert_only(box, r"^pam sshd: pam_bpfdev.so is not among the session lines")
        assert f'add "session required {MODULE}", behind pam_systemd.so, to {PAM}/sshd' in examined.all_advice()
        with box.ssh_session("alice") as session:
            assert tried(session) == "ok ok"
            assert_only(box, rf"^pam sshd: |^processes alice: .*{session.id}\.scope has no filter|user@1000")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_module_stands_before_pam_systemd(box):
    box.policy(RULES)
    turned = expanded(box, "sshd", lambda common: f"session required {MODULE}\n{without_module(common)}")
    with changed_file(box, f"{PAM}/sshd", turned):
        assert_only(box, r"^pam sshd: pam_bpfdev.so is called when there is no session yet")
        assert box.ssh("alice", "true").returncode != 0
    assert_well(box)


@pytest.mark.only_suite("bookworm")
@pytest.mark.parametrize("line", ["session sufficient pam_permit.so",
                                  "session [success=2 default=ignore] pam_permit.so"])
def test_line_leads_past_the_module(box, line):
    box.policy(RULES)
    systemd = "session\toptional\tpam_systemd.so"
    text = expanded(box, "sshd", lambda common: common.replace(
        systemd, f"{systemd}\n{line}\nsession optional pam_permit.so\n#"))
    with changed_file(box, f"{PAM}/sshd", text):
        number = text.splitlines().index(line) + 1
        assert_only(box, rf"^pam sshd: {PAM}/sshd:{number} .* can lead past pam_bpfdev.so")
        assert box.ssh("alice", "probe").stdout.strip() == "ok ok"
    assert_well(box)


@pytest.mark.only_suite("bookworm")
@pytest.mark.parametrize("control", ["optional", "sufficient", "[success=ok default=ignore]"])
def test_control_that_forgives(box, control):
    box.policy(RULES)
    box.configure_pam(control=control)
    word = control.strip("[]")
    examined = assert_only(box, rf'^pam \S+: \S+: as pam_bpfdev.so is "{word}", users are let in without rules')
    assert {"sshd", "login", "cron", "systemd-user"} <= {finding["subject"] for finding in examined.findings
                                                        if finding["level"] == "bad"}
    box.configure_pam()
    assert_well(box)


def test_jobs_may_run_without_rules(box):
    box.policy(RULES)
    box.configure_pam("nosession=ignore")
    examined = Examined(box)
    assert examined.code == 1
    assert [text.partition(" /")[0] for text in examined.of("bad")] == ["pam atd:", "pam cron:"]
    assert all("nosession=ignore lets jobs of users with rules run without them" in text for text in examined.of("bad"))
    assert all(text.endswith("nosession=ignore lets users in without rules when pam_systemd.so fails")
               for text in examined.of("warn"))
    box.configure_pam()
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_users_are_let_in_on_errors(box):
    box.configure_pam("onerr=succeed")
    box.policy(RULES)
    assert_only(box, r"^pam \S+: onerr=succeed lets users in", "warn", 0)


def test_module_file_is_missing(box):
    box.policy(RULES)
    file = box.run(f"find /usr/lib -name {MODULE}").stdout.strip()
    box.run(f"mv {file} {file}.gone")
    try:
        examined = assert_only(box, rf"names {MODULE}, which is not where PAM looks for modules: everybody is refused")
        assert box.ssh("root", "true").returncode != 0
        assert {"sshd", "cron", "systemd-user"} <= {finding["subject"] for finding in examined.findings
                                                    if finding["level"] == "bad"}
    finally:
        box.run(f"mv {file}.gone {file}")
    assert_well(box)


def test_sshd_without_pam(box):
    box.policy(RULES)
    box.write_file("/etc/ssh/sshd_config.d/00-first.conf", "UsePAM no\n")
    try:
        assert_only(box, r"^sshd : sshd does not use PAM")
    finally:
        box.run("rm /etc/ssh/sshd_config.d/00-first.conf")
    assert_well(box)


@pytest.mark.only_suite("sid")
def test_sshd_with_a_service_of_another_name(box):
    box.policy(RULES)
    box.write_file("/etc/ssh/sshd_config.d/00-first.conf", "PAMServiceName ssh-lab\n")
    try:
        examined = Examined(box)
        assert (examined.code, examined.of("bad", "warn")) == (0, [])
        assert "sshd : sshd uses PAM, and its service is ssh-lab" in examined.of("note")
    finally:
        box.run("rm /etc/ssh/sshd_config.d/00-first.conf")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_sshd_that_does_not_answer(box):
    box.policy(RULES)
    box.run("mv /usr/sbin/sshd /usr/sbin/sshd.real")
    try:
        box.write_file("/usr/sbin/sshd", "#!/bin/sh\necho 'it is broken' >&2\nexit 255\n", 0o755)
        assert_only(box, r"^sshd : sshd -T does not say whether it uses PAM: it is broken$", "warn", 0)
        # One that never ends, and whose child has the pipe.
        box.write_file("/usr/sbin/sshd", "#!/bin/sh\nsleep 1000\n", 0o755)
        assert_only(box, r"^sshd : sshd -T does not say whether it uses PAM: it does not answer$", "warn", 0)
    finally:
        box.run("mv /usr/sbin/sshd.real /usr/sbin/sshd; pkill -x -P 1 sleep", check=False)
    assert_well(box)
