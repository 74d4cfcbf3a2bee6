# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the README and bpfdev(8) show is what happens: their transcripts, run in the order of a story."""

import contextlib
import importlib.machinery
import importlib.util
import pathlib

import pytest

import transcripts
from examined import without_sudo

pytestmark = pytest.mark.only_suite("bookworm")

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
DOCUMENTS = (TOP / "README.md", TOP / "pam_bpfdev/bpfdev.8")
SHOWN = {(path, name): steps for path in DOCUMENTS for name, steps in transcripts.read(path).items()}


def _demo():
    """The story's machine, policy and devices are those of `make demo`."""
    loader = importlib.machinery.SourceFileLoader("demo", str(HERE / "demo"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("demo", loader))
    loader.exec_module(module)
    return module


@contextlib.contextmanager
def begun(lab):
    """The machine with sam logged in by ssh and at tty1: machine, sessions and their ids in the documents."""
    demo = _demo()
    with lab() as machine, contextlib.ExitStack() as stack:
        demo.prepare(machine)
        remote = stack.enter_context(machine.ssh_session("sam"))
        local = stack.enter_context(machine.console_login("sam", "tty1"))
        machine.ids = [(remote.id, "3"), (local.id, "5")]
        machine.shells = remote
        machine.story_policy = demo.POLICY
        yield machine


@pytest.fixture(scope="module")
def story(lab):
    """For all that changes nothing, or is put back."""
    with begun(lab) as machine:
        yield machine


@pytest.fixture
def fresh_story(lab):
    """For what is counted."""
    with begun(lab) as machine:
        yield machine


def play(machine, steps):
    for prompt, command, expected in steps:
        if prompt == "#":
            real = command
            for there, written in machine.ids:
                real = real.replace(f"session={written}", f"session={there}")
            done = machine.run(real, check=False)
        else:
            done = machine.shells.run(command)
        output = transcripts.plain(done.stdout + done.stderr, machine.ids)
        assert output == transcripts.filled(transcripts.plain(expected), output), f"{prompt} {command}"


@pytest.fixture
def policy(story):
    """Puts the story's policy back afterwards."""
    yield story.policy
    story.policy(story.story_policy)
    story.run("bpfdev reload")


def shown(name):
    return [pytest.param(steps, id=f"{path.name}-{found}") for (path, found), steps in SHOWN.items() if found == name]


def test_every_transcript_is_played():
    """Here, and the last four in test_package_story.py."""
    played = {"explain", "rules", "status", "denials", "reload", "doctor", "allow", "mistake", "suggest", "begin",
              "apt-install", "refused", "apt-remove", "afterwards"}
    assert {name for _, name in SHOWN} == played


def as_packaged(machine):
    """The pages show udev's rule where the package puts it."""
    rules = "lib/udev/rules.d/99-zz-bpfdev.rules"
    machine.run(f"mkdir -p /usr/lib/udev/rules.d && mv /usr/local/{rules} /usr/{rules} || test -e /usr/{rules}")


@pytest.mark.parametrize("name", ["status", "explain", "rules", "doctor"])
def test_looking(story, name):
    as_packaged(story)
    with without_sudo(story):
        for parameter in shown(name):
            play(story, parameter.values[0])


@pytest.mark.parametrize("steps", shown("denials"))
def test_denials(fresh_story, steps):
    play(fresh_story, steps)


@pytest.mark.parametrize("steps", shown("mistake"))
def test_mistake(story, policy, steps):
    policy(story.story_policy.replace("deny    @storage", "dney    @storage"))
    play(story, steps)


@pytest.mark.parametrize("steps", shown("reload"))
def test_reload(story, policy, steps):
    policy(story.story_policy.replace("@fuse      rw      remote", "@fuse      rw"))
    play(story, steps)


@pytest.mark.parametrize("steps", shown("allow"))
def test_allow(story, policy, steps):
    play(story, steps)


# What the kiosk of "Begin with audit" has.
NODES = (("/dev/snd/controlC0", 116, 0), ("/dev/snd/pcmC0D0p", 116, 16), ("/dev/dri/card0", 226, 0),
         ("/dev/dri/renderD128", 226, 128), ("/dev/ttyUSB0", 188, 0), ("/dev/ttyUSB1", 188, 1))
LINK = "/dev/serial/by-id/usb-FTDI_FT232R-if00-port0"
# Without drivers, aplay(1) goes no further than to the mixer.
USE = ("bash -c ': <>/dev/ttyUSB0'", "aplay -q -D hw:0 /dev/zero", "bash -c ': >/dev/snd/pcmC0D0p'", "bash -c ': <>/dev/dri/card0'",
       "head -c 1 /dev/dri/renderD128")


@pytest.fixture
def kiosk(lab):
    """A machine with a kiosk in use, in audit, that has no other policy."""
    with lab() as machine:
        machine.install_build()
        machine.configure_pam()
        machine.add_user("kiosk", 1000)
        for path, major, minor in NODES:
            machine.run(f"mkdir -p $(dirname {path})")
            machine.make_node(path, "c", major, minor)
        machine.run(f"mkdir -p $(dirname {LINK}) && ln -s ../../ttyUSB0 {LINK}")
        machine.policy("kiosk  audit\n")
        with machine.console_login("kiosk", "tty1") as session:
            for command in USE:
                session.run(command)
            machine.ids = [(session.id, "7")]
            yield machine


@pytest.mark.parametrize("steps", shown("suggest") + shown("begin"))
def test_audit(kiosk, steps):
    play(kiosk, steps)
