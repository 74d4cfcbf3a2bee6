# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The ways in which a user who has a shell might get at a device that the session may not open."""

import json

import pytest

from verbs import (ALLOWED, BY_MANAGER, DENIED, FORBIDDEN, MANAGER, PERMITTED, PROBE, REMOTE_RULES, RULES,
                   Waiting, by_lingering_manager, by_manager, denied_by_manager, equipped, ours, told, tried)
from watching import wait_for

PROGRAMS = "org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager"
MANAGER_STARTS = (
    BY_MANAGER,
    "systemd-run --user --scope --quiet",
    f"{BY_MANAGER} unshare -Ur",
    f"{BY_MANAGER} unshare -UrmC",
    f"{BY_MANAGER} systemd-run --user --scope --quiet",
    f"{BY_MANAGER} sudo",
    f"{BY_MANAGER} sudo -u alice",
    f"{BY_MANAGER} sudo -u bob",
    f"{BY_MANAGER} -p Slice=user-1000.slice",
    f"{BY_MANAGER} -p DevicePolicy=auto -p DeviceAllow={FORBIDDEN}",
    f"{BY_MANAGER} -p Delegate=yes",
    f"{BY_MANAGER} -u user@1001",
)
FRESH_SESSIONS = (f"{BY_MANAGER} su alice -c", f"{BY_MANAGER} su - alice -c", f"{BY_MANAGER} sudo -i -u alice")
ORPHAN = f"""
until [ "$(cut -d ' ' -f 4 /proc/$$/stat)" = 1 ]; do sleep 0.01; done
busctl call {PROGRAMS} AttachProcessesToUnit ssau user@1000.service '' 1 $$ >&2
exec $1 {PROBE}
"""
# Cgroups made below the user's own manager, named as if they were somebody's session.
PRETENDING = """
top=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/user.slice
for name in user-1001.slice/session-9.scope user-1000.slice/session-9.scope user-1000.slice/user@1000.service; do
    mkdir -p "$top/$name"
    echo 0 >"$top/$name/cgroup.procs"
    for user in alice bob root; do sudo -u "$user" %s; done
    %s
done | sort | uniq -c | tr -s ' '
""" % (PROBE, PROBE)
USER_FILES = {
    ".config/systemd/user/trying.service": "[Service]\nType=oneshot\nExecStart=sh -c '%s >%%h/by-unit'\n" % PROBE,
    ".config/systemd/user/ticking.timer": "[Timer]\nOnActiveSec=0\nAccuracySec=1us\n",
    ".config/systemd/user/ticking.service": "[Service]\nType=oneshot\nExecStart=sh -c '%s >%%h/by-timer'\n" % PROBE,
    ".config/systemd/user/called.service": "[Service]\nType=dbus\nBusName=lab.Called\n"
                                           "ExecStart=sh -c '%s >%%h/by-bus'\n" % PROBE,
    ".local/share/dbus-1/services/lab.Called.service": "[D-BUS Service]\nName=lab.Called\nExec=/bin/false\n"
                                                       "SystemdService=called.service\n",
    ".config/systemd/user/desktop.service": "[Unit]\nWants=xdg-desktop-autostart.target\n"
                                            "[Service]\nExecStart=sleep infinity\n",
    ".config/autostart/trying.desktop": "[Desktop Entry]\nType=Application\nName=trying\n"
                                        "Exec=sh -c \"%s >/home/alice/by-desktop\"\n" % PROBE,
}


@pytest.fixture
def box(machine):
    yield from equipped(machine)


@pytest.fixture
def alice(box):
    """A session of alice by ssh that is denied one device."""
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        assert tried(session) == DENIED
        yield session


def test_programs_started_by_the_user_manager(alice):
    said = {start: tried(alice, start) for start in MANAGER_STARTS}
    assert said == dict.fromkeys(MANAGER_STARTS, DENIED)


def test_fresh_session_from_within_the_manager(alice):
    said = {start: tried(alice, start) for start in FRESH_SESSIONS}
    assert said == dict.fromkeys(FRESH_SESSIONS, DENIED)


# On sid, sshd does not take the lab's key there.
@pytest.mark.only_suite("trixie")
def test_ssh_by_a_socket_of_this_machine_comes_from_anywhere(box):
    """systemd 257 and later listen there by themselves; sshd has no remote host to tell of then."""
    box.policy(REMOTE_RULES)
    assert box.run(f"ssh -o StrictHostKeyChecking=no alice@.host {PROBE}").stdout.strip() == DENIED
    box.policy(f"{RULES}alice exempt local\n")
    assert box.run(f"ssh -o StrictHostKeyChecking=no alice@.host {PROBE}").stdout.strip() == DENIED


