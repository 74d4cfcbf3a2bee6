# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Policies that cannot be used: said once, at their place, and nobody but root gets in."""

import os
import socket

import pytest

from test_open import SCOPE
from world import TOP

MAIN = "/etc/security/bpfdev.conf"
APOLOGY = ("The device rules of this machine could not be put in place, so this login is refused. "
           "Please tell the administrator.")

# name: (text, what the log says behind the file's name)
TEXTS = {
    "unknown verb": ("alice forbid *\n",
                     ':1:7: unknown verb "forbid"; expected allow, deny, exempt or audit'),
    "nearly a verb": ("alice alow *\n", ':1:7: unknown verb "alow"; expected allow, deny, exempt or audit '
                                        '(did you mean "allow"?)'),
    "no verb": ("# first\n\nalice\n", ":3:6: verb missing; expected allow, deny, exempt or audit"),
    "no device": ("alice deny\n", ":1:11: device missing; expected *, c M:m"),
    "bad access": ("alice allow * rxw\n", ':1:16: bad access "rxw"; expected letters of "rwm"'),
    "unknown condition": ("alice allow * r servic=x\n",
                          ':1:17: unknown condition "servic=x"; expected local, remote, service=GLOB'),
    "number out of range": ("alice allow c 4096:0\n",
                            ":1:15: major number 4096 is out of range; expected at most 4095"),
    "minor out of range": ("alice allow c 1:1048576\n",
                           ":1:15: minor number 1048576 is out of range; expected at most 1048575"),
    "endless number": ("alice allow c 1:" + "9" * 50 + "\n",
                       ":1:15: minor number 99999999999999999999 is out of range"),
    "unterminated range": ("alice allow b 8:4-\n", ':1:15: range "4-" has no end; expected as in 4-7'),
    "reversed range": ("alice allow b 8:7-4\n", ":1:15: range 7-4 is the wrong way round; expected 4-7"),
    "unknown class": ("alice allow @camera\n", ':1:13: unknown class "@camera"; expected the name of a class'),
    "class in itself": ("class a @b\nclass b @a\n", ':2:9: class that contains itself: "@a"'),
    "bad id": ("5000000000: deny *\n", ':1:1: bad user id "5000000000:"; expected a number'),
    "NUL": (b"alice deny *\nalice deny\0 *\n", ":2:11: NUL byte; the file is damaged"),
    "invalid UTF-8": (b"alice deny /dev/\xff\xfe\n", ":1:17: byte 0xff is not valid UTF-8; save the file as UTF-8"),
    "CRLF": ("alice deny *\r\nalice deny *\r\n", ":1:13: the line ends in CR LF, as on Windows"),
    "control character": ("alice deny \x1b[31m*\n", ":1:12: control character 0x1b"),
    "larger than a file may be": ("#" * (1 << 20) + "\n", ": the file is larger than 1 MiB; split it into drop-ins"),
    "several": ("alice forbid *\nalice deny *\nalice allow * x\nalice\n",
                ':1:7: unknown verb "forbid"; expected allow, deny, exempt or audit (did you mean "deny"?); and 2 more '
                'mistakes'),
    "mistake about somebody else": ("bob forbid *\n", ':1:5: unknown verb "forbid"'),
}


def refusal(user, what):
    """How the log begins when @user is refused because of @what."""
    return f"{user} is refused, as the device rules cannot be put in place: {what}"


@pytest.mark.parametrize("name", TEXTS)
def test_mistake_is_said_at_its_place(login, tree, world, name):
    text, message = TEXTS[name]
    world.policy(text)
    alice = login()
    assert alice.open() == "PAM_SESSION_ERR"
    (entry,) = world.log.entries()
    assert entry.priority == "err"
    assert entry.text.startswith(refusal("alice", MAIN + message))
    assert alice.messages == [APOLOGY]
    assert tree.filters() == {}


def test_log_line_holds_no_control_characters(login, world):
    world.policy("alice \u2028\u202e\u009b *\n")
    login().open()
    (entry,) = world.log.entries()
    assert entry.text.isprintable()


def no_owner(path):
    os.chown(path, 1000, 0)


def open_to_group(path):
    os.chmod(path, 0o664)


def open_to_all(path):
    os.chmod(path, 0o646)


def fifo(path):
    path.unlink()
    os.mkfifo(path, 0o600)


def folder(path):
    path.unlink()
    path.mkdir()


def dangling(path):
    path.unlink()
    path.symlink_to("nowhere")


def link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def socket_file(path):
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


# What is done to a file with "alice deny *", and what is then said of it.
FILES = {
    no_owner: "is not owned by root; expected owner root (chown root)",
    open_to_group: "can be written to by others than its owner (chmod go-w)",
    open_to_all: "can be written to by others than its owner (chmod go-w)",
    fifo: "is a FIFO; expected a regular file",
    folder: "is a folder; expected a regular file",
    dangling: "is a symbolic link; expected a regular file in its place",
    link: "is a symbolic link; expected a regular file in its place",
    socket_file: "cannot be opened: No such device or address",
}


@pytest.mark.parametrize("name", [MAIN, "/etc/security/bpfdev.d/50-lab.conf"])
@pytest.mark.parametrize("damage", FILES, ids=lambda damage: damage.__name__)
def test_file_that_cannot_be_trusted(login, tree, world, name, damage):
    world.write(name[len("/etc/"):], "alice deny *\n")
    damage(world.etc / name[len("/etc/"):])
    assert login().open() == "PAM_SESSION_ERR"
    assert world.log.texts() == [refusal("alice", f"{name}: {FILES[damage]}")]
    assert tree.filters() == {}


