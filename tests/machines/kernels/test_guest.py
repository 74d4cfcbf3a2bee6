# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The test bed itself: that it tells what happened in a guest, and takes the right kernel."""

import subprocess

import pytest

from cpio import Archive
from guest import GuestError, boot
from images import Unavailable, newest_package
from need import kernel, unavailable


def test_newest_package_compares_versions_as_numbers():
    names = [
        "linux-image-6.12.94+deb13-cloud-amd64",
        "linux-image-6.12.107+deb13-cloud-amd64",
        "linux-image-6.12.107+deb13-cloud-amd64-unsigned",
        "linux-image-6.13.1-amd64",
        "linux-image-cloud-amd64",
        "linux-headers-7.0-cloud-amd64",
    ]
    assert newest_package(names) == "linux-image-6.12.107+deb13-cloud-amd64"


def test_newest_package_prefers_the_one_with_the_image_in_it():
    names = ["linux-binary-7.2.13-cloud-amd64", "linux-image-7.2.13-cloud-amd64"]
    assert newest_package(names) == newest_package(names[::-1]) == names[0]


def test_newest_package_says_when_there_is_none():
    with pytest.raises(Unavailable):
        newest_package(["linux-image-amd64"])


def test_archive_can_be_read_by_cpio():
    archive = Archive()
    archive.file("/a/b/odd", b"12345", 0o600)
    archive.file("/c", b"")
    archive.link("/c", "not taken: there is a file")
    archive.link("/d", "c")
    try:
        command = ["busybox", "cpio", "-t", "-v"]
        done = subprocess.run(command, input=archive.data(), capture_output=True, check=True)
    except FileNotFoundError as error:
        unavailable(error)
    columns = [line.split(maxsplit=5) for line in done.stdout.decode().splitlines()]
    assert [(mode, owner, size, name) for mode, owner, size, *_, name in columns] == [
        ("drwxr-xr-x", "0/0", "0", "a"),
        ("drwxr-xr-x", "0/0", "0", "a/b"),
        ("-rw-------", "0/0", "5", "a/b/odd"),
        ("-rw-r--r--", "0/0", "0", "c"),
        ("lrwxrwxrwx", "0/0", "0", "d -> c"),
    ]


def test_a_guest_that_dies_is_an_error_with_its_last_words():
    commands = ["echo first; printf 'no newline'; exit 3", "echo c >/proc/sysrq-trigger"]
    with pytest.raises(GuestError, match="(?s)sysrq.*--- commands.*first\nno newline"):
        boot(kernel("6.1").path, {}, {}, commands)
