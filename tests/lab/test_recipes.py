# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The recipes of conf/examples: each is put in place as it says, with its own PAM lines, and keeps its promises."""

import re

import pytest

from administration import POLICY, TOP
from examined import without_sudo
from suites import one_suite
from verbs import BY_MANAGER, Waiting, changed_file, equipped, ours, tried

EXAMPLES = TOP / "conf/examples"
RECIPES = sorted(path.stem for path in EXAMPLES.glob("*.conf"))
PAM_LINE = re.compile(r"^# +(/etc/pam\.d/\S+): (session .*)$", re.M)

DISK, STICK, SCSI, USB = "/dev/sda", "/dev/sdb1", "/dev/sg0", "/dev/bus/usb/001/001"
WEBCAM, MEDIA, MICROPHONE = "/dev/video0", "/dev/media0", "/dev/snd/pcmC0D0c"
CARD, RENDER, KEYBOARD = "/dev/dri/card0", "/dev/dri/renderD128", "/dev/input/event0"
NVIDIA = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-caps/nvidia-cap1")
KFD, FUSE, KVM, TPM, CONSOLE = "/dev/kfd", "/dev/fuse", "/dev/kvm", "/dev/tpm0", "/dev/tty63"
SERIAL, OTHER_SERIAL, PRINTER = "/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/lp0"
# Nothing has these numbers any more, or yet: the latter could be those of any driver that is denied and may come.
MEMORY, UNKNOWN = "/dev/kmem", "/dev/try0"
BY_ID = "/dev/serial/by-id/usb-FTDI_FT232R-if00-port0"
GPUS = (CARD, RENDER, KFD, *NVIDIA)
BASELINE = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/ptmx")

NUMBERS = {
    DISK: ("b", 8, 0), STICK: ("b", 8, 17), SCSI: ("c", 21, 0), USB: ("c", 189, 0), WEBCAM: ("c", 81, 0),
    MEDIA: ("c", 240, 0), MICROPHONE: ("c", 116, 24), CARD: ("c", 226, 0), RENDER: ("c", 226, 128),
    KEYBOARD: ("c", 13, 64), NVIDIA[0]: ("c", 195, 0), NVIDIA[1]: ("c", 195, 255), NVIDIA[2]: ("c", 241, 0),
    NVIDIA[3]: ("c", 242, 1), KFD: ("c", 243, 0), KVM: ("c", 10, 232), TPM: ("c", 10, 224), CONSOLE: ("c", 4, 63),
    SERIAL: ("c", 188, 0), OTHER_SERIAL: ("c", 188, 1), PRINTER: ("c", 6, 0),
    MEMORY: ("c", 1, 2)}
# As if these were loaded, which have no majors of their own.
DRIVERS = " 240 media\n 241 nvidia-uvm\n 242 nvidia-caps\n 243 kfd\n"
EVERYTHING = {*NUMBERS, FUSE, UNKNOWN, *BASELINE}
# What a session starts programs by: its manager, another user, a server that outlives the session.
STARTERS = (BY_MANAGER, "sudo", "in-tmux")
IN_TMUX = """#!/bin/sh
tmux -L lab new-session -d "$* >$HOME/said; tmux -L lab wait-for -S done; exec sleep 1000" &&
	tmux -L lab wait-for done && tmux -L lab kill-server && cat "$HOME/said"
"""
# What is tried has no driver here, as a rule: so much for what an open comes to that the rules let through.
PASSED = {"ok", "ENXIO", "ENODEV", "EBUSY"}


@pytest.fixture(scope="module")
def workshop(shared_machine):
    """The machine with the devices, drivers, users and groups that the recipes are about."""
    for path, numbers in NUMBERS.items():
        shared_machine.run(["mkdir", "-p", path.rpartition("/")[0]])
        shared_machine.make_node(path, *numbers)
    shared_machine.run(f"mkdir -p {BY_ID.rpartition('/')[0]} && ln -s ../../ttyUSB0 {BY_ID}")
    shared_machine.write_file("/usr/local/bin/in-tmux", IN_TMUX, 0o755)
    shared_machine.run("groupadd gpuadmin; useradd -m -s /bin/bash guest; useradd -m -s /bin/bash -G gpuadmin gina;"
                       "useradd -m -s /bin/bash -G students,staff tess")
    shared_machine.write_file("/run/drivers", shared_machine.read_file("/proc/devices").replace("\nBlock", f"{DRIVERS}\nBlock"))
    shared_machine.run("mount --bind /run/drivers /proc/devices")
    return shared_machine


