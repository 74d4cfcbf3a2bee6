# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev explain: what a login may do with a device, and which line says so. Open sessions are in tests/lab."""

import json
import random

import pytest

CONF = "/etc/security/bpfdev.conf"
LOCAL = "alice, as a local login by service login without a tty (assumed: origin, service, tty)"
NO_DEVICE = "its numbers: c MAJOR:MINOR for a character device, b MAJOR:MINOR for a block device"


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
        assert (result.code, result.out) == (0, f"no line names {user}: no filter, everything is allowed\n")


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


def targets(result):
    """The titles of the devices."""
    return [part.splitlines()[0] for part in result.out.split("\n\n")[1:]]


@pytest.mark.parametrize("words, titles", [
    (("/dev/video0",), ["c 81:0 /dev/video0 (char-video4linux)"]),
    (("c", "81:0"), ["c 81:0 /dev/video0 (char-video4linux)"]),
    (("c 81:0",), ["c 81:0 /dev/video0 (char-video4linux)"]),
    (("c  81:0", "r"), ["c 81:0 /dev/video0 (char-video4linux)"]),
    (("b", "8:0", "rwm"), ["b 8:0 /dev/sda (block-sd)"]),
    (("c", "81:7"), ["c 81:7 (char-video4linux)"]),
    (("c", "4000:7"), ["c 4000:7"]),
    (("a", "8:0"), ["b 8:0 /dev/sda (block-sd)", "c 8:0"]),
    (("/dev/video*",), ["c 81:0 /dev/video0 (char-video4linux)", "c 81:1 /dev/video1 (char-video4linux)"]),
    (("@two",), ["b 8:0 /dev/sda (block-sd)", "c 1:3 /dev/null (char-mem)"]),
    (("char-video4linux",), ["c 81:0 /dev/video0 (char-video4linux)", "c 81:5-6 (char-video4linux)",
                             "c 81:* (char-video4linux)"]),
    (("c", "81:*"), ["c 81:0 /dev/video0 (char-video4linux)", "c 81:5-6 (char-video4linux)",
                     "c 81:* (char-video4linux)"]),
    (("c", "81:4-8"), ["c 81:4 (char-video4linux)", "c 81:5-6 (char-video4linux)", "c 81:7-8 (char-video4linux)"]),
    (("b", "*:*"), ["b 0:0", "b 8:* (block-sd)", "b *:*"]),
    (("b", "*:0"), ["b 0:0", "b 8:0 /dev/sda (block-sd)", "b *:0"]),
])
def test_devices(bpfdev, policy, words, titles):
    policy("alice allow c *:*\nalice deny c 81:5-6 rw\nalice deny c 81:0 r\nalice allow b 8:*\n"
           "class two /dev/sda @three\nclass three /dev/null\n")
    assert targets(bpfdev("explain", "alice", *words)) == titles


def test_every_device_decides_the_exit_status(bpfdev, policy):
    policy("alice allow c 81:0\n")
    assert bpfdev("explain", "alice", "/dev/video0").code == 0
    assert bpfdev("explain", "alice", "/dev/video*").code == 1
    assert bpfdev("explain", "alice", "c", "81:*").code == 1


def test_path_outside_of_dev_and_links(bpfdev, policy, place):
    policy("alice deny *\n")
    place.path("/home/alice/cam").symlink_to("/dev/video1")
    assert targets(bpfdev("explain", "alice", "/home/alice/cam")) == [
        "c 81:1 /home/alice/cam (char-video4linux)"]
    assert bpfdev("explain", "alice", "./video0", cwd="/dev").lines[2].startswith("c 81:0 ./video0 ")


def test_numbers_of_a_range_differ_from_the_other_side(bpfdev, policy):
    """A range is cut where only the login from the other side tells its devices apart."""
    policy("alice allow *\nalice deny c 81:2 remote\n")
    assert targets(bpfdev("explain", "alice", "c", "81:1-3")) == [
        f"c 81:{minor}{name} (char-video4linux)" for minor, name in ((1, " /dev/video1"), (2, ""), (3, ""))]


