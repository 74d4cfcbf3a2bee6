# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A login program (client.c) that is led through its calls to PAM, and looked at between them."""

import os
import pathlib
import re
import select
import subprocess

# Ends a wait that is hopeless; measures nothing.
PATIENCE = 120


class ClientDied(Exception):
    """The client ended instead of answering; the text is what it said last."""


class Client:
    """A running client. Attributes: pid; messages, what the modules have said to the user."""

    def __init__(self, command):
        self.messages = []
        self._noise = []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, bufsize=0)
        self._buffer = b""
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def send(self, *words):
        """Gives a command; answer() has the answer to it."""
        self._process.stdin.write("\t".join(map(str, words)).encode() + b"\n")

    def answer(self):
        """Waits for the answer to the oldest command that has none yet."""
        while True:
            line = self._read_line()
            if line.startswith("= "):
                return line[2:]
            if line.startswith("> "):
                self.messages.append(line[2:])
            else:
                self._noise.append(line)

    def call(self, *words):
        """Gives a command and waits for its answer."""
        self.send(*words)
        return self.answer()

    def has_answered(self):
        """Whether answer() would return at once."""
        return b"\n" in self._buffer or bool(select.select([self._process.stdout], [], [], 0)[0])

    def _read_line(self):
        while b"\n" not in self._buffer:
            if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
                raise ClientDied(f"no answer within {PATIENCE} s")
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                raise ClientDied("\n".join([*self._noise, f"ended with {self._process.wait()}"]))
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode(errors="replace")

    def start(self, user, service="alone", *folder):
        """Begins a PAM transaction."""
        assert self.call("start", service, user, *folder) == "PAM_SUCCESS"
        return self

    def open(self, *flags):
        """Opens the session; returns the name of what the module returned."""
        return self.call("open", *flags)

    def close(self, *flags):
        """Closes the session likewise."""
        return self.call("close", *flags)

    def opens(self, path):
        """What the client gets for open(2) of a device with r, w and rw, and for access(2) with F_OK."""
        return {how: self.call("try", how, path) for how in ("r", "w", "rw", "F_OK")}

    def state(self):
        """All that a module may not change in the process it is in."""
        proc = pathlib.Path(f"/proc/{self.pid}")
        status = re.findall(r"^(Threads|Umask|Uid|Gid|Groups|Sig(?:Blk|Ign|Cgt)|Cap\w+|Seccomp):\s*(.*)$",
                            (proc / "status").read_text(), re.MULTILINE)
        del self.messages[:]
        self.call("environment")
        return {"descriptors": sorted((entry.name, os.readlink(entry)) for entry in (proc / "fd").iterdir()),
                "limits": (proc / "limits").read_text(), "cwd": os.readlink(proc / "cwd"),
                "root": os.readlink(proc / "root"), "environment": list(self.messages), **dict(status)}

    def quit(self):
        """Ends the client in order. Returns its exit status and all that it wrote that answered no command."""
        rest, _ = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, "\n".join(self._noise) + (self._buffer + rest).decode(errors="replace")

    def kill(self):
        """Ends the client as it stands, its session open or not."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()
