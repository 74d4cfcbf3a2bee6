# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""`bpfdev doctor` on machines that are well, and on ones where one thing is wrong: seen, and gone once it is mended."""

import contextlib
import json
import re
import subprocess

import pytest

import cgroups
from examined import POLICY, Examined, assert_only, assert_well, line_of, without_sudo
from suites import every_suite, one_suite
from verbs import DENIED, FORBIDDEN, FUSE, MANAGER, RULES, equipped, scope_gone, tried

pytestmark = one_suite


@pytest.fixture
def box(machine):
    yield from equipped(machine)


@every_suite
def test_machine_that_is_well(box):
    box.policy(POLICY)
    with box.ssh_session("alice"), box.console_login("alice"), box.ssh_session("bob"), box.ssh_session("root"), \
            box.console_login("kiosk", "tty2"):
        assert_well(box)
        with without_sudo(box):
            said = box.run("bpfdev doctor")
    lines = said.stdout.splitlines()
    assert lines[0].startswith("ok   kernel    Linux ")
    assert line_of(said.stdout, "sshd uses") == "ok   sshd      sshd uses PAM"
    assert re.match(r"ok   pam       login, other, .*sshd, su, su-l, sudo, sudo-i: pam_bpfdev.so filters who comes in",
                    line_of(said.stdout, "filters who"))
    jobs = line_of(said.stdout, "jobs of users")
    assert jobs == ("note pam       atd, cron: jobs of users with rules are refused: there is no session to filter")
    assert lines[lines.index(jobs) + 1].startswith(" " * 17 + "nothing; ")
    assert (said.returncode, said.stderr) == (0, "")


def test_quiet_leaves_out_what_is_well(box):
    box.policy(POLICY)
    with without_sudo(box):
        said = box.run("bpfdev doctor --quiet").stdout.splitlines()
    assert [line[:4] for line in said] == ["note", "    ", "note", "    "]
    with without_sudo(box):
        left = json.loads(box.run("bpfdev doctor -q --json").stdout)["findings"]
    assert {finding["level"] for finding in left} == {"note"}


RULES_OF_UDEV = "/usr/local/lib/udev/rules.d/99-zz-bpfdev.rules"


def test_rules_that_cannot_follow_devices(box):
    box.policy("alice allow *\nalice deny /dev/input/by-id/*\n")
    assert Examined(box).of("bad", "warn") == []
    box.run("mv /run/udev/control /run/udev/elsewhere")
    assert_only(box, "^udev : udev does not run here: ", "warn", 0)
    box.run("mv /run/udev/elsewhere /run/udev/control")
    box.run("mkdir -p /etc/udev/rules.d && ln -s /dev/null /etc/udev/rules.d/99-zz-bpfdev.rules")
    assert_only(box, '^udev : /etc/udev/rules.d/99-zz-bpfdev.rules does not run "bpfdev settle --event"')
    box.run(f"rm /etc/udev/rules.d/99-zz-bpfdev.rules && mv {RULES_OF_UDEV} {RULES_OF_UDEV}.away")
    assert_only(box, "^udev : udev has no 99-zz-bpfdev.rules: ")
    box.run(f"mv {RULES_OF_UDEV}.away {RULES_OF_UDEV}")
    # Numbers stay what they are.
    box.policy("alice allow *\nalice deny c 10:229\n")
    box.run("mv /run/udev/control /run/udev/elsewhere")
    assert Examined(box).of("bad", "warn") == []
    box.run("mv /run/udev/elsewhere /run/udev/control")


@every_suite
def test_session_from_before_the_module(box):
    box.policy(RULES)
    box.configure_pam(control="")
    with box.ssh_session("alice") as session:
        box.configure_pam()
        examined = assert_only(box, rf"^processes alice: (\S*/session-{session.id}\.scope|{MANAGER}) has no filter: ")
        assert len(examined.of("bad")) == 2
        assert examined.advice("processes").startswith("bpfdev reload --all ")
        box.run("bpfdev reload --all")
        assert tried(session) == DENIED
        assert_well(box)


@contextlib.contextmanager
def running(box, command, user=None):
    """A process in a cgroup that belongs to nobody; it ends when its standard input does."""
    process = box.spawn(command, user, stdin=subprocess.PIPE)
    try:
        box.wait_for(lambda: cgroups.pids(process.cgroup), "it runs")
        yield process
    finally:
        process.stdin.close()
        process.wait()