@pytest.mark.only_suite("trixie", "sid")
def test_run0_makes_a_login_of_whom_it_is_for(box):
    """systemd starts that, whoever asks for it: polkit says who may, and doctor whom it lets."""
    box.policy(RULES)
    assert box.run(f"run0 -u alice --pipe {PROBE} </dev/null").stdout.strip() == DENIED


# The caller's rules go along, whoever has rules of their own or none.
OTHERS = tuple(f"{BY_MANAGER} {start}" for start in (
    "sudo -i -u bob", "su bob -c", "su - bob -c", "sudo -i", "su root -c", "sudo -i -u bob sudo -i"))


def test_fresh_session_of_somebody_else_from_within_the_manager(alice):
    said = {start: tried(alice, start) for start in OTHERS}
    assert said == dict.fromkeys(OTHERS, DENIED)


@pytest.mark.only_suite("trixie", "sid")
def test_somebody_elses_own_rules_stand_beside_the_callers(box):
    box.policy(f"{RULES}bob allow *\nbob deny c 10:237\n")
    with box.ssh_session("alice") as alice:
        assert tried(alice, f"{BY_MANAGER} sudo -i -u bob") == "EPERM EPERM"
    with box.ssh_session("bob") as bob:
        assert tried(bob) == "ok EPERM"


# On Debian 12, they stay in the session, and there is no manager of bob's to be reached.
@pytest.mark.only_suite("trixie", "sid")
def test_manager_of_whom_they_have_become(alice):
    said = {start: tried(alice, f"{BY_MANAGER} {start}", f"{BY_MANAGER} {PROBE}")
            for start in ("sudo -i -u bob", "sudo -i -u carol")}
    assert said == dict.fromkeys(said, DENIED)
    with alice.machine.ssh_session("bob") as bob:
        assert (tried(bob), by_manager(bob)) == (ALLOWED, ALLOWED)


@pytest.mark.only_suite("trixie", "sid")
def test_whose_rules_stand_beside_is_shown(alice):
    box = alice.machine
    begin = "sh -c '" + PROBE + "; exec sleep infinity'"
    alice.run(f"systemd-run --user --quiet --unit=fresh sudo -i -u carol {begin}", check=True)
    wait_for(lambda: box.run("pgrep -x sleep", check=False).stdout, "the fresh session runs")
    (denial,) = json.loads(box.run("bpfdev denials carol --json").stdout)["denials"]
    assert (denial["user"], denial["rules_of"], denial["cause"]) == ("carol", "alice", "line")
    (session,) = json.loads(box.run("bpfdev status carol --json").stdout)["unfiltered"]
    assert session["callers"] == ["alice"]
    assert "(rules of alice)" in box.run("bpfdev denials carol").stdout
    assert "rules of alice, who became carol" in box.run("bpfdev status carol").stdout
    (told,) = map(json.loads, box.run("bpfdev monitor --all --looks=1 --json carol").stdout.splitlines())
    assert (told["user"], told["rules_of"]) == ("carol", "alice")
    assert "rules of alice" in box.run("bpfdev monitor --all --looks=1 carol").stdout


def test_fresh_session_does_not_change_where_the_login_came_from(box):
    box.policy(REMOTE_RULES)
    with box.ssh_session("alice") as session:
        said = {start: tried(session, start) for start in FRESH_SESSIONS}
        session.run("systemd-run --user --quiet --unit=fresh sudo -i -u alice sleep infinity", check=True)
        wait_for(lambda: box.run("pgrep -x sleep", check=False).stdout, "the fresh session runs")
        assert (said, by_manager(session)) == (dict.fromkeys(FRESH_SESSIONS, DENIED), DENIED)


@pytest.mark.parametrize("become", ["su alice -c", "sudo -i -u alice"])
def test_fresh_session_asked_for_by_an_orphan_in_the_manager(box, become):
    """It has come there from the session, where nobody adopts orphans: nothing tells where it belongs."""
    box.policy(REMOTE_RULES)
    box.write_file("/home/alice/orphan", ORPHAN)
    with box.ssh_session("alice") as session:
        session.run(f"(setsid sh orphan '{become}' >said 2>/dev/null </dev/null &)", check=True)
        assert told(box, "/home/alice/said") == DENIED


