# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The other end of /dev/log."""

import os
import re
import secrets
import socket
import threading
import typing

PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


class Entry(typing.NamedTuple):
    """A line of the log: its priority as a word, and what stands behind "pam_bpfdev(SERVICE:session): "."""

    priority: str
    text: str


class LogReader:
    """Reads a log socket in a thread of its own: one that nobody reads would block whoever logs."""

    def __init__(self, path):
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        os.chmod(self._path, 0o666)
        self._raw = []
        self._first = 0  # that was logged since clear()
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            datagram = self._socket.recv(65536).decode(errors="backslashreplace")
            with self._changed:
                self._raw.append(datagram)
                self._changed.notify()

    def clear(self):
        """From now on, entries() gives only what is logged after this."""
        self._await_all()
        self._first = len(self._raw)

    def entries(self):
        """What the module has logged since clear(), as a list of Entry."""
        self._await_all()
        raw = self._raw[self._first:]
        found = (re.match(r"<(\d+)>.*?pam_bpfdev\([^()]*:session\): (.*)", line, re.DOTALL) for line in raw)
        return [Entry(PRIORITIES[int(match[1]) & 7], match[2].rstrip("\0\n")) for match in found if match]

    def texts(self):
        """The texts of entries()."""
        return [entry.text for entry in self.entries()]

    def _await_all(self):
        """The socket keeps the order, so behind a datagram of our own nothing older is left."""
        marker = secrets.token_hex(8)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(marker.encode(), self._path)
        with self._changed:
            if not self._changed.wait_for(lambda: marker in self._raw, 30):
                raise RuntimeError("the log's reader has ended")
