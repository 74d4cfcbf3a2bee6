# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev allow and revoke: a device for the open sessions of a user, for a time."""

import contextlib
import datetime
import json
import re

import pytest

from verbs import TRY_NODES, Waiting, denied_by_manager, denied_nodes, equipped, ours, scope_gone

POLICY = "@students allow c 510:0 rw\n@students deny c 510:1\nclass few c 510:3 c 510:4\n"
NONE = "123456789"  # what that denies, of the nodes 0 to 9
NODE = "/dev/try1"
COMMAND = "/usr/local/sbin/bpfdev"
TIMERS = "systemctl list-units --no-legend --plain 'bpfdev-revoke-*'"
TRY_LATER = f"sh -c 'read -r go <{{fifo}}; {TRY_NODES}'"
FOR = r"until \d{4}-\d\d-\d\d \d\d:\d\d in session"


@pytest.fixture
def box(machine):
    yield from equipped(machine)
    if timers(machine):
        machine.run(["systemctl", "stop", *timers(machine)], check=False)


@pytest.fixture
def alice(box):
    """A session of alice's by ssh, under rules."""
    box.policy(POLICY)
    with box.ssh_session("alice") as session:
        yield session


def bpfdev(machine, arguments, prefix="", user=None):
    """What the command says: exit status, standard output, standard error. prefix: what starts it."""
    result = machine.run(f"{prefix} bpfdev {arguments}", user, check=False)
    return result.returncode, result.stdout, result.stderr


def without(*numbers):
    """NONE without these."""
    return "".join(number for number in NONE if int(number) not in numbers)


def logged(machine):
    return [re.sub(r".*?bpfdev\[\d+\]: ", "", line) for line in machine.journal(r"bpfdev\[")]


def ended(machine, count=1):
    """Waits until the timer has said of so many exceptions that they are over; returns these lines."""
    def lines():
        said = [line for line in logged(machine) if line.endswith(": the exception's time is over")]
        return len(said) >= count and said

    return machine.wait_for(lines, f"{count} exceptions have ended")


def timers(machine):
    """Those that are waiting, and the services of those that are under way."""
    return [line.split()[0] for line in machine.run(TIMERS).stdout.splitlines()]


def no_timers_left(machine):
    machine.wait_for(lambda: not timers(machine), "no timer and none of its services is left")
    assert not machine.journal(r"bpfdev-revoke-\S+: (Failed with|Main process exited)")


def test_it_ends_by_itself(box, alice):
    assert denied_nodes(alice) == NONE
    status, said, error = bpfdev(box, f"allow alice {NODE} --for 2s")
    assert (status, error) == (0, "")
    assert re.fullmatch(rf"alice may use {NODE} \(rw\) {FOR} {alice.id}\n", said)
    assert denied_nodes(alice) == without(1)
    over = f"alice may no longer use {NODE} in session {alice.id}: the exception's time is over"
    assert ended(box) == [over]
    assert denied_nodes(alice) == NONE
    no_timers_left(box)
    assert logged(box) == [f"{said.strip()}, asked for by uid 0", over]
    assert {len(ids) for ids in ours(box).values()} == {1}


