# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What journald would be told."""

import contextlib
import socket


def parse(datagram):
    """An entry in systemd's native protocol, as {field: [value, ...]}."""
    fields = {}
    while datagram:
        head, _, datagram = datagram.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:  # the value has its length before it, and a newline behind it
            length = int.from_bytes(datagram[:8], "little")
            value, datagram = datagram[8:8 + length], datagram[9 + length:]
        fields.setdefault(name.decode(), []).append(value.decode(errors="backslashreplace"))
    return fields


class JournalReader:
    """A socket in the place of journald's. Use it as a context manager."""

    def __init__(self, path):
        self._path = path
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self._path.unlink()

    def stop(self):
        """Leaves a socket that nobody listens to."""
        self._socket.close()

    def fill(self):
        """Sends so much to it that it takes no more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    sender.sendto(b"MESSAGE=x\n", str(self._path))

    def entries(self):
        """What has come since the last call."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(parse(self._socket.recv(65536, socket.MSG_DONTWAIT)))
        return found

    def entry(self):
        """The only entry that has come since the last call, without lists where there is one value."""
        (fields,) = self.entries()
        return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