@pytest.mark.parametrize("words, code, said", [
    (("/dev/nothing",), 3, "/dev/nothing: No such file or directory; a device that is not there can be named by "
                           + NO_DEVICE),
    (("/etc/passwd",), 3, "/etc/passwd is not a device; expected the path of a device, or " + NO_DEVICE),
    (("/dev",), 3, "/dev is not a device; expected the path of a device, or " + NO_DEVICE),
    (("/dev/none*",), 3, "/dev/none* stands for no device on this machine now; a device that is not there can be "
                         "named by " + NO_DEVICE),
    (("char-none",), 3, "char-none stands for no device on this machine now; a device that is not there can be "
                        "named by " + NO_DEVICE),
    (("@none",), 3, 'there is no class "none" in the policy'),
    (("video0",), 64, 'unknown device "video0"; expected *, c M:m, b M:m, a M:m, char-NAME, block-NAME, /dev/PATH or '
                      "@class"),
    (("c",), 64, "device numbers missing; expected c MAJOR:MINOR"),
    (("c", "4096:0"), 64, "major number 4096 is out of range; expected at most 4095"),
    (("c81:0", "r"), 64, None),
    (("char-mem misc",), 64, 'unknown device "char-mem misc"; expected one device'),
    (("c", "1:3", "x"), 64, 'unknown access "x"; expected letters of rwm'),
    (("c", "1:3", ""), 64, 'unknown access ""; expected letters of rwm'),
    (("c", "1:3", "r", "w"), 64, '"w": one word too many; expected USER DEVICE [ACCESS]'),
    (("/dev/null", "r", "w"), 64, '"w": one word too many; expected USER DEVICE [ACCESS]'),
])
def test_devices_that_are_none(bpfdev, policy, words, code, said):
    policy("alice deny *\n")
    result = bpfdev("explain", "alice", *words)
    assert (result.code, result.out) == (code, "")
    assert said is None or result.err == f"bpfdev: {said}\n"


@pytest.mark.parametrize("options", [
    (), ("alice",), ("alice", "c", "1:3", "r", "w", "x"), ("alice", "c", "1:3", "--local", "--remote"),
    ("alice", "c", "1:3", "--su", "--manager"), ("alice", "c", "1:3", "--manager", "--tty=x"),
    ("alice", "c", "1:3", "--session", "--remote"), ("alice", "c", "1:3", "--session", "--conf=/x"),
    ("alice", "c", "1:3", "--service="), ("alice", "c", "1:3", "--nonsense"), ("alice", "c", "1:3", "--conf=x")])
def test_options_that_make_no_sense(bpfdev, options):
    result = bpfdev("explain", *options)
    assert result.code == 64 and result.out == "" and result.err.startswith("bpfdev explain: ")


def test_help(bpfdev):
    result = bpfdev("explain", "--help")
    assert result.code == 0 and result.out.startswith("Usage: bpfdev explain [OPTION...] USER DEVICE [ACCESS]\n")
    for option in ("--color", "--conf", "--json", "--local", "--manager", "--remote", "--service", "--session", "--su",
                   "--tty"):
        assert option in result.out


def test_unknown_user(bpfdev):
    result = bpfdev("explain", "zoe", "/dev/null")
    assert (result.code, result.out, result.err) == (3, "", 'bpfdev: there is no user "zoe"\n')


def test_mistakes(bpfdev, policy):
    policy("alice allow c 1:3\nalice dney *\nalice allow\n")
    result = bpfdev("explain", "alice", "/dev/null")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"bpfdev: {CONF}:2:7: unknown verb \"dney\"")


def test_mistake_that_shows_on_this_machine_only(bpfdev, policy):
    policy("alice allow @big\nclass big c 0-4095:* c 1:1\n")
    result = bpfdev("explain", "alice", "/dev/null")
    assert result.code == 2 and f"{CONF}:1:13: " in result.err
    policy("bob allow @big\nclass big c 0-4095:* c 1:1\nalice deny *\n")
    assert bpfdev("explain", "alice", "/dev/null").code == 1


def test_another_file(bpfdev, policy, place):
    policy("alice deny *\n")
    path = place.write("/etc/other.conf", "alice allow *\n")
    result = bpfdev("explain", "alice", "/dev/sda", f"--conf={path}")
    assert result.code == 0 and "/etc/other.conf:1, a line" in result.out
    result = bpfdev("explain", "alice", "/dev/sda", "--conf=/etc/missing.conf")
    assert result.code == 2 and "/etc/missing.conf" in result.err


def test_dropins_are_read_and_named(bpfdev, policy):
    policy("alice allow *\n")
    policy("\nalice deny /dev/sda\n", name="bpfdev.d/10-disk.conf")
    assert "denied by /etc/security/bpfdev.d/10-disk.conf:2, a line" in bpfdev("explain", "alice", "/dev/sda").out


def test_users_may_ask_about_themselves(bpfdev, policy):
    policy("alice deny *\nbob deny *\n")
    result = bpfdev("explain", "alice", "/dev/null", user="alice")
    assert result.code == 1 and "alice deny *" in result.out
    for other in "bob", "root", "zoe":
        result = bpfdev("explain", other, "/dev/null", user="alice")
        assert (result.code, result.out) == (3, "")
        assert result.err == "bpfdev: only root may ask about other users (try: sudo bpfdev ...)\n"
    result = bpfdev("explain", "alice", "/dev/null", "--session", user="alice")
    assert (result.code, result.out) == (3, "") and "needs root" in result.err


