# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""AppArmor: a profile that confines sshd refuses whom the rules name, until it includes what ships for such profiles.

The profile is the one of apparmor-profiles, for versions of OpenSSH before 9.8.
"""

import json
import re

import pytest

import disk
from hammering import equip
from need import unavailable

FULL = "c 1:7"  # /dev/full
RULES = f"alice allow *\nalice deny {FULL}\nalice deny block-*\n"
ATTEMPT = "attempt rw /dev/full"
PROFILE = "/usr/sbin/sshd"
FILE, LOCAL = "/etc/apparmor.d/usr.sbin.sshd", "/etc/apparmor.d/local/usr.sbin.sshd"
CHKPWD = "/etc/apparmor.d/unix-chkpwd"  # which the other one has pam_unix's helper run in
# The processes of a session, which later versions have programs for.
OPENSSH = "/usr/lib/openssh/sshd-{session,auth} mrix,\n"
OURS = "include <abstractions/pam_bpfdev>\n"  # as pam_bpfdev(8) says it
REFUSED = (r"sshd\S*: .*alice is refused, .*; AppArmor confines this service, and its profile /usr/sbin/sshd may lack "
           r"abstractions/pam_bpfdev")


@pytest.fixture(scope="module")
def confined(computer):
    """A function that has sshd confined, with more lines in the profile."""
    if "apparmor-profiles" not in disk.MORE.get(computer.suite, ()):
        unavailable(f"only the disk of {disk.SUITE} has profiles for AppArmor")
    assert computer.run("cat /sys/module/apparmor/parameters/enabled").stdout == "Y\n"

    def confine(lines):
        computer.write_file(LOCAL, OPENSSH + lines)
        computer.run(f"apparmor_parser -r {CHKPWD} {FILE} && systemctl restart ssh", timeout=900)

    equip(computer)
    computer.run(f"cp /usr/share/apparmor/extra-profiles/usr.sbin.sshd {FILE}")
    yield confine
    computer.run(f"apparmor_parser -R {CHKPWD} {FILE}; rm -f {FILE} {LOCAL}; systemctl restart ssh", timeout=900)


def findings(machine):
    """What doctor says of AppArmor: (level, message)."""
    told = json.loads(machine.run("bpfdev doctor --json", check=False).stdout)
    return [(finding["level"], finding["message"]) for finding in told["findings"] if finding["topic"] == "apparmor"]


def logins(machine):
    """What users may do whom ssh lets in; None: it is refused."""
    done = {user: machine.ssh(user, ATTEMPT) for user in ("alice", "carol", "root")}
    return {user: None if "so this login is refused" in login.stdout else login.stdout for user, login in done.items()}


def test_nothing_is_confined_as_it_is_installed(machine):
    assert findings(machine) == []


def test_without_what_ships_users_with_rules_are_refused(machine, confined):
    machine.policy(RULES)
    confined("")
    assert logins(machine) == {"alice": None, "carol": "ok\n", "root": "ok\n"}
    assert machine.journal(REFUSED)
    ((level, message),) = findings(machine)
    assert level == "warn" and message.startswith(f"AppArmor confines {PROFILE}: users with rules are refused; ")


def test_with_it_they_are_filtered(machine, confined):
    machine.policy(RULES)
    confined(OURS)
    assert logins(machine) == {"alice": "EPERM\n", "carol": "ok\n", "root": "ok\n"}
    assert machine.journal('apparmor="DENIED"') == []
    assert findings(machine) == [
        ("ok", f"AppArmor confines {PROFILE}, and has denied nothing of ours since a profile was loaded")]


def test_what_is_not_looked_at_is_not_taken_for_nothing(machine, confined):
    """More than doctor reads of what others were denied may have something of ours before it."""
    confined(OURS)
    line = 'apparmor="DENIED" operation="open" profile="other" name="/x"'
    machine.run("sysctl -q kernel.printk_devkmsg=on; for i in $(seq 4000); do echo '" + line + " " + "x" * 40 + "' >/dev/kmsg; done; "
                "journalctl --sync")
    assert findings(machine) == [("warn", "/usr/bin/journalctl tells of so much since boot that not all of it was looked at")]
    confined(OURS + "capability wake_alarm,\n")  # another one, or the kernel goes on with what it has
    assert [level for level, _ in findings(machine)] == ["ok"]


# Of su(1) itself there is little in it, so that what the module does has to be in the abstraction.
SU = """abi <abi/3.0>,
include <tunables/global>

/usr/bin/su {
  include <abstractions/base>
  include <abstractions/authentication>
  include <abstractions/nameservice>
  include <abstractions/libpam-systemd>
  include <abstractions/pam_bpfdev>
  capability setuid,
  capability setgid,
  /usr/bin/su mr,
  /usr/bin/bash Ux,
}

profile another_service {
  include <abstractions/base>
  include <abstractions/pam_bpfdev>
  /usr/bin/{flock,sleep} mrix,
}
"""
HOLD = "aa-exec -p another_service -- flock -o /run/pam_bpfdev/1000.lock sleep 600 >/dev/null 2>&1"
SU_FILE = "/etc/apparmor.d/su"


@pytest.fixture
def confined_su(machine, confined):
    """A function that has su(1), confined and in no session, start a session of alice's; it returns what she may do there,
    and what su was denied."""
    confined(OURS)
    machine.write_file(SU_FILE, SU)
    machine.run(f"apparmor_parser -r {CHKPWD} {SU_FILE}")

    def su():
        done = machine.run(f"systemd-run --quiet --pipe --wait su -l alice -c '{ATTEMPT}'", check=False)
        denied = (re.findall(r' (operation|name|capname)="([^"]*)"', line) for line in machine.journal('apparmor="DENIED"'))
        return done.stdout, set(map(tuple, denied))

    yield su
    machine.run(f"apparmor_parser -R {SU_FILE}; rm {SU_FILE}")


def test_what_ships_is_all_that_the_module_needs(machine, confined_su):
    """With rules of each kind; and a process that keeps the user's lock and is stopped."""
    machine.configure_pam(control="")
    try:
        allowed, own = confined_su()
    finally:
        machine.configure_pam()
    assert allowed == "ok\n" and own  # it is confined
    machine.policy("alice allow *\nalice deny /dev/full\nalice deny block-*\nalice deny /dev/disk/by-*/*\nalice deny @webcam\nalice deny tag:systemd\n")
    assert confined_su() == ("EPERM\n", own)
    # Her manager, which is not confined, would be the first to want it.
    machine.run("loginctl enable-linger alice")
    machine.wait("systemctl is-active --quiet user@1000.service", "alice has a manager")
    machine.run(f"{HOLD} & until grep -q \" $! \" /proc/locks; do sleep 0.1; done; kill -STOP $!")
    assert confined_su() == ("EPERM\n", own)
    assert machine.journal(r"su\S*: .*process \d+ \(flock\) kept the lock of uid 1000, and was killed")
