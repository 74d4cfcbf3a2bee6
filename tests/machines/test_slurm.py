# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""conf/examples/hpc.md is played on a machine that becomes a cluster of one node, with a real Slurm, real logins and real jobs.

The GPUs are device nodes of a driver that the machine does not have: what gets past all filters says so.
"""

import os
import re
import shlex
import subprocess

import pytest

import disk
import transcripts
from administration import TOP
from examined import without_sudo
from hammering import equip
from need import unavailable
from verbs import changed_file

EXAMPLES = TOP / "conf/examples"
PAGE = (EXAMPLES / "hpc.md").read_text(encoding="utf-8")
SHOWN = {name.partition(" ")[0]: shown for name, shown in
         re.findall(r"^<!-- transcript: ([\w -]+) -->\n+```console\n(.*?)^```", PAGE, re.M | re.S)}
USERS = dict(re.findall(r"^<!-- transcript: ([\w-]+) (\w+) -->$", PAGE, re.M))
EDITS = re.findall(r"^<!-- (behind|in place of) ([^\n]*) in (/\S+) -->\n+```\n(.*?)^```", PAGE, re.M | re.S)
BLOCK = r"^<!-- {} -->\n+```\w*\n(.*?)^```"
SSHD = "/etc/pam.d/sshd"
GPUS = "attempt rw /dev/nvidia0 rw /dev/nvidia1"
OUT = f"XDG_RUNTIME_DIR=/run/user/1000 systemd-run --user --quiet --pipe --wait {GPUS}"
NONE, FIRST, BOTH = "EPERM EPERM", "ENXIO EPERM", "ENXIO ENXIO"
# What head(1) says where nothing but a driver is missing, and srun of that.
PASSED = re.compile(r"^head: cannot open '/dev/nvidia\d' for reading: No such device or address\n"
                    r"(srun: error: lab: task 0: Exited with exit code 1\n)?", re.M)
IN_JOB = r"0::/system\.slice/lab_slurmstepd\.scope/job_\d+/"
# Jobs, lines of PAM's files, and how many classes ship.
VOLATILE = ((r"\bjob_\d+", "job_N"), (r"(/etc/pam\.d/\S+):\d+", r"\1:N"), (r"\b\d+ classes", "N classes"))
END = "--- that was one"
HERE = "ssh -o StrictHostKeyChecking=no -o LogLevel=ERROR 127.0.0.1"


def block(mark):
    """The text of the one block that the mark stands before."""
    (found,) = re.findall(BLOCK.format(mark), PAGE, re.M | re.S)
    return found


def edited(text, *which):
    """A file of PAM's with the page's lines in it, those whose first word of the mark is in which."""
    for how, line, path, lines in EDITS:
        assert path == SSHD and f"\n{line}\n" in text
        if how in which:
            text = text.replace(f"\n{line}\n", f"\n{line}\n{lines}" if how == "behind" else f"\n{lines}")
    return text


def plain(text):
    """As the transcripts' plain(), and without what a node of no driver says once it may be opened."""
    text = PASSED.sub("", text)
    for pattern, name in VOLATILE:
        text = re.sub(pattern, name, text)
    return transcripts.plain(text)


def play(machine, name):
    """Plays a transcript: root's commands, or those of a user, in one login by ssh."""
    found = re.findall(r"^[#$] (.*)\n((?:(?![#$] ).*\n)*)", SHOWN[name], re.M)
    script = "exec 2>&1; " + "".join(f"{command}\necho {END}\n" for command, _ in found)
    done = machine.ssh(USERS[name], script) if name in USERS else machine.run(f"cd /root; {script}", check=False)
    said = done.stdout.split(f"{END}\n")
    assert len(said) == len(found) + 1 > 1, done
    for (command, expected), output in zip(found, said):
        assert plain(output) == plain(expected), (command, output)


@pytest.fixture(scope="module")
def cluster(computer):
    """The machine as the page has it before it comes to the policy. Ends with no job, and nothing of all this left."""
    if computer.suite not in disk.MORE or "slurmd" not in disk.MORE[computer.suite]:
        unavailable(f"the disk of {computer.suite} has no Slurm")
    assert set(block("packages").split()[3:]) <= set(disk.MORE[computer.suite])
    equip(computer)
    for number, name in ((0, "nvidia0"), (1, "nvidia1"), (255, "nvidiactl")):
        computer.make_node(f"/dev/{name}", "c", 195, number)
    for path, text in re.findall(r"^<!-- file: (/\S+) -->\n+```\n(.*?)^```", PAGE, re.M | re.S):
        computer.write_file(path, text)
    for file in EXAMPLES.glob("hpc-*.conf"):
        computer.write_file(f"/root/{file.name}", file.read_text(encoding="utf-8"))
    computer.run("install -D -o alice -g alice -m 600 /root/.ssh/id_ed25519 /home/alice/.ssh/id_ed25519; "
                 "chown alice:alice /home/alice/.ssh")
    play(computer, "slurm")
    computer.wait("sinfo -h | grep -q idle", "the node is up")
    yield computer
    computer.run("systemctl disable --quiet --now slurmd slurmctld munge; rm -rf /dev/nvidia* /etc/slurm/*.conf /root/hpc-*; "
                 "systemctl stop lab_slurmstepd.scope; rm -rf /var/lib/slurm/slurmctld/* /var/lib/slurm/slurmd/*", check=False)