@pytest.mark.parametrize("name", ["bpfdev.conf", "bpfdev.d/10.conf"])
def test_policy_that_users_may_not_read(bpfdev, policy, place, name):
    policy("alice deny *\n")
    place.path(policy("bob deny *\n", name=name)).chmod(0o600)
    result = bpfdev("explain", "alice", "/dev/null", user="alice")
    assert (result.code, result.out) == (3, "")
    assert result.err == f"bpfdev: /etc/security/{name} may be read by root only: ask your administrator\n"
    assert bpfdev("explain", "alice", "/dev/null").code == (1 if "/" in name else 0)


def test_policy_folder_that_users_may_not_read(bpfdev, policy, place):
    policy("alice deny *\n")
    place.path("/etc/security/bpfdev.d").chmod(0o700)
    result = bpfdev("explain", "alice", "/dev/null", user="alice")
    assert result.code == 3
    assert result.err == "bpfdev: /etc/security/bpfdev.d may be read by root only: ask your administrator\n"


def test_json(bpfdev, policy):
    policy("@students audit remote\nalice allow c 81:* r\nalice deny c 81:0 w remote\n* allow *\n")
    result = bpfdev("explain", "alice", "/dev/video0", "rw", "--json")
    assert result.code == 0

    def line(number, text, rank):
        return {"line": f"{CONF}:{number}", "text": text, "rank": rank}

    allowed = line(2, "alice allow c 81:* r", "user") | {"access": "r--", "verdict": "allowed"}
    assert result.json() == {
        "user": "alice", "uid": 1000, "device": "/dev/video0", "access": "rw-", "allowed": True,
        "login": {"kind": "login", "remote": False, "service": "login", "tty": "", "rhost": "",
                  "assumed": ["origin", "service", "tty"]},
        "filter": "rules", "groups": ["students"], "exempt": None, "audit": None,
        "devices": [{
            "device": "c 81:0", "type": "char", "major": [81, 81], "minor": [0, 0], "path": "/dev/video0",
            "drivers": ["video4linux"], "allowed": True,
            "verdicts": [allowed, line(4, "* allow *", "anyone") | {"access": "-w-", "verdict": "allowed"}],
            "passed_over": [
                line(3, "alice deny c 81:0 w remote", "user")
                | {"access": "-w-", "why": "condition", "unmet": "remote"},
                line(4, "* allow *", "anyone") | {"access": "r--", "why": "rank", "unmet": None}],
            "otherwise": {
                "option": "--remote", "allowed": False,
                "verdicts": [allowed, line(3, "alice deny c 81:0 w remote", "user")
                             | {"access": "-w-", "verdict": "denied"}]}}]}


def test_json_of_other_kinds(bpfdev, policy):
    policy("@students audit\n@staff exempt\n* deny *\n")
    audited = bpfdev("explain", "alice", "b 8:*", "--json", "--remote=host").json()
    assert audited["login"] == {"kind": "login", "remote": True, "service": "sshd", "tty": "ssh", "rhost": "host",
                                "assumed": ["service", "tty"]}
    assert audited["audit"] == {"line": f"{CONF}:1", "text": "@students audit", "rank": "group"}
    assert (audited["allowed"], audited["devices"][0]["verdicts"][0]["verdict"]) == (True, "audited")
    assert (audited["devices"][0]["minor"], audited["devices"][0]["path"]) == (None, None)
    exempt = bpfdev("explain", "bob", "c 1:3", "--json", "--su").json()
    assert (exempt["filter"], exempt["login"]["kind"]) == ("unrestricted", "job")
    assert exempt["exempt"] == {"line": f"{CONF}:2", "text": "@staff exempt", "rank": "group"}
    assert exempt["devices"][0]["verdicts"] == [
        {"line": None, "text": None, "rank": None, "access": "rw-", "verdict": "allowed"}]
    assert exempt["devices"][0]["passed_over"][0]["why"] == "exempt"
    nobody = bpfdev("explain", "nobody", "c 1:3", "--json", "--manager").json()
    assert (nobody["filter"], nobody["allowed"], nobody["login"]["kind"]) == ("none", True, "manager")
    assert nobody["devices"][0]["verdicts"][0]["verdict"] == "allowed"
    policy("alice allow c 5:1\n")
    baseline = bpfdev("explain", "alice", "c 1:3", "m", "--json").json()["devices"][0]["verdicts"]
    assert baseline == [{"line": None, "text": None, "rank": None, "access": "--m", "verdict": "denied"}]
    baseline = bpfdev("explain", "alice", "c 1:3", "r", "--json").json()["devices"][0]["verdicts"]
    assert baseline == [{"line": "baseline", "text": None, "rank": "baseline", "access": "r--", "verdict": "allowed"}]


