# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What tests of devices that come and go share; a process that tries to open them all the time: lab/hammer.c."""

import functools
import itertools
import pathlib
import subprocess
import tempfile
from typing import NamedTuple

import roots
from watching import wait_for

MOUSE = "/dev/input/by-id/usb-QEMU_QEMU_USB_Mouse_{}-event-mouse"
STICK = "/dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_{}-0:0"
ADAPTER = "/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{}-if00-port0"
_serial = itertools.count(1)


@functools.cache
def _program(name):
    folder = tempfile.TemporaryDirectory()
    path = pathlib.Path(folder.name) / name
    subprocess.run(["cc", "-O2", "-static", "-pthread", "-o", path, roots.HERE / f"{name}.c"], check=True)
    return folder, path


def equip(machine):
    """Puts the commands hammer and attempt into the machine."""
    for name, source in (("hammer", "hammer"), ("attempt", "attempts")):
        machine.push(_program(source)[1], f"/usr/bin/{name}", 0o755)


def rules(*lines):
    """A policy in which students may open everything but what the lines say."""
    return "".join(f"@students {line}\n" for line in ("allow *", *lines))


def plug(machine, kind, serial="ONE"):
    """Plugs in a device of the kind; a stick has a file on it."""
    image = machine.stick_image({"known": "by heart\n"}) if kind == "stick" else None
    return machine.plug(kind, serial=serial, image=image)


class Blows(NamedTuple):
    """How often a device was opened, and how often its open was refused by a filter."""

    passed: int
    refused: int


class Hammer:
    """Opens paths in a tight loop, from now on, as a process of the session; they may come and go meanwhile."""

    def __init__(self, session, *paths):
        self._session = session
        self._paths = paths
        self._said = f"/home/{session.user}/hammer{next(_serial)}"
        # A here-string, for the filter may deny /dev/null.
        self._pid = session.run(f"hammer -w {' '.join(paths)} <<<'' >{self._said} 2>&1 & echo $!", check=True).stdout.strip()
        self.goes_on()

    def _time(self):
        """How long it has run, in nanoseconds: no tool can tell as well that it has gone round."""
        return int(self._session.machine.run(f"cut -d' ' -f1 /proc/{self._pid}/schedstat").stdout)

    def goes_on(self):
        """Waits until it has tried all the paths again, many times."""
        before = self._time()
        wait_for(lambda: self._time() > before + 50e6, "the hammer goes round", 120)

    def end(self):
        """Ends it. Returns the Blows for each of the paths."""
        self.goes_on()
        said = self._session.run(f"kill {self._pid}; wait {self._pid}; cat {self._said}", check=True).stdout
        return [Blows(*map(int, pair.split("/"))) for pair in said.split()]


def attempt(session, path):
    """What comes of opening the device."""
    return session.run(f"attempt rw {path}").stdout.strip()


def never_opened(hammer):
    """Ends the hammer; whether all of its devices were there, and refused whenever it tried."""
    blows = hammer.end()
    return all(blow.passed == 0 and blow.refused > 0 for blow in blows) or blows
