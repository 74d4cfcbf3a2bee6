# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""For all tests that pytest runs: what they start has the signals of a login, however they were started themselves."""

import signal


def pytest_configure():
    """nohup(1), and shells for what runs in the background, have signals ignored, which every program inherits.

    Here they go on to do nothing; but for a program that is started, a signal with a handler is as it is by default.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