def test_cgroups_named_like_sessions_of_others(alice):
    alice.machine.write_file("/home/alice/pretending", PRETENDING)
    assert tried(alice, BY_MANAGER, "sh /home/alice/pretending") == f"12 {DENIED}"


def test_units_timers_bus_names_and_autostart(alice):
    box = alice.machine
    for name, text in USER_FILES.items():
        box.write_file(f"/home/alice/{name}", text)
    alice.run("busctl --user call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig; "
              "systemctl --user daemon-reload; systemctl --user --no-block start trying ticking.timer desktop; "
              "busctl --user --expect-reply=no call lab.Called / lab.Called Call")
    said = {by: told(box, f"/home/alice/by-{by}") for by in ("unit", "timer", "bus", "desktop")}
    assert said == dict.fromkeys(said, DENIED)


def test_manager_that_is_executed_anew_or_restarted(alice):
    alice.run("systemctl --user daemon-reexec", check=True)
    assert by_manager(alice) == DENIED
    alice.machine.run("systemctl restart user@1000")
    assert by_manager(alice) == DENIED
    alice.machine.run("systemctl daemon-reexec")
    assert (tried(alice), by_manager(alice)) == (DENIED, DENIED)


def test_manager_restarted_with_two_sessions_is_their_union(box):
    box.policy(REMOTE_RULES)
    with box.ssh_session("alice") as remote:
        with box.console_login("alice"):
            box.run("systemctl restart user@1000")
            assert by_manager(remote) == ALLOWED
        box.run("systemctl restart user@1000")
        assert by_manager(remote) == DENIED


def test_cgroups_cannot_be_changed_by_writing_to_them(alice):
    folders = ["", "/user.slice", "/user.slice/user-1000.slice", MANAGER, f"{MANAGER}/init.scope", f"{MANAGER}/mine",
               "/system.slice/cron.service", "/system.slice/ssh.service"]
    alice.run(f"mkdir /sys/fs/cgroup{MANAGER}/mine", check=True)
    said = alice.run("".join(f"echo $$ >/sys/fs/cgroup{folder}/cgroup.procs;" for folder in folders)).stderr
    assert said.count("Permission denied") == len(folders)
    said = tried(alice, probe="attempt " + " ".join(f"join /sys/fs/cgroup{folder}" for folder in folders))
    assert said == " ".join(["EACCES"] * len(folders))
    assert tried(alice) == DENIED


def test_the_bus_moves_processes_to_the_manager_only(alice):
    units = ("ssh.service", "cron.service", "user-1000.slice", "init.scope", "user@1000.service")
    for unit in units:
        call = f"busctl call {PROGRAMS} AttachProcessesToUnit ssau {unit} \"\" 1 $$"
        moved = alice.run(f"sh -c '{call} >/dev/null 2>&1; sed -n s/^0:://p /proc/self/cgroup; {PROBE}'").stdout
        assert moved.splitlines() == [MANAGER if unit == "user@1000.service" else alice.cgroup, DENIED]


REQUESTS = (
    f"busctl call {PROGRAMS.replace('systemd1', 'login1')} CreateSession "
    "'uusssssussbssa(sv)' 1000 $$ lab tty user '' '' 0 '' '' false '' '' 0",
    f"busctl call {PROGRAMS} StartTransientUnit 'ssa(sv)a(sa(sv))' lab.scope fail 1 PIDs au 1 $$ 0",
    "systemd-run --quiet --pipe true",
    "systemd-run --quiet --uid=alice --pipe true",
    "systemctl restart user@1000",
    "systemctl set-property session-{id}.scope DevicePolicy=auto",
    "loginctl enable-linger",
)


def test_what_only_an_administrator_may_ask_for(alice):
    for request in REQUESTS:
        result = alice.run(f"{request.replace('{id}', alice.id)} </dev/null")
        assert result.returncode != 0 and "denied" in result.stderr.lower(), request


def test_a_pam_stack_that_the_user_runs_gets_nowhere(alice):
    assert tried(alice, f"{BY_MANAGER} -p PAMName=login") in ("", DENIED)
    assert alice.run("pamtester login alice open_session").returncode != 0
    assert tried(alice) == DENIED


def test_opening_anew_what_is_open_as_a_path(alice):
    assert tried(alice, probe=f"attempt path {FORBIDDEN} path {PERMITTED}") == DENIED


