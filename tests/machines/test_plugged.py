# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the rules of a session say of devices that are plugged in, and drivers that are loaded, while it lasts."""

import pytest

from hammering import MOUSE, Hammer, equip, never_opened, plug, rules


@pytest.fixture(scope="module", autouse=True)
def _tools(computer):
    equip(computer)


def test_drivers_are_denied_whenever_their_devices_appear(machine):
    machine.policy(rules("deny block-sd", "deny char-ttyUSB", "deny char-input") +
                   "@staff allow *\n@staff deny block-*\n@staff deny char-*\n")
    mouse = MOUSE.format("ONE")
    nodes = ("/dev/sda", "/dev/ttyUSB0", mouse)
    with machine.login("alice") as student, machine.login("bob") as teacher, machine.login("carol") as other:
        hammers = [Hammer(who, *nodes) for who in (student, teacher)]
        for kind in ("stick", "serial", "mouse"):
            plug(machine, kind)
        assert other.run("attempt rw /dev/sda rw /dev/ttyUSB0").stdout == "ok ok\n"
        assert [never_opened(hammer) for hammer in hammers] == [True, True]


def test_hammer_sees_what_nobody_denies(machine):
    machine.policy(rules("deny block-*"))
    with machine.login("alice") as student:
        hammer = Hammer(student, MOUSE.format("ONE"))
        plug(machine, "mouse")
        (blows,) = hammer.end()
        assert blows.passed > 0 and blows.refused == 0


def test_rules_of_a_device_end_when_it_is_unplugged(machine):
    machine.policy(rules("deny block-sd"))
    with machine.login("alice") as student:
        stick = plug(machine, "stick")
        assert student.run("attempt rw /dev/sda").stdout == "EPERM\n"
        machine.unplug(stick)
        assert student.run("attempt rw /dev/sda").stdout == "ENOENT\n"
