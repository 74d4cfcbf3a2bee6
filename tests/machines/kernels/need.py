# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What happens to a test that needs something which this machine does not have."""

import os
from typing import NoReturn

import pytest

import images


def unavailable(reason: object) -> NoReturn:
    """Skips the test; where all must run, as in CI, fails it."""
    if os.environ.get("PAM_BPFDEV_REQUIRE") == "1":
        pytest.fail(str(reason), pytrace=False)
    pytest.skip(str(reason))


def kernel(name: str) -> images.Image:
    """The kernel of that name (a key of images.SUITES)."""
    try:
        return images.fetch(name)
    except images.Unavailable as reason:
        unavailable(reason)
