# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev explain: what may be named as a device, and what is said of several; all of it agrees with bpfdev rules."""

import random

import pytest

NO_DEVICE = "its numbers: c MAJOR:MINOR for a character device, b MAJOR:MINOR for a block device"


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
    (("char-kvm",), 3, 'char-kvm is no driver but a device of char-misc; expected "@kvm" or "c 10:232"'),
    (("@none",), 3, 'there is no class "none" in the policy'),
    (("video0",), 64, 'unknown device "video0"; expected *, c M:m, b M:m, a M:m, char-NAME, block-NAME, /dev/PATH, '
                      'usb:VENDOR:PRODUCT[:SERIAL], tag:NAME or @class; a class is written "@video0", a node "/dev/video0"'),
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


@pytest.fixture
def plugged(place):
    """A stick with two nodes, another one of the same model, a tagged camera that is no USB device."""
    place.plug("b 8:0", "sda", "46f4:0001:A-1", links=["disk/by-label/DATA"])
    place.plug("b 8:1", "sda1", "46f4:0001:A-1")
    place.plug("b 8:16", "sdb", "46f4:0001:B/2", links=["disk/by-label/DATA"])
    place.plug("c 81:0", "video0", tags=["exam"])


@pytest.mark.parametrize("word, titles", [
    ("usb:46f4:0001:A-1", ["b 8:0 /dev/sda (block-sd) usb:46f4:0001:A-1", "b 8:1 (block-sd) usb:46f4:0001:A-1"]),
    ("usb:46F4:*:B/*", ["b 8:16 (block-sd) usb:46f4:0001:B/2"]),
    ("usb:46f4:0001", ["b 8:0 /dev/sda (block-sd) usb:46f4:0001:A-1", "b 8:1 (block-sd) usb:46f4:0001:A-1",
                       "b 8:16 (block-sd) usb:46f4:0001:B/2"]),
    ("tag:exam", ["c 81:0 /dev/video0 (char-video4linux)"]),
    ("/dev/disk/by-label/DAT[A]", ["b 8:0 /dev/sda (block-sd) usb:46f4:0001:A-1",
                                   "b 8:16 (block-sd) usb:46f4:0001:B/2"]),
])
def test_devices_by_what_they_are(bpfdev, policy, plugged, word, titles):
    policy("alice allow *\n")
    assert targets(bpfdev("explain", "alice", word)) == titles


def test_a_line_about_a_usb_device_decides_on_its_nodes(bpfdev, policy, plugged):
    policy("alice allow *\nalice deny usb:46f4:0001:A-1\nalice deny tag:exam w\n")
    assert bpfdev("explain", "alice", "b 8:1").code == 1
    assert bpfdev("explain", "alice", "b 8:16").code == 0
    assert [device["usb"] for device in bpfdev("explain", "alice", "a 8:0", "--json").json()["devices"]] == [
        "usb:46f4:0001:A-1", None]
    assert bpfdev("explain", "alice", "/dev/video0", "r").code == 0
    assert bpfdev("explain", "alice", "/dev/video0", "w").code == 1


@pytest.mark.parametrize("word, code, said", [
    ("usb:46f4", 64, 'bpfdev: "usb:46f4" is no USB device; expected usb:VENDOR:PRODUCT[:SERIAL]'),
    ("usb:46f4:0x/1", 64, 'bpfdev: bad product id "0x/1"; expected it without 0x'),
    ("usb:dead:beef", 3, "bpfdev: usb:dead:beef stands for no device on this machine now"),
    ("tag:none", 3, "bpfdev: tag:none stands for no device on this machine now"),
])
def test_identities_that_stand_for_nothing(bpfdev, policy, plugged, word, code, said):
    policy("alice allow *\n")
    result = bpfdev("explain", "alice", word)
    assert (result.code, result.err[:len(said)]) == (code, said)
