# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The examples of the manual pages that are neither policies nor transcripts: PAM lines and commands, used as they stand.

In a page, the comment `check: run NAME` stands before such an example.
"""

import re
import shutil

import pytest

import transcripts
from administration import TOP
from conftest import cannot_run
from sessions import LoginRefused
from suites import one_suite
from verbs import ALLOWED, DENIED, RULES, equipped, ours, tried

pytestmark = one_suite

PAGES = sorted((TOP / "pam_bpfdev").glob("*.[58]"))
RUN = {name: text for page in PAGES for name, text in transcripts.displays(page, "check: run").items()}
FIRST_POLICY = next(re.finditer(r'^\.\\" check: policy\n\.Bd [^\n]*\n(.*?)^\.Ed',
                                (TOP / "pam_bpfdev/bpfdev.conf.5").read_text(encoding="utf-8"), re.M | re.S))[1]
STACKS = {"pam": "common-session", "pam-file": "common-session", "pam-trying": "common-session",
          "pam-jobs": "common-session-noninteractive"}


@pytest.fixture
def box(machine):
    yield from equipped(machine)
    machine.configure_pam()


def commands(name, **names):
    """The commands of a display, without their prompts; names: what stands in it in capitals, and what is meant."""
    found = re.findall(r"^(?:[#$] )?(.*)$", RUN[name], re.M)
    text = "\n".join(line for line in found if line)
    for word, meant in names.items():
        text = text.replace(word, meant)
    return text if "&&\n" in text else text.splitlines()


def test_all_are_used():
    used = {*STACKS, "pam-batch", "apply", "refused", "nsswitch", "metrics", "journal", "audit", "bpftool", "maps",
            "detach"}
    # nsswitch: see test_directory.py; pam-batch: test_batch.py; audit: test_audit.py of the machines
    assert set(RUN) == used


def test_first_policy(box):
    box.make_node("/dev/video0", "c", 81, 0)
    with box.console_login("alice") as student, box.ssh_session("bob") as other:
        box.policy(FIRST_POLICY)
        box.run(commands("apply")[0])
        box.run(f"{commands('apply')[1]} --all")
        prompted, expected = RUN["refused"].splitlines()
        done = student.run(prompted[2:])
        assert (done.stdout, done.stderr) == ("", f"{expected}\n")
        assert "No such device" in other.run(prompted[2:]).stderr
    box.run("rm /dev/video0")


def use_line(box, name):
    """Has the line of PAM, and no other of ours, in the file that the page names for it."""
    box.configure_pam(control="")
    path = f"/etc/pam.d/{STACKS[name]}"
    box.write_file(path, f"{box.read_file(path)}{RUN[name]}")


@pytest.mark.parametrize("name", ["pam", "pam-file"])
def test_pam_line_filters_and_refuses(box, name):
    use_line(box, name)
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        assert tried(session) == DENIED
    box.policy("nonsense\n")
    with pytest.raises(LoginRefused):
        box.ssh_session("bob")


def test_pam_line_for_trying_lets_mistakes_pass_and_tells_all(box):
    use_line(box, "pam-trying")
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        assert tried(session) == DENIED
    box.policy("nonsense\n")
    with box.ssh_session("alice") as session:
        assert tried(session) == ALLOWED
    box.policy("")
    with box.ssh_session("alice") as session:
        assert tried(session) == ALLOWED
    assert box.journal("alice is let in WITHOUT device rules") and box.journal("open of alice: no rules")


def test_pam_line_for_jobs_lets_them_run(box):
    use_line(box, "pam-jobs")
    box.policy(RULES)
    box.run("echo 'probe >/tmp/by-at' | at now", user="alice")
    box.wait_for(lambda: box.run("cat /tmp/by-at", check=False).stdout.strip() == ALLOWED, "the job has run")


def test_metrics(box):
    folder = "/var/lib/prometheus/node-exporter"
    box.run(f"mkdir -p {folder}")
    box.run(commands("metrics"))
    assert "bpfdev_filters 0" in box.read_file(f"{folder}/bpfdev.prom")


def test_journal(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        session.run(": </dev/fuse")
    box.policy("nonsense\n")
    assert box.ssh("alice", "true").returncode
    box.run("journalctl --sync")
    for command in commands("journal"):
        # A webcam would need a driver to have that name.
        real = command.replace("=sam", "=alice").replace("/dev/video0", "/dev/fuse")
        assert "alice" in box.run(f"{real} -q --no-pager").stdout, command


def test_bpftool(box):
    if not shutil.which("bpftool", path="/usr/sbin:/sbin:/usr/bin"):
        cannot_run("bpftool is not installed")
    shutil.copy(shutil.which("bpftool", path="/usr/sbin:/sbin:/usr/bin"), box.path("/usr/sbin/bpftool"))
    if box.run("bpftool version", check=False).returncode:
        cannot_run("this machine's bpftool does not run on bookworm")
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        tree, programs = (box.run(command).stdout for command in commands("bpftool"))
        assert f"{session.cgroup.rpartition('/')[2]}" in tree
        (program,) = ours(box)[session.cgroup]
        maps = re.search(rf"^{program}: .*?map_ids ([\d,]+)", programs, re.M | re.S)[1].split(",")
        dumps = [box.run(commands("maps", ID=name)[0]).stdout for name in maps]
        assert any(f'"{session.cgroup.rpartition("/")[2]}"' in dump for dump in dumps)
        box.run(commands("detach", CGROUP=f"/sys/fs/cgroup{session.cgroup}", ID=str(program))[0])
        assert tried(session) == ALLOWED
