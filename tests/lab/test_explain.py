# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev explain agrees with what the kernel does, for logins that could be and for sessions that are open."""

import contextlib
import json
import random
import shlex
import subprocess

import pytest

from suites import every_suite, one_suite
from verbs import FUSE, MANAGER, NODES, Waiting, equip, equipped, scope_gone

pytestmark = one_suite

CONF = "/etc/security/bpfdev.conf"
MORE_NODES = (("/dev/fuse", "c", 10, 229), ("/dev/loop-control", "c", 10, 237), ("/dev/null", "c", 1, 3),
              ("/dev/disk0", "b", 7, 0), ("/dev/disk1", "b", 7, 1), ("/dev/disk2", "b", 259, 9))
DEVICES = [(f"/dev/try{minor}", "c", 510, minor) for minor in range(NODES)] + list(MORE_NODES)
WAYS = ("r", "w", "rw", "m")
POLICIES = 20


@pytest.fixture(scope="module")
def shared_box(shared_machine):
    equip(shared_machine)
    for path, kind, major, minor in MORE_NODES:
        if kind == "b":
            shared_machine.make_node(path, kind, major, minor)
    return shared_machine


@pytest.fixture
def box(shared_box, machine):
    yield from equipped(machine)


def explain(box, *words, user="alice"):
    """What it says: the JSON, which includes the exit status as "code"."""
    result = box.run(["bpfdev", "explain", user, *words, "--json"], check=False)
    assert result.stderr == "" and result.returncode in (0, 1), result
    return json.loads(result.stdout) | {"code": result.returncode}


def text(box, *words, user="alice"):
    """The lines that it says, without JSON, and the exit status."""
    result = box.run(["bpfdev", "explain", user, *words], check=False)
    assert result.stderr == "", result
    return result.stdout.splitlines(), result.returncode


def explain_all(box, *options):
    """What explain says of each of DEVICES: the bits that are not denied, as a set of letters."""
    script = "".join(f"bpfdev explain alice '{kind} {major}:{minor}' rwm --json {shlex.join(options)}; "
                     for _, kind, major, minor in DEVICES)
    said, decoder, answers = box.run(script, check=False).stdout, json.JSONDecoder(), []
    while said.strip():
        answer, end = decoder.raw_decode(said)
        said = said[end:].lstrip()
        answers.append(answer)
    assert len(answers) == len(DEVICES)
    return answers


def granted(device):
    """The bits that are not denied."""
    return {letter for verdict in device["verdicts"] if verdict["verdict"] != "denied"
            for letter in verdict["access"].replace("-", "")}


def allowed_by_kernel(session):
    """What the kernel grants root in the session: for each of DEVICES a set of WAYS."""
    words = []
    for path, kind, major, minor in DEVICES:
        words += ["r", path, "w", path, "rw", path, f"{kind}:{major}:{minor}", "/tmp/made"]
    said = session.run(f"sudo attempt {' '.join(words)}", check=True).stdout.split()
    assert len(said) == len(DEVICES) * len(WAYS)
    return [{way for way, error in zip(WAYS, said[at:at + len(WAYS)]) if error != "EPERM"}
            for at in range(0, len(said), len(WAYS))]


def ways(bits):
    """What bits let one do: opening for both needs both."""
    return {way for way in WAYS if set(way) <= bits}


def random_policy(dice):
    """Some lines about alice, over few devices, so that they collide; sudo and the shell must work."""
    devices = ["*", "*", "c 510:*", "c 510:*", *(f"c 510:{minor}" for minor in range(NODES)), "c 510:2-6", "c *:3",
               "/dev/try[0-4]", "/dev/fuse", "char-misc", "char-*", "b 7:*", "b 7:0", "block-*", "@some"]
    whens = ["", "", "", "", "local", "remote", "service=sshd", "service=login", "tty=tty1", "local tty=tty*"]
    lines = ["class some c 510:0-3 char-misc b 259:*"]
    for _ in range(dice.randint(2, 12)):
        who, verb = dice.choice(["alice", "@students", "*", "1000:1010"]), dice.choice(["allow", "deny"])
        lines.append(f"{who} {verb} {dice.choice(devices)} {dice.choice(['r', 'w', 'rw', 'm', 'rwm'])} "
                     f"{dice.choice(whens)}")
    for who, verb, share in (("@students", "exempt", 10), ("*", "exempt", 10), ("@students", "audit", 15)):
        if dice.randrange(100) < share:
            lines.append(f"{who} {verb} {dice.choice(whens)}")
    dice.shuffle(lines)
    shell = "".join(f"alice allow {device} rw\n" for device in ("c 5:*", "c 136:*", "c 1:3-9"))
    return "\n".join(lines) + "\n" + shell