@pytest.fixture
def box(workshop, machine):
    yield from equipped(machine)
    workshop.run("rm -f /etc/pam.d/slurm")


def use(box, recipe):
    """Puts the recipe in place as its comment says: the file, and the lines of PAM, and nothing else."""
    text = (EXAMPLES / f"{recipe}.conf").read_text(encoding="utf-8")
    box.write_file(POLICY, text, 0o600)
    box.configure_pam(control="")
    for path, line in PAM_LINE.findall(text):
        before = box.run(["cat", path], check=False).stdout
        box.write_file(path, f"{before}{line}\n")


def refused(session, *paths, how="rw", by=""):
    """Those of the paths that the session, or what it starts that way, may not open."""
    paths = paths or sorted(EVERYTHING)
    said = tried(session, by, f"attempt {' '.join(f'{how} {path}' for path in paths)}").split()
    assert len(said) == len(paths) and set(said) <= {"EPERM", *PASSED}, (paths, said)
    return {path for path, answer in zip(paths, said) if answer == "EPERM"}


def refused_everywhere(session, *paths):
    """The same, if the session, its manager, sudo and tmux agree; else a failure."""
    found = refused(session, *paths)
    for by in STARTERS:
        assert refused(session, *paths, by=by) == found, by
    return found


@pytest.mark.parametrize("recipe", RECIPES)
@one_suite
def test_policy_is_clean_and_leaves_no_way_out(box, recipe):
    use(box, recipe)
    checked = box.run("bpfdev check --strict", check=False)
    assert checked.returncode == 0, checked.stdout
    with without_sudo(box):
        doctor = box.run("bpfdev doctor --quiet", check=False)
    assert doctor.returncode == 0, doctor.stdout
    with box.ssh_session("root") as root:
        assert refused(root) == set() and ours(box) == {}


def test_kiosk(box):
    use(box, "kiosk")
    opens = {CARD, RENDER, MICROPHONE, CONSOLE, *BASELINE}
    with box.console_login("kiosk") as kiosk:
        assert refused_everywhere(kiosk) == EVERYTHING - opens
        assert refused(kiosk, KEYBOARD, how="r") == set() and refused(kiosk, KEYBOARD, how="w") == {KEYBOARD}
    with box.ssh_session("alice") as other:
        assert refused_everywhere(other) == set() and other.cgroup not in ours(box)


def test_teaching_lab(box):
    use(box, "teaching-lab")
    taken = {DISK, STICK, SCSI, USB, WEBCAM, MEDIA, MICROPHONE, UNKNOWN}
    with box.console_login("alice") as student:
        assert refused_everywhere(student) == taken
        assert student.run("sudo -u bob id -un").stdout == "bob\n"
    with box.ssh_session("alice") as student:
        assert refused_everywhere(student) == taken | set(GPUS)
    with box.ssh_session("bob") as staff, box.ssh_session("tess") as both, box.ssh_session("carol") as other:
        assert [refused_everywhere(session) for session in (staff, both, other)] == [set(), set(), set()]