@pytest.mark.parametrize("damage, message", [(open_to_all, "can be written to"), (no_owner, "is not owned by root")])
def test_folder_that_cannot_be_trusted(login, world, damage, message):
    world.write("security/bpfdev.d/50-lab.conf", "alice deny *\n")
    damage(world.etc / "security/bpfdev.d")
    assert login().open() == "PAM_SESSION_ERR"
    assert world.log.texts()[0].startswith(refusal("alice", f"/etc/security/bpfdev.d: {message}"))


@pytest.mark.parametrize("text", ["alice deny c 1:5", "#" * 1_000_000 + "\nalice deny c 1:5", "\n" * 1_000_000 +
                                  "alice deny c 1:5\t \n", "@" + "a" * 1_000_000 + " deny *\nalice deny c 1:5\n"],
                         ids=["no final newline", "long comment", "many lines", "long word"])
def test_odd_but_valid(login, tree, world, text):
    world.policy(text)
    assert login().open() == "PAM_SUCCESS"
    assert tree.filters() == {SCOPE: 1}


def test_root_is_let_in_and_the_log_says_so(login, tree, world):
    world.policy("root deny c 1:5\nalice nonsense\n")
    root = login("root", cgroup=tree.scope(1, 0))
    assert root.open() == "PAM_IGNORE"
    (entry,) = world.log.entries()
    assert entry.priority == "err"
    assert entry.text.startswith(f"root is let in WITHOUT device rules (root is never locked out): {MAIN}:2:7: ")
    assert tree.filters() == {} and root.messages == []


def test_onerr_succeed_lets_everybody_in_and_the_log_says_so(login, tree, world):
    world.policy("alice nonsense\n")
    world.service("alone", "onerr=succeed")
    alice = login()
    assert alice.open() == "PAM_IGNORE"
    (entry,) = world.log.entries()
    assert entry.priority == "err"
    assert entry.text.startswith(f"alice is let in WITHOUT device rules (onerr=succeed): {MAIN}:1:7: ")
    assert tree.filters() == {} and alice.messages == []


def test_silent_says_nothing_to_the_user(login, world):
    world.policy("alice nonsense\n")
    alice = login()
    assert alice.open("silent") == "PAM_SESSION_ERR"
    assert alice.messages == [] and len(world.log.entries()) == 1


def test_missing_policy_is_none(login, tree, world):
    (world.etc / "security/bpfdev.conf").unlink()
    assert login().open() == "PAM_IGNORE"
    assert world.log.entries() == [] and tree.filters() == {}


def test_missing_conf_is_a_mistake(login, world):
    world.service("alone", "conf=/etc/security/missing.conf")
    assert login().open() == "PAM_SESSION_ERR"
    assert world.log.texts() == [refusal("alice", "/etc/security/missing.conf: cannot be opened: No such file or "
                                                  "directory")]


def test_conf_takes_the_place_of_all_files(login, tree, world):
    world.write("security/bpfdev.d/50-lab.conf", "nonsense\n")
    world.write("security/other.conf", "bob deny *\n")
    world.service("alone", "conf=/etc/security/other.conf")
    assert login().open() == "PAM_IGNORE"
    assert login("bob", cgroup=tree.scope(2, 1001)).open() == "PAM_SUCCESS"


def test_dropins_follow_the_main_file_in_order(login, world):
    world.policy("alice deny c 1:*\n")
    world.write("security/bpfdev.d/20.conf", "alice deny c 1:5\n")
    world.write("security/bpfdev.d/10.conf", "alice allow c 1:5\nalice allow c 1:7\n")
    world.write("security/bpfdev.d/30.conf.disabled", "nonsense\n")
    alice = login()
    assert alice.open() == "PAM_SUCCESS"
    assert alice.call("try", "r", "/dev/zero") == "EPERM" and alice.call("try", "r", "/dev/full") == "ok"


def test_classes_that_ship_are_understood(login, world):
    text = (TOP / "conf" / "classes.conf").read_text(encoding="utf-8")
    world.policy(text + "".join(f"alice deny @{line.split()[1]}\n" for line in text.splitlines()
                                if line.startswith("class ")))
    assert login().open() == "PAM_SUCCESS", world.log.texts()


@pytest.mark.parametrize("argument", ["nosesion=ignore", "conf=relative.conf", "onerr=", "Debug", "conf"])
def test_unknown_argument_is_logged_and_skipped(login, world, tree, argument):
    world.service("alone", argument)
    assert login().open() == "PAM_SUCCESS"
    assert world.log.entries()[0].priority == "err"
    assert world.log.texts()[0].startswith(f'unknown argument "{argument}" skipped; expected conf=/PATH')
    assert tree.filters() == {SCOPE: 1}


def test_mistakes_are_nothing_to_a_greeter_but_news(login, tree, world):
    world.policy("alice dny *\n")
    assert login("greeter", cgroup=tree.scope(1, 120)).open() == "PAM_IGNORE"
    (text,) = world.log.texts()
    assert text.startswith("greeter, a system account that no line names, is let in although the policy has mistakes: ")
    assert "dny" in text
