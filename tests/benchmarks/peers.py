# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Others who have the kernel decide on devices, each started for real on a machine, with a list of devices to allow.

What is measured is the very program that a peer has put on its cgroup. All of them get the same list; what they
allow besides (null, zero, terminals ...) is theirs.
"""

import json

# The list of devices: so many of each of so many majors, in order, as bench_decisions.c has them.
FIRST_MAJOR, MAJORS, OF_A_MAJOR = 300, 200, 100
LONGEST = 160  # of an error that is shown


def devices(count):
    """The first devices of the list, as (major, minor)."""
    return [(FIRST_MAJOR + number // OF_A_MAJOR % MAJORS,
             number % OF_A_MAJOR + number // (OF_A_MAJOR * MAJORS) * OF_A_MAJOR) for number in range(count)]


def of_one_major(count):
    """As many devices, all of one major."""
    return [(FIRST_MAJOR, number) for number in range(count)]


def by_turns(count):
    """As many devices, of all the majors by turns."""
    return [(FIRST_MAJOR + number % MAJORS, number // MAJORS) for number in range(count)]


def shortened(error):
    """The end of an error: crun's and runc's have all that the verifier said in them."""
    return error if len(error) <= LONGEST else f"... {error[-LONGEST:]}"


class Refused(Exception):
    """The peer did not put its program in place. The text is its own error."""


class Peer:
    """A peer. Attributes: name; cgroup, where its program is."""

    name = cgroup = None

    def prepare(self, machine):
        """Done once on each machine."""

    def version(self, machine):
        """What it says of itself."""
        raise NotImplementedError

    def start(self, machine, allowed):
        """Starts it with this list. Returns what it said, which may be of a failure."""
        raise NotImplementedError

    def stop(self, machine):
        """Ends it, however far it has come."""
        raise NotImplementedError

    def program(self, machine, allowed):
        """Starts it; returns the id of its program, which lives until stop(). Raises Refused."""
        said = self.start(machine, allowed)
        found = machine.programs().get(self.cgroup)
        if not found:
            self.stop(machine)
            raise Refused(shortened(said))
        return found[0]["id"]


class Systemd(Peer):
    """A service with DeviceAllow= lines."""

    name, cgroup = "systemd", "/system.slice/peer.service"

    def version(self, machine):
        return machine.run("systemctl --version").stdout.split()[1]

    def start(self, machine, allowed):
        lines = [f"DeviceAllow=/dev/char/{major}:{minor} rw" for major, minor in allowed]
        machine.write_file("/run/systemd/system/peer.service", "\n".join(
            ("[Service]", "ExecStart=sleep infinity", "DevicePolicy=closed", *lines, "")))
        machine.run("systemctl daemon-reload")
        started = machine.run("systemctl start peer.service", check=False, timeout=120)
        log = machine.run("journalctl -q --no-pager -o cat _PID=1 | grep 'device control BPF' | tail -n 1", check=False).stdout
        return f"exit {started.returncode}, and in the journal: {log.strip()}"

    def stop(self, machine):
        machine.run("systemctl stop peer.service; rm -f /run/systemd/system/peer.service; systemctl daemon-reload",
                    check=False)


class Oci(Peer):
    """A runtime of containers, which is not told to start what it has created: the program is in place by then."""

    def __init__(self, name):
        self.name = name
        self.cgroup = f"/{name}"

    def prepare(self, machine):
        machine.run(f"mkdir -p /srv/{self.name}/rootfs/usr /srv/{self.name}/rootfs/proc /srv/{self.name}/rootfs/dev")

    def version(self, machine):
        return machine.run([self.name, "--version"]).stdout.split()[2].partition("+")[0]

    def start(self, machine, allowed):
        rules = [{"allow": False, "access": "rwm"}]
        rules += [{"allow": True, "type": "c", "major": major, "minor": minor, "access": "rw"} for major, minor in allowed]
        machine.write_file(f"/srv/{self.name}/config.json", json.dumps({
            "ociVersion": "1.0.2",
            "process": {"user": {"uid": 0, "gid": 0}, "args": ["/usr/bin/true"], "cwd": "/"},
            "root": {"path": "rootfs"},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]}],
            "linux": {"cgroupsPath": self.cgroup, "resources": {"devices": rules},
                      "namespaces": [{"type": "mount"}, {"type": "pid"}]}}))
        log = f"/run/{self.name}.log"  # what it starts keeps its output open
        machine.run(f"{self.name} create --bundle /srv/{self.name} peer </dev/null >{log} 2>&1", check=False, timeout=120)
        lines = machine.read_file(log).strip().splitlines()
        return next((line for line in reversed(lines) if "error" in line), " ".join(lines))

    def stop(self, machine):
        machine.run(f"{self.name} delete --force peer", check=False)


class Lxc(Peer):
    """A container of LXC's, which shares the machine's files."""

    name, cgroup = "LXC", "/lxc.payload.peer"

    def version(self, machine):
        return machine.run("lxc-start --version").stdout.strip()

    def start(self, machine, allowed):
        lines = [f"lxc.cgroup2.devices.allow = c {major}:{minor} rw" for major, minor in allowed]
        machine.write_file("/run/peer.conf", "\n".join((
            "lxc.uts.name = peer", "lxc.net.0.type = none", "lxc.console.path = none", "lxc.pty.max = 0",
            "lxc.tty.max = 0", "lxc.autodev = 0", "lxc.cgroup2.devices.deny = a", *lines, "")))
        machine.run("rm -f /run/peer.log; lxc-start -n peer -f /run/peer.conf -l ERROR -o /run/peer.log -- sleep infinity",
                    check=False, timeout=120)
        log = machine.run("grep -m 1 -oE '(cgfsng|cgroup2_devices|bpf_program).*' /run/peer.log", check=False).stdout
        return log.strip()

    def stop(self, machine):
        machine.run("lxc-stop -k -n peer", check=False)


PEERS = (Systemd(), Oci("crun"), Oci("runc"), Lxc())
