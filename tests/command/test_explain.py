# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev explain: what a login may do with a device, and which line says so. Open sessions are in tests/lab."""

import pytest

CONF = "/etc/security/bpfdev.conf"
LOCAL = "alice, as a local login by service login without a tty (assumed: origin, service, tty)"


def verdicts(result):
    """The lines on access bits of the first device, without those on lines that were passed over."""
    lines = result.out.split("\n\n")[1].splitlines()
    return [line.strip() for line in lines[1:] if not line.startswith("    ") and "passed over:" not in line]


def passed_over(result):
    """What was passed over for the first device: (bits, number of the line, why)."""
    lines = result.out.split("\n\n")[1].partition("  passed over:\n")[2].splitlines()
    lines = [line for line in lines if line.startswith("    ")]
    return [(line.split()[0], int(line.split()[1].split(":")[1]), why.strip())
            for line, why in zip(lines[::2], lines[1::2])]


def test_denied_and_allowed(bpfdev, policy):
    policy("@students allow *\nalice deny @webcam r\n")
    result = bpfdev("explain", "alice", "/dev/video0")
    assert result.code == 1 and result.err == ""
    assert result.out == f"""{LOCAL}
groups that lines name: students

c 81:0 /dev/video0 (char-video4linux)
  r--  denied by {CONF}:2, a line for the user: alice deny @webcam r
  -w-  allowed by {CONF}:1, a line for a group or range: @students allow *
  passed over:
    r--  {CONF}:1: @students allow *
         lower rank: a line for a group or range
"""
    result = bpfdev("explain", "alice", "/dev/video0", "w")
    assert result.code == 0
    assert verdicts(result) == [f"-w-  allowed by {CONF}:1, a line for a group or range: @students allow *"]


def test_no_line_names_the_user(bpfdev, policy):
    policy("alice deny *\n@nosuchgroup deny *\n* deny *\n")
    for user in "root", "daemon", "nobody":
        result = bpfdev("explain", user, "/dev/null")
        assert (result.code, result.lines[0]) == (0, f"no line names {user}: no filter, everything is allowed")


def test_no_policy_at_all(bpfdev):
    result = bpfdev("explain", "alice", "/dev/null")
    assert (result.code, result.out) == (0, "no line names alice: no filter, everything is allowed\n")


def test_baseline_and_no_line(bpfdev, policy):
    policy("alice allow c 240:*\n")
    assert verdicts(bpfdev("explain", "alice", "/dev/null", "rwm")) == [
        "rw-  allowed by the baseline, which is what every shell needs", "--m  denied as no line allows it"]
    result = bpfdev("explain", "alice", "/dev/sda")
    assert result.code == 1 and verdicts(result) == ["rw-  denied as no line allows it"]


def test_reasons_for_passing_a_line_over(bpfdev, policy):
    policy("""* allow *
@students allow *
1000:1010 deny *
alice deny *
alice deny c *:0
alice deny char-*
alice allow c 81:*
alice deny c 81:0
alice allow /dev/video0 r
alice allow c 81:0 rw remote
alice allow c 81:0 rw service=gdm* tty=tty1
bob deny *
alice deny c 81:1
""")
    result = bpfdev("explain", "alice", "/dev/video0", "r")
    assert verdicts(result)[0] == f"r--  allowed by {CONF}:9, a line for the user: alice allow /dev/video0 r"
    assert passed_over(result) == [
        ("r--", 1, "lower rank: a line for everyone"),
        ("r--", 2, "lower rank: a line for a group or range"),
        ("r--", 3, "lower rank: a line for a group or range"),
        ("r--", 4, "less specific: all devices, not this device"),
        ("r--", 5, "less specific: a minor of all majors, not this device"),
        ("r--", 6, "less specific: a whole major, not this device"),
        ("r--", 7, "less specific: a whole major, not this device"),
        ("r--", 8, "earlier: of lines alike the last one decides"),
        ("r--", 10, "condition not met: remote"),
        ("r--", 11, "condition not met: service=gdm*, tty=tty1"),
    ]


