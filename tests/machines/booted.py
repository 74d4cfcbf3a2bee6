# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A computer that has booted, as a state from which every computer starts: booting takes a minute, this a second.

It is a folder DISK/booted-DIGEST, beside the disk that it was booted from, with what the disk differs in by then, and the
memory. Both belong to one QEMU and one set of hardware, of which the digest is.
"""

import functools
import hashlib
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import roots
from progress import Progress, last_line
from qemu import Qemu
from watching import LabError, wait_for

PORTS = 15  # for USB 2 and USB 3 each
# It is emulated, KVM or not. cx16=off: see kernels/guest.py.
HARDWARE = (
    "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,cx16=off", "-smp", "2", "-m", "1024M",
    "-nodefaults", "-display", "none", "-no-reboot", "-vga", "std", "-audiodev", "none,id=silence",
    "-device", f"qemu-xhci,id=usb,p2={PORTS},p3={PORTS}", "-device", "virtio-net-pci,netdev=net",
    "-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22,hostfwd=tcp:127.0.0.1:0-:2222")
KERNEL_ARGUMENTS = "root=/dev/vda rw console=ttyS0 mitigations=off panic=-1"
# What a disk can be booted as, and what the kernel is told for it.
SYSTEMS = {"plain": "", "selinux": "security=selinux selinux=1 enforcing=1"}
TIMEOUT = 900  # ends a wait that is hopeless


def start(qemu, made, system):
    """Starts a QEMU from the state that belongs to the disk @made, which is booted now if it never was. Raises LabError.

    system: one of SYSTEMS.
    """
    state = _state(made, system)
    qemu.start([*_arguments(qemu, made, system, state / "disk", "snapshot=on"),
                "-incoming", f"exec:exec cat {state}/memory"])
    wait_for(lambda: qemu.tell("query-status")["status"] == "paused", "the computer has its state again", 120)
    qemu.tell("cont")


def _arguments(qemu, made, system, drive, *options):
    return [*HARDWARE, "-serial", f"file:{qemu.folder}/console",
            "-drive", ",".join((f"file={drive},if=virtio,format=qcow2", *options)),
            "-kernel", str(made.kernel), "-initrd", str(made.initrd), "-append", f"{KERNEL_ARGUMENTS} {SYSTEMS[system]}"]


@functools.cache
def _name(system):
    version = subprocess.run(["qemu-system-x86_64", "--version"], check=True, capture_output=True).stdout
    made_of = (version, HARDWARE, KERNEL_ARGUMENTS, SYSTEMS[system])
    return f"booted-{hashlib.sha256(repr(made_of).encode()).hexdigest()[:12]}"


def _state(made, system):
    folder = made.folder / _name(system)
    if not folder.is_dir():
        with roots.locked(made.folder / "lock"):
            if not folder.is_dir():
                _boot(made, system, folder)
    return folder


def _boot(made, system, folder):
    wanted = [_name(system) for system in SYSTEMS]
    for old in (*made.folder.glob("booted-*"), *made.folder.glob("new-*")):
        if old.name not in wanted:
            shutil.rmtree(old)  # whoever runs on one has it open
    with tempfile.TemporaryDirectory(prefix="new-", dir=made.folder) as work:
        new = pathlib.Path(work)
        # By a relative path, so that the cache can be moved.
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", f"../{made.image.name}", new / "disk"],
                       check=True)
        qemu = Qemu()
        try:
            qemu.start(_arguments(qemu, made, system, new / "disk"))
            _await_boot(qemu)
            _save(qemu, new / "memory")
        finally:
            qemu.end()
        new.rename(folder)  # what is renamed is not removed


def _await_boot(qemu):
    """Waits until the computer says that all of it runs, and says itself what it waits for."""
    say, started = Progress(), time.monotonic()
    while not (found := re.search(r"^machine: (\w+)", qemu.console(), re.M)):
        qemu.check()
        seconds = time.monotonic() - started
        if seconds > TIMEOUT:
            raise LabError(f"the computer does not come up:\n{qemu.console()[-4000:]}")
        say(f"computer: booting, {seconds:.0f} s: {last_line(qemu.console())}")
        time.sleep(0.2)
    say.done(f"computer: booted in {time.monotonic() - started:.0f} s")
    if found[1] != "running":
        raise LabError(f"the computer is {found[1]}:\n{qemu.console()[-4000:]}")


def _save(qemu, memory):
    qemu.tell("stop")
    qemu.tell("migrate-set-parameters", max_bandwidth=1 << 40)
    qemu.tell("migrate", uri=f"exec:exec cat >{memory}")
    ended = wait_for(lambda: qemu.tell("query-migrate")["status"] in ("completed", "failed") and
                     qemu.tell("query-migrate"), "the memory is saved", 120)
    if ended["status"] == "failed":
        raise LabError(f"the computer's memory cannot be saved: {ended.get('error-desc')}")