def started(box, name, user):
    """Whether there is such a process of that user in the machine."""
    box.wait_for(lambda: box.run(f"pgrep -x -u {user} {name}", check=False).stdout, f"{user} runs {name}")


@every_suite
def test_process_in_a_cgroup_of_its_own(box):
    box.policy(RULES)
    with running(box, "exec -a cat cat", "alice"), running(box, "cat", "bob"):
        started(box, "cat", "alice")
        (text,) = assert_only(box, "^processes alice: ").of("bad")
        assert re.search(r": /lab/\d+ has no filter: process \d+ \(cat\)$", text)
        with running(box, "exec -a cat cat", "alice"):
            box.wait_for(lambda: len(box.run("pgrep -x -u alice cat", check=False).stdout.split()) == 2, "both run")
            assert len(assert_only(box, "^processes alice: /lab/").of("bad")) == 2
    assert_well(box)


def test_several_processes_of_one_service(box):
    box.policy(RULES)
    box.run("systemd-run --uid=alice --unit=several sh -c 'sleep 1000 & sleep 1000 & wait'")
    box.wait_for(lambda: len(cgroups.pids(box.cgroup / "system.slice/several.service")) == 3, "all run")
    (text,) = assert_only(box, "^processes alice: ").of("bad")
    assert re.search(r": /system.slice/several.service has no filter: 3 processes, \d+ \(\S+\) one of them$", text)
    box.run("systemctl stop several")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_process_in_somebody_elses_session(box):
    box.policy(RULES)
    with box.ssh_session("root") as session:
        # A namespace of its own makes it no container's.
        session.run("setsid unshare --pid --fork setpriv --reuid=1000 --clear-groups sleep 1000 >/dev/null 2>&1 &")
        started(box, "sleep", "alice")
        examined = assert_only(box, rf"^processes alice: \S+/session-{session.id}\.scope has no filter: process \d+ ")
        assert "belong to systemd" in examined.advice("processes")
        session.run("pkill -KILL -x -u alice sleep", check=True)
        box.wait_for(lambda: not box.run("pgrep -u alice", check=False).stdout, "it is gone")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_process_in_a_container(box):
    box.policy(RULES)
    with running(box, "exec unshare --pid --fork --kill-child setpriv --reuid=1000 --clear-groups cat"):
        started(box, "cat", "alice")
        assert_only(box, r"^processes alice: /lab/\d+ has no filter and is a container's: process \d+ \(cat\)",
                    "warn", 0)
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_slice_of_a_users_that_is_not_systemds(box):
    box.policy(RULES)
    nested = "/lab/nested/user.slice/user-1000.slice/session-9.scope"
    box.run(f"mkdir -p /sys/fs/cgroup{nested}")
    with running(box, f"echo $$ >/sys/fs/cgroup{nested}/cgroup.procs; exec setpriv --reuid=1000 --clear-groups cat"):
        started(box, "cat", "alice")
        examined = assert_only(box, rf"^processes alice: {nested} has no filter: process \d+ \(cat\)$")
        assert "reload" not in examined.advice("processes")
    box.run(f"cd /sys/fs/cgroup; rmdir -p .{nested}", check=False)
    assert_well(box)


def test_device_that_was_open_before(box):
    box.policy("alice allow *\n")
    with box.ssh_session("alice") as session:
        session.run(f"exec 7<>{FORBIDDEN} 8<{FORBIDDEN}", check=True)
        assert_well(box)
        box.policy(RULES)
        assert_only(box, r"^sessions alice: 1 of 1 filtered session has other rules than the policy gives by now",
                    "warn", 0)
        box.run("bpfdev reload")
        assert tried(session) == DENIED
        said = assert_only(box, "^devices alice: ").of("bad")
        assert len(said) == 2
        scope = rf"session-{session.id}\.scope, whose filter denies it: process \d+ \(bash\)$"
        assert re.search(rf": {FORBIDDEN} \({FUSE}\) is open for reading and writing in {scope}", said[0])
        assert re.search(rf": {FORBIDDEN} \({FUSE}\) is open for reading in {scope}", said[1])
        session.run("exec 7>&- 8<&-", check=True)
        assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_terminal_of_the_session_is_its_own(box):
    box.policy("alice allow *\n")
    other = "import os, time; os.openpty(); time.sleep(1000)"
    with box.console_login("alice") as session:
        session.run("exec 7<>/dev/tty1; setsid sleep 1000 >/dev/null 2>&1 &", check=True)
        session.run(f"setsid python3 -c '{other}' 7>&- >/dev/null 2>&1 &", check=True)
        for name in ("sleep", "python3"):
            started(box, name, "alice")
        box.policy("alice allow *\nalice deny c 136:* rw\n")
        box.run("bpfdev reload")
        box.wait_for(lambda: Examined(box).of("bad"), "the other terminal is open")
        (text,) = assert_only(box, "^devices alice: ").of("bad")
        assert re.search(r": /dev/pts/\d+ \(c 136:\d+\) is open for reading and writing in .*\(python3\)$", text)
        box.run("umount -l /dev/tty1")  # now it can be told only for those whose controlling terminal it is
        said = assert_only(box, "^devices alice: ").of("bad")
        assert sorted(re.search(r"\((\w+)\)$", text)[1] for text in said) == ["python3", "sleep"]
        session.run("exec 7>&-; pkill -x python3; pkill -x sleep", check=True)