def test_colour_on_a_terminal_only(bpfdev, on_terminal, policy):
    policy("alice deny *\nalice allow c 1:3\n")
    assert "\033" not in bpfdev("explain", "alice", "/dev/sda").out
    assert "\033[31mdenied\033[0m as" not in on_terminal("explain", "alice", "/dev/sda").out
    assert "  rw-  \033[31mdenied\033[0m by" in on_terminal("explain", "alice", "/dev/sda").out
    assert "  rw-  \033[32mallowed\033[0m by" in bpfdev("explain", "alice", "/dev/null", "--color=always").out
    assert "\033" not in on_terminal("explain", "alice", "/dev/sda", env={"NO_COLOR": "1"}).out
    assert "\033" not in on_terminal("explain", "alice", "/dev/sda", "--color=never").out


def test_names_print_harmlessly(bpfdev, place):
    path = place.write("/etc/evil\033[2J.conf", "alice deny * tty=tty1\n")
    for words in (("alice", "/dev/sda", "--tty=\033[31mx\n"), ("alice", "/dev/\033]0;x\a"), ("\033[1mzoe", "/dev/sda"),
                  ("alice", "\033c"), ("alice", "/dev/sda", "\033"), ("alice", "/dev/sda", "--remote=\033[0m"),
                  ("alice", "/dev/sda", "--service=\xff")):
        result = bpfdev("explain", *words, f"--conf={path}")
        assert "\033" not in result.out + result.err and "\a" not in result.out + result.err
        result = bpfdev("explain", *words, f"--conf={path}", "--json")
        assert "\033" not in result.out


def test_a_name_that_is_not_utf8_in_json(bpfdev, policy):
    policy("alice deny *\n")
    result = bpfdev("explain", "alice", "/dev/sda", b"--service=\xff", "--json")
    assert json.loads(result.out)["login"]["service"] == "\\xff"


def covering(rows, kind, major, minor):
    """The first of the rows of bpfdev rules that has the device."""
    for row in rows:
        if row["type"] == kind and all(not span or span[0] <= number <= span[1] for span, number in
                                       ((row["major"], major), (row["minor"], minor))):
            return row
    raise AssertionError("no row")


def random_policy(dice):
    devices = ["*", "c 81:*", "c 81:0", "c 81:1-3", "c *:0", "char-*", "block-sd", "b 8:0-1", "@some", "a 240-241:*"]
    whens = ["", "", "", "local", "remote", "service=login", "tty=tty1"]
    lines = ["class some c 81:1 b 8:* c 600:1"]
    for _ in range(dice.randint(1, 8)):
        who, verb = dice.choice(["alice", "@students", "*", "bob"]), dice.choice(["allow", "deny"] * 4 + ["audit"])
        device = f"{dice.choice(devices)} {dice.choice(['r', 'w', 'rw', 'm', 'rwm'])}" if verb != "audit" else ""
        lines.append(f"{who} {verb} {device} {dice.choice(whens)}")
    return "\n".join(lines) + "\n"


def test_agrees_with_the_table(bpfdev, policy):
    """A grid of random policies and devices: the verdict on a device is that of its row in bpfdev rules."""
    seed = random.randrange(2 ** 32)
    dice = random.Random(seed)
    for _ in range(40):
        text = random_policy(dice)
        policy(text)
        options = dice.choice([(), ("--remote",), ("--tty=tty1",), ("--su",), ("--manager",)])
        table = bpfdev("rules", "alice", "--json", *options).json()
        for device in ("c 81:0", "c 81:1", "c 81:9", "c 600:1", "c 1:3", "b 8:1", "b 7:0", "c 240:0"):
            told = bpfdev("explain", "alice", device, "rwm", "--json", *options).json()
            assert told["filter"] == table["filter"]
            if table["filter"] != "rules":
                assert told["allowed"]
                continue
            kind, numbers = device.split()
            row = covering(table["rules"], "char" if kind == "c" else "block", *map(int, numbers.split(":")))
            for verdict in told["devices"][0]["verdicts"]:
                for letter in verdict["access"].replace("-", ""):
                    assert (letter in row["allowed"]) == (verdict["verdict"] != "denied"), (seed, text, device)
                    assert (letter in row["audit"]) == (verdict["verdict"] == "audited"), (seed, text, device)
                    line = next(line["line"] for line in row["lines"] if letter in line["access"])
                    assert verdict["line"] == line, (seed, text, device)
