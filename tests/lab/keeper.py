# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""keeper.py CGROUP COMMAND...: starts the command in the cgroup, and destroys the cgroup when the command ends, or when
standard input does. Ends with the command's status.

The other end of that pipe is held by the machine's owner alone. So however the owner ends, SIGKILL included, the
machine ends too.
"""

import contextlib
import ctypes
import os
import pathlib
import select
import subprocess
import sys

import cgroups

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(cgroup, *command):
    # Those that lose their parent come here too, so that none is left to whatever is process 1.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    entering = 'echo 0 >"$0/cgroup.procs" && exec "$@"'
    child = subprocess.Popen(["sh", "-c", entering, cgroup, *command], stdin=subprocess.DEVNULL)
    select.select([sys.stdin, os.pidfd_open(child.pid)], [], [])
    cgroups.destroy(pathlib.Path(cgroup))
    code = child.wait()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
