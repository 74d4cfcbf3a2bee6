# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev suggest: from a session in audit to a list of what is allowed, under which the same programs run."""

import json

import pytest

from sessions import LoginRefused
from suites import every_suite, one_suite
from verbs import BY_MANAGER, equipped, scope_gone

pytestmark = one_suite

POLICY = "/etc/security/bpfdev.conf"
FOLDER = "/etc/security/bpfdev.d"
FILE = f"{FOLDER}/kiosk.conf"
# Without a driver, an open that the filter lets pass ends in ENXIO or ENODEV.
NODES = (("/dev/snd/controlC0", "c", 116, 0), ("/dev/snd/pcmC0D0p", "c", 116, 16), ("/dev/input/event0", "c", 13, 64),
         ("/dev/input/event1", "c", 13, 65), ("/dev/input/mice", "c", 13, 63), ("/dev/dri/card0", "c", 226, 0),
         ("/dev/dri/renderD128", "c", 226, 128), ("/dev/ttyUSB0", "c", 188, 0), ("/dev/ttyUSB1", "c", 188, 1),
         ("/dev/net/tun", "c", 10, 200), ("/dev/sda", "b", 8, 0), ("/dev/memory", "c", 1, 1))
LINK = "/dev/serial/by-id/usb-FTDI_FT232R-if00-port0"
# What runs on a kiosk: sound, graphics, an event device, a serial port, and what needs no device of its own.
PROGRAMS = (
    "amixer -c 0 scontrols",
    "aplay -l",
    "aplay -q -D hw:0 /dev/zero",
    "python3 -c 'import os; os.open(\"/dev/snd/pcmC0D0p\", os.O_WRONLY)'",
    "timeout 5 evtest /dev/input/event0",
    "python3 -c 'import os; os.open(\"/dev/dri/card0\", os.O_RDWR)'",
    "head -c 1 /dev/dri/renderD128",
    "python3 -c 'import os; os.open(\"/dev/ttyUSB0\", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)'",
    "tmux new-session -d -s kiosk 'nano /tmp/note'; tmux send-keys -t kiosk C-x; tmux kill-server",
    "eval $(ssh-agent); ssh-add -l; kill $SSH_AGENT_PID",
    "echo hello | less",
    "head -c 4 /dev/urandom | wc -c",
    f"{BY_MANAGER} amixer -c 0 scontrols",
)
UNUSED = ("/dev/input/event1", "/dev/ttyUSB1", "/dev/net/tun", "/dev/sda", "/dev/memory", "/dev/fuse", "/dev/try0")
REFUSED = "Operation not permitted"


@pytest.fixture
def box(machine):
    for path, *numbers in NODES:
        machine.run(f"mkdir -p $(dirname {path})")
        machine.make_node(path, *numbers)
    machine.run(f"mkdir -p $(dirname {LINK}) && ln -sf ../../ttyUSB0 {LINK}; install -d -m 0700 {FOLDER}")
    yield from equipped(machine)


def suggested(box, arguments=""):
    """The lines, with single blanks."""
    said = box.run(f"bpfdev suggest {arguments}").stdout
    return [" ".join(line.split()) for line in said.splitlines() if line and line[0] != "#"]


def comments(box, arguments=""):
    return [line for line in box.run(f"bpfdev suggest {arguments}").stdout.splitlines() if line.startswith("#")]


def facts(box, arguments=""):
    return json.loads(box.run(f"bpfdev suggest --json {arguments}").stdout)


def denied(box, user, result="refused"):
    """The devices of the denials with this result."""
    rows = json.loads(box.run(f"bpfdev denials --json {user}").stdout)["denials"]
    return {row["device"] for row in rows if row["result"] == result}


def use(session):
    """Runs the programs. Returns those that were told that a device is not permitted."""
    told = ((program, session.run(program)) for program in PROGRAMS)
    return [program for program, result in told if REFUSED in result.stdout + result.stderr]


def refused(session, paths):
    """Those of the devices that may not be opened."""
    return tuple(path for path in paths if REFUSED in session.run(f"LC_ALL=C; exec 9<{path}").stderr)


