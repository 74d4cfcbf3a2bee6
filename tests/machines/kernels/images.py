# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The kernels of the matrix, taken from Debian's packages and kept in a cache.

Run as a program it fetches what is missing and prints a line for each kernel; with names, only for
those. To get a newer one, remove its folder in the cache.
"""

import argparse
import contextlib
import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Iterator, NamedTuple

# From the oldest supported to the newest that there is, and the suite that has it.
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "newest": "sid"}

# The cloud flavour has everything that a guest needs built in and is the smallest. Newer packages
# are split: there the image is in linux-binary-*, and linux-image-* is empty.
PACKAGE = re.compile(r"linux-(image|binary)-(\d\S*)-cloud-amd64")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# The machine's own configuration is read before this (a proxy may stand there); its hooks, which
# may touch the machine's state, are cleared. Debian does not renew sid's Release everywhere.
APT_CONF = """\
#clear APT::Update;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Invoke;
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "";
APT::Architecture "amd64";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
"""


class Unavailable(Exception):
    """What a test needs cannot be had on this machine; the text says what and why."""


class Image(NamedTuple):
    """A kernel in the cache."""

    name: str  # as in SUITES
    package: str  # with its version
    path: Path  # of the vmlinuz


def cache_folder() -> Path:
    """Where the kernels are kept."""
    return Path(os.environ.get("PAM_BPFDEV_CACHE", "/var/cache/pam_bpfdev")) / "kernels"


def fetch(name: str) -> Image:
    """The kernel of that name (a key of SUITES), downloaded if it is not yet in the cache.

    Raises Unavailable.
    """
    if platform.machine() != "x86_64":
        raise Unavailable(f"kernels are fetched for x86_64 only, this is {platform.machine()}")
    folder = cache_folder() / name
    try:
        with _locked(cache_folder()):
            if not folder.exists():
                _fill(name, folder)
    except OSError as error:
        raise Unavailable(f"kernel {name}: {error}") from error
    return Image(name, (folder / "package").read_text().strip(), folder / "vmlinuz")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fill(name: str, folder: Path) -> None:
    """Makes the folder, whole or not at all."""
    for leftover in folder.parent.glob(".new-*"):  # of a run that was killed: we hold the lock
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as work:
        new = Path(work) / "kernel"
        new.mkdir(mode=0o755)
        package = _download(SUITES[name], Path(work))
        _extract(package, new / "vmlinuz")
        (new / "package").write_text(package.name.removesuffix("_amd64.deb") + "\n")
        new.rename(folder)


def _download(suite: str, work: Path) -> Path:
    """The package with the suite's newest kernel, from the first repository that has it."""
    reasons = []
    for number, uri in enumerate(_repositories()):
        apt = _PrivateApt(work / f"apt{number}", uri, suite)
        try:
            return apt.download(newest_package(apt.names()))
        except Unavailable as reason:
            reasons.append(str(reason))
    raise Unavailable(f"no kernel from suite {suite}: " + "; ".join(reasons or ["apt knows none"]))


def newest_package(names: list[str]) -> str:
    """The name of the package with the newest kernel, among packages' names. Raises Unavailable."""
    matches = [match for match in map(PACKAGE.fullmatch, names) if match]
    if not matches:
        raise Unavailable("no package named like a cloud kernel")
    return max(matches, key=lambda match: (_numbers(match[2]), match[1] == "binary"))[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _repositories() -> list[str]:
    """The repositories that the machine's apt uses; the archive itself before its side branches."""
    columns = "$(REPO_URI)"
    uris = _run("apt-get", "indextargets", "--format", columns, "Created-By: Packages").split()
    return sorted(dict.fromkeys(uris), key=lambda uri: not uri.rstrip("/").endswith("/debian"))


class _PrivateApt:
    """An apt with one repository and a state of its own, which leaves the machine's alone."""

    def __init__(self, folder: Path, uri: str, suite: str):
        self.folder = folder
        for part in ("lists/partial", "cache/archives/partial", "state"):
            (folder / part).mkdir(parents=True)
        (folder / "state/status").touch()
        options = "target=Packages" + (f" signed-by={KEYRING}" if KEYRING.exists() else "")
        (folder / "sources.list").write_text(f"deb [{options}] {uri} {suite} main\n")
        (folder / "apt.conf").write_text(APT_CONF.format(folder=folder))

    def names(self) -> list[str]:
        """Of the packages there that may be kernels."""
        self._apt("apt-get", "update", "--error-on=any")
        return self._apt("apt-cache", "pkgnames", "linux-").split()

    def download(self, name: str) -> Path:
        """The package's file, which apt has verified."""
        self._apt("apt-get", "download", name)
        (package,) = self.folder.glob("*.deb")
        return package

    def _apt(self, tool: str, *arguments: str) -> str:
        return _run(tool, "-q", "-c", str(self.folder / "apt.conf"), *arguments, cwd=self.folder)


def _run(*command: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Unavailable(f"{command[0]}: {lines[0]}")
    return done.stdout


def _extract(package: Path, target: Path) -> None:
    """Takes the kernel out of the package, reading no further than there."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacker:
        try:
            with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
                member = next(member for member in archive if _is_kernel(member))
                with archive.extractfile(member) as source, open(target, "wb") as copy:
                    shutil.copyfileobj(source, copy)
        except (StopIteration, tarfile.TarError) as error:
            raise Unavailable(f"no kernel in {package.name}") from error


def _is_kernel(member: tarfile.TarInfo) -> bool:
    return member.isfile() and Path(member.name).name.startswith("vmlinuz")


def main() -> int:
    """Fetches the kernels named in the arguments, or all; 1 if one cannot be had."""
    parser = argparse.ArgumentParser(description="Fetches the kernels of the matrix.")
    parser.add_argument("name", nargs="*", choices=[[], *SUITES], help="all, if none is given")
    failed = 0
    for name in parser.parse_args().name or SUITES:
        try:
            print(*fetch(name))
        except Unavailable as reason:
            print(reason, file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
