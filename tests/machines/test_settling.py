# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A rule means the device: whenever it appears, whatever number it has, and through every name that it is given."""

import threading

import pytest

from hammering import ADAPTER, MOUSE, STICK, Hammer, attempt, equip, never_opened, plug, rules
from watching import wait_for

TAGGED = 'SUBSYSTEM=="input", ATTRS{serial}=="TAG", TAG+="lab"\n'
DENIED = ("deny /dev/input/by-id/*_PATH-*", "deny usb:0627:0001:USB", "deny tag:lab", "deny @labmouse")
SERIALS = ("PATH", "USB", "TAG", "CLASS")  # which of them each of these lines means
CLASS = "class labmouse usb:0627:*:CLASS\n"


@pytest.fixture(scope="module", autouse=True)
def _tools(computer):
    equip(computer)
    computer.write_file("/run/udev/rules.d/72-lab.rules", TAGGED)
    computer.run("udevadm control --reload")


def next_events(machine, count):
    """The names that the next input devices are going to have."""
    taken = machine.run("ls /dev/input").stdout.split()
    free = [name for name in (f"event{number}" for number in range(64)) if name not in taken]
    return [f"/dev/input/{name}" for name in free[:count]]


def test_denied_by_whatever_name_it_is_plugged_in_later(machine):
    machine.policy(CLASS + rules(*DENIED))
    with machine.login("alice") as student:
        nodes = next_events(machine, len(SERIALS) + 1)
        hammer = Hammer(student, *(MOUSE.format(serial) for serial in SERIALS), *nodes[:-1])
        for serial in (*SERIALS, "OTHER"):
            plug(machine, "mouse", serial)
        assert attempt(student, MOUSE.format("OTHER")) == attempt(student, nodes[-1]) == "ok"
        assert never_opened(hammer) is True


def test_sticks_denied_by_link_by_id_and_by_driver(machine):
    machine.policy(rules("deny /dev/disk/by-id/*LINK*", "deny usb:46f4:0001:ID") +
                   "@staff allow *\n@staff deny block-sd\n")
    with machine.login("alice") as student, machine.login("bob") as teacher:
        for_students = Hammer(student, STICK.format("LINK"), STICK.format("ID"), "/dev/sda", "/dev/sdb")
        for_teachers = Hammer(teacher, "/dev/sda", "/dev/sdb", "/dev/sdc")
        for serial in ("LINK", "ID", "OTHER"):
            plug(machine, "stick", serial)
        assert attempt(student, "/dev/sdc") == "ok"
        assert never_opened(for_students) is True
        assert never_opened(for_teachers) is True


def test_all_nodes_of_a_usb_device_are_meant(machine):
    machine.policy(rules("deny usb:46f4:0001:ID"))
    with machine.login("alice") as student:
        plug(machine, "stick", "ID")
        nodes = machine.run("cd /sys/bus/usb/devices/*-1/ && find -H . -name uevent -exec sed -n 's/^DEVNAME=//p' {} +")
        found = {name: attempt(student, f"/dev/{name}") for name in nodes.stdout.split()}
        assert {"sda", "sg0"} <= found.keys() and any(name.startswith("bus/usb/") for name in found)
        assert set(found.values()) == {"EPERM"}, found


def test_who_may_use_one_device_only_may_use_it_when_it_comes(machine):
    machine.policy("kiosk allow usb:0627:0001:SCANNER rw\nkiosk allow /dev/serial/by-id/*TICKETS* rw\n")
    with machine.login("kiosk") as kiosk:
        plug(machine, "mouse", "OTHER")
        scanner = plug(machine, "mouse", "SCANNER")
        plug(machine, "serial", "TICKETS")
        assert attempt(kiosk, MOUSE.format("OTHER")) == "EPERM"
        assert attempt(kiosk, MOUSE.format("SCANNER")) == "ok"
        assert attempt(kiosk, ADAPTER.format("TICKETS")) == "ok"
        machine.unplug(scanner)
        plug(machine, "mouse", "ANOTHER")  # which takes its number
        plug(machine, "mouse", "SCANNER")
        assert attempt(kiosk, MOUSE.format("ANOTHER")) == "EPERM"
        assert attempt(kiosk, MOUSE.format("SCANNER")) == "ok"


def test_number_that_another_device_had(machine):
    machine.policy(rules("deny usb:0627:0001:DENIED"))
    with machine.login("alice") as student:
        (node,) = next_events(machine, 1)
        device = plug(machine, "mouse", "DENIED")
        assert attempt(student, node) == "EPERM"
        machine.unplug(device)
        device = plug(machine, "mouse", "FREE")
        assert attempt(student, node) == "ok"
        machine.unplug(device)
        hammer = Hammer(student, node)
        plug(machine, "mouse", "DENIED")
        assert attempt(student, node) == "EPERM"
        assert never_opened(hammer) is True


