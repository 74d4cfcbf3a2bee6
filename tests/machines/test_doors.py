# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What udisks2 does for whom: by the rules of the session that asks, with real sticks, polkit and udisks2."""

import collections
import json
import re

import pytest

from administration import POLICY, TOP
from hammering import equip, plug, rules

MOUNT = "udisksctl mount --no-user-interaction -b /dev/sda"
UNMOUNT = "udisksctl unmount --no-user-interaction -b /dev/sda"
READ = "cat $(findmnt -n -o TARGET /dev/sda)/known"  # below /media or, where nobody has patched udisks2, /run/media
REFUSED = "Not authorized to perform operation"
CALL = "busctl --system call org.freedesktop.UDisks2 /org/freedesktop/UDisks2/block_devices/sda org.freedesktop.UDisks2."
MOUNT_DIRECTLY, FORMAT = f"{CALL}Filesystem Mount a{{sv}} 0", f"{CALL}Block Format sa{{sv}} empty 0"
LOOP = "truncate -s 1M image; udisksctl loop-setup --no-user-interaction -f image"
# What else one can have udisks2 do with a stick without a partition, and what it takes.
ACTIONS = {f"{CALL}Block OpenDevice sa{{sv}} r 0": "rw-", f"{CALL}Block OpenForBackup a{{sv}} 0": "rw-",
           f"{CALL}Block Rescan a{{sv}} 0": "r--", FORMAT: "rw-", LOOP: "rw-",
           "udisksctl power-off --no-user-interaction -b /dev/sda": "r--"}


# What polkit would want a password for, or an administrator, is alice's for the asking: what is refused, our rule refuses.
OBLIGING = """polkit.addRule(function (action, subject) {
    if (action.id.indexOf("org.freedesktop.udisks2.") === 0 && subject.user === "alice")
        return polkit.Result.YES;
});
"""


@pytest.fixture(scope="module", autouse=True)
def _tools(computer):
    equip(computer)
    computer.write_file("/etc/polkit-1/rules.d/70-obliging.rules", OBLIGING)
    yield
    computer.run("rm /etc/polkit-1/rules.d/70-obliging.rules")


@pytest.fixture
def stick(machine):
    """A stick with a file on it, /dev/sda; what is mounted of it at the end is unmounted."""
    yield plug(machine, "stick")
    machine.run("umount /dev/sda 2>/dev/null; losetup -D; systemctl restart udisks2", check=False)


def refused(result):
    """Whether udisks2 said so, and not something else."""
    return result.returncode != 0 and REFUSED in result.stderr


def denials(machine, user="alice"):
    """What the sessions of a user were denied by way of a service: (session, service, device, access, count)."""
    told = json.loads(machine.run(f"bpfdev denials --json {user}").stdout)["denials"]
    return [(row["session"], row["door"], row["device"], row["access"], row["result"], row["count"])
            for row in told if row["door"]]


def test_mounting_needs_what_the_rules_let_one_have(machine, stick):
    machine.policy(rules("deny block-*"))
    with machine.console_login("alice") as alice:
        assert refused(alice.run(MOUNT))
        assert refused(alice.run(MOUNT_DIRECTLY))
        assert denials(machine) == [(alice.id, "udisks2", "b 8:0", "rw-", "refused", 2)]
        shown = machine.run("bpfdev denials alice").stdout
        assert re.search(rf"alice {alice.id} +udisks2 for \d+ +/dev/sda \(b 8:0\) +rw +refused {POLICY}:2 +2\n", shown), shown
        machine.run("bpfdev allow alice /dev/sda --for 1min")
        assert alice.run(MOUNT).returncode == 0
        assert alice.run(READ).stdout == "by heart\n"
        assert alice.run(UNMOUNT).returncode == 0
        machine.run("bpfdev revoke alice")
        assert refused(alice.run(MOUNT))
    assert machine.journal(rf"alice was denied 3 times in session-{alice.id}.scope: /dev/sda \(b 8:0\) rw 3 times "
                           rf"through udisks2 by {POLICY}:2")


def test_who_has_no_rules_is_served_as_before(machine, stick):
    machine.policy(rules("deny block-*"))
    with machine.console_login("carol") as carol:
        assert carol.run(MOUNT).returncode == 0
        assert carol.run(READ).stdout == "by heart\n"
        assert carol.run(UNMOUNT).returncode == 0
        machine.run(f"systemctl stop bpfdev-ask.socket bpfdev-ask.service; chmod 600 {POLICY}; rm -rf /etc/security/bpfdev.d")
        try:
            assert refused(carol.run(MOUNT))
            machine.run(f"chgrp polkitd {POLICY}; chmod 640 {POLICY}")
            assert carol.run(f"{MOUNT} && {UNMOUNT}").returncode == 0
        finally:
            machine.run(f"systemctl start bpfdev-ask.socket; chgrp root {POLICY}; chmod 644 {POLICY}")
    # polkit's own no, and not ours.
    with machine.login("carol") as carol:
        assert refused(carol.run(MOUNT))
    machine.run(f"{MOUNT} && {UNMOUNT}")