def check_session(box, session, options):
    """explain, for such a login and for this session, against the kernel."""
    kernel = allowed_by_kernel(session)
    could_be = explain_all(box, *options)
    is_open = explain_all(box, f"--session={session.id}")
    for device, fact, planned, live in zip(DEVICES, kernel, could_be, is_open):
        assert ways(granted(planned["devices"][0])) == fact, device
        (place,) = live["sessions"]
        assert ways(granted(place["devices"][0])) == fact, device
        assert (place["agrees"], place["policy_changed"]) == (True, False)
        assert place["filter"] == planned["filter"]
        assert place["devices"][0]["verdicts"] == planned["devices"][0]["verdicts"]
        assert live["allowed"] == planned["allowed"] == (fact == set(WAYS))


@pytest.mark.only_suite("bookworm")
def test_random_policies_are_explained_as_the_kernel_decides(box):
    seed = random.randrange(2 ** 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(POLICIES):
        policy = random_policy(dice)
        print(policy)
        box.policy(policy)
        with box.ssh_session("alice") as remote, box.console_login("alice") as local:
            check_session(box, remote, ("--remote",))
            check_session(box, local, ("--tty=tty1",))
        box.log_out_everybody()


@every_suite
def test_defaults_are_what_the_services_give(box):
    """What explain assumes of a login by ssh is what PAM says there."""
    box.policy("alice allow *\n")
    assumed = explain(box, FUSE, "--remote")["login"]
    with box.ssh_session("alice") as remote, box.console_login("alice") as local:
        first, second, manager = explain(box, FUSE, "--session")["sessions"]
        if first["session"] != remote.id:
            first, second = second, first
        assert (first["service"], first["tty"]) == (assumed["service"], assumed["tty"]) and first["rhost"]
        assert (second["service"], second["tty"], second["rhost"]) == ("login", "tty1", "")
        assert {first["session"], second["session"]} == {remote.id, local.id}
        assert (manager["session"], manager["role"], manager["unit"]) == (None, "manager", "user@1000.service")


def test_files_that_have_changed_since(box):
    box.policy(f"@students allow *\nalice deny {FUSE}\n")
    with box.ssh_session("alice") as session:
        box.policy(f"@students allow *\nalice allow {FUSE}\n")
        said, code = text(box, "/dev/fuse", f"--session={session.id}")
        assert code == 1
        assert said[0].startswith(f"session {session.id}, service sshd, tty ssh, from 127.0.0.1, since 20")
        assert said[1:] == [
            "  c 10:229 /dev/fuse (char-misc)",
            f"    rw-  denied by a line of a policy that has changed since: deny {FUSE}",
            f"    the files: rw-  allowed by {CONF}:2, a line for the user: alice allow {FUSE}",
            "  the filter and the files differ: bpfdev reload alice puts the policy in force"]
        said, code = text(box, "/dev/try1", f"--session={session.id}")
        assert (code, said[2:]) == (0, ["    rw-  allowed by a line of a policy that has changed since: allow *",
                                        "  the filter and the files agree, though the policy has changed since"])
        place = explain(box, "/dev/fuse", f"--session={session.id}")["sessions"][0]
        assert (place["agrees"], place["policy_changed"], place["allowed"]) == (False, True, False)
        verdict = place["devices"][0]["verdicts"][0]
        assert (verdict["line"], verdict["text"], place["devices"][0]["files"]["allowed"]) == (None, f"deny {FUSE}", True)
        box.run("bpfdev reload alice")
        said, code = text(box, "/dev/fuse", f"--session={session.id}")
        assert (code, said[2:]) == (0, [
            f"    rw-  allowed by {CONF}:2, a line for the user: alice allow {FUSE}",
            "  the filter and the files agree"])


def test_files_that_no_longer_audit(box):
    box.policy(f"alice audit\nalice allow *\nalice deny {FUSE}\n")
    with box.ssh_session("alice") as session:
        place = explain(box, FUSE, f"--session={session.id}")["sessions"][0]
        assert (place["agrees"], place["devices"][0]["verdicts"][0]["verdict"]) == (True, "audited")
        box.policy("alice allow *\n")
        place = explain(box, FUSE, f"--session={session.id}")["sessions"][0]
        assert (place["agrees"], place["allowed"]) == (False, True)


def test_files_with_mistakes(box):
    box.policy(f"alice allow *\nalice deny {FUSE}\n")
    with box.ssh_session("alice") as session:
        box.policy("alice dney *\n")
        said, code = text(box, FUSE, f"--session={session.id}")
        assert (code, said[2]) == (1, "    rw-  denied by a line that cannot be named: deny c 10:229")
        assert said[3].startswith(f"  it cannot be compared with the files: {CONF}:1:7: unknown verb")
        place = explain(box, FUSE, f"--session={session.id}")["sessions"][0]
        assert (place["agrees"], place["policy_changed"], place["devices"][0]["files"]) == (None, None, None)
        assert "unknown verb" in place["why"]
        assert box.run("bpfdev explain alice @webcam --session", check=False).returncode == 2


def test_another_policy_file(box):
    """A session that was filtered by conf= is compared with that file."""
    box.configure_pam("conf=/etc/other.conf")
    box.write_file("/etc/other.conf", f"alice allow *\nalice deny {FUSE}\n")
    with box.ssh_session("alice") as session:
        place = explain(box, FUSE, f"--session={session.id}")["sessions"][0]
        assert (place["policy"], place["agrees"], place["allowed"]) == ("/etc/other.conf", True, False)
        assert place["devices"][0]["verdicts"][0]["line"] == "/etc/other.conf:2"
        box.write_file("/etc/other.conf", "alice allow *\n")
        assert explain(box, FUSE, f"--session={session.id}")["sessions"][0]["agrees"] is False


@every_suite
def test_manager_is_the_union(box):
    box.policy(f"alice allow *\nalice deny {FUSE} rw remote\n")
    with box.ssh_session("alice") as remote:
        manager = explain(box, FUSE, "--session")["sessions"][-1]
        assert (manager["role"], manager["allowed"], manager["agrees"]) == ("manager", False, True)
        assert manager["devices"][0]["verdicts"][0]["line"] == f"{CONF}:2"
        with box.console_login("alice"):
            said, code = text(box, FUSE, "--session")
            assert (code, said[-4:]) == (1, [
                "the user's systemd manager", "  c 10:229 /dev/fuse (char-misc)",
                f"    rw-  allowed by {CONF}:1, a line for the user: alice allow *",
                "  it is the union of what the open sessions may do"])
            box.policy("alice allow *\n")
            manager = explain(box, FUSE, "--session")["sessions"][-1]
            assert (manager["agrees"], manager["devices"][0]["verdicts"][0]["line"]) == (True, None)
        assert len(explain(box, FUSE, f"--session={remote.id}")["sessions"]) == 1


def test_manager_that_lingers(box):
    """With no session open, it has what --manager says."""
    box.policy(f"alice allow *\nalice deny {FUSE} rw remote\nalice deny c 510:1 service=sshd\n")
    box.run("loginctl enable-linger alice")
    box.wait_for(lambda: MANAGER in box.programs(), "the manager has its filter")
    (place,) = explain(box, FUSE, "--session")["sessions"]
    planned = explain(box, FUSE, "--manager")
    assert place["role"] == "manager" and place["agrees"] and not place["allowed"]
    assert place["devices"][0]["verdicts"] == planned["devices"][0]["verdicts"]
    box.policy("alice allow *\nalice allow c 510:1\n")
    said, code = text(box, FUSE, "--session")
    assert (code, said[-1]) == (1, "  the filter and the files differ: bpfdev reload alice puts the policy in force")
    assert said[2] == "    rw-  denied by a line that cannot be named: deny c 10:229"


def test_manager_that_is_not_the_union(box):
    """A session that was killed leaves the manager what it had, until the next login or reload."""
    box.policy(f"alice allow *\nalice deny {FUSE} rw remote\n")
    with box.ssh_session("alice"):
        local = box.console_login("alice")
        local.kill()
        scope_gone(box, local)
        said, code = text(box, FUSE, "--session")
        assert code == 1
        assert said[-3:] == [
            f"    rw-  allowed by {CONF}:1, a line for the user: alice allow *",
            f"    the open sessions: rw-  denied by {CONF}:2, a line for the user: alice deny {FUSE} rw remote",
            "  it is not the union of what the open sessions may do: bpfdev reload alice mends it"]


def test_session_without_a_filter(box):
    with box.ssh_session("alice") as session:
        place = explain(box, FUSE, f"--session={session.id}")["sessions"][0]
        assert (place["filter"], place["allowed"], place["agrees"]) == ("none", True, True)
        box.policy("bob deny *\n")
        assert explain(box, FUSE, "--session")["sessions"][0]["agrees"] is True
        box.policy("alice deny * remote\n")
        said, code = text(box, FUSE, f"--session={session.id}")
        assert (code, said) == (0, [
            f"session {session.id}", "  c 10:229 /dev/fuse (char-misc)",
            "    rw-  allowed as no line is in force: no filter",
            "  it cannot be compared with the files: the files have lines for the user, which bpfdev reload --all "
            "puts in force"])
        assert explain(box, FUSE, f"--session={session.id}")["sessions"][0]["agrees"] is None


def test_session_that_nothing_restricts(box):
    box.policy("alice deny * local\n")
    with box.ssh_session("alice") as session:
        place = explain(box, FUSE, f"--session={session.id}")["sessions"][0]
        assert (place["filter"], place["allowed"], place["agrees"]) == ("unrestricted", True, True)
        assert "    rw-  allowed as no line restricts it" in text(box, FUSE, f"--session={session.id}")[0]


def test_user_whom_no_line_names_any_more(box):
    box.policy("alice deny c 510:1\nalice allow *\n")
    with box.ssh_session("alice") as session:
        box.policy("bob deny *\n")
        said, code = text(box, "c 510:1", f"--session={session.id}")
        assert code == 1 and said[3] == "    the files: rw-  allowed as no line restricts it"
        assert said[4] == "  the filter and the files differ: bpfdev reload alice puts the policy in force"


def test_closed_session_with_processes_left(box):
    box.policy(f"alice allow *\nalice deny {FUSE}\n")
    session = box.ssh_session("alice")
    waiting = Waiting(session)
    session.close()
    place = explain(box, FUSE, f"--session={session.id}")["sessions"][0]
    assert (place["closed"], place["allowed"], place["agrees"]) == (True, False, True)
    assert ", closed, with processes left" in text(box, FUSE, f"--session={session.id}")[0][0]
    waiting.go()


def test_su_that_made_a_session_of_its_own(box):
    """It is no login: conditional deny lines count whatever they ask for."""
    box.policy(f"alice allow *\nalice deny {FUSE} service=sshd\n")
    su = box.spawn(["su", "alice", "-c", "sleep infinity"], user="bob", stdin=subprocess.DEVNULL)
    box.wait_for(lambda: box.users_logged_in() == [1000] and box.run("pgrep -x sleep", check=False).stdout,
                 "su has a session")
    place = explain(box, FUSE, "--session")["sessions"][0]
    assert (place["role"], place["no_login"], place["service"]) == ("session", True, "su")
    assert (place["allowed"], place["agrees"]) == (False, True)
    assert place["devices"][0]["verdicts"] == explain(box, FUSE, "--su")["devices"][0]["verdicts"]
    assert explain(box, FUSE, "--service=su")["allowed"]
    assert ", by su or the like" in text(box, FUSE, "--session")[0][0]
    box.run("pkill -x sleep")
    su.wait()


def test_programs_of_others(box):
    """systemd's own filter on the user's slice can refuse, too, and is told of where it is."""
    box.policy("alice allow *\n")
    with box.ssh_session("alice") as session:
        assert explain(box, FUSE, "--session")["sessions"][0]["programs"] == []
        box.run("systemctl set-property --runtime user-1000.slice DevicePolicy=closed")
        with contextlib.ExitStack() as stack:
            stack.callback(box.run, "systemctl revert user-1000.slice", check=False)
            attached = box.programs()["/user.slice/user-1000.slice"]
            wanted = [{"id": program["id"], "name": program["name"], "cgroup": "/user.slice/user-1000.slice"}
                      for program in attached]
            assert wanted
            places = explain(box, FUSE, "--session")["sessions"]
            assert [place["programs"] for place in places] == [wanted, wanted]
            said, code = text(box, FUSE, f"--session={session.id}")
            assert (code, said[-1]) == (0, f'  also asked: program {wanted[0]["id"]} "{wanted[0]["name"]}" on '
                                           "/user.slice/user-1000.slice (not ours: it can refuse too)")
            assert session.run("attempt rw /dev/fuse").stdout.strip() == "EPERM"


def test_exception_for_a_time(box):
    box.policy(f"alice allow *\nalice deny {FUSE} rw\nalice deny c 510:* rwm\n")
    with box.ssh_session("alice") as session:
        box.run("bpfdev allow alice /dev/fuse r --for 15min")
        said, code = text(box, FUSE, "rw", f"--session={session.id}")
        assert code == 1
        assert said[2].startswith("    r--  allowed for a time by an exception, until 20")
        assert said[2].endswith(f"; otherwise denied by {CONF}:2, a line for the user: alice deny {FUSE} rw")
        assert said[3] == f"    -w-  denied by {CONF}:2, a line for the user: alice deny {FUSE} rw"
        assert said[4] == "  the filter and the files agree"
        until = box.run("date +%s").stdout
        verdict = explain(box, FUSE, "r", f"--session={session.id}")["sessions"][0]["devices"][0]["verdicts"][0]
        assert verdict["verdict"] == "lent" and 0 < verdict["until"] - int(until) <= 15 * 60 + 1
        box.run("bpfdev allow alice 'c 510:*' --for 1h")
        later = explain(box, "/dev/try3", f"--session={session.id}")["sessions"][0]["devices"][0]["verdicts"][0]
        assert later["until"] > verdict["until"] + 30 * 60
        again = explain(box, FUSE, "r", f"--session={session.id}")["sessions"][0]["devices"][0]["verdicts"][0]
        assert again["until"] <= verdict["until"] + 1
        box.run("bpfdev revoke alice")
        assert explain(box, FUSE, "r", f"--session={session.id}")["code"] == 1


def test_nothing_open(box):
    box.policy("alice allow *\n")
    for words, said in (("bob c 1:3 --session", "bob has no open session"),
                        ("alice c 1:3 --session=x", 'alice has no open session "x"; bpfdev status lists them')):
        result = box.run(f"bpfdev explain {words}", check=False)
        assert (result.returncode, result.stdout, result.stderr) == (3, "", f"bpfdev: {said}\n")


def test_user_asks_in_a_session(box):
    """The rules that hold oneself may be asked for, the kernel may not."""
    box.policy(f"alice allow *\nalice deny {FUSE}\nbob deny *\n")
    command = "/usr/local/sbin/bpfdev explain"
    with box.ssh_session("alice") as session:
        result = session.run(f"{command} alice /dev/fuse --remote")
        assert (result.returncode, result.stderr) == (1, "") and f"{CONF}:2" in result.stdout
        for words in ("bob /dev/fuse", "alice /dev/fuse --session"):
            result = session.run(f"{command} {words}")
            assert (result.returncode, result.stdout) == (3, "") and "root" in result.stderr
