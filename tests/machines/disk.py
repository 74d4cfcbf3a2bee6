# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The disk that machines boot from, made once and then only read.

It is a folder CACHE/machines/SUITE-DIGEST with the disk, its kernel, the kernel's first file system, and the key that
opens the machine. The folder appears there when it is whole.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import roots

HERE = pathlib.Path(__file__).resolve().parent
SUITE = "trixie"  # what tests run on unless another one is asked for
# A real kernel, what names devices, and who opens them for others; what makes and unlocks file systems.
PACKAGES = (*roots.PACKAGES, "linux-image-amd64", "initramfs-tools", "zstd", "kmod", "udev", "acl",
            "polkitd", "udisks2", "cryptsetup", "dosfstools", "e2fsprogs")
MORE = {
    # What other suites' udisks2 depends on, this one's only recommends: unlocking a disk.
    "bookworm": ("libblockdev-crypto2",),
    # The machine can be booted with SELinux: see booted.SYSTEMS; otherwise its kernel has AppArmor, and test_apparmor.py loads
    # a profile. A batch system, which test_slurm.py starts, and what ssh(1) takes to forward X.
    "trixie": ("selinux-policy-default", "policycoreutils", "auditd", "apparmor", "apparmor-profiles",
               "slurmctld", "slurmd", "slurm-client", "munge", "libpam-slurm-adopt", "xauth"),
}
SIZE = "4G"  # most of it is a hole
CONTEXTS = "etc/selinux/default/contexts/files/file_contexts"


class Disk(NamedTuple):
    """What a machine boots from: paths."""

    suite: str
    folder: pathlib.Path

    @property
    def image(self):
        """The file system, the first disk."""
        return self.folder / "disk"

    @property
    def kernel(self):
        """The kernel that is installed on it."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self):
        """The kernel's first file system."""
        return self.folder / "initrd"

    @property
    def key(self):
        """The private key with which ssh logs in as anybody."""
        return self.folder / "key"


def recipe(suite):
    """What the root of a suite's disk is made of."""
    return roots.Recipe((*PACKAGES, *MORE.get(suite, ())), HERE / "finish")


def path(suite):
    """Where the disk of a suite is, or would be."""
    packages, finish = recipe(suite)
    scripts = [script.read_text(encoding="utf-8") for script in (finish, roots.LAB.finish)]
    text = "\n".join((*packages, *roots.PRUNED, SIZE, *scripts))
    return roots.cache_folder() / "machines" / f"{suite}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def disk(suite=SUITE):
    """The disk of a suite, which is made if it is not there yet. Raises roots.RootError."""
    folder = path(suite)
    if not folder.is_dir():
        roots.check_can_build(suite)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with roots.locked(folder.parent / "lock"):
            if not folder.is_dir():
                _make(suite, folder)
    return Disk(suite, folder)


def _make(suite, folder):
    # Those of older recipes, and what was interrupted: we hold the lock.
    for old in (*folder.parent.glob(f"{suite}-*"), *folder.parent.glob("new-*")):
        if not roots.is_held(old):
            shutil.rmtree(old)
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as work:
        pathlib.Path(work).chmod(0o755)  # apt downloads as somebody else
        root, new = pathlib.Path(work) / "root", pathlib.Path(work) / "disk"
        roots.build(suite, recipe(suite), root)
        new.mkdir(mode=0o755)
        made = Disk(suite, new)
        shutil.copy(_only(root / "boot", "vmlinuz-*"), made.kernel)
        shutil.copy(_only(root / "boot", "initrd.img-*"), made.initrd)
        shutil.copy(root / "root/.ssh/id_ed25519", made.key)
        made.key.chmod(0o600)
        _label(root)
        # Nobody cares for it after a crash, so it has no journal.
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root, made.image, SIZE], check=True)
        new.rename(folder)


def _label(root):
    """Gives all files the labels that the policy of SELinux has for them, if the root has one. The kernel here needs none."""
    if (root / CONTEXTS).exists():
        script = 'mount -t proc proc "$1/proc" && exec chroot "$1" setfiles -F -e /proc -e /dev -e /sys "/$2" /'
        subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-euc", script, "sh", root, CONTEXTS], check=True)


def _only(folder, pattern):
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise roots.RootError(f"{pattern} in {folder.name} of the machine's root: one expected, {len(found)} there")
    return found[0]


if __name__ == "__main__":
    try:
        print(disk().folder)
    except roots.RootError as error:
        sys.exit(str(error))
