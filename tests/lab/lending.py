# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the tests of bpfdev allow and revoke share: a policy, the command, what it logs, its timers."""

from reloads import logged
from verbs import TRY_NODES, equipped

POLICY = "@students allow c 510:0 rw\n@students deny c 510:1\nclass few c 510:3 c 510:4\n"
NONE = "123456789"  # what that denies, of the nodes 0 to 9
NODE = "/dev/try1"
COMMAND = "/usr/local/sbin/bpfdev"
TIMERS = "systemctl list-units --no-legend --plain 'bpfdev-revoke-*'"
TRY_LATER = f"sh -c 'read -r go <{{fifo}}; {TRY_NODES}'"
FOR = r"until \d{4}-\d\d-\d\d \d\d:\d\d in session"


def without_timers(machine):
    """For a fixture: the machine with the tools of verbs; afterwards no timer is left."""
    yield from equipped(machine)
    machine.run("rm -f /run/pam_bpfdev/1000.lock")
    if timers(machine):
        machine.run(["systemctl", "stop", *timers(machine)], check=False)


def under_rules(machine):
    """For a fixture: a session of alice's by ssh."""
    machine.policy(POLICY)
    with machine.ssh_session("alice") as session:
        yield session


def bpfdev(machine, arguments, prefix="", user=None):
    """What the command says: exit status, standard output, standard error. prefix: what starts it."""
    result = machine.run(f"{prefix} bpfdev {arguments}", user, check=False)
    return result.returncode, result.stdout, result.stderr


def without(*numbers):
    """NONE without these."""
    return "".join(number for number in NONE if int(number) not in numbers)


def ended(machine, count=1):
    """Waits until the log says of so many exceptions that they are over; returns these lines."""
    def lines():
        said = [line for line in logged(machine) if line.endswith(": the exception's time is over")]
        return len(said) >= count and said

    return machine.wait_for(lines, f"{count} exceptions have ended")


def timers(machine):
    """Those that are waiting, and the services of those that are under way."""
    return [line.split()[0] for line in machine.run(TIMERS).stdout.splitlines()]


def no_timers_left(machine):
    machine.wait_for(lambda: not timers(machine), "no timer and none of its services is left")
    assert not machine.journal(r"bpfdev-revoke-\S+: (Failed with|Main process exited)")
