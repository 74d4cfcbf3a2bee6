# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What is said while something takes long."""

import re
import shutil
import sys
import time


class Progress:
    """Says on standard error how far something is: on a terminal in one line, elsewhere every ten seconds."""

    def __init__(self):
        self._on_terminal = sys.stderr.isatty()
        self._next = time.monotonic() + 10

    def __call__(self, text):
        if self._on_terminal:
            width = shutil.get_terminal_size().columns
            sys.stderr.write(f"\r\033[K{text[:width - 1]}")
        elif time.monotonic() >= self._next:
            self._next += 10
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def done(self, text):
        """Says how it ended."""
        sys.stderr.write(f"\r\033[K{text}\n" if self._on_terminal else f"{text}\n")
        sys.stderr.flush()


def last_line(console):
    """The last line of a console in which there are letters, without what colours it."""
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[^\x20-\x7e\n]", "", console)
    return next((line.strip() for line in reversed(text.splitlines()) if re.search("[a-z]", line)), "the kernel starts")
