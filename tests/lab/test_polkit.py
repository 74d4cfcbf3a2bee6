# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""polkit's rule under the polkit of each suite: udisks2, which needs real devices, is on the machines with hardware.

pkcheck asks what udisks2 would ask, with its actions and details; by default these would be allowed here.
"""

import contextlib
import json
import subprocess

import pytest

import roots
from administration import TOP
from conftest import cannot_run
from roots import RootError
from suites import every_suite, one_suite
from verbs import FUSE

pytestmark = every_suite

ACTIONS = ("filesystem-mount", "filesystem-mount-system", "filesystem-unmount-others", "modify-device", "eject-media")
PREFIX = "org.freedesktop.udisks2"
POLICY = f"alice allow *\nalice deny {FUSE}\n"
EXAMPLES, STICK = TOP / "conf/examples", "/dev/sdb1"
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
        for name, groups in (("sam", ("students",)), ("kiosk", ()), ("guest", ())):
            machine.add_user(name, groups=groups)
        machine.make_node(STICK, "b", 8, 17)
        machine.policy(POLICY)
        yield machine


def allowed(machine, session, action="filesystem-mount", device="/dev/fuse"):
    """What polkit says to udisks2 of the session's shell: "yes", "no"."""
    return of_process(machine, session.run("echo $$").stdout.strip(), action, device)


def of_process(machine, pid, action="filesystem-mount", device="/dev/fuse"):
    """The same of any process."""
    done = machine.run(["pkcheck", "--action-id", f"{PREFIX}.{action}", "--process", pid, "--detail", "device", device],
                       check=False)
    assert done.returncode in (0, 1), done
    return "no" if done.returncode else "yes"


@contextlib.contextmanager
def process_of(machine, user):
    """The pid of a process of a user's that is in no session."""
    process = machine.spawn("echo $$; exec sleep 600", user, stdout=subprocess.PIPE)
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.kill()
        process.wait()


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


@pytest.mark.parametrize("recipe, user", [("kiosk", "kiosk"), ("teaching-lab", "sam"), ("exam/50-exam", "sam"),
                                          ("workstation", "guest")])
@one_suite
def test_recipes(guarded, recipe, user):
    """Those that keep disks and sticks from somebody do so through this door too; the others go on as before."""
    rules = (EXAMPLES / f"{recipe}.conf").read_text(encoding="utf-8")
    if "exam" in recipe:  # it is put beside this one
        rules += (EXAMPLES / "teaching-lab.conf").read_text(encoding="utf-8")
    guarded.policy(rules)
    try:
        with guarded.ssh_session(user) as denied, guarded.ssh_session("carol") as carol:
            assert [allowed(guarded, session, action, STICK) for session in (denied, carol)
                    for action in ("filesystem-mount", "modify-device")] == ["no", "no", "yes", "yes"]
            assert allowed(guarded, denied, device="/dev/null") == "yes"
    finally:
        guarded.policy(POLICY)


@pytest.fixture
def silence(guarded):
    """A machine where nobody answers, and where polkitd may not read the policy, as it is installed."""
    guarded.run("chmod 600 /etc/security/bpfdev.conf; systemctl stop bpfdev-ask.socket bpfdev-ask.service")
    yield guarded
    guarded.run("chmod 700 /etc/security/bpfdev.d; systemctl start bpfdev-ask.socket")


def test_nobody_answers(silence):
    with silence.ssh_session("alice") as alice, silence.ssh_session("carol") as carol:
        assert (allowed(silence, alice, device="/dev/null"), allowed(silence, carol)) == ("no", "no")
        assert silence.journal("for carol is refused, as the rules cannot be asked: /run/bpfdev-ask.socket: .*bpfdev.conf: "
                               "cannot be opened: Permission denied")
        silence.run("systemctl start bpfdev-ask.socket")
        assert (allowed(silence, alice, device="/dev/null"), allowed(silence, carol)) == ("yes", "yes")
    silence.run("pkcheck --action-id org.freedesktop.udisks2.filesystem-mount --process $$ --detail device /dev/fuse")


