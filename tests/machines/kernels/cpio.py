# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Writes the archive that Linux takes as an initramfs: cpio in the "newc" format.

Described in the kernel's Documentation/driver-api/early-userspace/buffer-format.rst. Everything in
it belongs to root, whoever writes it.
"""

import stat
from pathlib import PurePosixPath

_HEADER = "070701" + "{:08X}" * 13
_TRAILER = "TRAILER!!!"


class Archive:
    """A tree of files in memory. Folders on the way to a file are made as needed."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, bytes]] = {}

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Adds a folder, if it is not there yet."""
        name = path.strip("/")
        if name and name not in self._entries:
            self.folder(str(PurePosixPath("/", name).parent))
            self._entries[name] = (stat.S_IFDIR | mode, b"")

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Adds a regular file; a later one of the same path takes its place."""
        self.folder(str(PurePosixPath("/", path).parent))
        self._entries[path.strip("/")] = (stat.S_IFREG | mode, content)

    def link(self, path: str, target: str) -> None:
        """Adds a symbolic link, if nothing of that path is there yet."""
        self.folder(str(PurePosixPath("/", path).parent))
        self._entries.setdefault(path.strip("/"), (stat.S_IFLNK | 0o777, target.encode()))

    def data(self) -> bytes:
        """The archive."""
        entries = [*self._entries.items(), (_TRAILER, (0, b""))]
        return b"".join(
            _entry(number, name, mode, content)
            for number, (name, (mode, content)) in enumerate(entries, 1)
        )


def _entry(inode: int, name: str, mode: int, content: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # inode, mode, uid, gid, links, mtime, size, the device's and the node's numbers, name, check
    fields = (inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    return _padded(_HEADER.format(*fields).encode() + encoded) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