def test_opening_by_a_worker_of_io_uring(alice):
    if tried(alice, probe="attempt uring /etc/passwd") in ("ENOSYS", "EPERM"):
        pytest.skip("this kernel has no io_uring for users")
    assert tried(alice, probe=f"attempt uring {FORBIDDEN} uring {PERMITTED}") == DENIED


def test_another_name_or_mount_of_the_node(alice):
    alice.run(f"ln -s {FORBIDDEN} link; touch bound", check=True)
    bind = f"mount --bind {FORBIDDEN} bound && attempt rw bound rw link rw {PERMITTED}"
    assert alice.run(f"unshare -Urm sh -c '{bind}'").stdout == "EPERM EPERM ok\n"
    assert alice.run(f"sudo unshare -m sh -c '{bind}'").stdout == "EPERM EPERM ok\n"


def test_ssh_to_oneself_is_filtered_too(alice):
    alice.machine.run("install -d -m 700 -o alice ~alice/.ssh && "
                      "install -m 600 -o alice ~/.ssh/id_ed25519 ~/.ssh/known_hosts ~alice/.ssh")
    assert tried(alice, "ssh alice@127.0.0.1") == DENIED
    assert tried(alice, "env SSH_AUTH_SOCK= ssh -tt alice@127.0.0.1") == DENIED


LEAVING = ("nohup {} &", "setsid {} &", "tmux -L lab new -d '{}'", "unshare -Urpf {} &",
           "systemd-run --user --quiet {}", "systemd-run --user --scope --quiet {} &")


def test_processes_left_behind_at_logout(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        waiting = {start: Waiting(session, start) for start in LEAVING}
    said = {start: process.go() for start, process in waiting.items()}
    assert said == dict.fromkeys(LEAVING, DENIED)


def test_process_left_behind_whose_first_thread_has_exited(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        waiting = Waiting(session, command=f"attempt handover {{fifo}} rw {FORBIDDEN} rw {PERMITTED}")
        wait_for(lambda: "Z" in box.run(["ps", "-o", "stat=", waiting.pid]).stdout, "the first thread has exited")
    assert set(ours(box)) == {session.cgroup, MANAGER}
    assert waiting.go() == DENIED


def test_process_that_forks_on_and_on_while_the_session_closes(box):
    box.policy(RULES)
    box.write_file("/home/alice/hop", f"[ -e end ] && exec {PROBE} >said; sh hop & exit\n")
    for _ in range(3):
        with box.ssh_session("alice") as session:
            session.run("cd; setsid sh hop >/dev/null 2>&1 </dev/null &", check=True)
        box.run("touch /home/alice/end")
        assert told(box, "/home/alice/said") == DENIED
        box.run("rm /home/alice/end")


LINGERING = """
alice allow *
alice deny c 510:0 rwm remote
alice deny c 510:1 rwm service=sshd
alice deny c 510:2 rwm local
alice deny c 510:3-9
alice allow c 510:4 rwm remote
alice allow c 510:5 rwm service=sshd
alice allow c 510:6 rwm local
alice allow c 510:7 rwm service=systemd-user
alice allow c 510:8 rwm
"""


def start_manager(box, policy):
    box.policy(policy)
    box.run("loginctl enable-linger alice; systemctl restart user@1000")
    assert set(ours(box)) == {MANAGER}


def test_lingering_manager_with_nobody_logged_in(box):
    start_manager(box, LINGERING)
    assert denied_by_manager(box) == "01234569"


@pytest.mark.parametrize("line,expected", [("exempt remote", DENIED), ("audit remote", DENIED),
                                           ("exempt service=systemd-user", ALLOWED)])
def test_lingering_manager_is_exempt_by_name_only(box, line, expected):
    start_manager(box, f"alice {line}\nalice allow c 10:237\n")
    assert by_lingering_manager(box) == expected


def test_lingering_timer_after_logout(box):
    box.policy(REMOTE_RULES)
    box.run("loginctl enable-linger alice")
    with box.ssh_session("alice") as session:
        waiting = Waiting(session, "systemd-run --user --quiet {}")
    box.wait_for(lambda: set(ours(box)) == {MANAGER}, "the session is gone")
    assert waiting.go() == DENIED
    with box.console_login("alice"):
        assert by_lingering_manager(box) == ALLOWED
    assert by_lingering_manager(box) == DENIED