def test_nobody_answers_but_polkitd_can_read_the_policy(silence):
    """Then it holds back nobody whom rules have nothing to do with, and nobody else gets through."""
    silence.run("chgrp polkitd /etc/security/bpfdev.conf /etc/security/bpfdev.d; chmod 640 /etc/security/bpfdev.conf; "
                "chmod 750 /etc/security/bpfdev.d")
    with silence.ssh_session("alice") as alice, silence.ssh_session("carol") as carol:
        assert (allowed(silence, alice, device="/dev/null"), allowed(silence, carol)) == ("no", "yes")
        assert silence.journal("for alice is refused, as the rules cannot be asked: /run/bpfdev-ask.socket: .*; the policy names alice")
        # Where she is, alice's rules stand.
        with process_of(silence, "carol") as hers:
            assert of_process(silence, hers) == "yes"
            silence.run(f"echo {hers} >/sys/fs/cgroup{alice.cgroup}/cgroup.procs")
            assert of_process(silence, hers) == "no"
        # A line of the policy, mistakes, and a policy that only PAM knows of.
        silence.run("echo 'carol deny b 7:0' >>/etc/security/bpfdev.conf")
        assert allowed(silence, carol) == "no"
        silence.run("sed -i '$d' /etc/security/bpfdev.conf")
        assert allowed(silence, carol) == "yes"
        silence.run("echo 'carol frobnicate' >/etc/security/bpfdev.d/10.conf; chmod 644 /etc/security/bpfdev.d/10.conf")
        assert allowed(silence, carol) == "no"
        silence.run("rm /etc/security/bpfdev.d/10.conf; echo 'session optional pam_bpfdev.so conf=/etc/x' >/etc/pam.d/other-one")
        assert allowed(silence, carol) == "no"
        silence.run("rm /etc/pam.d/other-one")
        assert allowed(silence, carol) == "yes"


def test_who_is_in_no_session(guarded):
    """A job of alice's: no filter is there to count it, so the log says it."""
    with process_of(guarded, "alice") as job:
        assert of_process(guarded, job) == "no"
    assert guarded.journal("uid 1000 was denied c 10:229 through udisks2 by .*bpfdev.conf:2; this is not counted")


@contextlib.contextmanager
def stopped(machine, service):
    """The service's process stands still. Yields a function that lets it go on."""
    pid = machine.run(f"systemctl show --value --property=MainPID {service}").stdout.strip()
    machine.run(f"kill -STOP {pid}")
    try:
        yield lambda: machine.run(f"kill -CONT {pid}")
    finally:
        machine.run(f"kill -CONT {pid}")


@contextlib.contextmanager
def slow(machine, command="/usr/local/sbin/bpfdev"):
    """The command takes its time, as on a machine that is slow."""
    machine.run(f"mv {command} {command}.real")
    machine.write_file(command, f'#!/bin/sh\nsleep 0.15\nexec {command}.real "$@"\n', mode=0o755)
    try:
        yield
    finally:
        machine.run(f"mv {command}.real {command}")


def test_a_flood(guarded):
    """Of 200 questions at once none gets through, many are refused unasked, and others are answered as ever."""
    flood = ("for i in $(seq 200); do { pkcheck --action-id org.freedesktop.udisks2.filesystem-mount --process $$ "
             "--detail device /dev/fuse >/dev/null 2>&1; [ $? = 1 ] && echo no; } & done; echo all; wait")
    unasked = "bpfdev.*: what alice has udisks2 do beyond 30 questions at once and 10 a second is refused unasked"
    with guarded.ssh_session("alice") as alice, guarded.ssh_session("carol") as carol:
        pid, hers = (session.run("echo $$").stdout.strip() for session in (alice, carol))
        with slow(guarded), stopped(guarded, "polkit.service") as go_on:
            flooding = guarded.spawn(flood.replace("$$", pid), stdout=subprocess.PIPE)
            assert flooding.stdout.readline() == b"all\n"
            guarded.run("sleep 1")
            go_on()
            meanwhile = [of_process(guarded, hers)]
            while flooding.poll() is None:
                meanwhile.append(of_process(guarded, hers))
        assert flooding.communicate()[0] == b"no\n" * 200
        # Of hers there may be too many, too, but not as early as this.
        assert set(meanwhile[:20]) == {"yes"}
        assert len(guarded.journal(unasked)) == 1
        # Of each that was asked there is a denial: 30, and others for the time in which polkitd had nobody to ask.
        told = json.loads(guarded.run("bpfdev denials --json alice").stdout)["denials"]
        assert 30 <= sum(denial["count"] for denial in told if denial["session"] == alice.id) < 200
        guarded.run("sleep 1")
        assert (allowed(guarded, alice, device="/dev/null"), allowed(guarded, alice)) == ("yes", "no")


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
        assert said() == ["by udisks2: serves nobody who has rules: they cannot be asked (see bpfdev doctor)"]
        guarded.run(f"mv {rules} /root/")
        assert said() == ["by udisks2: mounts, unlocks and opens it, if polkit lets it, whatever the rules say"]
    finally:
        guarded.run(f"mv /root/60-bpfdev.rules {rules}; rm {service}; systemctl start bpfdev-ask.socket")