@pytest.mark.only_suite("bookworm")
def test_names_with_escapes_print_harmlessly(box):
    box.policy("alice allow *\n")
    with box.ssh_session("alice") as session:
        box.make_node("/home/alice/\x1b[31mfuse\nok\u202e", "c", 10, 229)
        session.run("cp /bin/sleep \"$(printf '/tmp/\\033[2J')\"; for n in *fuse*; do exec 7<>\"$n\"; done; "
                    "setsid \"$(printf '/tmp/\\033[2J')\" 1000 >/dev/null 2>&1 &", check=True)
        box.policy(RULES)
        box.run("bpfdev reload")
        said = box.run("bpfdev doctor --quiet", check=False).stdout
        assert "/home/alice/\\x1b[31mfuse\\x0aok\\xe2\\x80\\xae (c 10:229) is open" in said
        assert "\x1b" not in said and "\u202e" not in said
        session.run("exec 7>&-")


def test_group_whose_daemon_opens_any_device(box):
    box.policy(RULES)
    box.run("groupadd docker && usermod -aG docker alice && usermod -aG docker bob")
    try:
        assert_only(box, "^brokers alice: has rules, and is in the group docker: dockerd opens any device for its mem")
    finally:
        box.run("groupdel docker")
    box.run("groupadd docker && usermod -g docker alice")
    try:
        with box.ssh_session("alice"):
            assert_only(box, "^brokers alice: has rules, and is in the group docker")
    finally:
        box.run("usermod -g alice alice && groupdel docker")
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_services_that_open_devices_for_others(box):
    box.policy(POLICY)
    service = "/usr/share/dbus-1/system-services/org.freedesktop.UDisks2.service"
    box.write_file(service, "[D-BUS Service]\n")
    box.run("cp /bin/sleep /usr/local/bin/pipewire")
    rules, socket = "/usr/share/polkit-1/rules.d/60-bpfdev.rules", "/run/bpfdev-ask.socket"
    try:
        assert_only(box, f"^brokers udisks2: serves root alone, and who has no rules .*: nobody listens at {socket}", "warn", 0)
        box.run("systemctl daemon-reload && systemctl start bpfdev-ask.socket")
        assert_well(box)
        assert "brokers udisks2: mounts, unlocks and opens for users what their rules allow" in Examined(box).of("ok")
        box.run("useradd -r polkitd")
        assert_only(box, "^brokers udisks2: serves root alone, and who has no rules .*: polkitd may not ask", "warn", 0)
        box.run("systemctl restart bpfdev-ask.socket")
        assert_well(box)
        box.run(f"mv {rules} /root/")
        assert_only(box, "^brokers udisks2: mounts disks and sticks", "warn", 0)
        box.run(f"mv /root/60-bpfdev.rules {rules}")
        with running(box, "pipewire 1000 & read -r; kill $!", "daemon"):
            started(box, "pipewire", "daemon")
            said = assert_only(box, "^brokers ", "warn", 0).of("warn")
            assert re.match(r"brokers : process \d+ is a sound server for all users: ", said[0])
        box.policy(f"alice allow *\nalice deny {FUSE}\n")
        with box.ssh_session("alice") as session:  # a user's own is none
            session.run("pipewire 1000 >/dev/null 2>&1 &", check=True)
            started(box, "pipewire", "alice")
            assert_well(box)
            session.run("pkill -x pipewire", check=True)
    finally:
        box.run(f"rm {service} /usr/local/bin/pipewire; systemctl stop bpfdev-ask.socket; userdel polkitd", check=False)
    assert_well(box)


