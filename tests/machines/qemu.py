# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""QEMU as a process, and the words of its monitor."""

import json
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile

from watching import LabError, wait_for

KEEPER = pathlib.Path(__file__).with_name("keeper.py")


def require():
    """Raises LabError if what virtual machines need is not installed."""
    for tool in ("qemu-system-x86_64", "qemu-img", "ssh", "setpriv"):
        if not shutil.which(tool):
            raise LabError(f"{tool} is not installed: run tests/setup/packages check")


class Qemu:
    """A running QEMU. Attribute folder: for files that are gone with it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="machine-"))
        self._keeper = self._socket = self._lines = None

    def start(self, arguments):
        """Starts it with these arguments, its monitor added. Raises LabError."""
        monitor = self.folder / "monitor"
        command = ["env", f"TMPDIR={self.folder}", "qemu-system-x86_64", *arguments,
                   "-qmp", f"unix:{monitor},server=on,wait=off"]
        with open(self.folder / "said", "wb") as said:
            self._keeper = subprocess.Popen([sys.executable, "-B", KEEPER, self.folder, *command],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
                                            start_new_session=True)
        wait_for(lambda: self.check() or monitor.exists(), "QEMU has a monitor")
        self._socket = socket.socket(socket.AF_UNIX)
        wait_for(lambda: self._socket.connect_ex(str(monitor)) == 0, "QEMU listens")
        self._lines = self._socket.makefile("rw", encoding="utf-8")
        self._lines.readline()
        self.tell("qmp_capabilities")

    def check(self):
        """Raises LabError if it has ended."""
        if select.select([self._keeper.stdout], [], [], 0)[0]:  # the keeper has closed that pipe
            raise LabError(f"QEMU has ended: {self.said()}")

    def said(self):
        """What it wrote to standard error."""
        return (self.folder / "said").read_text(encoding="utf-8", errors="replace").strip()

    def console(self):
        """What stands on the machine's serial line."""
        console = self.folder / "console"
        return console.read_text(encoding="utf-8", errors="replace") if console.exists() else ""

    def tell(self, command, **arguments):
        """Gives the monitor a command and returns what it answers. Raises LabError."""
        text = {"execute": command, "arguments": {name.replace("_", "-"): value for name, value in arguments.items()}}
        self._lines.write(json.dumps(text) + "\n")
        self._lines.flush()
        while True:
            answer = json.loads(self._lines.readline() or "null")
            if answer is None:
                raise LabError(f"QEMU has ended: {self.said()}")
            if "error" in answer:
                raise LabError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def ask_person(self, line):
        """Gives the monitor a line as a person would, and returns the text that it shows."""
        return self.tell("human-monitor-command", command_line=line)

    def end(self):
        """Ends it, and removes its folder. May be called again."""
        if self._socket:
            self._lines.close()
            self._socket.close()
            self._socket = None
        if self._keeper:
            self._keeper.stdin.close()
            self._keeper.wait()
            self._keeper.stdout.close()
            self._keeper = None
        shutil.rmtree(self.folder, ignore_errors=True)
