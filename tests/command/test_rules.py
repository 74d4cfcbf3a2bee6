# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev rules: the whole table of a login."""

import pytest

CONF = "/etc/security/bpfdev.conf"


def tables(result):
    """The two tables, each a list of lines cut into words; headings left out."""
    rules, lines = result.out.split("\n\n")[1:]
    return [line.split() for line in rules.splitlines()[1:]], [line.split() for line in lines.splitlines()[1:]]


def test_table(bpfdev, policy):
    policy("@students allow *\nalice deny c 81:* rw\nalice deny b 8:0-3\n* deny c 10:229\n"
           "alice deny c 81:1 r remote\n")
    result = bpfdev("rules", "alice")
    assert result.code == 0 and result.err == ""
    assert result.out == f"""alice, as a local login by service login without a tty (assumed: origin, service, tty)
groups that lines name: students

DEVICE  NAME             ALLOWED LINE
b 8:0-3 block-sd         ---     {CONF}:3
c 81:*  char-video4linux --m     rw: {CONF}:2, m: {CONF}:1
b *:*   all others       rwm     {CONF}:1
c *:*   all others       rwm     {CONF}:1

LINE                        FOR              TEXT
{CONF}:1 a group or range @students allow *
{CONF}:2 the user         alice deny c 81:* rw
{CONF}:3 the user         alice deny b 8:0-3
"""


def test_majors_that_nobody_has_are_one_row(bpfdev, policy):
    policy("alice allow *\nalice deny char-notyet rw\nalice deny c 300:*\n")
    rows, _ = tables(bpfdev("rules", "alice"))
    assert [row for row in rows if row[1] != "*:*"] == [
        ["c", "?:*", "majors", "without", "a", "driver", "--m", "rw:", f"{CONF}:2,", "m:", f"{CONF}:1"],
        ["c", "300:*", "---", f"{CONF}:3"]]
    # Who counts on them gets the numbers.
    assert sum(row["allowed"] == "--m" for row in bpfdev("rules", "alice", "--json").json()["rules"]) > 4


def test_most_specific_first_with_names(bpfdev, policy):
    policy("alice allow c *:5 r\nalice allow b 8:* r\nalice allow /dev/video1 rw\nalice allow c 81:* r\n")
    rules, _ = tables(bpfdev("rules", "alice"))
    wildcards = [tuple(part == "*" for part in row[1].split(":")) for row in rules]
    order = [(False, False), (False, True), (True, False), (True, True)]
    assert set(wildcards) == set(order) and wildcards == sorted(wildcards, key=order.index)
    named = {" ".join(row[:2]): row[2] for row in rules}
    assert (named["c 81:1"], named["b 8:*"], named["c 1:3"]) == ("/dev/video1", "block-sd", "/dev/null")


def test_audit_column(bpfdev, policy):
    policy("alice audit\nalice allow c 81:* r\n")
    result = bpfdev("rules", "alice")
    assert result.lines[1].startswith("audit: what lines for the user and lower ranks deny")
    assert result.lines[3].split() == ["DEVICE", "NAME", "ALLOWED", "AUDIT", "LINE"]
    assert next(row for row in tables(result)[0] if row[1] == "81:*")[3:5] == ["rwm", "-wm"]


def test_users_without_rules(bpfdev, policy):
    policy("alice deny * remote\n@staff exempt\n* deny c 1:1 remote\n")
    assert bpfdev("rules", "root").lines[0] == "no line names root: no filter, everything is allowed"
    assert bpfdev("rules", "alice").out == (
        "alice, as a local login by service login without a tty (assumed: origin, service, tty)\n"
        "no line restricts this login: everything is allowed\n")
    assert bpfdev("rules", "bob", "--remote").lines[1:] == [
        f"exempt: lines for a group or range and lower ranks do not count, by {CONF}:2: @staff exempt",
        "groups that lines name: staff", "no line restricts this login: everything is allowed"]
    assert {bpfdev("rules", user).code for user in ("root", "alice", "bob")} == {0}


