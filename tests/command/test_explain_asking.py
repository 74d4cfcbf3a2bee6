# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev explain: who may ask, what cannot be answered, and the ways in which answers are printed."""

import json

import pytest

CONF = "/etc/security/bpfdev.conf"


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


# The account, what kind it is in JSON, whether "*" and "@GROUP" lines are told not to name it, and why.
ACCOUNTS = [
    ("root", "root", "@root", "lines for groups, ranges and * do not name root, which is root"),
    ("daemon", "system", "0:999", "lines for groups, ranges and * do not name daemon, a system account: its uid is "
                                  "below UID_MIN of login.defs"),
    ("greeter", "system", "@greeter", "lines for groups, ranges and * do not name greeter, a system account: its uid "
                                      "is below UID_MIN of login.defs"),
    ("greeter", "system", "@100:200", "lines for groups, ranges and * do not name greeter, a system account: its uid "
                                      "is below UID_MIN of login.defs"),
    ("nobody", "nobody", "*", "lines for * do not name nobody, which is no regular account"),
    ("alice", "regular", "@staff", None),
]


@pytest.mark.parametrize("command", [("explain", "/dev/null"), ("rules",)])
@pytest.mark.parametrize("user, kind, who, why", ACCOUNTS)
def test_accounts_that_a_line_for_all_does_not_name(bpfdev, policy, command, user, kind, who, why):
    ask = (command[0], user, *command[1:])
    policy(f"bob deny *\n{who} deny *\n")
    result = bpfdev(*ask)
    expected = [f"{why}; so not {CONF}:2: {who} deny *"] if why else []
    assert result.code == 0
    assert result.lines == [f"no line names {user}: no filter, everything is allowed", *expected]
    assert bpfdev(*ask, "--json").json()["account"] == kind
    # Nothing is to be said where no line seems to be about them.
    policy("bob deny *\n@students deny *\n")
    if user != "alice":
        assert bpfdev(*ask).lines == [f"no line names {user}: no filter, everything is allowed"]
    # Their own lines count, the other ones still do not.
    policy(f"{user} allow *\n{who} deny *\n")
    assert (f"{why}; so not {CONF}:2: {who} deny *" in bpfdev(*ask).lines) == bool(why)


def test_names_with_blanks(bpfdev, policy, place):
    place.write("/etc/passwd", place.path("/etc/passwd").read_text() + "mary ann:x:1010:1010::/:/bin/sh\n")
    place.write("/etc/group", place.path("/etc/group").read_text() + "mary ann:x:1010:\nlab users:x:2002:mary ann\n")
    policy('"mary ann" deny @kvm\n@"lab users" allow *\n')
    result = bpfdev("explain", "mary ann", "c", "10:232", "r")
    assert result.code == 1
    assert result.lines[0].startswith("mary ann, as a local login")
    assert result.lines[1] == "groups that lines name: lab users"
    assert f'  r--  denied by {CONF}:1, a line for the user: "mary ann" deny @kvm' in result.lines
    assert f'    r--  {CONF}:2: @"lab users" allow *' in result.lines
    assert bpfdev("explain", "mary ann", "c", "10:233", "r", "--json").json()["groups"] == ["lab users"]
    assert bpfdev("rules", "mary ann").lines[0].startswith("mary ann, as a local login")
    assert bpfdev("explain", "mary ann", "c", "10:232", "--session").err == "bpfdev: mary ann has no open session\n"


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
        "account": "regular",
        "login": {"kind": "login", "remote": False, "service": "login", "tty": "", "rhost": "",
                  "assumed": ["origin", "service", "tty"]},
        "filter": "rules", "groups": ["students"], "exempt": None, "audit": None,
        "devices": [{
            "device": "c 81:0", "type": "char", "major": [81, 81], "minor": [0, 0], "path": "/dev/video0",
            "drivers": ["video4linux"], "usb": None, "allowed": True,
            "verdicts": [allowed, line(4, "* allow *", "anyone") | {"access": "-w-", "verdict": "allowed"}],
            "passed_over": [
                line(3, "alice deny c 81:0 w remote", "user")
                | {"access": "-w-", "why": "condition", "unmet": "remote"},
                line(4, "* allow *", "anyone") | {"access": "r--", "why": "rank", "unmet": None}],
            "otherwise": {
                "option": "--remote", "allowed": False,
                "verdicts": [allowed, line(3, "alice deny c 81:0 w remote", "user")
                             | {"access": "-w-", "verdict": "denied"}]},
            "doors": []}]}


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
