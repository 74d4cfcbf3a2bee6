# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Rules follow devices also when something is in the way: udev restarted, the rule or memory missing, an upgrade under way."""

import json
import threading

import pytest

import debs
from hammering import MOUSE, Hammer, attempt, equip, never_opened, plug, rules
from watching import wait_for

RULE = "/etc/udev/rules.d/99-zz-bpfdev.rules"
ONE = MOUSE.format("ONE")
NAMED = "usb:0627:0001:ONE"  # what QEMU's mouse says of itself


@pytest.fixture(scope="module", autouse=True)
def _tools(computer):
    equip(computer)


@pytest.fixture
def denied(machine):
    """A machine where students may not use the mouse ONE, whenever it comes."""
    machine.policy(rules(f"deny {NAMED}"))
    return machine


def next_node(machine):
    """The name that the next input device is going to have."""
    taken = machine.run("ls /dev/input").stdout.split()
    return next(f"/dev/input/event{number}" for number in range(64) if f"event{number}" not in taken)


def test_udevd_that_is_restarted(denied):
    with denied.login("alice") as student:
        hammer = Hammer(student, ONE, next_node(denied))
        denied.run("systemctl restart systemd-udevd")
        plug(denied, "mouse", "ONE")
        assert attempt(student, ONE) == "EPERM"
        assert never_opened(hammer) is True


def test_without_the_rule_nothing_follows_and_doctor_says_so(denied):
    with denied.login("alice") as student:
        denied.run(f"mkdir -p {RULE.rpartition('/')[0]} && ln -s /dev/null {RULE} && udevadm control --reload")
        try:
            device = plug(denied, "mouse", "ONE")
            assert attempt(student, ONE) == "ok"
            told = denied.run("bpfdev doctor", check=False)
            assert told.returncode == 1
            assert "does not run \"bpfdev settle" in told.stdout or "udev has no 99-zz-bpfdev.rules" in told.stdout, told.stdout
            denied.run("bpfdev settle")
            assert attempt(student, ONE) == "EPERM"
            denied.unplug(device)
        finally:
            denied.run(f"rm {RULE} && udevadm control --reload")
        plug(denied, "mouse", "ONE")
        assert attempt(student, ONE) == "EPERM"


@pytest.mark.parametrize("kilobytes", [2000, 3400, 3600])
def test_settle_without_memory_leaves_the_device_to_root(denied, kilobytes):
    settle = denied.run("command -v bpfdev").stdout.strip()
    node = next_node(denied)
    with denied.login("alice") as student, denied.login("root") as root:
        denied.run(f"mv {settle} {settle}.real")
        denied.run(f"cat >{settle} && chmod 755 {settle}",
                   input=f'#!/bin/sh\n[ "$1" != settle ] || ulimit -v {kilobytes}\nexec {settle}.real "$@"\n')
        try:
            hammer = Hammer(student, node)
            device = plug(denied, "mouse", "ONE")
            stat = denied.run(["stat", "-c", "%U %G %a", node]).stdout
            opened = attempt(root, node)
            (blows,) = hammer.end()
            assert blows.passed == 0
        finally:
            denied.run(f"mv {settle}.real {settle}")
        # With 2000 it cannot even be started; the others end somewhere on the way, or may be enough: then the rules hold.
        left_to_root = stat == "root root 600\n"
        assert left_to_root or (kilobytes > 2000 and attempt(student, node) == "EPERM"), stat
        assert opened == "ok"
        denied.unplug(device)


def test_denied_device_has_its_name_when_it_is_gone(denied):
    with denied.login("alice") as student:
        node = next_node(denied)
        device = plug(denied, "mouse", "ONE")
        assert attempt(student, ONE) == "EPERM"
        (denial,) = json.loads(denied.run("bpfdev denials --json alice").stdout)["denials"]
        assert (denial["was"], denial["path"]) == (None, node)
        denied.unplug(device)
        plug(denied, "mouse", "OTHER")  # which takes its number
        assert attempt(student, node) == "ok"
        (denial,) = json.loads(denied.run("bpfdev denials --json alice").stdout)["denials"]
        assert (denial["was"], denial["path"]) == (NAMED, None)
        assert f"{NAMED} ({denial['device']})" in denied.run("bpfdev denials alice").stdout
        suggested = denied.run("bpfdev suggest alice")
        assert f"{NAMED}, which alice was denied, is left out, as it has gone" in suggested.stderr
        assert "allow" not in suggested.stdout
    closed = wait_for(lambda: denied.journal(NAMED), "the log says what the session was denied")
    assert any("alice was denied once in" in line for line in closed), closed


def test_package_that_is_upgraded_meanwhile(denied):
    package = debs.package(debs.built(denied.suite))
    denied.push(package, "/root/new.deb")
    over = threading.Event()

    def plug_and_unplug():
        while not over.is_set():
            denied.unplug(denied.plug("mouse", serial="ONE"))

    with denied.login("alice") as student:
        hammer = Hammer(student, ONE, next_node(denied))
        plugging = threading.Thread(target=plug_and_unplug)
        plugging.start()
        try:
            for _ in range(2):
                denied.run("dpkg -i --force-confold --force-depends /root/new.deb", timeout=300)
        finally:
            over.set()
            plugging.join()
        assert never_opened(hammer) is True
    denied.install_build()
    denied.configure_pam()
