# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev monitor while it runs, and storms of denials for it to tell of."""

import contextlib
import functools
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import cgroups
from verbs import RULES

STORM = pathlib.Path(__file__).with_name("storm.c")
MANY = 10000  # device nodes, of as many minors: more than a filter tells apart
MANY_RULES = f"{RULES}alice deny c 510:* rwm\n"
KINDS = 256  # so many kinds of denials does a filter tell apart, that of the rest included
INTERVAL = 0.2  # seconds
COMMAND = f"bpfdev monitor --interval={INTERVAL}"
HEADING = ["TIME", "USER", "SESSION", "PROCESS", "DEVICE", "ACCESS", "RESULT", "NEW", "COUNT", "WHY"]
LINE = re.compile(r"(?P<time>\d\d:\d\d:\d\d) +(?P<user>\S+) +(?P<session>\S+) +(?P<process>\S+) +(?P<device>\S.*?) +"
                  r"(?P<access>[rwm]+) +(?P<result>refused|audit)(?: [rwm]+)? +\+(?P<new>\d+) +(?P<count>\d+) (?P<why>\S.*)")
_serial = itertools.count(1)


@functools.cache
def _storm():
    folder = tempfile.TemporaryDirectory()
    path = pathlib.Path(folder.name) / "storm"
    subprocess.run(["cc", "-O2", "-static", "-o", path, STORM], check=True)
    return folder, path


def with_storm(machine):
    """Puts the command storm and the nodes /dev/many/* into the machine, once."""
    if not getattr(machine, "has_storm", False):
        shutil.copy(_storm()[1], machine.path("/usr/bin/storm"))
        make = f"for i in range({MANY}): os.mknod(f'/dev/many/{{i}}', 0o20666, os.makedev(510, i))"
        machine.run(f'mkdir /dev/many && python3 -c "import os\nos.umask(0)\n{make}"')
        machine.has_storm = True
    return machine


def _is_monitor(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8") == "bpfdev\n"


class Monitor:
    """bpfdev monitor while it runs; a context manager. Attributes: pid, the host's id of it; started, when.

    wrap: how it is started, {} standing for the command, without single quotes.
    """

    def __init__(self, box, arguments="", wrap="{}"):
        self._files = [tempfile.TemporaryFile("w+", encoding="utf-8") for _ in range(2)]
        self.started = time.monotonic()
        name = f"/run/notify-{next(_serial)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(box.path(name)))
            ready.settimeout(60)
            command = wrap.format(f"NOTIFY_SOCKET={name} exec {COMMAND} {arguments}")
            self._process = box.spawn(command, stdin=subprocess.DEVNULL, stdout=self._files[0], stderr=self._files[1])
            assert ready.recv(64) == b"READY=1"
        self.pid = next(pid for pid in cgroups.pids(self._process.cgroup) if _is_monitor(pid))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self, number=signal.SIGTERM):
        """Sends a signal and waits for the end. Returns the exit status."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
        return self.wait()

    def wait(self):
        """Waits until it ends. Returns the exit status."""
        return self._process.wait(60)

    def said(self, stream=0):
        """What is on standard output so far, or on standard error (1), line by line; whole lines only."""
        # Opened anew: the place in the file that is open is the one where the command writes.
        path = pathlib.Path(f"/proc/self/fd/{self._files[stream].fileno()}")
        return path.read_text(encoding="utf-8").split("\n")[:-1]

    def events(self):
        """The JSON so far."""
        return [json.loads(line) for line in self.said()]

    def lines(self):
        """The lines so far without the headings, as dictionaries."""
        heading, *lines = self.said() or [""]
        assert heading.split() == HEADING
        return [LINE.fullmatch(line).groupdict() for line in lines]

    def count(self, **wanted):
        """How many denials the JSON told of so far, of events with these fields."""
        return sum(event["new"] for event in self.events() if wanted.items() <= event.items())

    def memory(self):
        """The resident memory in KiB."""
        return self._status("VmRSS")

    def waits(self):
        """How often it has waited for something so far."""
        return self._status("voluntary_ctxt_switches")

    def _status(self, name):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1])

    def looks(self):
        """So many looks it cannot have taken more than: there is the interval between any two."""
        return int((time.monotonic() - self.started) / INTERVAL) + 2


def refused(session, command):
    """How many denials a storm in the session was."""
    return int(session.run(command, check=True).stdout)
