# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Boots a kernel in QEMU with a few programs and runs commands there."""

import re
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Iterable, Mapping, NamedTuple, Sequence

from cpio import Archive
from images import Unavailable

ROOTFS = Path(__file__).parent / "rootfs"
LAYOUTS = ("none", "v1", "hybrid", "v2")  # of cgroups, as rootfs/bin/cgroup-layout has them

# Emulation only: whether KVM works is not the same on every machine. Without cx16=off one boot in
# six of Linux 6.12 crashes early in QEMU 7.2: the kernel's allocator then uses cmpxchg16b. setpriv
# lets no guest outlive the tests, however they end; with -no-reboot, and panic=-1 below, a panic
# ends the guest.
QEMU = (
    *("setpriv", "--pdeathsig", "KILL", "--", "qemu-system-x86_64"),
    *("-accel", "tcg", "-cpu", "max,cx16=off", "-m", "512M"),
    *("-nodefaults", "-display", "none", "-no-reboot"),
)
KERNEL_ARGUMENTS = "console=ttyS0 quiet panic=-1"
LOG_TAIL = 4000  # characters of a console that go into an error message


class Result(NamedTuple):
    """What a command did in a guest."""

    command: str
    status: int
    output: str  # standard output and error


class GuestError(Exception):
    """A guest did not come to its end; the text has what stood on its consoles."""


def boot(
    kernel: Path,
    programs: Mapping[str, Path],
    files: Mapping[str, str],
    commands: Sequence[str],
    cgroup: str = "v2",
    timeout: float = 120,
) -> list[Result]:
    """Boots the kernel, runs the commands there one after the other as root, and powers off.

    programs: paths in the guest and the programs or modules to put there, with the libraries that
    they need; busybox, as sh and all its other names, is there anyway. files: paths in the guest
    and text; one that starts with "#!" can be run. commands: shell scripts. cgroup: one of LAYOUTS.
    timeout: seconds until the guest is ended. Raises GuestError, and Unavailable if a tool is
    missing on this machine.
    """
    mark = secrets.token_hex(8)  # no command can print it by chance
    archive = _system(programs)
    for path, text in files.items():
        archive.file(path, text.encode(), 0o755 if text.startswith("#!") else 0o644)
    archive.file("/run/mark", mark.encode())
    archive.file("/run/cgroup", cgroup.encode())
    for number, command in enumerate(commands):
        archive.file(f"/run/commands/{number:03}", command.encode() + b"\n")
    output = _run(kernel, archive.data(), mark, timeout)
    return _parse(output, mark, commands)


def _system(programs: Mapping[str, Path]) -> Archive:
    archive = Archive()
    for source in sorted(ROOTFS.rglob("*")):
        if source.is_file():
            archive.file(str(source.relative_to(ROOTFS)), source.read_bytes(), 0o755)
    _add_busybox(archive)
    for path, program in programs.items():
        archive.file(path, program.read_bytes(), 0o755)
    for path, library in libraries(programs.values()).items():
        archive.file(path, library.read_bytes(), 0o755)
    return archive


def _add_busybox(archive: Archive) -> None:
    busybox = _tool("busybox")
    if libraries([busybox]):
        raise Unavailable(f"{busybox} is not linked statically (package busybox-static)")
    archive.file("/bin/busybox", busybox.read_bytes(), 0o755)
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    for name in names.stdout.split():
        archive.link(f"/bin/{name}", "busybox")


def libraries(programs: Iterable[Path]) -> dict[str, Path]:
    """The shared libraries that programs need: path in the guest -> path here.

    The loader keeps its path, which stands in the programs; the others go where it always looks.
    """
    found = {}
    for program in programs:
        listing = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        for name, path in re.findall(r"^\s*(\S+)(?: => (/\S+))? \(0x", listing, re.MULTILINE):
            if path or name.startswith("/"):
                found[f"/lib/{name}" if path else name] = Path(path or name)
    return found | _name_services(found)


def _name_services(found: Mapping[str, Path]) -> dict[str, Path]:
    """What glibc before 2.34 opens by itself to read /etc/passwd."""
    libc = found.get("/lib/libc.so.6")
    library = libc and libc.with_name("libnss_files.so.2")
    return {f"/lib/{library.name}": library} if library and library.exists() else {}


def _tool(name: str) -> Path:
    path = shutil.which(name)
    if not path:
        raise Unavailable(f"{name} is not installed")
    return Path(path)


def _run(kernel: Path, initramfs: bytes, mark: str, timeout: float) -> str:
    """What the guest printed. Raises GuestError, unless it came to the end of its commands."""
    for tool in ("setpriv", "qemu-system-x86_64"):
        _tool(tool)
    with tempfile.TemporaryDirectory(prefix="guest-") as folder:
        work = Path(folder)
        (work / "initramfs").write_bytes(initramfs)
        ending = _qemu(kernel, work, timeout)
        console, output = (_text(work / name) for name in ("console", "output"))
    if f"{mark} done" not in output:
        raise GuestError(
            f"{kernel}: the guest {ending} before it was done\n"
            f"--- kernel\n{console[-LOG_TAIL:]}\n--- commands\n{output[-LOG_TAIL:]}"
        )
    return output


def _qemu(kernel: Path, work: Path, timeout: float) -> str:
    """Runs the guest to its end and says which it was."""
    command = [*QEMU, "-kernel", str(kernel), "-initrd", str(work / "initramfs")]
    command += ["-append", KERNEL_ARGUMENTS]
    command += ["-serial", f"file:{work}/console", "-serial", f"file:{work}/output"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return f"was ended after {timeout:g} s"
    return f"stopped (QEMU: exit code {done.returncode} {done.stderr.strip()})"


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _parse(output: str, mark: str, commands: Sequence[str]) -> list[Result]:
    pattern = rf"^{mark} begin (\d+)\n(.*?)\n{mark} end \1 (\d+)$"
    found = re.findall(pattern, output, re.MULTILINE | re.DOTALL)
    if len(found) != len(commands):
        raise GuestError(f"{len(found)} results of {len(commands)} commands in:\n{output}")
    return [Result(commands[int(number)], int(status), text) for number, text, status in found]
