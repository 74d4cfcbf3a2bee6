# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What tests start has no signals ignored, also where the tests themselves were started so."""

import re
import signal
import subprocess
import sys

# Ignores what nohup(1) and shells in the background do, and becomes another program.
AS_IN_THE_BACKGROUND = ("import os, signal, sys\n"
                        "for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):\n"
                        "    signal.signal(number, signal.SIG_IGN)\n"
                        "os.execv(sys.argv[1], sys.argv[1:])\n")


def test_what_is_started_has_no_signal_ignored():
    status = subprocess.run(["cat", "/proc/self/status"], check=True, stdout=subprocess.PIPE, text=True).stdout
    ignored = int(re.search(r"^SigIgn:\s+(\w+)$", status, re.M)[1], 16)
    assert not ignored & sum(1 << (number - 1) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT))


def test_nor_has_it_in_the_background():
    this = f"{__file__}::{test_what_is_started_has_no_signal_ignored.__name__}"
    done = subprocess.run([sys.executable, "-c", AS_IN_THE_BACKGROUND, sys.executable, "-B", "-m", "pytest", "-q",
                           "-p", "no:cacheprovider", this], check=False, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