@pytest.fixture
def node(cluster, machine):
    yield machine
    cluster.run("scancel -u alice; rm -rf /var/lib/systemd/linger/*")
    cluster.wait('[ -z "$(squeue -h)" ]', "no job is left")


@pytest.fixture
def compute(node):
    """A node with the rules and the lines for compute nodes."""
    play(node, "compute")
    with changed_file(node, SSHD, edited(node.read_file(SSHD), "behind", "in place of")):
        yield node


def lines(result):
    """What was said on each line, without what slurm says of its waiting."""
    return [line.strip() for line in result.stdout.replace("\0", "").splitlines() if line.strip()]


def linger(node):
    """Has a user manager for alice without a login."""
    node.run("loginctl enable-linger alice")
    node.wait("[ -S /run/user/1000/bus ]", "alice's manager runs")


def start_job(node):
    """Has alice's job run that the page has her start."""
    play(node, "job")
    node.wait("squeue -h -t R | grep -q alice", "alice has a job")


def test_login_node(node):
    with without_sudo(node):
        play(node, "login")
    play(node, "login-try")
    jobs = f"""{GPUS}; echo
        script -qec 'srun -Q --pty --gres=gpu:2 sh -c "tty; {GPUS}"' /dev/null; echo
        salloc -Q --gres=gpu:2 sh -c '{GPUS}; echo; srun {GPUS}'; echo
        sbatch -Q --gres=gpu:2 -o job --wrap 'until [ -e go ]; do sleep 0.2; done; {GPUS}'
    """
    said = lines(node.ssh("alice", jobs))
    assert said[0] == NONE and re.search(r"/dev/pts/\d+$", said[1]) and said[2:] == [BOTH, NONE, BOTH], said
    # The session is over, and its job goes on.
    node.run("touch /home/alice/go", user="alice")
    node.wait("[ -s /home/alice/job ]", "the job has said what it may open")
    assert node.read_file("/home/alice/job").strip() == BOTH
    # A manager without a session has the rules, too.
    linger(node)
    assert node.run(OUT, user="alice").stdout.strip() == NONE


def test_compute_node(compute):
    with without_sudo(compute):
        play(compute, "doctor")
    start_job(compute)
    play(compute, "compute-try")
    play(compute, "compute-without")
    # ssh from a step of the job ends in the job; out of it leads the manager, of which Slurm knows nothing: there are the rules.
    linger(compute)
    step = shlex.quote(f"{HERE} 'cat /proc/self/cgroup; {GPUS}'; {OUT}")
    said = lines(compute.ssh("alice", f"srun -Q --gres=gpu:1 sh -c {step}"))
    assert re.match(IN_JOB + "step_extern", said[0]) and said[1:] == [FIRST, NONE]
    assert compute.journal(r"alice has the limits of cgroup /system.slice/lab_slurmstepd.scope/job_\d+/step_extern/\S+ and no")
    # To forward X changes nothing, in a job or not.
    for user, place in (("alice", IN_JOB + "step_extern"), ("carol", r"0::/user\.slice/user-1002\.slice/session-")):
        command = compute.ssh_command(user, "echo $DISPLAY; cat /proc/self/cgroup")
        said = subprocess.run([command[0], "-Y", *command[1:]], env={**os.environ, "DISPLAY": ":9"}, stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", timeout=120, check=False).stdout.splitlines()
        assert said[0].startswith("localhost:1") and re.match(place, said[1])


def test_who_has_no_job_is_refused_where_slurm_says_so(compute):
    text = compute.read_file(SSHD)
    assert " action_no_jobs=ignore" in text
    with changed_file(compute, SSHD, text.replace(" action_no_jobs=ignore", "")):
        assert compute.ssh("alice", "true").returncode == 255 and compute.ssh("root", "true").returncode == 0
        compute.run(f"sbatch -Q --gres=gpu:1 -D /tmp --wrap '{HERE} {GPUS} >/tmp/by-ssh; sleep infinity'", user="alice")
        compute.wait("[ -s /tmp/by-ssh ]", "alice has come by ssh")
        assert compute.read_file("/tmp/by-ssh").strip() == FIRST


def test_pam_systemd_loses_the_job(node):
    play(node, "compute")
    with changed_file(node, SSHD, edited(node.read_file(SSHD), "behind")):
        with without_sudo(node):
            play(node, "lost")
        start_job(node)
        said = lines(node.ssh("alice", f"cat /proc/self/cgroup; {GPUS}"))
        assert re.match(r"0::/user\.slice/.*/session-", said[0]) and said[1] == NONE