def test_exam_hours(box):
    use(box, "teaching-lab")
    for name, place in (("50-exam.conf", "/usr/local/share/bpfdev-exam"), ("exam-hours", "/usr/local/sbin"),
                        ("bpfdev-exam.service", "/etc/systemd/system"), ("bpfdev-exam.timer", "/etc/systemd/system")):
        file = EXAMPLES / "exam" / name
        box.write_file(f"{place}/{name}", file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777)
    # A minute is long for a test.
    box.write_file("/etc/systemd/system/bpfdev-exam.timer.d/lab.conf", "[Timer]\nOnCalendar=*:*:*\nAccuracySec=1ms\n")
    box.write_file("/etc/systemd/system/bpfdev-exam.service.d/lab.conf", "[Unit]\nStartLimitIntervalSec=0\n")
    box.run("systemctl daemon-reload && systemctl enable --now bpfdev-exam.timer")
    paper = {SERIAL, OTHER_SERIAL, PRINTER, FUSE}
    try:
        with box.console_login("alice") as student, box.ssh_session("bob") as staff:
            working = Waiting(student)
            assert refused(student, *paper) == set()
            hold_exam(box, "00:00 24:00")
            box.wait_for(lambda: refused(student, *paper) == paper, "the exam's rules are in force")
            assert working.go() == "EPERM ok"
            assert refused(student, DISK, CARD, KEYBOARD, *BASELINE) == {DISK}
            with box.ssh_session("alice") as remote:
                assert refused(remote, KEYBOARD, *paper, *BASELINE) == {KEYBOARD, *paper}
            assert refused(staff) == set()
            assert box.run("stat -c '%a %U' /etc/security/bpfdev.d/50-exam.conf").stdout == "600 root\n"
            hold_exam(box, "00:00 00:00")
            box.wait_for(lambda: refused(student, *paper) == set(), "the exam is over")
            assert box.run("ls -A /etc/security/bpfdev.d").stdout == ""
    finally:
        box.run("systemctl disable --now bpfdev-exam.timer; rm -r /etc/systemd/system/bpfdev-exam.*; systemctl daemon-reload")


def hold_exam(box, hours):
    """An exam at these hours of all days that it can be during the test."""
    days = box.run("for day in today tomorrow; do date -d $day +%F; done").stdout.split()
    box.write_file("/etc/security/exam-hours", "# day, begin, end\n" + "".join(f"{day} {hours}\n" for day in days))


def batch(box, *command, by="systemd-run"):
    """What a job says: run by a service that is no login session, as slurmstepd runs it, with a filter of its own."""
    return box.run([by, "--quiet", "--pipe", "--wait", "--slice=system.slice", "-p", "Delegate=yes", "-p", "DevicePolicy=closed",
                    *(f"-pDeviceAllow={path} rw" for path in GPUS), *command]).stdout.strip()


def test_gpus_of_a_login_node_belong_to_jobs(box):
    use(box, "hpc-login")
    with box.ssh_session("alice") as user:
        assert refused_everywhere(user) == {*GPUS, UNKNOWN}
        assert user.run("su carol -c true; tmux -L x new -d && tmux -L x kill-server").returncode == 0
        job = batch(box, "--uid=alice", "attempt", *(word for path in GPUS for word in ("rw", path)))
        assert len(job.split()) == len(GPUS) and set(job.split()) <= PASSED
        assert set(ours(box)) == {user.cgroup, "/user.slice/user-1000.slice/user@1000.service"}
    with box.console_login("alice") as operator, box.ssh_session("gina") as admin:
        assert (refused_everywhere(operator), refused_everywhere(admin)) == (set(), set())


@one_suite
def test_gpus_of_a_compute_node_belong_to_jobs(box):
    use(box, "hpc-compute")
    with box.ssh_session("alice") as user, box.console_login("carol") as other, box.ssh_session("gina") as admin:
        assert refused_everywhere(user) == {*GPUS, UNKNOWN} and refused(other) == {*GPUS, UNKNOWN}
        assert refused_everywhere(admin) == set()
        job = batch(box, "--uid=alice", "attempt", *(word for path in GPUS for word in ("rw", path)))
        assert len(job.split()) == len(GPUS) and set(job.split()) <= PASSED


@one_suite
def test_pam_sessions_of_jobs(box):
    use(box, "hpc-login")
    said = {}
    for stack in ("session required pam_limits.so", "@include common-session-noninteractive"):
        box.write_file("/etc/pam.d/slurm", f"{stack}\n")
        said[stack[0]] = batch(box, "sh", "-c", "pamtester slurm alice open_session 2>&1; true")
    assert said["s"] == "pamtester: successfully opened a session"
    assert "could not be put in place, so this login is refused" in said["@"]
    assert box.journal(r"pam_bpfdev\(slurm:session\): alice is refused.*is not a login session's")


