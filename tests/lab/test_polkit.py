# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""polkit's rule under the polkit of each suite: udisks2, which needs real devices, is on the machines with hardware.

pkcheck asks what udisks2 would ask, with its actions and details; by default these would be allowed here.
"""

import json

import pytest

import roots
from conftest import cannot_run
from roots import RootError
from suites import every_suite
from verbs import FUSE

pytestmark = every_suite

ACTIONS = ("filesystem-mount", "filesystem-mount-system", "filesystem-unmount-others", "modify-device", "eject-media")
PREFIX = "org.freedesktop.udisks2"
DECLARED = "".join(f"""
 <action id="{PREFIX}.{action}">
  <description>{action}</description><message>{action}</message>
  <defaults><allow_any>yes</allow_any><allow_inactive>yes</allow_inactive><allow_active>yes</allow_active></defaults>
 </action>""" for action in ACTIONS)
POLICY_FILE = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/PolicyKit/1/policyconfig.dtd">
<policyconfig>{DECLARED}
</policyconfig>
"""


@pytest.fixture(scope="module")
def guarded(lab):
    """A machine with polkit, and the actions of udisks2."""
    try:
        machine = lab(roots.DOORS).boot()
    except RootError as error:
        cannot_run(str(error))
    with machine:
        machine.install_build()
        machine.configure_pam()
        for uid, name in enumerate(("alice", "carol"), 1000):
            machine.add_user(name, uid)
        machine.write_file(f"/usr/share/polkit-1/actions/{PREFIX}.policy", POLICY_FILE)
        machine.run("systemctl daemon-reload && systemctl enable --now bpfdev-ask.socket && systemctl restart polkit")
        machine.policy(f"alice allow *\nalice deny {FUSE}\n")
        yield machine


def allowed(machine, session, action="filesystem-mount", device="/dev/fuse"):
    """What polkit says to udisks2 of the session's shell: "yes", "no"."""
    pid = session.run("echo $$").stdout.strip()
    done = machine.run(["pkcheck", "--action-id", f"{PREFIX}.{action}", "--process", pid, "--detail", "device", device],
                       check=False)
    assert done.returncode in (0, 1), done
    return "no" if done.returncode else "yes"


def assert_told(machine, session):
    """Whatever tells of denials tells of those."""
    events = [json.loads(line) for line in machine.run("bpfdev monitor --json --all --looks=1").stdout.splitlines()]
    assert sorted((event["session"], event["door"], event["comm"], event["refused"], event["count"]) for event in events) == [
        (session.id, "udisks2", None, "r--", 1), (session.id, "udisks2", None, "rw-", 3)]
    assert " udisks2 for " in machine.run("bpfdev monitor --all --looks=1").stdout
    assert 'bpfdev_denials{result="refused"} 4\n' in machine.run("bpfdev status --prometheus").stdout
    assert machine.run("bpfdev denials alice").stdout.count("udisks2 for ") == 2


def test_rules_decide(guarded):
    with guarded.ssh_session("alice") as alice, guarded.ssh_session("carol") as carol:
        for action in ("filesystem-mount", "filesystem-mount-system", "modify-device", "eject-media"):
            assert (action, allowed(guarded, alice, action)) == (action, "no")
            assert (action, allowed(guarded, alice, action, "/dev/null")) == (action, "yes")
            assert (action, allowed(guarded, carol, action)) == (action, "yes")
        assert allowed(guarded, alice, "filesystem-unmount-others") == "yes"
        assert_told(guarded, alice)
        guarded.run("bpfdev allow alice /dev/fuse --for 1h")
        assert allowed(guarded, alice) == "yes"
        guarded.run("bpfdev revoke alice")
        assert allowed(guarded, alice) == "no"


def test_an_administrators_file_goes_first(guarded):
    rule = "/etc/polkit-1/rules.d/10-mine.rules"
    guarded.write_file(rule, 'polkit.addRule(function (action, subject) { return polkit.Result.YES; });\n')
    try:
        with guarded.ssh_session("alice") as alice:
            guarded.run("systemctl restart polkit")
            assert allowed(guarded, alice) == "yes"
    finally:
        guarded.run(f"rm {rule}; systemctl restart polkit")


def test_nobody_answers(guarded):
    with guarded.ssh_session("alice") as alice, guarded.ssh_session("carol") as carol:
        guarded.run("systemctl stop bpfdev-ask.socket bpfdev-ask.service")
        try:
            assert (allowed(guarded, alice, device="/dev/null"), allowed(guarded, carol)) == ("no", "no")
        finally:
            guarded.run("systemctl start bpfdev-ask.socket")
        assert (allowed(guarded, alice, device="/dev/null"), allowed(guarded, carol)) == ("yes", "yes")
    guarded.run("pkcheck --action-id org.freedesktop.udisks2.filesystem-mount --process $$ --detail device /dev/fuse")


def test_the_sandbox(guarded):
    """It keeps nothing from the service that it needs, and the rest out."""
    shown = guarded.run("systemd-analyze security --no-pager bpfdev-ask.service | tail -1").stdout
    assert float(shown.split("service: ")[1].split()[0]) <= 2, shown
    assert guarded.run("stat -c '%U %G %a' /run/bpfdev-ask.socket").stdout == "root polkitd 660\n"
    for user in ("alice", "polkitd"):
        done = guarded.run("/usr/local/sbin/bpfdev ask $$ rw /dev/fuse", user=user, check=False)
        assert done.returncode == (3 if user == "alice" else 0), done


def test_explain_names_the_doors(guarded):
    """udisks2 is not there; what says that it is installed, is."""
    service = "/usr/share/dbus-1/system-services/org.freedesktop.UDisks2.service"
    rules = "/usr/share/polkit-1/rules.d/60-bpfdev.rules"

    def said(device="b 7:0"):
        lines = guarded.run(f"bpfdev explain alice {device}", check=False).stdout.splitlines()
        return [line.strip() for line in lines if line.startswith("  by ")]

    guarded.policy("alice allow *\nalice deny b 7:0\nalice deny c 226:*\nalice deny c 13:*\n")
    assert said() == []
    assert said("c 226:0") == said("c 13:*") == [
        "by systemd-logind: passed to the display server of who sits at the machine, whatever the rules say"]
    guarded.write_file(service, "[D-BUS Service]\n")
    try:
        assert said() == ["by udisks2: refuses to mount, unlock or open it, too"]
        assert said("b 7:1") == ["by udisks2: mounts, unlocks and opens it, if polkit lets it"]
        assert said("c 1:3") == []
        doors = json.loads(guarded.run("bpfdev explain alice b 7:0 --json", check=False).stdout)["devices"][0]["doors"]
        assert doors == [{"service": "udisks2", "obeys": True, "open": False}]
        with guarded.ssh_session("alice"):
            shown = guarded.run("bpfdev explain alice b 7:0 --session", check=False).stdout
            assert shown.count("    by udisks2: refuses to mount") == 2, shown
        guarded.run("systemctl stop bpfdev-ask.socket bpfdev-ask.service")
        assert said() == ["by udisks2: serves nobody but root: the rules cannot be asked (see bpfdev doctor)"]
        guarded.run(f"mv {rules} /root/")
        assert said() == ["by udisks2: mounts, unlocks and opens it, if polkit lets it, whatever the rules say"]
    finally:
        guarded.run(f"mv /root/60-bpfdev.rules {rules}; rm {service}; systemctl start bpfdev-ask.socket")