@every_suite
def test_from_audit_to_a_policy(box):
    box.policy("kiosk  audit\n")
    with box.ssh_session("kiosk") as session:
        assert use(session) == []
        audited = denied(box, "kiosk", "audit")
        assert audited == {"c 116:0", "c 116:16", "c 13:64", "c 226:0", "c 226:128", "c 188:0"}

        box.run(f"bpfdev suggest kiosk >{FILE}")
        box.run(f"sed -i 's/.*audit/# &/' {POLICY}")
        assert "no mistakes" in box.run("bpfdev check --strict").stdout
        box.run("bpfdev reload")

        assert use(session) == []
        assert denied(box, "kiosk") == set()
        assert refused(session, UNUSED) == UNUSED
        assert denied(box, "kiosk") == {"c 13:65", "c 188:1", "c 10:200", "b 8:0", "c 1:1", "c 10:229", "c 510:0"}
    scope_gone(box, session)
    with box.ssh_session("kiosk") as session:
        assert use(session) == []
        assert denied(box, session.id) == denied(box, session.id, "audit") == set()
        assert refused(session, UNUSED) == UNUSED
    assert box.read_file(FILE).count("\nkiosk ") == 4


def test_the_text(box):
    box.policy("kiosk audit\n")
    with box.ssh_session("kiosk") as session:
        use(session)
        session.run("head -c 1 /dev/sda; head -c 1 /dev/try1; head -c 1 /dev/try2; head -c 1 /dev/input/event1")
        session.run("for i in 1 2 3; do head -c 1 /dev/fuse; done")
        assert suggested(box, "kiosk") == [
            f"kiosk allow {LINK} rw", "kiosk allow @fuse r", "kiosk allow b 8:0 r",
            "kiosk allow c 510:1-2 r", "kiosk allow char-alsa rw", "kiosk allow char-drm rw", "kiosk allow char-input r"]
        told = comments(box, "kiosk")
    text = "\n".join(told)
    assert f"#   session {session.id} of kiosk, by sshd from 127.0.0.1, since 2" in text
    assert "#   the manager of kiosk, since 2" in text
    assert f"#   add it to {FILE}\n#   bpfdev check\n#   bpfdev reload\n" in text
    # Asked again, there could be more than was read.
    assert not [line for line in told if "bpfdev suggest" in line]
    assert f"#   {POLICY}:1: kiosk audit\n" in text
    assert [line for line in told if "WARNING" in line] == [
        "# WARNING: a disk or the like: who may open it gets round the permissions of all files on it",
        "# WARNING: keyboards, too: who may open it reads what others type"]
    assert any(line.startswith("# /dev/try1 and /dev/try2: kiosk 2 times, last 2") for line in told)
    assert any(line.startswith("# /dev/fuse: kiosk 3 times, last 2") and line.endswith(": head") for line in told)
    assert [line for line in told if " of the " in line] == ["# 2 of the 3 devices that char-input stands for here"]


def test_nothing_new_is_not_suggested_again(box):
    box.policy("kiosk audit\n")
    with box.ssh_session("kiosk") as session:
        session.run("head -c 1 /dev/net/tun")
        box.run(f"bpfdev suggest kiosk >>{FILE} && bpfdev reload")
        assert suggested(box, "kiosk") == []
        assert comments(box, "kiosk")[-1] == \
            "# All of it (1 device) is allowed by the policy as it is now: nothing to suggest"
        session.run("head -c 1 /dev/net/tun; : >/dev/net/tun; head -c 1 /dev/fuse")
        assert suggested(box, "kiosk") == ["kiosk allow @fuse r", "kiosk allow c 10:200 w"]
        box.run(f"bpfdev suggest kiosk >>{FILE} && bpfdev check --strict && bpfdev reload")
        assert suggested(box, "kiosk") == []


@every_suite
def test_what_was_refused(box):
    box.policy("kiosk allow @sound\nkiosk deny c 10:200\n")
    with box.ssh_session("kiosk") as session:
        assert refused(session, ["/dev/net/tun", "/dev/snd/controlC0"]) == ("/dev/net/tun",)
        assert suggested(box, session.id) == ["kiosk allow c 10:200 r"]
        assert f"# denied by {POLICY}:2, which this line outweighs: kiosk deny c 10:200" in comments(box, "kiosk")
        box.run(f"bpfdev suggest kiosk >>{FILE} && bpfdev reload")
        assert refused(session, ["/dev/net/tun"]) == ()


