# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Root file systems of Debian suites, built once with mmdebstrap and then only read.

A root is a folder CACHE/SUITE-DIGEST, the digest being that of everything that makes it what it is. It is built under
another name and renamed when whole, so whatever interrupts a build leaves nothing that looks like a root.
"""

import collections
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

SUITES = ("bookworm", "trixie", "sid")

# What runs in the machines, and what a person or a test needs to log in there and look around.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "dbus-user-session",
    "login", "passwd", "util-linux", "procps",
    "openssh-server", "openssh-client", "sudo", "cron", "at", "pamtester",
    "libbpf1",  # brings libelf1, for a bpftool that a test puts there
    "libjansson4", "libsmartcols1",  # what the command is linked with
    "python3-minimal",  # tests open devices in ways that no shell can
    "tmux", "less", "nano", "alsa-utils", "evtest",
)

PRUNED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")

# The machine's own way to reach its mirror: these apt settings also hold for the roots.
APT_SETTING = re.compile(r"^(Acquire::(?:Check-|http|https|Retries|ForceIPv|Queue).*|Acquire::.*Proxy.*) \"(.+)\";$")

HERE = pathlib.Path(__file__).resolve().parent
CONTROL = HERE.parents[1] / "debian" / "control"


def build_dependencies():
    """What builds the Debian package: what its control file says, and what every package takes for granted."""
    field = re.search(r"^Build-Depends:(.*(?:\n .*)*)", CONTROL.read_text(encoding="utf-8"), re.M)[1]
    names = [re.match(r"[^ (<]+", item.strip())[0] for item in field.split(",") if item.strip()]
    return ("build-essential", *("debhelper" if name == "debhelper-compat" else name for name in names))


# What makes a root; finish is a script that completes it, or None.
Recipe = collections.namedtuple("Recipe", "packages finish")
# Machines run on this one.
LAB = Recipe(PACKAGES, HERE / "settle")
# So do those that need a directory. nslcd, not sssd: it keeps nothing, so a directory that is down is seen to be down.
DIRECTORY = Recipe((*PACKAGES, "slapd", "ldap-utils", "libnss-ldapd", "nslcd"), HERE / "settle")
# And those that are to ask polkit.
DOORS = Recipe((*PACKAGES, "polkitd"), HERE / "settle")
# The Debian package is built in this one.
BUILD = Recipe(build_dependencies(), HERE / "provide")
# Others who have the kernel decide by device programs run on this one, for the benchmarks alone.
PEERS = Recipe((*PACKAGES, "crun", "runc", "lxc"), HERE.parent / "benchmarks" / "settle")
# Layers that need no machine run in this one.
CHECK = Recipe((*build_dependencies(), "bpftool", "python3-pytest", "pamtester", "strace", "valgrind", "zsh", "mandoc", "procps"),
               None)


def recipes(suite):
    """Those by which roots of the suite are made for tests."""
    return (LAB, DOORS, BUILD, *((DIRECTORY,) if suite == SUITES[0] else ()), *((CHECK,) if suite != own_suite() else ()))


class RootError(Exception):
    """A root is missing and cannot be built; the text says why."""


def cache_folder():
    """The folder that holds the roots: PAM_BPFDEV_CACHE, or /var/cache/pam_bpfdev."""
    return pathlib.Path(os.environ.get("PAM_BPFDEV_CACHE") or "/var/cache/pam_bpfdev")


def own_suite():
    """The suite whose root runs what is built on this machine: its own, or else the newest, which lacks the least."""
    name = _os_release().get("VERSION_CODENAME")
    return name if name in SUITES else SUITES[-1]


def root_path(suite, recipe=LAB):
    """Where the root of this suite is, or would be."""
    finish = recipe.finish.read_text(encoding="utf-8") if recipe.finish else ""
    text = "\n".join((*recipe.packages, *PRUNED, finish))
    return cache_folder() / f"{suite}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def root(suite, recipe=LAB):
    """The path of the suite's root, which is built if it is not there yet. Raises RootError."""
    path = root_path(suite, recipe)
    if path.is_dir():
        return path
    check_can_build(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f"{suite}.lock")):
        if not path.is_dir():
            build(suite, recipe, path)
    return path


