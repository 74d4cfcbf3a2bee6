# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Waiting for what others do in their own time."""

import time


class LabError(Exception):
    """The lab could not do what it was asked to; the text says why."""


def wait_for(predicate, what, timeout=30):
    """Calls predicate until it returns something true, and returns that. what completes "waited in vain until ...".

    Raises LabError after timeout seconds. A timeout only ends a wait that is hopeless: it measures nothing.
    """
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout} s in vain until {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
