# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev devices: what is there, in the words that a policy has for it."""

import os
import shutil
import stat

import pytest

import schema


@pytest.fixture
def nodes(place):
    """A function that makes nodes below /dev, {"snd/pcm": "c 116:7"}, and links, {"by-id/x": "../sda"}."""
    made = []

    def make(devices):
        for name, what in devices.items():
            path = place.path(f"/dev/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            if what[1] == " ":
                kind, numbers = what.split()
                os.mknod(path, (stat.S_IFBLK if kind == "b" else stat.S_IFCHR) | 0o600,
                         os.makedev(*map(int, numbers.split(":"))))
            else:
                path.symlink_to(what)
            made.append(path)
    yield make
    for path in made:
        path.unlink(missing_ok=True)
        if path.parent != place.path("/dev"):
            shutil.rmtree(path.parent, ignore_errors=True)


@pytest.fixture
def plugged(place, nodes):
    """A stick with a partition, a camera that a rule has tagged, sound."""
    nodes({"sda1": "b 8:1", "snd/pcmC0D0c": "c 116:24", "disk/by-label/DA\\x20TA": "../../sda1",
           "disk/by-id/usb-A": "../../sda1"})
    place.plug("b 8:0", "sda", "46f4:0001:A 1")
    place.plug("b 8:1", "sda1", "46f4:0001:A 1", links=["disk/by-label/DA\\x20TA", "disk/by-id/usb-A"])
    place.write("/sys/devices/pci0000:00/usb1/1-46f4:0001:A 1/manufacturer", "ACME\n")
    place.write("/sys/devices/pci0000:00/usb1/1-46f4:0001:A 1/product", "Stick\n")
    place.plug("c 81:0", "video0", tags=["exam", "seat"])


def rows(result):
    """The table as lists of words, by path."""
    return {line.split()[0]: line.split()[1:] for line in result.lines[1:] if line}


def test_every_name_of_a_device(bpfdev, policy, plugged):
    policy("class lab usb:46f4:*\nalice allow *\nalice deny @lab w\n")
    result = bpfdev("devices", "/dev/sda1", "--user=alice")
    assert result.code == 0 and result.lines == [
        "/dev/sda1 (ACME Stick)", "  alice may: r-m", "  b 8:1", "  block-sd", "  @usb-storage", "  @storage",
        "  @lab", "  usb:46f4:0001:A?1", "  /dev/disk/by-id/usb-A", "  /dev/disk/by-label/DA\\\\x20TA"]


def test_what_is_printed_is_what_a_policy_takes(bpfdev, policy, plugged):
    policy("class lab usb:46f4:*\n")
    device, = bpfdev("devices", "b 8:1", "--json").json()["devices"]
    words = [device["device"], *device["drivers"], *device["classes"], device["usb"], *device["links"], *device["tags"]]
    assert len(words) == 8
    for word in words:
        policy(f"class lab usb:46f4:*\nalice allow *\nalice deny {word}\n")
        assert bpfdev("explain", "alice", "b", "8:1").code == 1, word
        assert bpfdev("explain", "alice", word).code == 1, word
        assert "/dev/sda1" in [found["path"] for found in bpfdev("devices", word, "--json").json()["devices"]], word


def test_the_whole_list(bpfdev, plugged):
    result = bpfdev("devices")
    assert result.code == 0
    assert result.lines[0].split() == ["PATH", "DEVICE", "DRIVER", "CLASSES", "USB", "NAME", "TAGS", "LINKS"]
    found = rows(result)
    assert found["/dev/null"] == ["c", "1:3", "char-mem"]
    assert found["/dev/sda"][:5] == ["b", "8:0", "block-sd", "@storage", "usb:46f4:0001:A?1"]
    assert found["/dev/video0"] == ["c", "81:0", "char-video4linux", "@webcam", "@camera", "tag:exam", "tag:seat"]
    assert "@microphone" in found["/dev/snd/pcmC0D0c"]
    # Several in a row with nothing to tell them apart are one line; others are not.
    assert "/dev/video1" in found


def test_devices_in_a_row(bpfdev, policy, place, nodes):
    nodes({f"tty{minor}": f"c 4:{minor}" for minor in range(10)} | {"ttyS0": "c 4:64"})
    policy("alice allow *\nalice deny c 4:7\n")
    assert "/dev/tty0 ... tty9" in bpfdev("devices").out
    found = rows(bpfdev("devices", "-u", "alice"))
    assert found["/dev/tty0"][:5] == ["...", "tty6", "rwm", "c", "4:0-6"]
    assert found["/dev/tty7"][:3] == ["---", "c", "4:7"]
    assert found["/dev/tty8"][:3] == ["rwm", "c", "4:8"] and "/dev/tty9" in found
    assert len(bpfdev("devices", "char-tty", "--json").json()["devices"]) == 11


@pytest.mark.parametrize("words, paths", [
    (("/dev/sda",), ["/dev/sda"]),
    (("/dev/sda*",), ["/dev/sda", "/dev/sda1"]),
    (("/dev/disk/by-label/DA\\x20TA",), ["/dev/sda1"]),
    (("/dev/disk/by-label/DA\\\\x20TA",), ["/dev/sda1"]),
    (("/dev/snd",), ["/dev/snd/pcmC0D0c"]),
    (("b 8:0",), ["/dev/sda"]),
    (("b", "8:0", "c", "81:1"), ["/dev/sda", "/dev/video1"]),
    (("b 8:*", "@webcam"), ["/dev/sda", "/dev/sda1", "/dev/video0", "/dev/video1"]),
    (("usb:46f4:0001",), ["/dev/sda", "/dev/sda1"]),
    (("tag:exam", "/dev/null"), ["/dev/null", "/dev/video0"]),
])
def test_only_what_is_asked_for(bpfdev, plugged, words, paths):
    assert [device["path"] for device in bpfdev("devices", "--json", *words).json()["devices"]] == paths


@pytest.mark.parametrize("words, code, said", [
    (("/dev/nothing",), 3, "bpfdev: /dev/nothing: No such file or directory\n"),
    (("/etc/passwd",), 3, "bpfdev: /etc/passwd is not a device; expected a device, or a folder of such\n"),
    (("@none",), 3, 'bpfdev: there is no class "none" in the policy\n'),
    (("usb:46f4",), 64, 'bpfdev: "usb:46f4" is no USB device; expected usb:VENDOR:PRODUCT[:SERIAL]'),
    (("tag:none",), 1, "bpfdev: no such device is there now\n"),
    (("c 4000:0",), 1, "bpfdev: no such device is there now\n"),
    (("c 81:0 r",), 64, 'bpfdev: bad device numbers "81:0 r"'),
    (("char-mem r",), 64, 'bpfdev: "char-mem r" is more than a device; expected one'),
    (("--remote",), 64, "bpfdev devices: an option about a login needs --user=USER: whose it is\n"),
    (("--user=nobodyatall",), 3, 'bpfdev: there is no user "nobodyatall"'),
])
def test_what_cannot_be_listed(bpfdev, words, code, said):
    result = bpfdev("devices", *words)
    assert (result.code, result.err[:len(said)]) == (code, said)


def test_what_a_user_may_do(bpfdev, policy, plugged):
    policy("alice allow * \nalice deny usb:46f4:0001 rwm remote\nbob allow /dev/video0 r\n")
    access = {}
    for user, more in (("alice", ()), ("alice", ("--remote",)), ("bob", ()), ("carol", ())):
        value = bpfdev("devices", "--json", f"--user={user}", *more).json()
        assert value["user"] == user
        access[user, *more] = {device["path"]: device["access"] for device in value["devices"]}
    assert access["alice",]["/dev/sda1"] == "rwm" and access["alice", "--remote"]["/dev/sda1"] == "---"
    assert access["bob",]["/dev/video0"] == "r--" and access["bob",]["/dev/null"] == "rw-"
    assert set(access["carol",].values()) == {"rwm"}


def test_without_root_it_is_about_oneself(bpfdev, policy, plugged):
    policy("alice allow /dev/null\n")
    assert bpfdev("devices", "--user=bob", user="alice").code == 3
    assert bpfdev("devices", "/dev/sda", "--user=alice", user="alice").lines[1] == "  alice may: ---"


def test_a_policy_with_mistakes_is_no_hindrance_to_looking(bpfdev, policy, plugged):
    policy("alice allow nothing\n")
    assert "@webcam" in bpfdev("devices").out
    assert bpfdev("devices", "--user=alice").code == 2


def test_without_udev_and_sysfs(bpfdev, place, nodes):
    """As in a container: what the folders say is there, too."""
    nodes({"serial/by-id/usb-A": "../../video0"})
    shutil.rmtree(place.path("/run/udev"))
    device, = bpfdev("devices", "/dev/video0", "--json").json()["devices"]
    assert device["links"] == ["/dev/serial/by-id/usb-A"] and device["tags"] == [] and device["usb"] is None


def test_names_of_others_do_nothing_to_a_terminal(bpfdev, place, plugged):
    place.write("/sys/devices/pci0000:00/usb1/1-46f4:0001:A 1/product", "\x1b[2J\x9b\n".encode("latin-1"))
    place.write("/sys/devices/pci0000:00/usb1/1-46f4:0001:A 1/serial", b"\xff\x1b\n")
    for words in ((), ("/dev/sda",), ("--json",)):
        result = bpfdev("devices", *words)
        assert "\x1b" not in result.out and "usb:46f4:0001:*?" in result.out, result


def test_json_is_as_the_page_says(bpfdev, policy, plugged):
    policy("alice allow *\n")
    values = [bpfdev("devices", "--json", *words).json() for words in ((), ("--user=alice",))]
    for value in values:
        schema.check("devices", value)
    assert schema.uncovered("devices", values) == []
