# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""GPUs as drivers make them: majors of their own when they are loaded, nodes that nobody is told of, slices told by path.

No driver is here, but /proc/devices says what one would have there. An open of its nodes that the rules let through is
ENXIO, as nothing is behind them.
"""

import pytest

from suites import one_suite
from verbs import equipped, tried

pytestmark = one_suite

UVM, CAPS = 507, 508  # what these drivers get
DRIVERS = f"195 nvidia\n195 nvidiactl\n{UVM} nvidia-uvm\n{CAPS} nvidia-caps\n"
NODES = {"nvidia0": (195, 0), "nvidia1": (195, 1), "nvidiactl": (195, 255), "nvidia-uvm": (UVM, 0)}
# GPU instance 1 of the first GPU and its compute instance, then another one.
SLICES = {"nvidia-caps/nvidia-cap12": (CAPS, 12), "nvidia-caps/nvidia-cap13": (CAPS, 13), "nvidia-caps/nvidia-cap21": (CAPS, 21)}
OTHERS = {"nvidia1", "nvidia-caps/nvidia-cap21"}
# As in bpfdev.conf(5), GPUS.
POLICY = """\
*      allow  *
*      deny   @gpu                          rw
alice  allow  c 195:0                       rw
alice  allow  c 195:255                     rw
alice  allow  char-nvidia-uvm               rw
alice  allow  /dev/nvidia-caps/nvidia-cap12 rw
alice  allow  /dev/nvidia-caps/nvidia-cap13 rw
"""


@pytest.fixture
def box(machine):
    """A machine without drivers; its /proc/devices can be written to."""
    machine.write_file("/run/devices", machine.read_file("/proc/devices"))
    machine.run("mount --bind /run/devices /proc/devices && mkdir -p /dev/nvidia-caps")
    yield from equipped(machine)
    machine.run("umount /proc/devices; rm -rf /dev/nvidia*")


def load(box):
    """As if the drivers were loaded: without a word to anybody."""
    box.write_file("/run/more", DRIVERS)
    box.run("sed '/^Character devices:/r /run/more' /run/devices >/run/both && cat /run/both >/run/devices")


def make(box, nodes):
    """As nvidia-modprobe makes them: for all, without a word to udev."""
    for name, numbers in nodes.items():
        box.make_node(f"/dev/{name}", "c", *numbers)


def refused(session, nodes):
    """Those of the nodes that the session may not open."""
    said = tried(session, probe="attempt " + " ".join(f"rw /dev/{name}" for name in nodes)).split()
    assert len(said) == len(nodes) and set(said) <= {"EPERM", "ENXIO"}, said
    return {name for name, error in zip(nodes, said) if error == "EPERM"}


ALL = {**NODES, **SLICES}


def test_slices_are_told_apart_by_path(box):
    load(box)
    make(box, ALL)
    box.policy(POLICY)
    assert box.run("bpfdev check").stdout.endswith(": no mistakes\n")
    with box.ssh_session("alice") as alice, box.ssh_session("bob") as bob:
        assert refused(alice, ALL) == OTHERS
        assert refused(bob, ALL) == set(ALL)


def test_driver_that_comes_after_the_login(box):
    """Its nodes are refused from the first moment on; what is allowed by path waits for somebody to settle."""
    box.policy(POLICY)
    with box.ssh_session("alice") as alice, box.ssh_session("bob") as bob:
        load(box)
        make(box, NODES)
        assert refused(alice, NODES) == {"nvidia1", "nvidia-uvm"}
        assert refused(bob, NODES) == set(NODES)
        # udev has this done when a module is loaded.
        box.run("bpfdev settle")
        assert refused(alice, NODES) == {"nvidia1"}
        make(box, SLICES)
        assert refused(alice, SLICES) == set(SLICES)
        box.run("bpfdev settle")
        assert refused(alice, ALL) == OTHERS
        assert refused(bob, ALL) == set(ALL)


def test_path_that_is_denied_and_comes_after_the_login(box):
    """What check warns of."""
    load(box)
    box.policy("@students allow *\n@students deny /dev/nvidia-caps/nvidia-cap12 rw\n")
    assert ": warning: NVIDIA's driver does not tell udev of its nodes" in box.run("bpfdev check").stdout
    with box.ssh_session("alice") as alice:
        make(box, SLICES)
        assert refused(alice, SLICES) == set()
        box.run("bpfdev settle")
        assert refused(alice, SLICES) == {"nvidia-caps/nvidia-cap12"}


@pytest.mark.parametrize("access, made", [("rw", "ok"), ("rwm", "EPERM")])
def test_root_s_program_makes_nodes_where_m_is_not_denied(box, access, made):
    """nvidia-modprobe is setuid root, and asked by the filter as everybody is. Who made a node may not open it."""
    load(box)
    box.policy(f"* allow *\n* deny @gpu {access}\n")
    box.run("cp /usr/bin/attempt /usr/bin/modprober && chmod 4755 /usr/bin/modprober")
    with box.ssh_session("alice") as alice:
        assert tried(alice, probe=f"modprober c:{UVM}:0 /dev/nvidia-uvm") == made
        make(box, NODES)
        assert refused(alice, NODES) == set(NODES)