@pytest.mark.only_suite("bookworm")
def test_services_that_know_no_rules(box):
    box.policy(POLICY)
    paths = ("/usr/sbin/pcscd", "/usr/sbin/cupsd", "/usr/lib/snapd/snapd")
    try:
        box.run(f"mkdir -p /usr/lib/snapd && touch {' '.join(paths)}")
        assert Examined(box).of("bad", "warn") == []
        said = Examined(box).of("note")
        assert [text.split(":")[0] for text in said if text.startswith("brokers")] == [
            "brokers pcscd", "brokers cupsd", "brokers snapd"]
        assert [text for text in said if "uses smart cards for whoever may ask it, and does not know their rules" in text]
        assert [text for text in said if "by default wants an administrator" in text]
    finally:
        box.run(f"rm {' '.join(paths)}")
    assert_well(box)


def test_user_who_lingers(box):
    box.run("loginctl enable-linger alice")
    box.policy(RULES)
    box.run("systemctl restart user@1000")
    assert_well(box)
    box.policy(f"alice allow *\nalice deny {FUSE} rw remote\n")
    notes = Examined(box).of("note")
    assert any(note.startswith("linger alice: lingers and has rules with conditions") for note in notes), notes


def test_manager_of_a_session_that_was_killed(box):
    box.run("loginctl enable-linger alice")
    box.policy(f"alice allow *\nalice deny {FUSE} rw remote\n")
    local = box.console_login("alice")
    local.kill()
    scope_gone(box, local)
    examined = Examined(box)
    assert any(note.startswith("sessions alice: the user manager has not the filter that ")
               for note in examined.of("note"))
    assert examined.code == 0
    box.run("bpfdev reload")
    assert not any(note.startswith("sessions") for note in Examined(box).of("note"))


def test_policy_with_mistakes(box):
    box.policy("alice alow *\nbob allow nonsense\n")
    examined = Examined(box)
    assert (examined.code, examined.lets_out, len(examined.of("bad"))) == (2, False, 2)
    assert examined.of("bad")[0].startswith('policy : /etc/security/bpfdev.conf:1:7: unknown verb "alow"')
    box.policy("")
    examined = Examined(box)
    assert examined.code == 0 and "policy : no line names anybody: nobody is filtered" in examined.of("note")


def test_many_mistakes(box):
    box.policy("alice alow *\n" * 9)
    said = Examined(box).of("bad")
    assert len(said) == 6 and said[-1] == "policy : there are 4 more mistakes"


@pytest.mark.only_suite("bookworm")
def test_policy_that_the_pam_lines_name(box):
    box.configure_pam("conf=/etc/lab.conf")
    box.policy("this is not read\n")
    box.write_file("/etc/lab.conf", RULES)
    examined = Examined(box)
    assert (examined.code, examined.of("bad", "warn")) == (0, [])
    assert "policy : 2 lines in /etc/lab.conf, without mistakes" in examined.of("ok")
    assert "pam sshd: takes its rules from /etc/lab.conf (conf=), without drop-ins" in examined.of("note")
    assert box.run("bpfdev doctor --conf=/etc/security/bpfdev.conf", check=False).returncode == 2
    with box.ssh_session("alice"):
        assert Examined(box).of("bad", "warn") == []
        # Its rules are those of another policy, and not of an older one.
        box.write_file("/etc/lab2.conf", f"{RULES}alice allow c 1:3\n")
        said = box.run("bpfdev doctor --conf=/etc/lab2.conf", check=False).stdout
        assert not re.search(r"^\w+ +sessions", said, re.MULTILINE)
    box.run("rm /etc/lab.conf")
    assert Examined(box).code == 2


@pytest.mark.only_suite("bookworm")
def test_whoever_is_not_root(box):
    said = box.run("/usr/local/sbin/bpfdev doctor", user="alice", check=False)
    assert (said.returncode, said.stdout) == (3, "")
    assert said.stderr.startswith("bpfdev: doctor needs root: ")


@pytest.mark.only_suite("bookworm")
def test_nothing_is_changed(box):
    box.policy(RULES)
    with box.ssh_session("alice"):
        before = box.programs()
        Examined(box)
        assert box.programs() == before