@pytest.mark.parametrize("recipe, user", [("teaching-lab", "alice"), ("kiosk", "kiosk"), ("workstation", "guest")])
def test_recipes(machine, stick, recipe, user):
    """Those that keep sticks from somebody do so by udisks2 too, and not from whom they exempt."""
    machine.run("id guest || useradd -m -s /bin/bash guest")
    machine.policy((TOP / f"conf/examples/{recipe}.conf").read_text(encoding="utf-8"))
    with machine.console_login(user) as denied:
        assert refused(denied.run(MOUNT))
        assert [row[:4] for row in denials(machine, user)] == [(denied.id, "udisks2", "b 8:0", "rw-")]
    if recipe == "teaching-lab":
        with machine.console_login("bob") as spared:
            assert spared.run(f"{MOUNT} && {UNMOUNT}").returncode == 0


# Ends the process $1, which asks; makes its pid that of one of bob's, in the cgroup $2; and only then lets the service answer.
RECYCLE = r"""
pkill -STOP -f 'ask --[s]erve'
touch /home/alice/go
until pgrep -f 'ask --[z]ero' >/dev/null; do sleep 0.05; done
kill -KILL "$1"
while [ -e "/proc/$1" ]; do sleep 0.01; done
until echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
	(echo 0 >"/sys/fs/cgroup$2/cgroup.procs"; exec setpriv --reuid bob --clear-groups sleep 600 </dev/null >/dev/null 2>&1) &
	[ $! = "$1" ]; do kill $!; done
until grep -q sleep "/proc/$1/comm"; do sleep 0.01; done
pkill -CONT -f 'ask --[s]erve'
while pgrep -f 'ask --[z]ero' >/dev/null; do sleep 0.05; done
kill "$1"
"""


def test_a_process_that_has_gone(machine, stick):
    """Who has its pid now may do all; who asked gets nothing from that."""
    machine.policy(rules("deny block-*") + "bob allow *\n")
    with machine.console_login("alice") as alice, machine.login("bob") as bob:
        assert refused(alice.run(MOUNT))  # and the service runs
        alice.run(f"(until [ -e go ]; do sleep 0.05; done; exec {MOUNT_DIRECTLY}) </dev/null >/dev/null 2>&1 &")
        asker = alice.run("echo $!").stdout.strip()
        machine.run(["bash", "-c", RECYCLE, "recycle", asker, bob.cgroup])
        machine.run("udevadm settle; busctl --system call org.freedesktop.UDisks2 /org/freedesktop/UDisks2 "
                    "org.freedesktop.DBus.Peer Ping")
        assert not machine.run("grep /dev/sda /proc/mounts", check=False).stdout
        assert [row[-1] for row in denials(machine)] == [1] and denials(machine, "bob") == []


def test_other_actions(machine, stick):
    machine.policy(rules("deny block-*"))
    counts = collections.Counter(("b 7:0" if command == LOOP else "b 8:0", access) for command, access in ACTIONS.items())
    with machine.console_login("alice") as alice:
        for command in ACTIONS:
            assert refused(alice.run(command)), command
        told = sorted((alice.id, "udisks2", *what, "refused", count) for what, count in counts.items())
        assert sorted(denials(machine)) == told
        machine.run("bpfdev allow alice block-* --for 1h")
        for command in ACTIONS:
            done = alice.run(command)
            assert done.returncode == 0, done
        assert sorted(denials(machine)) == told


def test_unlocking(machine, stick):
    machine.policy(rules("deny block-*"))
    luks = "--type luks1 --pbkdf-force-iterations 1000 -q /dev/sda"
    machine.run(f"echo -n secret >/tmp/key && chmod 644 /tmp/key && cryptsetup luksFormat {luks} /tmp/key && "
                "udevadm settle && udevadm trigger --settle /dev/sda")
    unlock = "udisksctl unlock --no-user-interaction -b /dev/sda --key-file /tmp/key"
    with machine.console_login("alice") as alice:
        assert refused(alice.run(unlock))
        assert refused(alice.run(f"{CALL}Encrypted Unlock sa{{sv}} secret 0"))
        assert denials(machine) == [(alice.id, "udisks2", "b 8:0", "rw-", "refused", 2)]
        machine.run("bpfdev allow alice /dev/sda --for 1h")
        done = alice.run(unlock)
        assert done.returncode == 0, done
        machine.run("udevadm settle; cryptsetup close $(ls /dev/mapper | grep luks)")


