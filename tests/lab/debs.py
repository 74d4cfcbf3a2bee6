# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The project's Debian package, built on each suite as `make deb` does, once for the same sources.

A build is a folder CACHE/debs/SUITE-DIGEST with all that dpkg-buildpackage leaves. It appears there when it is whole.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import roots

TOP = roots.HERE.parents[1]
# What decides what is in the package: the unit tests run when it is built.
SOURCES = ("Makefile", "README.md", "SECURITY.md", "bpf/", "conf/", "debian/", "pam_bpfdev/", "tests/tests.mk", "tests/unit/",
           "tests/setup/packages", "tests/lab/build-deb")
NAMESPACES = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--net", "--ipc")
KEPT = 4  # builds of a suite from older sources, which somebody on another branch may need again


def built(suite, folder="/build", options=None):
    """The folder with the package of this suite, which is built if it is not there yet. Raises roots.RootError.

    folder: where in the root the sources are. options: DEB_BUILD_OPTIONS; by default the unit tests run, but on the
    suite where `make check` runs them anyhow.
    """
    if options is None:
        options = "nocheck" if suite == roots.SUITES[0] else ""
    root = roots.root(suite, roots.BUILD)
    held = roots.hold(root)
    try:
        path = roots.cache_folder() / "debs" / f"{suite}-{_digest(root.name, folder, options)}"
        path.parent.mkdir(exist_ok=True)
        with roots.locked(path.parent / f"{suite}.lock"):
            if not path.is_dir():
                _prune(path.parent, suite)
                _build(root, path, folder, options)
        os.utime(path)
        return path
    finally:
        os.close(held)


def package(folder):
    """The package itself, among what a build has left."""
    (found,) = folder.glob("libpam-bpfdev_*.deb")
    return found


def _digest(*what):
    digest = hashlib.sha256(repr(what).encode())
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *SOURCES], cwd=TOP, check=True,
                            stdout=subprocess.PIPE, encoding="utf-8").stdout
    for name in sorted(set(listed.split("\0")) - {""}):
        path = TOP / name
        digest.update(repr((name, path.stat().st_mode & 0o111 != 0)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _prune(folder, suite):
    builds = sorted(folder.glob(f"{suite}-*"), key=lambda path: path.stat().st_mtime)
    for path in builds[:-KEPT]:
        shutil.rmtree(path)


def _build(root, path, folder, options):
    part = path.with_name(f"{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    mountpoint = roots.cache_folder() / "mnt"
    mountpoint.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["make", "-s", "-C", TOP, "tarball", f"BUILD={work}"], check=True)
        (tarball,) = pathlib.Path(work).glob("*.tar.gz")
        done = subprocess.run(["unshare", *NAMESPACES, roots.HERE / "build-deb", root, mountpoint, tarball, part, folder],
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", errors="replace", env=dict(os.environ, DEB_BUILD_OPTIONS=options))
    (part / "log").write_text(done.stdout, encoding="utf-8")
    if done.returncode != 0:
        told = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-30:])
        raise roots.RootError(f"the package cannot be built on {root.name}:\n{told}")
    part.rename(path)


def repacked(package_file, target, version, change):
    """Writes the package again as target, with another version, as change(folder) has made its unpacked files."""
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["dpkg-deb", "-R", package_file, work], check=True)
        control = pathlib.Path(work) / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {version}", control.read_text(encoding="utf-8")),
                           encoding="utf-8")
        change(pathlib.Path(work))
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", work, target], check=True, stdout=subprocess.DEVNULL)
