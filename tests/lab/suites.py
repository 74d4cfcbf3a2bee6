# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Marks for tests that need not run on all suites: see only_suite in conftest.py.

What only asks our own code runs on one; on all of them runs what depends on systemd's, PAM's or sshd's version.
"""

import pytest

import roots

one_suite = pytest.mark.only_suite("bookworm")
every_suite = pytest.mark.only_suite(*roots.SUITES)