def test_audit(machine, stick):
    machine.policy(rules("deny block-*", "audit"))
    with machine.console_login("alice") as alice:
        assert alice.run(MOUNT).returncode == 0
        assert denials(machine) == [(alice.id, "udisks2", "b 8:0", "rw-", "audit", 1)]
        assert alice.run(UNMOUNT).returncode == 0


def test_who_may_read_may_mount_what_is_read_only(machine, stick):
    machine.policy(rules("deny block-* w"))
    with machine.console_login("alice") as alice:
        assert refused(alice.run(MOUNT))
        machine.run("blockdev --setro /dev/sda && udevadm trigger --settle /dev/sda")
        mounted = alice.run(MOUNT)
        assert mounted.returncode == 0, mounted
        assert alice.run(READ).stdout == "by heart\n"
        assert alice.run(UNMOUNT).returncode == 0


def test_programs_of_the_manager_and_those_that_stay(machine, stick):
    machine.policy(rules("deny block-*"))
    with machine.console_login("alice") as alice:
        script = "".join(f"{command} 2>&1\n" for command in (MOUNT, FORMAT, LOOP))
        alice.run(f"cat >all <<'END'\n{script}END")
        assert alice.run("systemd-run --user --quiet --pipe --wait sh all").stdout.count(REFUSED) == 3
        assert sorted((row[0], row[2], row[-1]) for row in denials(machine)) == [("manager", "b 7:0", 1), ("manager", "b 8:0", 2)]
        alice.run("(trap '' HUP; until [ -e go ]; do sleep 0.1; done; sh all) >said 2>&1 </dev/null & disown")
        state = f"loginctl show-session -p State --value {alice.id}"
        machine.spawn(f'until [ "$({state})" = closing ]; do sleep 0.1; done; touch /home/alice/go')
    machine.wait("! pgrep -u alice sh", "what stayed is done")
    assert machine.read_file("/home/alice/said").count(REFUSED) == 3
    assert not machine.run("grep /dev/sda /proc/mounts", check=False).stdout


def test_each_session_has_its_own_rules(machine, stick):
    machine.policy(rules("deny block-* rwm remote"))
    with machine.console_login("alice") as here, machine.login("alice") as there:
        assert refused(there.run(MOUNT)) and refused(there.run(FORMAT)) and refused(there.run(LOOP))
        assert sorted((row[0], row[2], row[-1]) for row in denials(machine)) == [(there.id, "b 7:0", 1), (there.id, "b 8:0", 2)]
        assert here.run(MOUNT).returncode == 0
        assert here.run(UNMOUNT).returncode == 0


def test_nobody_can_be_asked(machine, stick):
    machine.policy(rules("allow block-*"))
    with machine.console_login("alice") as alice:
        assert alice.run(f"{MOUNT} && {UNMOUNT}").returncode == 0
        machine.run("systemctl stop bpfdev-ask.socket bpfdev-ask.service")
        try:
            assert refused(alice.run(MOUNT))
            assert machine.journal(r"bpfdev\[.*: what udisks2 would open for alice is refused, as the rules cannot be "
                                   r"asked: /run/bpfdev-ask.socket: ")
            machine.run(f"{MOUNT} && {UNMOUNT}")
        finally:
            machine.run("systemctl start bpfdev-ask.socket")
        machine.run("systemctl restart polkit")
        assert alice.run(f"{MOUNT} && {UNMOUNT}").returncode == 0


def test_a_flood_and_a_service_that_is_killed(machine, stick):
    """Nothing gets through, and all is counted that was answered."""
    machine.policy(rules("deny block-*"))
    with machine.console_login("alice") as alice:
        alice.run(f"for i in $(seq 20); do {MOUNT} >>flood 2>&1 & done; wait", timeout=600)
        assert alice.run(f"grep -c '{REFUSED}' flood").stdout == "20\n"
        assert [row[-1] for row in denials(machine)] == [20]
        # The brackets keep it from killing itself.
        machine.run("systemd-run --unit=killer sh -c \"while sleep 0.05; do pkill -KILL -f 'ask --[s]erve'; done\"")
        try:
            alice.run(f"rm flood; for i in $(seq 8); do {MOUNT} >>flood 2>&1; done", timeout=600)
        finally:
            machine.run("systemctl stop killer")
        assert alice.run(f"grep -c '{REFUSED}' flood").stdout == "8\n"
        assert machine.journal("bpfdev-ask.service: Main process exited, code=killed, status=9/KILL")
        assert not machine.run("grep /dev/sda /proc/mounts", check=False).stdout