@one_suite
def test_connections_that_were_adopted_by_a_job(box):
    """What pam_slurm_adopt does to a connection, done here by pam_exec: the rules are for who is in a session."""
    use(box, "hpc-login")
    job = "/sys/fs/cgroup/system.slice/job"
    box.write_file("/usr/local/sbin/adopt", f'#!/bin/sh\n[ "$PAM_USER" = root ] || echo $PPID >{job}/cgroup.procs\n', 0o755)
    adopting = "account required pam_exec.so /usr/local/sbin/adopt\n"
    box.run(f"mkdir -p {job}")
    stack = box.read_file("/etc/pam.d/sshd")
    with changed_file(box, "/etc/pam.d/sshd", stack.replace("@include common-account", f"@include common-account\n{adopting}")):
        with box.ssh_session("alice") as user:
            assert "session-" in user.cgroup and refused(user) == {*GPUS, UNKNOWN}
    alone = stack.replace("@include common-session", "session required pam_unix.so")
    with changed_file(box, "/etc/pam.d/sshd", alone.replace("@include common-account", f"@include common-account\n{adopting}")):
        with box.ssh_session("alice") as user:
            assert user.cgroup == "/system.slice/job" and refused(user) == set()
    box.run(f"rmdir {job}")


@one_suite
def test_workstation_with_a_guest(box):
    use(box, "workstation")
    taken = {DISK, STICK, USB, SCSI, WEBCAM, MEDIA, SERIAL, OTHER_SERIAL, KVM, FUSE, TPM, MEMORY, UNKNOWN}
    with box.console_login("guest") as guest:
        assert refused_everywhere(guest) == taken
        box.run(f"bpfdev allow guest {WEBCAM} --for 1h")
        assert refused(guest) == refused(guest, by=BY_MANAGER) == taken - {WEBCAM}
        box.run("bpfdev revoke guest")
        assert refused(guest) == taken
        filtered = ours(box)
        with box.ssh_session("alice") as developer:
            assert refused_everywhere(developer) == set() and ours(box) == filtered
        box.run("echo 'attempt rw /dev/fuse >/tmp/job' | at now", user="alice")
        box.wait_for(lambda: box.run("cat /tmp/job", check=False).stdout == "ok\n", "the developer's job has run")


@one_suite
def test_jump_host(box):
    use(box, "jump-host")
    with box.ssh_session("carol") as user:
        assert refused_everywhere(user) == EVERYTHING - set(BASELINE)
    assert box.run("ssh -tt carol@127.0.0.1 tty").stdout.startswith("/dev/pts/")
    with box.console_login("alice") as operator:
        assert refused(operator) == EVERYTHING - set(BASELINE)
    through = box.run("scp -q -J alice@127.0.0.1 /etc/hostname bob@127.0.0.1:/tmp/passed && "
                      "ssh -J alice@127.0.0.1 bob@127.0.0.1 'id -un; cat /tmp/passed'")
    assert through.stdout == "bob\nlab\n"


@one_suite
def test_serial_port_for_one_user(box):
    use(box, "serial-port")
    with box.ssh_session("alice") as alice, box.ssh_session("carol") as other:
        assert refused_everywhere(alice) == {OTHER_SERIAL, UNKNOWN}
        assert refused(alice, BY_ID, KEYBOARD) == set()
        assert refused_everywhere(other) == {SERIAL, OTHER_SERIAL, UNKNOWN}
    box.run(f"mv {BY_ID} /run")
    with box.ssh_session("alice") as alice:
        assert refused(alice) == {SERIAL, OTHER_SERIAL, UNKNOWN}
        box.run(f"rm {SERIAL} && mv /run/{BY_ID.rpartition('/')[2]} {BY_ID} && mknod -m 666 {SERIAL} c 188 0")
        assert refused(alice, SERIAL) == {SERIAL}
        box.run("bpfdev reload alice")
        assert refused(alice) == {OTHER_SERIAL, UNKNOWN}