def test_revoked_before(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 1h")
    bpfdev(box, "allow alice /dev/try2 --for 1h")
    bpfdev(box, "allow alice @few r --for 1h")
    assert denied_nodes(alice) == without(1, 2)
    assert alice.run("attempt r /dev/try3 w /dev/try3 r /dev/try5").stdout == "ENXIO EPERM EPERM\n"
    may_not = f"alice may no longer use {{}} in session {alice.id}\n"
    assert bpfdev(box, f"revoke alice {NODE}") == (0, may_not.format(NODE), "")
    assert denied_nodes(alice) == without(2)
    assert bpfdev(box, f"revoke alice {NODE}") == (1, "", "bpfdev: alice has no such exception in any open session\n")
    assert bpfdev(box, "revoke alice ''")[0] == 1
    assert bpfdev(box, "revoke alice") == (0, may_not.format("/dev/try2") + may_not.format("@few"), "")
    assert denied_nodes(alice) == NONE
    assert logged(box)[3:] == [f"alice may no longer use {device} in session {alice.id}, asked for by uid 0"
                               for device in (NODE, "/dev/try2", "@few")]
    assert bpfdev(box, "revoke alice") == (1, "", "bpfdev: alice has no such exception in any open session\n")


def test_all_open_sessions_and_none_that_is_opened_later(box, alice):
    with box.console_login("alice") as console:
        first, second = sorted((alice.id, console.id), key=lambda name: (len(name), name))
        said = bpfdev(box, f"allow alice {NODE} --for 1h")[1]
        assert re.search(rf"in session ({first}, {second}|{second}, {first})\n", said)
        with box.ssh_session("alice") as late:
            assert [denied_nodes(session) for session in (alice, console, late)] == [without(1), without(1), NONE]
            # The manager serves them all.
            assert denied_by_manager(box) == without(1)
            status, said, _ = bpfdev(box, "revoke alice")
            assert status == 0 and said.count("\n") == 2
            assert [denied_nodes(session) for session in (alice, console, late)] == [NONE] * 3
            assert denied_by_manager(box) == NONE


def test_manager_has_it_while_a_session_is_open_that_has_it(box, alice):
    box.run("loginctl enable-linger alice")
    with box.ssh_session("alice") as session:
        bpfdev(box, "revoke alice")
        assert bpfdev(box, f"allow alice {NODE} --for 1h")[0] == 0
        alice.close()
        assert denied_by_manager(box) == without(1)
        assert denied_nodes(session) == without(1)
    assert denied_by_manager(box) == NONE


def test_json(box, alice):
    before = datetime.datetime.now().timestamp()
    said = json.loads(box.run("bpfdev allow alice c 510:1 rwm --for 1h30m --json").stdout)
    assert 5399 <= said.pop("until") - before < 5460
    assert said == {"user": "alice", "uid": 1000, "device": "c 510:1", "access": "rwm", "sessions": [alice.id]}
    said = json.loads(box.run("bpfdev revoke alice --json").stdout)
    assert said == {"revoked": [{"user": "alice", "session": alice.id, "device": "c 510:1"}]}
    status, said, error = bpfdev(box, "revoke alice --json")
    assert (status, json.loads(said)) == (1, {"revoked": []})
    assert error == "bpfdev: alice has no such exception in any open session\n"


def test_ways_to_write_a_device(box, alice):
    for written, device, denied in (("c 510:1", "c 510:1", without(1)), ("'c 510:1'", "c 510:1", without(1)),
                                    ("a '510:2-3' rw", "a 510:2-3", without(2, 3)), ("'*'", "*", ""),
                                    ("@few", "@few", without(3, 4)), ("'/dev/try[56]'", "/dev/try[56]", without(5, 6))):
        assert bpfdev(box, f"allow :1000 {written} --for 1h")[1].startswith(f"alice may use {device} (rw) until")
        assert denied_nodes(alice) == denied, written
        device = written.removesuffix(" rw")
        assert bpfdev(box, f"revoke :1000 {device}")[0] == 0, written
        assert denied_nodes(alice) == NONE
    assert alice.run("attempt c:510:1 ~/node").stdout == "EPERM\n"
    bpfdev(box, "allow alice c 510:1 m --for 1h")
    assert alice.run("sudo attempt c:510:1 /root/node").stdout == "ok\n"
    assert denied_nodes(alice) == NONE


@pytest.mark.only_suite("bookworm")
def test_again_for_the_same_device(box, alice):
    """The later end counts, and is the one that the timer finds."""
    assert bpfdev(box, f"allow alice {NODE} --for 1h")[0] == 0
    # In the same second too, when nothing is different.
    assert [bpfdev(box, f"allow alice {NODE} --for 1h")[0] for _ in range(5)] == [0] * 5
    assert bpfdev(box, f"allow alice {NODE} --for 2s")[0] == 0
    ended(box)
    assert denied_nodes(alice) == NONE
    assert bpfdev(box, f"allow alice {NODE} --for 1")[0] == 0
    assert bpfdev(box, f"allow alice {NODE} --for 1h")[0] == 0
    assert bpfdev(box, "allow alice /dev/try2 --for 1")[0] == 0
    ended(box, 2)
    assert denied_nodes(alice) == without(1)


@pytest.mark.only_suite("bookworm")
def test_different_ends(box, alice):
    bpfdev(box, "allow alice /dev/try3 --for 3s")
    bpfdev(box, "allow alice /dev/try1 --for 1s")
    bpfdev(box, "allow alice /dev/try2 --for 1h")
    assert denied_nodes(alice)[-5:] == "56789"
    assert {line.split()[5] for line in ended(box, 2)} == {"/dev/try1", "/dev/try3"}
    assert denied_nodes(alice) == without(2)


def test_session_that_is_over_first(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 2s")
    alice.close()
    no_timers_left(box)
    assert len(logged(box)) == 1


@pytest.mark.only_suite("bookworm")
def test_user_who_is_gone_before(box):
    box.run("useradd -m -u 1050 -s /bin/bash -G students dora")
    box.policy(POLICY)
    with box.ssh_session("dora") as session:
        bpfdev(box, f"allow dora {NODE} --for 2s")
        box.run("userdel -f dora")
        assert session.run("attempt rw /dev/try1").stdout == "ENXIO\n"
        box.wait_for(lambda: any(":1050 may no longer use" in line for line in logged(box)), "it has ended")
        assert session.run("attempt rw /dev/try1").stdout == "EPERM\n"
        no_timers_left(box)
        status, said, _ = bpfdev(box, "revoke :1050")
        assert (status, said) == (1, "")


def test_processes_that_are_left_lose_it(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 1h")
    left = Waiting(alice, command=TRY_LATER)
    alice.close()
    assert left.go() == " ".join(["ENXIO"] + ["EPERM"] * 9)
    scope_gone(box, alice)


def test_processes_that_are_left_get_none(box, alice):
    left = Waiting(alice, command=TRY_LATER)
    alice.close()
    nobody = "bpfdev: alice has no open session with device rules: nothing to allow\n"
    assert bpfdev(box, f"allow alice {NODE} --for 1h") == (1, "", nobody)
    assert left.go() == " ".join(["ENXIO"] + ["EPERM"] * 9)


@pytest.mark.only_suite("bookworm")
def test_killed_session_leaves_the_manager_with_it_until_the_end(box, alice):
    box.run("loginctl enable-linger alice; systemctl start user@1000")
    bpfdev(box, f"allow alice {NODE} --for 2s")
    alice.kill()
    scope_gone(box, alice)
    box.wait_for(lambda: denied_by_manager(box) == NONE, "the manager has lost it")
    no_timers_left(box)


@pytest.mark.only_suite("bookworm")
def test_reload_in_between(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 3s")
    bpfdev(box, "allow alice @few --for 1h")
    box.policy("@students allow c 510:8\nclass few c 510:5\n")
    assert bpfdev(box, "reload")[::2] == (0, "")
    assert denied_nodes(alice) == "0234679"
    ended(box)
    assert denied_nodes(alice) == "01234679"
    # With the class, what was lent goes: the log and whoever asked for the reload are told.
    box.policy("@students allow c 510:8\n")
    status, _, error = bpfdev(box, "reload")
    assert (status, error) == (0, f"bpfdev: session-{alice.id}.scope of alice: the exception for @few has ended: "
                                  "there is no class \"few\" in the policy\n")
    assert denied_nodes(alice) == "012345679"
    assert f"alice may no longer use @few in session {alice.id}" in logged(box)


@pytest.mark.only_suite("bookworm")
def test_policy_with_mistakes_at_its_end(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 2s")
    box.policy("oops\n")
    ended(box)
    assert denied_nodes(alice) == NONE
    assert denied_by_manager(box) == NONE
    no_timers_left(box)
    # Numbers and paths need no policy, and classes do.
    assert bpfdev(box, f"allow alice {NODE} --for 1h")[0] == 0
    status, said, error = bpfdev(box, "allow alice @few --for 1h")
    assert (status, said) == (2, "")
    assert error.startswith(f"bpfdev: session-{alice.id}.scope is as it was: /etc/security/bpfdev.conf:1:5: ")
    assert bpfdev(box, "revoke alice")[0] == 0


def test_devices_that_are_none(box, alice):
    as_it_was = f"bpfdev: session-{alice.id}.scope is as it was: "
    for device, said in (("/dev/none", '"/dev/none" stands for no device here'),
                         ("char-none", '"char-none" stands for no device here'),
                         ("@none", 'there is no class "none" in the policy')):
        assert bpfdev(box, f"allow alice {device} --for 1h") == (3, "", f"{as_it_was}{said}\n")
    for number in range(8):
        assert bpfdev(box, f"allow alice c 510:{number} --for 1h")[0] == 0
    assert bpfdev(box, "allow alice c 510:9 --for 1h") == (
        3, "", f"{as_it_was}there are 8 exceptions already, the most that a session can have; revoke one\n")
    assert denied_nodes(alice) == "89"
    # For what was not granted nothing has to end.
    assert len(timers(box)) == 8


def test_sessions_without_rules(box):
    box.policy(POLICY)
    for user in ("bob", "carol", ":4242"):
        with box.ssh_session("bob") if user == "bob" else contextlib.nullcontext():
            said = f"bpfdev: {user} has no open session with device rules: nothing to allow\n"
            assert bpfdev(box, f"allow {user} {NODE} --for 1h") == (1, "", said)
            said = f"bpfdev: {user} has no such exception in any open session\n"
            assert bpfdev(box, f"revoke {user}") == (1, "", said)
    assert not timers(box) and not logged(box)


@pytest.mark.only_suite("bookworm")
def test_words_that_are_not_understood(box):
    usage = (
        ("allow alice /dev/null", "an exception must have an end"),
        ("allow alice --for 1h", "expected a user and a device"),
        ("allow", "expected a user and a device"),
        *((f"allow alice /dev/null --for '{text}'", f"--for={text}; expected a time such as 15min or 1h30m, a week")
          for text in ("0", "8d", "604801", "soon", "-1", "1.5h", "1h x", "")),
        ("allow alice c --for 1h", "device numbers missing; expected c MAJOR:MINOR"),
        ("allow alice c x:1 --for 1h", "bad major number \"x:1\""),
        ("allow alice sda --for 1h", "unknown device"),
        ("allow alice /etc/passwd --for 1h", "is not below /dev"),
        ("allow alice /dev/../etc/x --for 1h", "write it without"),
        (f"allow alice /dev/{'x' * 200} --for 1h", "expected a device of at most 111 bytes"),
        ("allow alice /dev/null x --for 1h", '"x"; expected letters of rwm, once'),
        ("allow alice /dev/null '' --for 1h", '""; expected letters of rwm, once'),
        ("allow alice /dev/null r w --for 1h", '"w"; expected letters of rwm, once'),
        ("allow alice c 1:3 r w --for 1h", "Too many arguments"),
        ("allow alice '/dev/null r' --for 1h", '"r" is no part of a device; expected ACCESS as a word of its own'),
        ("allow alice 'c 1:3 r' --for 1h", "bad device numbers"),
        ("revoke", "expected a user"),
        ("revoke alice /dev/null rw", '"rw": expected one device'),
        ("revoke alice c 1:3 rw", "Too many arguments"),
        ("revoke alice --for 1h", "unrecognized option"),
    )
    for arguments, said in usage:
        status, output, error = bpfdev(box, arguments)
        assert (status, output) == (64, "") and said in error, (arguments, status, error)
    for subcommand in ("allow", "revoke"):
        status, said, _ = bpfdev(box, f"{subcommand} --help")
        assert status == 0 and f"Usage: bpfdev {subcommand}" in said and "--json" in said


def test_what_cannot_be_done(box, alice):
    path = "PATH=$PATH:/usr/sbin:/usr/local/sbin"
    refused = "bpfdev: {0} needs root: it changes what other users may do (try: sudo bpfdev {0})\n"
    assert bpfdev(box, f"allow alice {NODE} --for 1h", path, "bob") == (3, "", refused.format("allow"))
    assert bpfdev(box, "revoke alice", path, "alice") == (3, "", refused.format("revoke"))
    for command in (f"allow nemo {NODE} --for 1h", "revoke nemo"):
        assert bpfdev(box, command) == (3, "", "bpfdev: there is no user \"nemo\"\n")
    status, said, error = bpfdev(box, f"allow alice {NODE} --for 1h", "hash -p /bin/false systemd-run; PATH=/usr/local/sbin")
    assert (status, said) == (3, "")
    assert error == "bpfdev: systemd-run, which is to end the exception, cannot be run: No such file or directory\n"
    hide = "unshare -m sh -c 'mount --bind /bin/false /usr/bin/systemd-run && exec \"$@\"' sh"
    assert bpfdev(box, f"allow alice {NODE} --for 1h", hide) == (
        3, "", "bpfdev: systemd-run, which is to end the exception, failed: nothing was allowed\n")
    box.run("chmod 644 /run/pam_bpfdev.1000.lock")
    for command in (f"allow alice {NODE} --for 1h", "revoke alice"):
        status, said, error = bpfdev(box, command)
        assert (status, said) == (3, "") and "/run/pam_bpfdev.1000.lock: must be a regular file" in error
    box.run("chmod 600 /run/pam_bpfdev.1000.lock")
    assert denied_nodes(alice) == NONE
    assert not timers(box) and not logged(box)


@pytest.mark.only_suite("bookworm")
def test_timer_tries_again_when_it_cannot(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 1s")
    box.run("chmod 644 /run/pam_bpfdev.1000.lock")
    box.wait_for(lambda: box.journal(r"bpfdev\[\d+\]: bpfdev: /run/pam_bpfdev.1000.lock: must be"), "it has failed once")
    assert denied_nodes(alice) == without(1)
    box.run("chmod 600 /run/pam_bpfdev.1000.lock")
    ended(box)
    assert denied_nodes(alice) == NONE


@pytest.mark.only_suite("bookworm")
def test_timer_that_was_stopped(box, alice):
    bpfdev(box, f"allow alice {NODE} --for 1s")
    box.run(f"systemctl stop {' '.join(timers(box))}")
    assert bpfdev(box, "revoke alice") == (0, f"alice may no longer use {NODE} in session {alice.id}\n", "")
    assert denied_nodes(alice) == NONE
    # And what has ended without one is dropped with the next change.
    bpfdev(box, f"allow alice {NODE} --for 1s")
    box.run(f"systemctl stop {' '.join(timers(box))}; sleep 2")
    assert denied_nodes(alice) == without(1)
    bpfdev(box, "allow alice /dev/try2 --for 1h")
    assert denied_nodes(alice) == without(2)
    assert f"alice may no longer use {NODE} in session {alice.id}" in logged(box)


def test_log_says_who_asked(box, alice):
    with box.ssh_session("bob") as bob:
        said = bob.run(f"sudo $0 allow alice {NODE} --for 1h && sudo $0 revoke alice".replace("$0", COMMAND))
    assert (said.returncode, said.stderr) == (0, "")
    assert [line.rpartition(", ")[2] for line in logged(box)] == ["asked for by uid 1001"] * 2


def test_control_characters_print_harmlessly(box, alice):
    evil, shown = "$'/dev/a\\e\\nb'", r"/dev/a\x1b\x0ab"
    status, _, error = bpfdev(box, f"allow alice {evil} --for 1h")
    assert status == 3 and error.endswith(f'"{shown}" stands for no device here\n')
    assert bpfdev(box, f"revoke alice {evil}")[0] == 1
    assert bpfdev(box, "allow $'a\\e[31m\\nb' /dev/null --for 1h")[2] == 'bpfdev: there is no user "a\\x1b[31m\\x0ab"\n'
    for arguments in (f"allow alice {NODE} $'\\e[31m' --for 1h", "allow alice $'\\e[31m' --for 1h",
                      f"allow alice {NODE} --for $'\\e[31m'", f"revoke alice {NODE} $'\\e[31m'"):
        status, said, error = bpfdev(box, arguments)
        assert status == 64 and "\033" not in said + error, arguments
    # As the name of a device that is there.
    box.run(f"mknod -m 666 {evil} c 510 1")
    status, said, _ = bpfdev(box, f"allow alice {evil} --for 1h")
    assert status == 0 and said.startswith(f"alice may use {shown} (rw) until")
    assert denied_nodes(alice) == without(1)
    assert json.loads(bpfdev(box, f"revoke alice {evil} --json")[1])["revoked"][0]["device"] == "/dev/a\033\nb"
    assert not [line for line in box.journal("bpfdev") if "\033" in line]
    box.run(f"rm {evil}")
