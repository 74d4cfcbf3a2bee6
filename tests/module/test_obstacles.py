# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What may stand in the way of a filter: the user is refused and the reason said, root is let in."""

import errno
import fcntl
import os
import pathlib
import re
import signal
import subprocess

import pytest

import scratch
from test_open import SCOPE
from test_policy_files import refusal
from waiting import LOCK, open_files, wait_for

POLICY = "alice deny c 1:5\nroot deny c 1:5\n"
WITHOUT_ANY = "umount --all --lazy --types cgroup,cgroup2\n"
# A hierarchy without controllers is there for the mounting, where the kernel has cgroup v1 at all.
ONLY_V1 = WITHOUT_ANY + """mount -t tmpfs tmpfs /mnt
mount -t cgroup -o none,name=pam_bpfdev_module none /mnt
"""


@pytest.fixture
def refused(login, tree, world):
    """A function that sees alice refused for a reason, root let in in spite of it, and bob, who has no rules, too."""
    world.policy(POLICY)

    def see(reason, prepare=lambda client: None, **options):
        results = []
        for number, user in enumerate(("alice", "root", "bob")):
            client = login(user, cgroup=tree.scope(number, {"alice": 1000, "root": 0, "bob": 1001}[user]), **options)
            prepare(client)
            results.append(client.open())
        assert results == ["PAM_SESSION_ERR", "PAM_IGNORE", "PAM_IGNORE"]
        first, second = world.log.texts()
        assert first.startswith(refusal("alice", "")) and reason in first
        assert second.startswith("root is let in WITHOUT device rules (root is never locked out): ")
        assert reason in second
        assert tree.filters() == {}
    return see


def test_no_cgroup_hierarchy(refused):
    refused("no cgroup2 hierarchy is mounted", inside=WITHOUT_ANY)


def test_only_cgroup_v1(refused, cannot_run):
    if "cgroup" not in pathlib.Path("/proc/filesystems").read_text(encoding="ascii").split():
        cannot_run("this kernel has no cgroup v1")
    refused("this machine uses cgroup v1 only: no cgroup2 hierarchy is mounted", inside=ONLY_V1)


def test_hierarchy_that_something_else_is_mounted_over(refused, tree):
    mount = scratch.mount_point()
    copies = [f"mkdir -p {folder}" for folder in (tree.scope(0), tree.scope(1, 0), tree.scope(2, 1001))]
    refused(".scope: not in a cgroup2 hierarchy",
            inside=f"mount -t tmpfs tmpfs {mount}\n" + "\n".join(copies) + "\n")


@pytest.mark.parametrize("error, reason", [
    (errno.EPERM, "Operation not permitted: bpf(2) takes CAP_SYS_ADMIN"),
    (errno.ENOSYS, "Function not implemented: this kernel has no bpf(2), or a seccomp filter refuses it"),
    (errno.EACCES, "Permission denied: a security module refuses bpf(2)"),
    (errno.EINVAL, "Operation not supported: this kernel has no device programs for cgroups: it needs "
                   "CONFIG_CGROUP_BPF"),
    (errno.ENOMEM, "Cannot allocate memory"),
])
def test_bpf_that_fails(refused, error, reason):
    refused(f"listing the device programs of the cgroup: {reason}", lambda client: client.call("seccomp", int(error)))


def test_login_program_without_privileges(login, tree, world):
    alice = login()
    alice.call("become", 1000)
    assert alice.open() == "PAM_SESSION_ERR"
    assert world.log.texts()[0].startswith(refusal("alice", f"{LOCK}: Permission denied"))
    assert tree.filters() == {}


def test_cgroup_that_takes_no_more_programs(login, tree, world, foreign_program):
    for number in range(64):
        foreign_program(tree.scope(), f"foreign{number}")
    assert login().open() == "PAM_SESSION_ERR"
    assert world.log.texts() == [refusal("alice", "attaching: there are 64 device programs on the cgroup already, the "
                                                  "most that the kernel takes")]


def test_manager_that_takes_no_more_programs_undoes_the_session(login, tree, world, foreign_program):
    for number in range(64):
        foreign_program(tree.manager(), f"foreign{number}")
    assert login().open() == "PAM_SESSION_ERR"
    assert SCOPE not in tree.filters()


def user_s(path):
    path.touch(0o600)
    os.chown(path, 1000, 1000)


def readable(path):
    path.touch()
    path.chmod(0o644)


def folder(path):
    path.mkdir()


def fifo(path):
    os.mkfifo(path, 0o600)


def link(path):
    path.symlink_to("/etc/passwd")


WRONG = f"{LOCK}: must be a regular file of uid 0 with mode 0600, but has uid"


@pytest.mark.parametrize("make, reason", [(user_s, f"{WRONG} 1000 and mode 100600"), (readable, WRONG + " 0"),
                                          (fifo, WRONG + " 0"), (folder, f"{LOCK}: Is a directory"),
                                          (link, f"{LOCK}: Too many levels of symbolic links")],
                         ids=lambda value: getattr(value, "__name__", None))
def test_lock_that_others_could_hold(login, tree, world, make, reason):
    path = world.path(LOCK)
    path.unlink(missing_ok=True)
    world.policy(POLICY)
    try:
        make(path)
        assert login().open() == "PAM_SESSION_ERR"
        (text,) = world.log.texts()
        assert text.startswith(refusal("alice", reason))
        # It is alice's lock alone.
        assert login("root", cgroup=tree.scope(2, 0)).open() == "PAM_SUCCESS"
    finally:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        path.unlink(missing_ok=True)


def test_run_that_cannot_be_written_to(refused):
    refused("/run/pam_bpfdev: Read-only file system", inside="mount -t tmpfs -o ro tmpfs /run")


def test_lock_is_waited_for(login, tree, world):
    lock = os.open(world.path(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    alice = login()
    alice.send("open")
    wait_for(lambda: LOCK in open_files(alice.pid), "the client has come to the lock")
    assert not alice.has_answered() and tree.filters() == {}
    os.close(lock)
    assert alice.answer() == "PAM_SUCCESS"
    assert LOCK not in open_files(alice.pid)


def test_who_was_stopped_with_the_lock_is_killed_and_named(login, world):
    path = world.path(LOCK)
    path.touch(0o600)
    holder = subprocess.Popen(["flock", "-o", path, "sh", "-c", "echo; kill -STOP $PPID; sleep 60"], stdout=subprocess.PIPE,
                              text=True, process_group=0)
    try:
        assert holder.stdout.readline() == "\n"
        assert login().open() == "PAM_SUCCESS"
        assert holder.wait() == -signal.SIGKILL
        named = re.compile(rf"process {holder.pid} \(flock\) kept the lock of uid 1000, and was killed after \d+ ms: "
                           "a signal had stopped it")
        assert [entry.priority for entry in world.log.entries() if named.fullmatch(entry.text)] == ["warning"]
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.stdout.close()


def test_login_that_is_killed_lets_go_of_the_lock(login, world):
    alice, waiting = login(), login()
    lock = os.open(world.path(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    waiting.send("open")
    wait_for(lambda: LOCK in open_files(waiting.pid), "the client has come to the lock")
    os.close(lock)
    waiting.kill()
    assert alice.open() in ("PAM_SUCCESS", "PAM_IGNORE")


def test_lock_that_nobody_lets_go(stalled):
    """Begun before all other tests: it lasts."""
    tree, client, log = stalled
    assert client.answer() == "PAM_SESSION_ERR"
    assert tree.filters() == {} and client.messages
    reason = f"{LOCK}: locked by another process for more than 15000 ms"
    assert ("err", refusal("alice", reason)) in log.entries()