def test_link_that_two_devices_claim_means_both(machine):
    machine.policy(rules("deny /dev/disk/by-id/*TWIN*"))
    with machine.login("alice") as student:
        hammer = Hammer(student, "/dev/sda", "/dev/sdb")
        twins = [plug(machine, "stick", "TWIN") for _ in range(2)]
        linked = machine.run(["readlink", "-f", STICK.format("TWIN")]).stdout.strip()
        assert linked in ("/dev/sda", "/dev/sdb")
        assert never_opened(hammer) is True
        first, second = twins if linked == "/dev/sda" else twins[::-1]
        machine.unplug(first)  # the link goes over to the other
        left = "/dev/sdb" if linked == "/dev/sda" else "/dev/sda"
        assert machine.run(["readlink", "-f", STICK.format("TWIN")]).stdout.strip() == left
        assert attempt(student, left) == attempt(student, STICK.format("TWIN")) == "EPERM"
        assert second.id in machine.plugged


def test_ten_devices_at_once(machine):
    machine.policy(rules("deny usb:0627:*:TEN?"))
    links = [MOUSE.format(f"TEN{number}") for number in range(10)]
    with machine.login("alice") as student:
        hammer = Hammer(student, *links)
        for number in range(10):
            machine.plug("mouse", serial=f"TEN{number}", wait=False)
        for link in links:
            wait_for(lambda: attempt(student, link) != "ENOENT", f"{link} is there", 120)
        machine.settle()
        assert never_opened(hammer) is True


@pytest.fixture
def early(machine):
    """A node of a driver that gets its major when it is loaded, which everybody may open, before it is."""
    machine.load("usbmon")
    major = machine.run("sed -n 's/ usbmon$//p' /proc/devices").stdout.strip()
    machine.unload("usbmon")
    machine.make_node("/dev/early", "c", int(major), 0)
    yield "/dev/early"
    machine.run("rm -f /dev/early; modprobe -r usbmon")


def test_driver_with_a_major_of_its_own_is_denied_before_it_is_there(machine, early):
    machine.policy(rules("deny char-usbmon") + "bob allow *\n")
    with machine.login("alice") as student, machine.login("bob") as teacher:
        hammer = Hammer(student, early)
        assert attempt(teacher, early) == "ENXIO"
        machine.load("usbmon")
        machine.settle()
        assert attempt(teacher, early) == "ok"
        assert never_opened(hammer) is True


@pytest.mark.parametrize("later", ["nonsense\n", "alice allow *\n"])
def test_policy_that_changes_meanwhile_changes_nothing_for_who_is_in(machine, later):
    machine.policy(rules("deny usb:0627:0001:ONE"))
    with machine.login("alice") as student:
        hammer = Hammer(student, MOUSE.format("ONE"))
        machine.policy(later)
        plug(machine, "mouse", "ONE")
        plug(machine, "mouse", "TWO")
        assert attempt(student, MOUSE.format("TWO")) == "ok"
        assert never_opened(hammer) is True


def test_what_could_not_be_settled_is_roots(machine):
    machine.policy(rules("deny usb:0627:0001:ONE"))
    (node,) = next_events(machine, 1)
    with machine.login("alice") as student, machine.login("root") as root:
        hammer = Hammer(student, node)
        holding = machine.spawn("exec flock /run/pam_bpfdev/1000.lock sh -c 'echo $$ >/run/holding; exec sleep 600'")
        pid = wait_for(lambda: machine.run("cat /run/holding", check=False).stdout.strip(), "the lock is held", 120)
        device = machine.plug("mouse", serial="ONE", wait=False)
        killed = "pkill -9 -f '^[^ ]*bpfdev settle --event'"
        wait_for(lambda: machine.run(killed, check=False).returncode == 0, "settling begins", 120)
        wait_for(lambda: machine.run(f"{killed}; udevadm settle --timeout=1", check=False).returncode == 0, "it ends", 120)
        machine.run(f"kill {pid}; rm /run/holding")
        holding.wait()
        assert machine.run(["stat", "-c", "%U %G %a", node]).stdout == "root root 600\n"
        assert attempt(root, node) == "ok"
        (blows,) = hammer.end()
        assert blows.passed == blows.refused == 0
        machine.unplug(device)


def test_while_others_log_in_and_out_and_the_policy_is_reloaded(machine):
    machine.policy(rules("deny usb:0627:0001:BUSY"))
    link = MOUSE.format("BUSY")
    over = threading.Event()
    reloading = machine.spawn("echo $$ >/run/reloading; while [ -e /run/reloading ]; do bpfdev reload; done >/dev/null 2>&1")

    def plug_and_unplug():
        while not over.is_set():
            machine.unplug(machine.plug("mouse", serial="BUSY"))

    plugging = threading.Thread(target=plug_and_unplug)
    try:
        plugging.start()
        for _ in range(3):
            with machine.login("alice") as student:
                hammer = Hammer(student, link, "/dev/input/mouse0")
                wait_for(lambda: attempt(student, link) == "EPERM", "the mouse is there", 120)
                blows = hammer.end()
                assert blows[0].passed == 0 and blows[0].refused > 0, blows
    finally:
        over.set()
        plugging.join()
        machine.run("rm /run/reloading")
        reloading.wait()
