# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""fleet.md: its transcripts are played, its files used, on a machine where alice is logged in by ssh."""

import re
import subprocess

import pytest

import transcripts
from administration import TOP
from suites import one_suite
from test_metrics import promtool
from verbs import equip, tried

__all__ = ["promtool"]
pytestmark = one_suite

PAGE = TOP / "conf/examples/fleet/fleet.md"
FILES = TOP / "conf/examples/fleet"
SHOWN = transcripts.read(PAGE)
DROPIN, TYPO = "@students   deny    @storage\n@students   deny    @fuse     rw   remote\n", "@students dney *\n"
TEXTFILES = "/var/lib/prometheus/node-exporter"


@pytest.fixture(scope="module")
def story(shared_machine):
    """The machine, with all that the page takes for granted, in the state in which one section leaves it to the next."""
    machine = equip(shared_machine)
    machine.mark_journal()
    machine.policy("* allow *\n")
    machine.run(f"rm -rf /etc/security/bpfdev.d; mkdir -p {TEXTFILES}")
    for file in FILES.iterdir():
        machine.write_file(f"/usr/local/sbin/{file.name}" if "." not in file.name else f"/root/{file.name}",
                           file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777)
    machine.write_file("/root/10-lab.conf", DROPIN)
    machine.write_file("/root/20-typo.conf", TYPO)
    machine.session = machine.ssh_session("alice")
    yield machine
    machine.session.close()


def play(machine, name):
    """Plays the transcript in root's home."""
    for _, command, expected in SHOWN[name]:
        done = machine.run(f"cd /root; {command}", check=False)
        said = transcripts.plain(done.stdout + done.stderr, [(machine.session_id, "3")])
        assert said == transcripts.plain(expected), command


def test_page(story, promtool):
    """One test, as each section goes on where the one before ended."""
    story.session_id = story.session.id
    assert set(SHOWN) == {"deliver", "refuse", "collect", "metrics"}
    play(story, "deliver")
    assert tried(story.session) == "EPERM ok"
    play(story, "refuse")
    play(story, "metrics")
    check(promtool, "metrics", story.read_file(f"{TEXTFILES}/bpfdev.prom"))
    assert tried(story.session) == "EPERM ok"
    story.session.close()
    play(story, "collect")


def check(promtool, what, text):
    """Has promtool look at the text."""
    subprocess.run([promtool, "check", what], input=text, text=True, check=True, stdout=subprocess.DEVNULL)


def test_alerts_are_of_metrics_that_there_are(story, promtool):
    rules = FILES / "bpfdev-alerts.yml"
    subprocess.run([promtool, "check", "rules", rules], check=True, stdout=subprocess.DEVNULL)
    shown = set(re.findall(r"^# TYPE (\S+)", story.run("bpfdev status --prometheus").stdout, re.M))
    used = set(re.findall(r"\bbpfdev_\w+", rules.read_text(encoding="utf-8")))
    assert used and used <= shown | {"bpfdev_last_denial_timestamp_seconds"}


@pytest.mark.parametrize("name", ["lab", "../lab.conf.old", ".lab.conf", "a b.conf"])
def test_delivered_under_a_name_that_is_no_policy(story, name):
    before = story.run("ls -A /etc/security/bpfdev.d", check=False).stdout
    story.run(["cp", "/root/10-lab.conf", f"/root/{name}"])
    done = story.run(["bpfdev-deliver", f"/root/{name}"], check=False)
    assert (done.returncode, done.stderr) == (64, "usage: bpfdev-deliver FILE.conf\n")
    assert story.run("ls -A /etc/security/bpfdev.d", check=False).stdout == before


def test_delivered_over_an_older_one_that_lacks_a_newline(story):
    """The last file's lack of a newline must not hide the mistake in the first line of the next."""
    story.write_file("/etc/security/bpfdev.d/05-short.conf", "carol audit #")
    story.write_file("/root/06-typo.conf", TYPO)
    assert story.run("bpfdev-deliver /root/06-typo.conf", check=False).returncode == 2
    story.write_file("/root/05-short.conf", "class mine c 510:1\n")
    story.write_file("/root/06-uses.conf", "bob allow @mine\n")
    assert story.run("bpfdev-deliver /root/05-short.conf && bpfdev-deliver /root/06-uses.conf").returncode == 0
    story.run("rm /etc/security/bpfdev.d/0*")


def build(machine, version, policy):
    """A package of the version that has the policy as a configuration file."""
    folder = "/root/site-policy"
    machine.write_file(f"{folder}/DEBIAN/control", f"Package: site-policy\nVersion: {version}\nArchitecture: all\n"
                       "Maintainer: nobody <root@localhost>\nDescription: device rules of this site\n")
    machine.write_file(f"{folder}/DEBIAN/conffiles", "/etc/security/bpfdev.d/50-site.conf\n")
    machine.write_file(f"{folder}/DEBIAN/postinst", (FILES / "postinst").read_text(encoding="utf-8"), 0o755)
    machine.write_file(f"{folder}/etc/security/bpfdev.d/50-site.conf", policy, 0o600)
    machine.run(f"chmod 0700 {folder}/etc/security/bpfdev.d && dpkg-deb -b {folder} /root/site-policy.deb")


def test_policy_from_a_package(story):
    story.run("rm -f /etc/security/bpfdev.d/*")
    with story.ssh_session("alice") as session:
        build(story, 1, DROPIN)
        story.run("dpkg -i /root/site-policy.deb")
        assert tried(session) == "EPERM ok"
        build(story, 2, "@students allow *\n")
        story.run("dpkg -i /root/site-policy.deb")
        assert tried(session) == "ok ok"
        build(story, 3, TYPO)
        assert story.run("dpkg -i /root/site-policy.deb", check=False).returncode == 1
        assert tried(session) == "ok ok"
        story.run("dpkg --purge site-policy")
