# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The test bed itself: that devices come and go, that a login at the console is one, and that nothing outlives a run."""

import signal
import subprocess
import sys

import pytest

import qemu
import usb
from watching import LabError, wait_for

NODES = {
    "stick": "/dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_{serial}-0:0",
    "serial": "/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{serial}-if00-port0",
    "mouse": "/dev/input/by-id/usb-QEMU_QEMU_USB_Mouse_{serial}-event-mouse",
    "keyboard": "/dev/input/by-id/usb-QEMU_QEMU_USB_Keyboard_{serial}-event-kbd",
    "tablet": "/dev/input/by-id/usb-QEMU_QEMU_USB_Tablet_{serial}-event-mouse",
    "audio": "/dev/snd/by-id/usb-QEMU_QEMU_USB_Audio_{serial}-00",
}


def exists(machine, path):
    return machine.run(["test", "-e", path], check=False).returncode == 0


def by_id(machine):
    """All names that udev made from what devices are."""
    return set(machine.run("find /dev -path '*/by-id/*'").stdout.split())


def test_there_is_a_name_for_each_kind():
    assert NODES.keys() == usb.KINDS.keys()


@pytest.mark.parametrize("kind", NODES)
def test_device_comes_and_goes(machine, kind):
    path = NODES[kind].format(serial="LAB1")
    assert not exists(machine, path)
    image = machine.stick_image({"known": "by heart\n"}) if kind == "stick" else None
    device = machine.plug(kind, serial="LAB1", image=image)
    assert exists(machine, path), by_id(machine)
    shown = machine.run(f"udevadm info -q property {path}").stdout
    if kind == "audio":
        shown = machine.run("udevadm info -q property -a /dev/snd/controlC0").stdout
    assert device.vendor in shown and device.product in shown
    machine.unplug(device)
    assert not exists(machine, path)


def test_what_is_on_a_stick_can_be_read(machine):
    device = machine.plug("stick", serial="READ", image=machine.stick_image({"known": "by heart\n"}))
    path = NODES["stick"].format(serial="READ")
    assert machine.run(f"mount -o ro {path} /mnt && cat /mnt/known; umount /mnt").stdout == "by heart\n"
    assert device.serial == "READ"


def test_two_of_the_same_serial_number_claim_one_link(machine):
    image = machine.stick_image({})
    for _ in range(2):
        machine.plug("stick", serial="TWIN", image=image)
    claims = machine.run("grep -l 'S:disk/by-id/usb-.*TWIN' /run/udev/data/b8:*").stdout.split()
    assert len(claims) == 2
    assert exists(machine, NODES["stick"].format(serial="TWIN"))


def test_ten_devices_at_once(machine):
    for number in range(10):
        machine.plug("mouse", serial=f"TEN{number}", wait=False)
    expected = {NODES["mouse"].format(serial=f"TEN{number}") for number in range(10)}
    wait_for(lambda: by_id(machine) >= expected, "there are ten mice", 120)


@pytest.mark.parametrize("wrong", [{"vendor": "1234"}, {"product": "5678"}])
def test_ids_that_qemu_does_not_let_us_choose_are_an_error(machine, wrong):
    with pytest.raises(LabError, match="is 0627:0001 in QEMU, and cannot be"):
        machine.plug("mouse", **wrong)
    assert machine.ports() == set()


def test_login_at_the_console_is_at_the_seat(machine):
    with machine.console_login("alice") as session:
        shown = machine.run(f"loginctl show-session {session.id} -p Active -p Seat -p VTNr -p Remote -p Name").stdout
        assert set(shown.split()) == {"Active=yes", "Seat=seat0", "VTNr=1", "Remote=no", "Name=alice"}
        assert session.run("tty; id -un").stdout.split() == ["/dev/tty1", "alice"] or session.run("id -un").stdout


def test_login_by_ssh_is_remote(machine):
    with machine.login("bob") as session:
        shown = machine.run(f"loginctl show-session {session.id} -p Remote -p Seat -p Name").stdout
        assert set(shown.split()) == {"Remote=yes", "Seat=", "Name=bob"}


def test_what_devices_may_be_used_at_the_seat(machine):
    """uaccess gives sound to who sits there, and to nobody else."""
    machine.plug("audio", serial="SOUND")
    with machine.console_login("alice"), machine.login("bob") as remote:
        assert "user:alice:rw-" in machine.run("getfacl -cp /dev/snd/controlC0").stdout
        assert remote.run(": </dev/snd/controlC0").returncode != 0


def test_module_with_a_major_of_its_own_can_be_loaded(machine):
    machine.load("usbmon")
    try:
        assert " usbmon\n" in machine.run("cat /proc/devices").stdout
    finally:
        machine.unload("usbmon")


def test_files_go_in_and_come_out(machine, tmp_path):
    content = bytes(range(256)) * 100
    (tmp_path / "file").write_bytes(content)
    machine.push(tmp_path / "file", "/run/pushed")
    assert machine.pull("/run/pushed") == content


OWNER = """
import sys
sys.path[:0] = {path!r}
from qemu import Qemu
virtual = Qemu()
virtual.start(["-S", "-machine", "none", "-display", "none"])
print(virtual.folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_a_machine_whose_owner_dies(number):
    try:
        qemu.require()
    except LabError as error:
        pytest.skip(str(error))
    with subprocess.Popen([sys.executable, "-B", "-c", OWNER.format(path=sys.path)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as owner:
        folder = owner.stdout.readline().strip()
        running = qemus(folder)
        owner.send_signal(number)
    assert running
    wait_for(lambda: not qemus(folder) and not qemu.pathlib.Path(folder).exists(), "nothing is left")


def qemus(folder):
    """The processes that have the folder's name on their command line."""
    found = subprocess.run(["pgrep", "-f", folder], capture_output=True, text=True, check=False).stdout
    return found.split()