@every_suite
def test_users_of_one_group(box):
    box.run("groupadd -f team && gpasswd -a alice team && gpasswd -a bob team")
    box.policy("@team audit\ncarol audit\n")
    with box.ssh_session("alice") as alice, box.ssh_session("bob") as bob, box.ssh_session("carol") as carol:
        for session in alice, bob, carol:
            session.run("head -c 1 /dev/net/tun")
        bob.run("head -c 1 /dev/fuse")
        assert suggested(box) == ["alice allow c 10:200 r", "bob allow @fuse r", "bob allow c 10:200 r",
                                  "carol allow c 10:200 r"]
        assert "# For more than one user, such as a group: bpfdev suggest --who=@GROUP" in comments(box)
        assert suggested(box, "--who=@team") == ["@team allow @fuse r", "@team allow c 10:200 r"]
        told = comments(box, "--who=@team")
        assert "# Whomever @team names may use what lines allow, and no more: also those who have no rules now" in told
        assert "# Lines for @team are not for carol, who was denied a part of this" in told
        assert any(line.startswith("# /dev/net/tun: alice once, bob once and carol once, last 2") for line in told)
        assert suggested(box, "--who=@team alice") == ["@team allow c 10:200 r"]
        box.run(f"bpfdev suggest --who=@team alice >{FOLDER}/team.conf; bpfdev suggest carol >{FOLDER}/carol.conf")
        box.run(f"sed -i 's/.*audit/# &/' {POLICY}; bpfdev check --strict; bpfdev reload")
        for session in alice, bob, carol:
            assert refused(session, ["/dev/net/tun", "/dev/fuse"]) == ("/dev/fuse",)
    box.run("groupdel team")


def test_for_whom(box):
    box.policy("alice allow c 1:3\nalice deny c 10:200\n")
    with box.ssh_session("alice") as session:
        session.run("head -c 1 /dev/net/tun; head -c 1 /dev/fuse")
        assert suggested(box, "--who=@students") == ["@students allow @fuse r"]
        told = comments(box, "--who=@students")
        assert f"# denied by {POLICY}:2: alice deny c 10:200" in told
        assert "# No line for @students outweighs that: remove it, if it is not meant" in told
        assert suggested(box, "--who=kiosk") == ["kiosk allow @fuse r", "kiosk allow c 10:200 r"]
        assert "# Lines for kiosk are not for alice, who was denied a part of this" in comments(box, "--who=kiosk")
        blocked, = facts(box, "--who=@students")["blocked"]
        assert blocked["device"] == "c 10:200"
        assert blocked["denied_by"] == [{"line": f"{POLICY}:2", "text": "alice deny c 10:200"}]


def test_sessions_without_rules_would_have_some(box):
    box.policy("alice deny c 10:200 remote\n")
    with box.ssh_session("alice") as session:
        session.run("head -c 1 /dev/net/tun")
        warning, = (line for line in comments(box) if "WARNING" in line)
        assert warning.startswith("# WARNING: some sessions of alice have no rules now")
        line, = facts(box)["lines"]
        assert line["restricts"] is True


def test_what_a_process_calls_itself_is_no_line(box):
    box.policy("kiosk audit\n")
    with box.ssh_session("kiosk") as session:
        session.run("python3 -c 'open(\"/proc/self/comm\", \"w\").write(\"x\\n* allow *\"); open(\"/dev/net/tun\")'")
        assert suggested(box) == ["kiosk allow c 10:200 r"]
        assert any(r"x\x0a* allow *" in line for line in comments(box))


def test_json(box):
    box.policy("kiosk audit\n")
    with box.ssh_session("kiosk") as session:
        session.run("head -c 1 /dev/dri/card0; head -c 1 /dev/dri/renderD128; : >/dev/memory")
        said = facts(box, "kiosk")
    assert (said["file"], said["allowed"], said["lost"], said["blocked"]) == (FILE, 0, 0, [])
    assert said["audit"] == [{"line": f"{POLICY}:1", "text": "kiosk audit"}]
    unit, = said["units"]
    assert (unit["session"], unit["unit"], unit["user"], unit["uid"], unit["service"]) == \
        (session.id, f"session-{session.id}.scope", "kiosk", 1003, "sshd")
    memory, cards = said["lines"]
    assert {name: cards[name] for name in ("text", "who", "device", "access", "kind", "warning", "restricts", "devices",
                                           "outweighs")} == {
        "text": "kiosk allow char-drm r", "who": "kiosk", "device": "char-drm", "access": "r--", "kind": "driver",
        "warning": None, "restricts": False, "devices": 2, "outweighs": []}
    assert [(used["device"], used["path"], used["driver"], used["access"], used["count"], used["process"], used["user"])
            for used in cards["uses"]] == [("c 226:0", "/dev/dri/card0", "drm", "r--", 1, "head", "kiosk"),
                                           ("c 226:128", "/dev/dri/renderD128", "drm", "r--", 1, "head", "kiosk")]
    assert memory["device"] == "c 1:1" and memory["access"] == "-w-" and "raw memory" in memory["warning"]