def test_bits_of_a_line_that_decides_on_others(bpfdev, policy):
    policy("alice allow c 81:0 rwm\nalice deny c 81:0 w\n")
    result = bpfdev("explain", "alice", "c", "81:0", "rwm")
    assert [line.split()[0] for line in verdicts(result)] == ["r-m", "-w-"]
    assert passed_over(result) == [("-w-", 1, "earlier: of lines alike the last one decides")]


def test_exempt(bpfdev, policy):
    policy("@students exempt\n* deny *\nalice deny c 81:0 tty=tty1\n")
    result = bpfdev("explain", "alice", "/dev/video0")
    assert result.code == 0
    assert result.lines[1:3] == [
        f"exempt: lines for a group or range and lower ranks do not count, by {CONF}:1: @students exempt",
        "groups that lines name: students"]
    assert verdicts(result) == ["rw-  allowed as no line restricts this login"]
    assert passed_over(result) == [("rw-", 2, f"exempt, by {CONF}:1"), ("rw-", 3, "condition not met: tty=tty1")]
    assert bpfdev("explain", "alice", "/dev/video0", "--tty=tty1").code == 1


def test_exempt_for_everyone_has_no_lower_rank(bpfdev, policy):
    policy("* exempt\n* deny *\n")
    assert f"exempt: lines for everyone do not count, by {CONF}:1: * exempt" in bpfdev("explain", "alice",
                                                                                     "/dev/null").out


def test_conditions_that_leave_nothing(bpfdev, policy):
    policy("alice deny * remote\nalice exempt tty=tty9\n")
    result = bpfdev("explain", "alice", "/dev/sda")
    assert result.code == 0
    assert verdicts(result) == ["rw-  allowed as no line restricts this login",
                                f"with --remote: rw-  denied by {CONF}:1, a line for the user: alice deny * remote"]


def test_audit(bpfdev, policy):
    policy("@students audit\n@students allow c 81:* r\n@students deny c 81:0 r\nalice deny c 81:0 w\n")
    result = bpfdev("explain", "alice", "/dev/video0", "rwm")
    assert result.code == 1
    assert result.lines[1] == ("audit: what lines for a group or range and lower ranks deny is allowed and recorded, "
                               f"by {CONF}:1: @students audit")
    assert verdicts(result) == [
        f"r--  allowed for audit only; would be denied by {CONF}:3, a line for a group or range: "
        "@students deny c 81:0 r",
        f"-w-  denied by {CONF}:4, a line for the user: alice deny c 81:0 w",
        "--m  allowed for audit only; would be denied as no line allows it"]
    assert bpfdev("explain", "alice", "/dev/video0", "rm").code == 0


def test_exempt_and_audit_lines_that_do_not_hold_are_told_where_something_is_denied(bpfdev, policy):
    policy("alice audit remote\nalice exempt service=x\nalice allow c 81:0 r\n")
    result = bpfdev("explain", "alice", "/dev/video0")
    assert passed_over(result) == [("-w-", 1, "condition not met: remote"), ("-w-", 2, "condition not met: service=x")]


def test_the_other_side(bpfdev, policy):
    policy("alice allow *\nalice deny @webcam rw remote\n")
    result = bpfdev("explain", "alice", "/dev/video0")
    assert (result.code, verdicts(result)[1]) == (
        0, f"with --remote: rw-  denied by {CONF}:2, a line for the user: alice deny @webcam rw remote")
    result = bpfdev("explain", "alice", "/dev/video0", "--remote")
    assert (result.code, verdicts(result)[1]) == (
        1, f"with --local: rw-  allowed by {CONF}:1, a line for the user: alice allow *")
    assert "with --" not in bpfdev("explain", "alice", "/dev/sda").out
    assert "with --" not in bpfdev("explain", "alice", "/dev/video0", "m").out
    for option in "--su", "--manager":
        assert "with --" not in bpfdev("explain", "alice", "/dev/video0", option).out


