# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Many sessions at once, each in a cgroup of its own, and what they cost."""

import statistics
import subprocess
import time

import bpf
from figures import TOP
from opening import begin, opened
from scratch import folders, mount_point, programs

COMMAND = TOP / "build" / "bpfdev"
ROUNDS = 9
PATIENCE = 5000  # ms; what took longer is not asked for more


def timed(command, patience=PATIENCE):
    """How long a command takes to its end, in milliseconds; None if it is still at it after patience."""
    started = time.perf_counter()
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                       timeout=patience / 1000)
    except subprocess.TimeoutExpired:
        return None
    return (time.perf_counter() - started) * 1000


def move(pid, cgroup):
    """Moves a process into a cgroup."""
    (cgroup / "cgroup.procs").write_text(str(pid), encoding="ascii")


class Crowd:
    """Sessions that stay open: each has a filter, and a process. Users, (name, uid), open them by turns."""

    def __init__(self, world, program, tree, users=(("alice", 1000),), service="quiet"):
        self._world = world
        self._tree = tree
        self._users = users
        self._service = service
        self._processes = []
        self._client = world.client(program, tree.make("lobby"))
        self._client.call("move", tree.make("lobby") / "cgroup.procs")  # an answer: it has been moved there by now

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.kill()
        for process in self._processes:
            process.kill()
            process.wait()

    def _scope(self, number):
        return self._tree.scope(number, self._user(number)[1])

    def _user(self, number):
        return self._users[number % len(self._users)] if number != "x" else self._users[0]

    def enter(self, number):
        """Has the client enter a new session's scope, and begin there. Returns the client."""
        move(self._client.pid, self._scope(number))
        begin(self._client, self._service, self._user(number)[0])
        return self._client

    def grow(self, count):
        """Opens sessions until there are so many. Returns the seconds that the logins' services waited for PAM."""
        waited = 0
        while len(self._processes) < count:
            number = len(self._processes) + 1
            client = self.enter(number)
            started = time.perf_counter()
            answer = client.open()
            waited += time.perf_counter() - started
            if answer != "PAM_SUCCESS":
                raise SystemExit(f"bench: the module fails: {self._world.log.texts()}")
            process = subprocess.Popen(["sleep", "infinity"])
            self._processes.append(process)
            move(process.pid, self._scope(number))
            client.call("end")
        return waited

    def open_one_more(self):
        """The median time of opening and closing one more session."""
        client = self.enter("x")
        times = opened(self._world, client, 1)
        if times[0] < PATIENCE / 10:
            times = opened(self._world, client, ROUNDS)
        client.call("end")
        move(client.pid, self._tree.make("lobby"))
        self._scope("x").rmdir()
        return statistics.median(times)

    def reload(self, patience=PATIENCE):
        """How long `bpfdev reload` takes, which knows of no sessions but these; None: longer than patience."""
        script = f'umount {mount_point()}; mount -t cgroup2 none {mount_point()}; exec "$0" reload'
        return timed(self._world.command(self._tree.root, ["unshare", "--cgroup", "--pid", "--fork", "--mount-proc",
                                                           "sh", "-euc", script, COMMAND]), patience)


def memory(tree):
    """Bytes of the kernel's memory that the programs of all cgroups below take, with their maps."""
    ids = set()
    for cgroup in folders(tree.root):
        ids.update(programs(cgroup))
    return bpf.memory(ids)
