# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A login that waits for the lock in vain. It has to wait long, so it does that beside the other tests."""

import contextlib

from client import Client
from logreader import LogReader
from scratch import Scratch
from waiting import LOCK, open_files, wait_for

# A /run of its own, or every other login would wait too; the shell that becomes the client keeps the lock open. A log of
# its own, as it gives up in the middle of whatever test runs then.
LOG = "/dev/log-of-the-stalled"
HOLD_LOCK = (f"mount -t tmpfs tmpfs /run; umask 077; mkdir $(dirname {LOCK}); exec 9>{LOCK}; flock -n 9; "
             f"mount --bind {LOG} /dev/log")


@contextlib.contextmanager
def stalled_login(world, program):
    """Logs alice in; gives her cgroups, the client, which is going to answer, and what is logged."""
    log = LogReader(world.path(LOG))
    with Scratch() as tree, Client(world.command(tree.scope(), [program], inside=HOLD_LOCK)) as client:
        client.start("alice")
        client.send("open")
        # Its turn at the policy, which other tests change, is over then.
        wait_for(lambda: open_files(client.pid).count(LOCK) == 2, "the client has come to the lock")
        yield tree, client, log
