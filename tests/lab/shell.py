# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A shell at the other end of three pipes."""

import os
import re
import secrets
import select
import shlex
import subprocess
import time

from watching import LabError


class ShellEnded(LabError):
    """The shell is gone; the text is what it said last."""


class Shell:
    """A bash that reads commands from the descriptor stdin and answers on stdout and stderr."""

    def __init__(self, stdin, stdout, stderr):
        self._stdin = stdin
        self._outputs = (stdout, stderr)

    def run(self, command, check=False, timeout=60):
        """Runs the command in this very shell, with nothing on its standard input. Returns a CompletedProcess.

        Raises ShellEnded, LabError after timeout seconds, CalledProcessError if check is true and the status not 0.
        """
        mark = secrets.token_hex(8)
        # A here-string, for the filter under test may deny /dev/null.
        self._send(f"eval {shlex.quote(command)} <<<''\nprintf '{mark} %s\\n' $?; printf '{mark} 0\\n' >&2\n")
        (stdout, status), (stderr, _) = self._collect(re.compile(rf"{mark} (\d+)\n".encode()), timeout)
        result = subprocess.CompletedProcess(command, status, stdout, stderr)
        if check:
            result.check_returncode()
        return result

    def end(self):
        """Has the shell exit."""
        self._send("exit\n")

    def _send(self, text):
        left = text.encode()
        while left:
            try:
                left = left[os.write(self._stdin, left):]
            except BlockingIOError:
                select.select([], [self._stdin], [])
            except BrokenPipeError:
                return  # What the shell said before it ended is still to be read.

    def _collect(self, mark, timeout):
        """Reads both outputs up to the mark. Returns for each the text before it and the number in it."""
        deadline = time.monotonic() + timeout
        read = {fd: b"" for fd in self._outputs}
        found, ended = {}, set()
        while len(found) + len(ended) < len(read):
            waiting = [fd for fd in read if fd not in found and fd not in ended]
            ready, _, _ = select.select(waiting, [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise LabError(f"the command did not end within {timeout} s; so far: {read}")
            for fd in ready:
                chunk = os.read(fd, 65536)
                read[fd] += chunk
                match = mark.search(read[fd])
                if match:
                    found[fd] = (read[fd][:match.start()].decode(errors="replace"), int(match[1]))
                elif not chunk:
                    ended.add(fd)
        if ended:
            raise ShellEnded(b"".join(read.values()).decode(errors="replace").strip() or "no word about why")
        return [found[fd] for fd in self._outputs]
