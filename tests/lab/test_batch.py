# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Logins that a batch system has put into a job, as Slurm's PAM module does: with the lines that the manual has for them.

A scope with a device filter of its own, in which /dev/fuse may be opened and nothing else that the probe tries, stands for Slurm's,
pam_exec(8) for pam_slurm_adopt. The real ones are tried in tests/machines/test_slurm.py.
"""

import re

import pytest

from administration import MODULE, TOP
from examined import Examined
from foreign import attach_program
from sessions import LoginRefused
from suites import one_suite
from test_pages import RUN
from verbs import ALLOWED, BY_MANAGER, DENIED, FORBIDDEN, RULES, changed_file, equipped, ours, tried

pytestmark = one_suite

SCOPE = "/system.slice/lab_slurmstepd.scope"
JOB = f"{SCOPE}/job_1/step_extern/user/task_special"
SSHD = "/etc/pam.d/sshd"
LIMITED = "ok EPERM"  # what the probe says in a job
ADOPT = f"""#!/bin/sh
[ "$PAM_USER" != alice ] || echo $PPID >/sys/fs/cgroup{JOB}/cgroup.procs
"""
ADOPTING = """account required pam_exec.so /usr/local/sbin/adopt
account required pam_slurm_adopt.so
"""


@pytest.fixture
def box(machine):
    yield from equipped(machine)
    machine.configure_pam()


def start_jobs(box, *limit):
    """Runs what stands for Slurm, with a job."""
    start = f"mkdir -p /sys/fs/cgroup{JOB}; exec sleep infinity"
    box.run(["systemd-run", "--quiet", "--slice=system.slice", "--unit=jobs", "systemd-run", "--scope", "--quiet",
             "--slice=system.slice", "--unit=lab_slurmstepd", "-p", "Delegate=yes", *limit, "sh", "-c", start])
    box.wait_for(lambda: box.run(f"test -d /sys/fs/cgroup{JOB}", check=False).returncode == 0, "the job has its cgroup")


def stop_jobs(box):
    """Ends it, with all jobs. With its last process the service that has started it ends as well, by itself."""
    box.run("systemctl stop lab_slurmstepd.scope")
    left = "systemctl show -P LoadState jobs.service lab_slurmstepd.scope | grep -q '^loaded'"
    box.wait_for(lambda: box.run(left, check=False).returncode != 0, "nothing is left of the jobs")


@pytest.fixture
def node(box):
    """The machine with a job, and sshd's stack as it is where logins are put into jobs."""
    box.policy(RULES + RULES.replace("alice", "bob"))
    box.write_file("/usr/local/sbin/adopt", ADOPT, 0o755)
    folder = box.run("dirname $(find /usr/lib -name pam_permit.so)").stdout.strip()
    box.run(f"cp {folder}/pam_permit.so {folder}/pam_slurm_adopt.so")
    start_jobs(box)
    attach_program(box.cgroup / JOB[1:JOB.index("/step")])
    stack = box.read_file(SSHD).replace("@include common-account\n", f"@include common-account\n{ADOPTING}")
    with changed_file(box, SSHD, stack):
        yield box
    stop_jobs(box)
    box.run(f"rm {folder}/pam_slurm_adopt.so")


def use_lines(node, old="", new=""):
    """Puts the manual's lines in place of the include, with old replaced by new."""
    assert old in RUN["pam-batch"]
    node.write_file(SSHD, node.read_file(SSHD).replace("@include common-session\n", RUN["pam-batch"].replace(old, new)))


def wrong(node):
    """What the doctor says of PAM's files."""
    return [text for text in Examined(node).of("bad", "warn") if text.startswith("pam ")]


def test_who_was_put_into_a_job_has_its_limits(node):
    use_lines(node)
    with node.ssh_session("alice") as adopted, node.ssh_session("bob") as other:
        assert adopted.cgroup == JOB and tried(adopted) == LIMITED
        assert "session-" in other.cgroup and tried(other) == tried(other, BY_MANAGER) == DENIED
        assert JOB not in ours(node) and other.cgroup in ours(node)
        examined = Examined(node)
        assert examined.of("bad", "warn") == []
        said = f"processes alice: {JOB} has the limits of somebody else's: "
        assert any(text.startswith(said) for text in examined.of("note"))
    assert node.journal(rf"alice has the limits of cgroup {JOB} and no device rules")
    assert wrong(node) == []


def test_pam_systemd_takes_them_out_again(node):
    with node.ssh_session("alice") as adopted:
        assert "session-" in adopted.cgroup and tried(adopted) == DENIED
    (said,) = wrong(node)
    assert said.startswith(f"pam sshd: pam_slurm_adopt.so ({SSHD}:") and "takes them out again: the job's limits are lost" in said


def test_without_a_pattern_they_are_refused(node):
    use_lines(node, RUN["pam-batch"].split()[-1], "nosession=deny")
    with pytest.raises(LoginRefused):
        node.ssh_session("alice")
    (said,) = wrong(node)
    assert said.startswith("pam sshd: pam_bpfdev.so refuses users with rules whom pam_slurm_adopt.so")


def test_a_job_without_limits_is_no_way_in(node):
    use_lines(node)
    stop_jobs(node)
    # Of the service that jobs are in, as a container may have it: that is not about jobs.
    start_jobs(node, "-p", "DevicePolicy=closed", "-p", f"DeviceAllow={FORBIDDEN} rw")
    with pytest.raises(LoginRefused):
        node.ssh_session("alice")
    assert node.journal(rf"alice is refused, .*cgroup {JOB} is to be left alone .*, but nobody filters it")


def test_who_cannot_be_told_to_be_in_a_job_has_rules(node):
    use_lines(node, "/usr/bin/grep", "/usr/bin/nowhere")
    with node.ssh_session("alice") as user:
        assert "session-" in user.cgroup and tried(user) == DENIED


def test_jobs_that_su_starts(box):
    """By a daemon, as some schedulers do. To exempt these exempts nobody who is logged in."""
    (line,) = re.findall(r"^<!-- policy: su -->\n+```\n(.*?)^```", (TOP / "conf/examples/hpc.md").read_text(encoding="utf-8"),
                         re.M | re.S)
    job = ["systemd-run", "--quiet", "--pipe", "--wait", "su", "-l", "alice", "-c", "probe"]
    everybody = RULES.replace("alice", "*")
    for rules in (everybody, everybody.replace("deny c 10:229 rwm", "deny c 10:229 rwm remote")):
        box.policy(rules)
        assert box.run(job).stdout.strip() == DENIED
        box.policy(rules + line)
        assert box.run(job).stdout.strip() == ALLOWED
        with box.ssh_session("alice") as session:
            assert tried(session) == tried(session, "su -l alice -c") == DENIED
            assert tried(session, f"{BY_MANAGER} su -l alice -c") == DENIED
    box.policy(RULES)
    with changed_file(box, "/etc/pam.d/su", box.read_file("/etc/pam.d/su").replace(
            "@include common-session", f"session required {MODULE}")):
        assert box.run(job, check=False).stdout.strip() == ""
    assert box.journal(r"pam_bpfdev\(su-l:session\): alice is refused")
