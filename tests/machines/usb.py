# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""USB devices that a machine can be given while it runs: QEMU's emulations of them."""

import itertools
import shlex
import shutil
from typing import NamedTuple

from booted import PORTS
from watching import LabError, wait_for


SETTLED = "udevadm settle --timeout=120"


class Kind(NamedTuple):
    """A kind of device: what QEMU calls it, and the ids that it has, which cannot be changed."""

    driver: str
    vendor: str
    product: str
    last: str  # what appears last below it in /sys, as a glob of find(1)
    backend: str | None = None  # what it is connected to: chardev, audiodev or drive
    options: dict = {}


KINDS = {
    "stick": Kind("usb-storage", "46f4", "0001", "*/block/sd?", "drive"),
    "serial": Kind("usb-serial", "0403", "6001", "*/tty/ttyUSB*", "chardev", {"always-plugged": True}),
    "mouse": Kind("usb-mouse", "0627", "0001", "*/input*/event*"),
    "keyboard": Kind("usb-kbd", "0627", "0001", "*/input*/event*"),
    "tablet": Kind("usb-tablet", "0627", "0001", "*/input*/event*"),
    "audio": Kind("usb-audio", "46f4", "0002", "*/sound/card*/controlC*", "audiodev"),
}


class Plugged(NamedTuple):
    """A device that is plugged in."""

    id: str
    kind: str
    vendor: str
    product: str
    serial: str | None
    port: int
    drive: str | None  # QEMU's name of what a stick has on it


class Usb:
    """What class Computer can do with USB devices; it needs its qemu and run()."""

    def __init__(self):
        self.plugged = {}
        self._numbers = itertools.count(1)

    def plug(self, kind, serial=None, vendor=None, product=None, image=None, wait=True):
        """Plugs a device in and returns it, a Plugged.

        kind: one of KINDS. serial: its serial number; without one it has what QEMU gives all of its kind. vendor,
        product: ids in hexadecimal, if the caller cares: they must be those that the kind has. image: for a stick, the
        file with what is on it, which stays as it is. wait: until the machine has seen it and udev has nothing left to
        do. Raises LabError, also when the machine is out of ports.
        """
        if kind not in KINDS:
            raise LabError(f"no such kind of device: {kind}; there are {', '.join(KINDS)}")
        made = KINDS[kind]
        if (vendor or made.vendor, product or made.product) != (made.vendor, made.product):
            raise LabError(f"a {kind} is {made.vendor}:{made.product} in QEMU, and cannot be {vendor}:{product}")
        number = next(self._numbers)
        arguments = {"driver": made.driver, "id": f"{kind}{number}", "bus": "usb.0", "port": str(self._free_port()),
                     **made.options}
        drive = None
        if serial is not None:
            arguments["serial"] = serial
        if made.backend:
            drive = arguments[made.backend] = self._backend(made.backend, number, image)
        self.qemu.tell("device_add", **arguments)
        device = Plugged(arguments["id"], kind, made.vendor, made.product, serial, int(arguments["port"]),
                         drive if made.backend == "drive" else None)
        self.plugged[device.id] = device
        if wait:
            self.wait(f"find -H /sys/bus/usb/devices/*-{device.port} -path {shlex.quote(made.last)} | grep -q .",
                      f"it sees the {kind}", then=SETTLED)
        return device

    def unplug(self, device, wait=True):
        """Unplugs a device. wait: until the machine has noticed and udev has nothing left to do."""
        self.qemu.tell("device_del", id=device.id)
        del self.plugged[device.id]
        if device.drive:
            wait_for(lambda: self._drop_drive(device.drive), "QEMU lets go of the stick's image")
        if wait:
            self._await_gone(f"*-{device.port}")

    def unplug_all(self):
        """Unplugs whatever is plugged in."""
        devices = list(self.plugged.values())
        for device in devices:
            self.unplug(device, wait=False)
        if devices:
            self._await_gone("*-[1-9]*")

    def ports(self):
        """The ports in which the machine sees a device."""
        names = self.run("ls /sys/bus/usb/devices").stdout.split()
        return {int(name.partition("-")[2]) for name in names if name[0].isdigit() and ":" not in name}

    def _await_gone(self, pattern):
        there = f"find /sys/bus/usb/devices -name {shlex.quote(pattern)} | grep -q ."
        self.wait(f"! {{ {there}; }}", "it sees that a device is gone", then=SETTLED)

    def settle(self):
        """Waits until udev has nothing left to do."""
        self.run(SETTLED, timeout=180)

    def _free_port(self):
        taken = {device.port for device in self.plugged.values()}
        free = sorted(set(range(1, PORTS + 1)) - taken)
        if not free:
            raise LabError(f"all {PORTS} ports are taken")
        return free[0]

    def _backend(self, what, number, image):
        name = f"{what}{number}"
        if what == "drive":
            if image is None:
                raise LabError("a stick needs an image: see stick_image()")
            own = shutil.copy(image, self.qemu.folder / name)
            self.qemu.tell("blockdev-add", driver="raw", node_name=name, file={"driver": "file", "filename": str(own)})
        elif what == "chardev":
            self.qemu.tell("chardev-add", id=name, backend={"type": "null", "data": {}})
        else:
            return "silence"
        return name

    def _drop_drive(self, drive):
        try:
            self.qemu.tell("blockdev-del", node_name=drive)
        except LabError:  # still in use
            return False
        (self.qemu.folder / drive).unlink()
        return True
