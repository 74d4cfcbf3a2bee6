# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the Debian package says when it is installed where pam-auth-update leaves PAM's files alone."""

import pytest

from place import TOP

SCRIPT = "/run/postinst"
LINE = "session\trequired\tpam_bpfdev.so\n"
STACK = "session\trequired\tpam_unix.so\nsession\toptional\tpam_systemd.so\n"
STACKS = ("common-session", "common-session-noninteractive")


@pytest.fixture
def install(place):
    """A function that installs the package: the stacks are as pam-auth-update has left them. Returns a Result."""
    place.write("/run/bin/pam-auth-update", "#!/bin/sh\n[ \"$*\" = --package ]\n", mode=0o755)
    place.write(SCRIPT, (TOP / "debian/libpam-bpfdev.postinst").read_text(), mode=0o755)

    def check(*stacks):
        for name, text in zip(STACKS, stacks, strict=False):
            place.write(f"/etc/pam.d/{name}", text)
        return place.run(SCRIPT, "configure", "")

    yield check
    for name in STACKS:
        place.path(f"/etc/pam.d/{name}").unlink(missing_ok=True)
    place.path("/run/bin/pam-auth-update").unlink()


def test_nothing_to_say(install):
    result = install(STACK + LINE, STACK + LINE)
    assert (result.code, result.out, result.err) == (0, "", "")


@pytest.mark.parametrize("left", [STACK, f"{STACK}# {LINE}"])
def test_stack_that_was_edited_by_hand(install, left):
    result = install(left, STACK + LINE)
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith("libpam-bpfdev: /etc/pam.d/common-session has no line with pam_bpfdev.so: logins that "
                                 "include it have no device rules.\n  pam-auth-update leaves")
    assert 'Add "session required pam_bpfdev.so" behind the line with pam_systemd.so' in result.err
    assert "noninteractive" not in result.err


def test_both_stacks(install):
    result = install(STACK, STACK)
    assert result.code == 0 and result.err.count("has no line with pam_bpfdev.so") == 2
    assert result.err.count("pam-auth-update --force") == 1
