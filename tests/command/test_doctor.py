# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""`bpfdev doctor` where files alone decide; machines with systemd and logins are in tests/lab."""

import re
import socket

import pytest

MODULE = "/run/lib/pam_bpfdev.so"
SYSTEMD = "session optional pam_systemd.so\n"
LINE = f"session required {MODULE}\n"
NOBODY = "60123:60124 allow *\n"  # accounts that no machine has, so that no process counts
TOPICS = "kernel|systemd|pam|sshd|logins|policy|processes|devices|brokers|linger|sessions|sudo|log"
FIELDS = {"topic": str, "level": str, "subject": str, "message": str, "advice": (str, type(None))}


@pytest.fixture
def well(place, policy):
    """The namespace as a machine on which all is well, but for what the real one has of its own."""
    for folder in ("/run/systemd/system", "/run/systemd/seats", "/etc/pam.d"):
        place.path(folder).mkdir(parents=True, exist_ok=True)
    for file in place.path("/etc/pam.d").iterdir():
        file.unlink()
    place.write(MODULE, "")
    for service in ("login", "systemd-user", "other"):
        place.write(f"/etc/pam.d/{service}", SYSTEMD + LINE)
    policy(NOBODY)
    return place


def of(result, *topics):
    """What is not well about these topics, as [(level, subject, message)]; sshd's own is the machine's, and
    so are the services that it has."""
    return [(finding["level"], finding["subject"], finding["message"]) for finding in result.json()["findings"]
            if finding["topic"] in topics and finding["level"] != "ok" and
            (finding["topic"], finding["level"]) != ("brokers", "note")]


@pytest.mark.usefixtures("well")
def test_all_is_well(bpfdev):
    result = bpfdev("doctor", "--json")
    assert of(result, "kernel", "systemd", "pam", "policy", "processes", "devices", "brokers", "linger") == []
    assert result.code == 0 and result.json()["lets_out"] is False


@pytest.mark.usefixtures("well")
def test_json_has_the_fields_it_should(bpfdev):
    told = bpfdev("doctor", "--json").json()
    assert set(told) == {"findings", "lets_out"}
    for finding in told["findings"]:
        assert set(finding) == set(FIELDS)
        assert all(isinstance(finding[name], kind) for name, kind in FIELDS.items())
        assert finding["level"] in ("ok", "note", "warn", "bad")


def test_lines_have_a_mark_a_topic_and_a_sentence(bpfdev, well, policy):
    well.write("/etc/pam.d/login", SYSTEMD)
    policy("# no rules\n")
    result = bpfdev("doctor")
    assert result.code == 1
    for line in result.lines:
        assert re.fullmatch(rf"(ok  |note|warn|bad ) ({TOPICS}) +\S.*[^.]| {{17}}\S.*[^.]", line), line
    at = result.lines.index("bad  pam       login: pam_bpfdev.so is not among the session lines: who comes in this way "
                            "has no rules")
    assert result.lines[at + 1] == " " * 17 + ('add "session required pam_bpfdev.so", behind pam_systemd.so, to '
                                               "/etc/pam.d/login")


def test_services_of_which_the_same_is_to_be_said_share_a_line(bpfdev, well):
    for service in ("sshd", "xdm"):
        well.write(f"/etc/pam.d/{service}", "@include login\n")
    result = bpfdev("doctor")
    assert "ok   pam       login, other, sshd, xdm: pam_bpfdev.so filters who comes in, or refuses them" in result.lines
    assert result.out.count("filters who comes in") == 1
    subjects = [finding["subject"] for finding in bpfdev("doctor", "--json").json()["findings"]
                if finding["message"].startswith("pam_bpfdev.so filters who")]
    assert subjects == ["login", "other", "sshd", "xdm"]


def test_quiet(bpfdev, well):
    well.write("/etc/pam.d/login", SYSTEMD)
    for option in ("--quiet", "-q"):
        assert not [line for line in bpfdev("doctor", option).lines if line.startswith("ok")]
    left = bpfdev("doctor", "-q", "--json").json()["findings"]
    assert left and all(finding["level"] != "ok" for finding in left)


@pytest.mark.usefixtures("well")
def test_colour_is_for_terminals(bpfdev, on_terminal):
    assert "\x1b" not in bpfdev("doctor").out
    assert "\x1b[32mok" in bpfdev("doctor", "--color=always").out
    assert "\x1b[32mok" in on_terminal("doctor").out
    assert "\x1b" not in on_terminal("doctor", "--color=never").out
    assert "\x1b" not in on_terminal("doctor", env={"NO_COLOR": "1"}).out


def test_only_root_may_look(bpfdev, policy):
    policy("alice alow *\n")
    for options in ((), ("--json",), ("--conf=/etc/security/bpfdev.conf",)):
        result = bpfdev("doctor", *options, user="alice")
        assert (result.code, result.out) == (3, "")
        assert result.err.startswith("bpfdev: doctor needs root: it looks at all users' processes and sessions")


