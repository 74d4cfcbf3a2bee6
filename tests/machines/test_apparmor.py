# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""AppArmor: a profile that confines sshd refuses whom the rules name, until it includes what ships for such profiles.

The profile is the one of apparmor-profiles, for versions of OpenSSH before 9.8.
"""

import json

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