def hold(path):
    """Keeps a root from being pruned for as long as the descriptor that this returns stays open."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd


def is_held(path):
    """Whether somebody keeps it from being pruned: see hold."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def prune():
    """Removes the roots that an older recipe made, if no machine runs on them, and what interrupted builds left.

    Returns their paths.
    """
    cache_folder().mkdir(parents=True, exist_ok=True)
    wanted = {root_path(suite, recipe) for suite in SUITES for recipe in (*recipes(suite), PEERS)}
    gone = []
    for suite in SUITES:
        with locked(cache_folder() / f"{suite}.lock"):
            unwanted = set(cache_folder().glob(f"{suite}-*")) - wanted
            for path in filter(lambda path: not is_held(path), unwanted):
                shutil.rmtree(path)
                gone.append(path)
    return gone


def check_can_build(suite):
    """Raises RootError if this machine can build no root of the suite."""
    if suite not in SUITES:
        raise RootError(f"unknown suite {suite}: one of {', '.join(SUITES)}")
    if os.geteuid() != 0:
        raise RootError(f"only root can build the root file system of {suite}")
    if not shutil.which("mmdebstrap"):
        raise RootError("mmdebstrap is not installed: run tests/setup/packages demo")


@contextlib.contextmanager
def locked(path):
    """Holds the lock file at path; others wait for it."""
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(suite, recipe, path):
    """Makes the folder path, which appears when it is whole, a root of the suite. Raises RootError."""
    part = path.with_name(f"{path.name}.part")
    if part.exists():
        shutil.rmtree(part)
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(_command(suite, recipe, part), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _watch(process, suite, part, started)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            shutil.rmtree(part, ignore_errors=True)
            raise RootError(_why_failed(suite, log))
    part.rename(path)
    _say(f"{suite}: root built in {time.monotonic() - started:.0f} s\n")


def _command(suite, recipe, part):
    # The build ends when this process does, with all its processes and mounts.
    command = ["setpriv", "--pdeathsig", "KILL"]
    command += ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command += ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"]
    command += [f"--include={','.join(recipe.packages)}", "--dpkgopt=force-unsafe-io"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in PRUNED]
    command += [f"--aptopt={option}" for option in _apt_options(suite)]
    if recipe.finish:
        command.append(f"--customize-hook={shlex.quote(str(recipe.finish))} \"$1\"")
    return [*command, suite, str(part), _mirror()]


def _apt_options(suite):
    options = ['Acquire::Languages "none"']
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    for line in dump.splitlines():
        setting = APT_SETTING.match(line)
        if setting:
            options.append(f'{setting[1]} "{setting[2]}"')
    if suite == "sid":
        # A mirror that is a snapshot keeps the date of the day on which it was taken.
        options.append('Acquire::Check-Valid-Until "false"')
    return options


def _mirror():
    """The archive from which this machine itself is installed, as its apt knows it."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    release = _os_release().get("VERSION_CODENAME")
    for line in found.splitlines():
        uri, _, suite = line.partition(" ")
        if suite in (release, *SUITES, "stable", "oldstable", "testing", "unstable"):
            return uri
    raise RootError("apt knows no Debian archive on this machine: its sources name none")


def _os_release():
    text = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    return dict(line.replace('"', "").split("=", 1) for line in text.splitlines() if "=" in line)


def _watch(process, suite, part, started):
    """Shows how far the build is until it ends: on a terminal each second, elsewhere every ten seconds."""
    on_terminal = sys.stderr.isatty()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1 if on_terminal else 10)
            break
        line = f"{suite}: building the root, {time.monotonic() - started:.0f} s, {_installed(part)} packages set up"
        _say(f"\r\033[K{line}" if on_terminal else f"{line}\n")
    _say("\r\033[K" if on_terminal else "")


def _installed(part):
    try:
        return (part / "var/lib/dpkg/status").read_text(encoding="utf-8").count("Status: install ok installed")
    except OSError:
        return 0


def _why_failed(suite, log):
    log.seek(0)
    lines = log.read().splitlines()
    telling = [line for line in lines if re.match(r"(E|W|Err).*: ?", line)] or lines
    return "\n".join((f"cannot build the root of {suite}; the mirror was asked as this machine's apt is set up:",
                      *(f"    {line}" for line in telling[-8:])))


def _say(text):
    sys.stderr.write(text)
    sys.stderr.flush()