def test_another_policy(box):
    box.write_file("/etc/lab.conf", "kiosk audit\n")
    box.configure_pam("conf=/etc/lab.conf")
    with box.ssh_session("kiosk") as session:
        session.run("head -c 1 /dev/net/tun")
        told = comments(box, "kiosk")
        assert told[told.index("#   add it to /etc/lab.conf") + 1] == "#   bpfdev check --conf=/etc/lab.conf"
        box.run("bpfdev suggest kiosk >>/etc/lab.conf && bpfdev check --conf=/etc/lab.conf && bpfdev reload")
        assert suggested(box, "kiosk") == []
        box.configure_pam()
        box.policy("kiosk audit\n")
        with box.ssh_session("kiosk") as other:
            other.run("head -c 1 /dev/fuse")
            result = box.run("bpfdev suggest")
            assert "kiosk         allow    @fuse                        r" in result.stdout.splitlines()
            assert f"session-{session.id}.scope of kiosk is left out: its rules are from /etc/lab.conf" in result.stderr
        result = box.run("bpfdev suggest --conf=/etc/none.conf", check=False)
        assert result.returncode == 2 and "/etc/none.conf" in result.stderr
        box.write_file("/etc/other.conf", "kiosk audit\n")
        assert comments(box, "--conf=/etc/other.conf") == \
            ["# What was denied is left out, as was said: nothing to suggest"]
    box.run("rm /etc/lab.conf /etc/other.conf")


def test_a_file_that_is_read_last(box):
    """Among equals the last line decides, so the lines had better be the last."""
    box.write_file(f"{FOLDER}/local.conf", "@students deny c 10:200\n")
    box.policy("kiosk audit\n")
    with box.ssh_session("kiosk") as session:
        session.run("head -c 1 /dev/net/tun")
        assert facts(box)["file"] == f"{FOLDER}/zz-kiosk.conf"


@pytest.mark.parametrize("arguments, code, message", [
    ("", 0, ""),
    ("alice", 0, ""),
    ("nobody-there", 1, 'there is no session and no user "nobody-there"'),
    ("bob", 1, "bob is not logged in, and has no manager"),
    ("--who='a b'", 64, '--who=a b: "b" stands before the verb; a name with blanks stands in double quotes'),
    ("--who=%students", 64, 'a group is written "@students" here'),
    ("alice bob", 64, "Too many arguments"),
])
def test_exit_status(box, arguments, code, message):
    with box.ssh_session("alice"):
        result = box.run(f"bpfdev suggest {arguments}", check=False)
        assert result.returncode == code
        assert message in result.stderr
        if code == 0:
            assert [line[0] for line in result.stdout.splitlines()] == ["#"]


def test_only_root_may_ask(box):
    result = box.run("/usr/local/sbin/bpfdev suggest", user="alice", check=False)
    assert result.returncode == 3 and "suggest needs root" in result.stderr


def test_a_policy_with_mistakes(box):
    box.policy("kiosk audit\n")
    with box.ssh_session("kiosk") as session:
        session.run("head -c 1 /dev/net/tun")
        box.policy("kiosk audit\nkiosk alow *\n")
        result = box.run("bpfdev suggest kiosk", check=False)
        assert result.returncode == 2 and result.stdout == ""
        assert f"{POLICY}:2:7" in result.stderr
        with pytest.raises(LoginRefused):
            box.ssh_session("kiosk")


def test_a_long_path_is_whole(box):
    """Brackets are escaped in a policy, so its name there is longer than any message may be."""
    link = "/dev/serial/by-id/" + 250 * "["
    box.run(f"ln -sf ../../ttyUSB1 '{link}'")
    box.policy("kiosk audit\n")
    with box.ssh_session("kiosk") as session:
        session.run("head -c 1 /dev/ttyUSB1")
        lines = suggested(box, "kiosk")
        assert lines == [f"kiosk allow {link.replace('[', chr(92) + '[')} r"]
        assert [line["text"] for line in facts(box, "kiosk")["lines"]] == lines
