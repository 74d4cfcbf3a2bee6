# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Waiting for what the kernel, or another process, does in its own time."""

import os
import pathlib
import time

LOCK = "/run/pam_bpfdev/1000.lock"


def wait_for(predicate, what, patience=30):
    """Calls @predicate until it is true; after @patience seconds it is hopeless, and says that @what never was."""
    deadline = time.monotonic() + patience
    while not predicate():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.005)


def open_files(pid):
    """What the descriptors of a process lead to."""
    links = []
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(os.readlink(entry))
        except FileNotFoundError:
            pass
    return links