def test_usage(bpfdev):
    for wrong in ("--nonsense", "alice", "--conf=relative", "--color=pink"):
        result = bpfdev("doctor", wrong)
        assert (result.code, result.out) == (64, ""), wrong
    result = bpfdev("doctor", "--help")
    assert result.code == 0
    assert all(option in result.out for option in ("--quiet", "--json", "--color", "--conf=PATH", "Exit status"))


@pytest.mark.parametrize("path", [None, "/dev/log", "/run/systemd/journal/socket"])
def test_whether_anybody_reads_what_is_logged(bpfdev, well, path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        if path:
            well.path(path).parent.mkdir(parents=True, exist_ok=True)
            reader.bind(str(well.path(path)))
        said = [what for what in of(bpfdev("doctor", "--json"), "log") if "neither the journal" in what[2]]
        assert [level for level, _, _ in said] == ([] if path else ["warn"])
    if path:
        well.path(path).unlink()


@pytest.mark.usefixtures("well")
def test_mistakes_of_the_policy(bpfdev, policy):
    policy("alice alow *\n")
    result = bpfdev("doctor", "--json")
    assert (result.code, result.json()["lets_out"]) == (2, False)
    assert of(result, "policy") == [("bad", "", '/etc/security/bpfdev.conf:1:7: unknown verb "alow"; expected allow, '
                                                'deny, exempt or audit (did you mean "allow"?)')]
    assert bpfdev("doctor").code == 2
    other = policy(NOBODY, "other.conf")
    assert bpfdev("doctor", f"--conf={other}").code == 0
    assert bpfdev("doctor", "--conf=/missing").code == 2


def test_mistake_that_shows_when_devices_are_looked_up(bpfdev, well, policy):
    well.write("/etc/group", "docker:x:999:carol\n")
    policy("class big c 1-4:1-1000 c 5-8:1-1000\ncarol deny @big\n")
    result = bpfdev("doctor", "--json")
    assert result.code == 2
    (said,) = of(result, "policy")
    assert said[0] == "bad" and said[2].startswith("/etc/security/bpfdev.conf:2:12: ")


def test_user_whose_rules_are_too_many(bpfdev, well, policy):
    well.write("/etc/group", "docker:x:999:carol\n")
    policy("".join(f"carol allow c {major}:0-4095\n" for major in range(1, 80)))
    result = bpfdev("doctor", "--json")
    assert result.code == 3
    level, subject, message = of(result, "policy")[-1]
    assert (level, subject) == ("warn", "carol") and message.startswith("what rules they have cannot be told: ")


@pytest.mark.usefixtures("well")
def test_a_policy_of_no_lines(bpfdev, policy):
    policy("# nothing\n")
    result = bpfdev("doctor", "--json")
    assert result.code == 0
    assert of(result, "policy") == [("note", "", "no line names anybody: nobody is filtered")]


def test_a_policy_that_is_not_there(bpfdev, well):
    well.path("/etc/security/bpfdev.conf").unlink()
    assert of(bpfdev("doctor", "--json"), "policy") == [
        ("note", "", "there is no /etc/security/bpfdev.conf, and no line names anybody: nobody is filtered")]


@pytest.mark.usefixtures("well")
def test_files_that_are_not_read(bpfdev, policy):
    policy("* deny *\n", "bpfdev.d/10-lab")
    result = bpfdev("doctor")
    at = result.lines.index('note policy    /etc/security/bpfdev.d/10-lab: is not read, as its name does not end in ".conf"')
    assert result.lines[at + 1] == " " * 17 + "expected it to be renamed so, or to be somewhere else"
    assert "1 warning" not in result.out


@pytest.mark.parametrize("sources, silent", [
    ("files ldap", None), ("files ldap systemd", "ldap"), ("files sss [NOTFOUND=return] systemd", "sss"),
    ("files ldap [UNAVAIL=return] systemd", None), ("ldap [NOTFOUND=continue UNAVAIL=return] files", None),
    ("files systemd", None)])
def test_directory_that_is_not_the_last_source(bpfdev, well, policy, sources, silent):
    well.write("/etc/nsswitch.conf", f"passwd: files ldap systemd\n# group: ldap files\ngroup:\t{sources}\n")
    policy("@students allow *\n")
    found = [(level, subject) for level, subject, message in of(bpfdev("doctor", "--json"), "policy")
             if "nsswitch.conf" in message]
    assert found == ([("warn", silent)] if silent else [])
    policy(NOBODY)
    assert "nsswitch.conf" not in bpfdev("doctor").out


def test_groups_of_pam_group(bpfdev, well, policy):
    well.write("/etc/security/group.conf", "# sshd;*;*;Al0000-2400;plugdev\n")
    well.write("/etc/pam.d/login", "auth optional pam_group.so\n" + SYSTEMD + LINE)
    policy("@students allow *\n")
    assert "pam_group" not in bpfdev("doctor").out
    well.write("/etc/security/group.conf", "sshd;*;*;Al0000-2400;students\n")
    assert [finding[:2] for finding in of(bpfdev("doctor", "--json"), "policy")] == [("note", "pam_group")]
    policy(NOBODY)
    assert "pam_group" not in bpfdev("doctor").out


def test_daemons_that_inetd_starts(bpfdev, well):
    well.write("/etc/inetd.conf", "#shell stream tcp nowait root /usr/sbin/in.rshd in.rshd\n"
                                  "telnet stream tcp nowait root /usr/sbin/tcpd /usr/sbin/in.telnetd\n"
                                  "exec stream tcp nowait root /usr/sbin/in.rexecd\n")
    assert [finding[:2] for finding in of(bpfdev("doctor", "--json"), "logins")] == [
        ("warn", "in.telnetd"), ("bad", "in.rexecd")]
    well.path("/etc/inetd.conf").unlink()


@pytest.mark.usefixtures("well")
def test_a_policy_with_warnings(bpfdev, policy):
    policy(NOBODY + "missing allow c 1:3\n")
    result = bpfdev("doctor", "--json")
    assert (result.code, of(result, "policy")) == (0, [("note", "", "there is 1 warning")])
    policy(NOBODY + "missing allow c 1:3\ngone allow c 1:3\n")
    result = bpfdev("doctor")
    assert "note policy    there are 2 warnings" in result.lines and " " * 17 + "bpfdev check says more" in result.lines
    other = policy("missing allow c 1:3\n", "other.conf")
    assert " " * 17 + f"bpfdev check {other} says more" in bpfdev("doctor", f"--conf={other}").lines


def test_conf_of_the_pam_lines_is_what_is_looked_at(bpfdev, well, policy):
    policy("alice alow *\n")
    other = policy(NOBODY, "other.conf")
    for service in ("login", "systemd-user", "other"):
        well.write(f"/etc/pam.d/{service}", f"{SYSTEMD}session required {MODULE} conf={other}\n")
    result = bpfdev("doctor", "--json")
    assert result.code == 0
    assert {level for level, _, _ in of(result, "pam", "policy")} == {"note"}
    assert bpfdev("doctor", "--conf=/etc/security/bpfdev.conf").code == 2
    well.write("/etc/pam.d/login", SYSTEMD + LINE)
    result = bpfdev("doctor", "--json")
    assert result.code == 2
    assert ("note", "", "which policy counts depends on how users come in") in of(result, "pam")


def test_machine_without_systemd(bpfdev, well):
    well.path("/run/systemd/seats").rmdir()
    assert "systemd-logind does not run" in of(bpfdev("doctor", "--json"), "systemd")[0][2]
    well.path("/run/systemd/system").rmdir()
    result = bpfdev("doctor", "--json")
    assert "not booted with systemd" in of(result, "systemd")[0][2]
    assert (result.code, result.json()["lets_out"]) == (1, True)


def test_what_cannot_be_followed(bpfdev, well):
    well.write("/etc/pam.d/login", "@include login\n@include login\n")
    result = bpfdev("doctor", "--json")
    assert (result.code, result.json()["lets_out"]) == (3, False)
    assert of(result, "pam") == [("warn", "login", "its lines cannot be followed: Argument list too long")]


def test_what_is_certain_outranks_what_cannot_be_seen(bpfdev, well, policy):
    well.write("/etc/pam.d/login", "@include login\n@include login\n")
    well.write("/etc/pam.d/other", SYSTEMD)
    assert bpfdev("doctor").code == 1
    policy("alice alow *\n")
    assert bpfdev("doctor").code == 2


def test_names_of_services_print_harmlessly(bpfdev, well):
    well.write("/etc/pam.d/\x1b[2J\n", SYSTEMD)
    result = bpfdev("doctor")
    assert "bad  pam       \\x1b[2J\\x0a: pam_bpfdev.so is not among the session lines" in result.out
    assert "\x1b" not in result.out
    assert "\x1b[2J\n" in [finding["subject"] for finding in bpfdev("doctor", "--json").json()["findings"]]


def test_members_of_groups(bpfdev, well, policy):
    well.write("/etc/group", "docker:x:999:bob,carol,missing\nstudents:x:2000:carol\n")
    policy("@students deny *\n")
    assert of(bpfdev("doctor", "--json"), "brokers") == \
        [("bad", "carol", "has rules, and is in the group docker: dockerd opens any device for its members")]
    policy("@students deny *\ncarol exempt\n")
    assert of(bpfdev("doctor", "--json"), "brokers") == []


def test_members_beyond_count(bpfdev, well, policy):
    names = [f"user{number}" for number in range(1100)]
    well.write("/etc/group", f"docker:x:999:{','.join(names)}\n")
    policy(NOBODY)
    result = bpfdev("doctor", "--json")
    assert result.code == 3
    assert of(result, "brokers") == [("warn", "docker", "has more than 1000 members: the others were not looked at")]


def test_full_disk_is_no_yes(bpfdev, well):
    with open("/dev/full", "wb") as full:
        assert bpfdev("doctor", stdout=full).code == 3
        assert bpfdev("doctor", "--json", stdout=full).code == 3