def test_other_side_that_only_audits(bpfdev, policy):
    policy("alice audit remote\nalice allow *\nalice deny c 81:0 w remote\n")
    assert verdicts(bpfdev("explain", "alice", "/dev/video0", "w"))[1] == (
        f"with --remote: -w-  allowed for audit only; would be denied by {CONF}:3, a line for the user: "
        "alice deny c 81:0 w remote")


def test_other_side_with_the_service_of_the_other_side(bpfdev, policy):
    """What --remote would answer is what it does answer: sshd is assumed then."""
    policy("alice allow *\nalice deny @webcam service=sshd\n")
    assert "with --remote: rw-  denied" in bpfdev("explain", "alice", "/dev/video0").out
    assert bpfdev("explain", "alice", "/dev/video0", "--remote").code == 1
    assert "with --remote" not in bpfdev("explain", "alice", "/dev/video0", "--service=gdm").out
    assert bpfdev("explain", "alice", "/dev/video0", "--service=gdm", "--remote").code == 0


@pytest.mark.parametrize("options, said", [
    ((), "as a local login by service login without a tty (assumed: origin, service, tty)"),
    (("--local",), "as a local login by service login without a tty (assumed: service, tty)"),
    (("--local", "--service=gdm", "--tty=/dev/tty2"), "as a local login by service gdm on tty tty2"),
    (("--remote",), "as a remote login by service sshd on tty ssh (assumed: service, tty)"),
    (("--remote=10.0.0.1", "--tty=pts/3"), "as a remote login from 10.0.0.1 by service sshd on tty pts/3 "
                                           "(assumed: service)"),
    (("--remote", "--service=xrdp"), "as a remote login by service xrdp without a tty (assumed: tty)"),
    (("--su",), "by su, sudo or the like (service su) (assumed: service)"),
    (("--su", "--service=cron"), "by su, sudo or the like (service cron)"),
    (("--manager",), "as the user's systemd manager while no session is open"),
])
def test_who_asks_is_said(bpfdev, policy, options, said):
    policy("alice allow *\n")
    assert bpfdev("explain", "alice", "/dev/null", *options).lines[0] == f"alice, {said}"


@pytest.mark.parametrize("line, options, code", [
    ("deny * remote", ("--remote",), 1), ("deny * remote", ("--local",), 0), ("deny * remote", (), 0),
    ("deny * local", (), 1), ("deny * service=login", (), 1), ("deny * service=sshd", ("--remote",), 1),
    ("deny * service=gdm", ("--service=gdm",), 1), ("deny * tty=tty3", ("--tty=tty3",), 1), ("deny * tty=tty3", (), 0),
    ("deny * tty=ssh", ("--remote",), 1), ("deny * service=x", ("--su",), 1), ("deny * tty=tty1", ("--manager",), 1),
    ("allow * local", ("--su",), 1), ("allow * service=su", ("--su",), 0), ("allow * service=cron", ("--su",), 1),
    ("allow * service=systemd-user", ("--manager",), 0), ("allow * local", ("--manager",), 1)])
def test_conditions_are_those_of_the_options(bpfdev, policy, line, options, code):
    policy(f"alice {line}\n")
    assert bpfdev("explain", "alice", "/dev/sda", *options).code == code


def test_a_job_lacks_a_session(bpfdev, policy):
    policy("alice allow * local tty=tty1\n")
    result = bpfdev("explain", "alice", "/dev/sda", "--su")
    assert passed_over(result) == [("rw-", 1, "needs a session that is: local, tty=tty1")]


def test_groups(bpfdev, policy, place):
    policy("@students allow *\n@2000:2001 allow *\n@:1000 allow *\n@staff allow *\n@students audit\n")
    assert bpfdev("explain", "alice", "/dev/null").lines[2] == "groups that lines name: students, alice"
    assert bpfdev("explain", "bob", "/dev/null").lines[1] == "groups that lines name: staff"
    place.write("/etc/group", "students:x:2000:alice\n")
    assert bpfdev("explain", "alice", "/dev/null").lines[2] == "groups that lines name: students, :1000"
