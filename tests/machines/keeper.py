# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""keeper.py FOLDER COMMAND...: runs the command, and ends it and removes the folder when standard input ends.

The other end of that pipe is held by the machine's owner alone. So however the owner ends, SIGKILL included, nothing is
left. When the command ends by itself the folder stays for the owner, who wants to know why.
"""

import os
import select
import shutil
import subprocess
import sys


def main(folder, *command):
    child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL)
    select.select([sys.stdin, os.pidfd_open(child.pid)], [], [])
    if child.poll() is not None:
        os.close(1)  # tells the owner
    sys.stdin.buffer.raw.read()
    child.kill()
    child.wait()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