@pytest.mark.parametrize("options, allowed", [
    ((), "r--"), (("--remote",), "---"), (("--service=gdm",), "rw-"), (("--tty=tty1",), "--m"), (("--su",), "---"),
    (("--manager",), "---")])
def test_conditions(bpfdev, policy, options, allowed):
    policy("alice allow b 8:0 r\nalice deny b 8:0 rwm remote\nalice allow b 8:0 rw service=gdm\n"
           "alice deny b 8:0 r tty=tty1\nalice allow b 8:0 m tty=tty1\n")
    table = bpfdev("rules", "alice", "--json", *options).json()
    assert [row["allowed"] for row in table["rules"] if row["device"] == "b 8:0"] == [allowed]


def test_json(bpfdev, policy):
    policy("@students allow *\nalice deny b 8:0-3 w\n")
    assert bpfdev("rules", "alice", "--remote=h", "--tty=x", "--service=y", "--json").json() == {
        "user": "alice", "uid": 1000, "account": "regular",
        "login": {"kind": "login", "remote": True, "service": "y", "tty": "x", "rhost": "h", "assumed": []},
        "filter": "rules", "groups": ["students"], "exempt": None, "audit": None,
        "rules": [
            {"device": "b 8:0-3", "type": "block", "major": [8, 8], "minor": [0, 3], "name": "block-sd",
             "allowed": "r-m", "audit": "---", "lines": [{"access": "r-m", "line": f"{CONF}:1"},
                                                         {"access": "-w-", "line": f"{CONF}:2"}]},
            *({"device": f"{letter} *:*", "type": name, "major": None, "minor": None, "name": "all others",
               "allowed": "rwm", "audit": "---", "lines": [{"access": "rwm", "line": f"{CONF}:1"}]}
              for letter, name in (("b", "block"), ("c", "char")))],
        "lines": [{"line": f"{CONF}:1", "text": "@students allow *", "rank": "group"},
                  {"line": f"{CONF}:2", "text": "alice deny b 8:0-3 w", "rank": "user"}]}


@pytest.mark.parametrize("user, kind", [("root", "none"), ("alice", "unrestricted")])
def test_json_without_rules(bpfdev, policy, user, kind):
    policy("bob allow *\nalice exempt\nalice deny *\n* allow c 1:1\n@students allow c 2:2\n")
    table = bpfdev("rules", user, "--json").json()
    assert (table["filter"], table["rules"], table["lines"]) == (kind, [], [])


def test_text_is_cut_on_a_terminal_only(bpfdev, on_terminal, policy):
    long = "alice allow " + "c 1:3 rwm service=" + ",".join(f"service{number}" for number in range(20)) + ",login"
    policy(long + "\nalice allow *\n")
    assert tables(bpfdev("rules", "alice"))[1][0][3:] == long.split()
    shown = on_terminal("rules", "alice").out
    assert "service19" not in shown and "alice allow c 1:3" in shown


def test_failures(bpfdev, policy):
    policy("alice dney *\n")
    assert bpfdev("rules", "alice").code == 2
    policy("alice deny *\n")
    result = bpfdev("rules", "zoe")
    assert (result.code, result.out, result.err) == (3, "", 'bpfdev: there is no user "zoe"\n')
    result = bpfdev("rules", "bob", user="alice")
    assert (result.code, result.out) == (3, "") and "only root may ask about other users" in result.err
    assert bpfdev("rules", "alice", user="alice").code == 0
    for words in ((), ("alice", "bob"), ("alice", "--local", "--remote"), ("alice", "--session")):
        result = bpfdev("rules", *words)
        assert result.code == 64 and result.err.startswith("bpfdev rules: ")
    assert bpfdev("rules", "--help").out.startswith("Usage: bpfdev rules [OPTION...] USER\n")


def test_large_policies(bpfdev, policy):
    """Tables are shown whole, and soon: 20,000 devices, each with a line of its own."""
    policy("".join(f"alice {'allow' if number % 2 else 'deny'} c {500 + number % 4}:{number // 4}\n"
                   for number in range(20000)))
    table = bpfdev("rules", "alice", "--json").json()
    assert len(table["lines"]) == 20000 and len(table["rules"]) > 19000
