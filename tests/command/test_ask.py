# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev ask and the service behind it, as far as it needs no login: over a socket that is passed as systemd does."""

import os
import socket
import subprocess

import pytest

import schema
SOCKET = "/run/ask.socket"
CONF = "/etc/security/bpfdev.conf"
# What systemd does: it listens, and the service has that socket as descriptor 3.
PASS = f"""
import os, socket
listening = socket.socket(socket.AF_UNIX)
listening.bind("{SOCKET}")
os.chmod("{SOCKET}", 0o666)
listening.listen(64)
print("ready", flush=True)
os.dup2(os.dup(listening.fileno()), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execvp("bpfdev", ["bpfdev", "ask", "--serve"])
"""


@pytest.fixture
def service(place):
    """The service, which runs. Attribute: pid."""
    place.path(SOCKET).unlink(missing_ok=True)
    process = subprocess.Popen(place.command(["/usr/bin/python3", "-c", PASS]), stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.wait()
    place.path(SOCKET).unlink()


@pytest.fixture
def sleeper(place):
    """A function that starts a process of a user and returns its pid."""
    started = []

    def start(user):
        process = subprocess.Popen(place.command(["sh", "-c", "echo ready; exec sleep 600"], user), stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process.pid
    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def ask(bpfdev, service):
    """A function that asks there: pid, access, device; returns a Result."""
    return lambda *words, **options: bpfdev("ask", f"--socket={SOCKET}", *words, **options)


def talk(place, data):
    """What the service says to these bytes."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(30)
        peer.connect(str(place.path(SOCKET)))
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := peer.recv(4096):
                answer += piece
        except ConnectionResetError:  # it has not read all of what it was sent
            pass
        return answer


def test_answers(ask, policy, sleeper):
    policy("alice deny b 8:0 rw\nalice deny c 81:*\nalice allow b 8:0 m\n")
    alice, bob = sleeper("alice"), sleeper("bob")
    assert ask(alice, "rw", "/dev/null").out == "allow\n"
    denied = ask(alice, "rw", "/dev/sda")
    assert (denied.code, denied.out, denied.err) == (1, f"deny: b 8:0 by {CONF}:1\n", "")
    assert ask(alice, "r", "c", "81:0").out == f"deny: c 81:0 by {CONF}:2\n"
    assert ask(alice, "r", "b 8:0", "--zero").code == 0
    assert ask(bob, "rw", "/dev/sda").out == "no opinion\n"
    assert ask(os.getpid(), "rw", "/dev/sda").out == "no opinion\n"
    assert ask(alice, "rw", "/dev/none").out == "deny: /dev/none is no device that is there\n"


def test_json(ask, policy, sleeper):
    policy("alice deny b 8:0 rw\nalice audit\ncarol deny b 8:0\n")
    for pid, expected in ((sleeper("alice"), ("audit", "b 8:0", f"{CONF}:1")), (sleeper("bob"), ("no opinion", None, None)),
                          (sleeper("carol"), ("deny", "b 8:0", f"{CONF}:3"))):
        told = ask(pid, "r", "/dev/sda", "--json").json()
        assert (told["answer"], told["device"], told["line"]) == expected
        schema.check("ask", told)


def test_the_process_must_be_the_users(ask, policy, sleeper):
    policy("alice deny c 81:*\n")
    bob = sleeper("bob")
    assert ask(bob, "r", "/dev/null", "--user=alice").out == "deny: the process that asked has gone\n"
    assert ask(bob, "r", "/dev/null", "--user=bob").out == "no opinion\n"
    alice = sleeper("alice")
    with open(f"/proc/{alice}/stat", encoding="utf-8") as file:
        start = file.read().rpartition(")")[2].split()[19]
    assert ask(alice, "r", "/dev/null", f"--start={start}").out == "allow\n"
    assert ask(alice, "r", "/dev/null", "--user=alice", f"--start={int(start) - 1}").code == 1
    unknown = ask(alice, "r", "/dev/null", "--user=nosuch")
    assert (unknown.code, unknown.err) == (3, 'bpfdev: there is no user "nosuch"\n')


def test_drives(ask, place, policy, sleeper):
    """A partition that is denied denies the drive, also if the drive is asked for by its serial number."""
    policy("alice allow *\nalice deny b 8:1\n")
    alice = sleeper("alice")
    place.plug("b 8:0", "sda")
    place.plug("b 8:1", "sda/sda1")
    for name, numbers in (("sda", "8:0"), ("sda/sda1", "8:1")):
        place.write(f"/sys/devices/virtual/{name}/dev", f"{numbers}\n")
    place.write("/sys/devices/virtual/sda/sda1/partition", "1\n")
    assert ask(alice, "rw", "/dev/sda").out == "allow\n"
    assert ask(alice, "rw", "/dev/sda", "--drive").out == f"deny: b 8:1 by {CONF}:2\n"
    place.write("/run/udev/data/b8:1", "E:ID_SERIAL_SHORT=ONE\nV:1\n")
    assert ask(alice, "rw", "drive:ONE").out == f"deny: b 8:1 by {CONF}:2\n"
    assert ask(alice, "rw", "drive:TWO").out.startswith("deny: udev knows no drive")
    place.write("/run/udev/data/b8:1", "E:ID_SERIAL_SHORT=ONE\nE:ID_SCSI_SERIAL=TWO\nV:1\n")
    assert ask(alice, "rw", "drive:TWO").out == f"deny: b 8:1 by {CONF}:2\n"
    # The other way round: who asks for a part means the whole.
    policy("alice allow *\nalice deny b 8:0\n")
    assert ask(alice, "rw", "b 8:1").out == "allow\n"
    assert ask(alice, "rw", "b 8:1", "--drive").out == f"deny: b 8:0 by {CONF}:2\n"


def test_mounting_read_only(ask, place, policy, sleeper):
    """Who may read may mount what the kernel holds read-only, and nothing else."""
    policy("alice allow b 8:0 r\n")
    alice = sleeper("alice")
    place.plug("b 8:0", "sda")
    place.write("/sys/devices/virtual/sda/ro", "0\n")
    assert ask(alice, "rw", "/dev/sda", "--mount").code == 1
    place.write("/sys/devices/virtual/sda/ro", "1\n")
    assert ask(alice, "rw", "/dev/sda", "--mount").code == 0
    assert ask(alice, "rw", "/dev/sda").code == 1


def test_loop_devices(ask, place, policy, sleeper):
    """The next one that has no file."""
    policy("alice allow b 7:1 rw\n")
    alice = sleeper("alice")
    assert ask(alice, "rw", "loop").out == "deny: b 7:0 by no rule\n"
    place.plug("b 7:0", "loop0")
    place.write("/sys/devices/virtual/loop0/loop/backing_file", "/image\n")
    assert ask(alice, "rw", "loop").out == "allow\n"


def test_mistakes_of_the_policy(ask, policy, sleeper):
    policy("alice deny *\nalice frobnicate\n")
    answer = ask(sleeper("alice"), "r", "/dev/null")
    assert answer.code == 1 and f"{CONF}:2" in answer.out


@pytest.mark.parametrize("words, said", [
    (("1", "rw"), "expected a process id, an access and a device"),
    (("x", "rw", "/dev/null"), '"x" is no process id'),
    (("0", "rw", "/dev/null"), "cannot be asked for"),
    (("1", "x", "/dev/null"), "expected letters of rwm"),
    (("1", "rw", "c", "1:3", "more"), ""),
    (("--by=Udisks", "1", "rw", "/dev/null"), "--by=Udisks"),
    (("--serve", "1", "rw", "/dev/null"), "expected"),
])
def test_command_line(bpfdev, words, said):
    result = bpfdev("ask", *words)
    assert result.code == 64 and said in result.err


def test_nobody_answers(bpfdev, place, service):
    service.kill()
    service.wait()
    for path in (SOCKET, "/run/nothing", "/" + "x" * 200):
        result = bpfdev("ask", f"--socket={path}", 1, "rw", "/dev/null")
        assert result.code == 3 and result.err.startswith("bpfdev: nobody answers: "), result
    alone = bpfdev("ask", "--serve")
    assert (alone.code, alone.err) == (3, "bpfdev: --serve: bpfdev-ask.socket has systemd run this\n")


def test_nobody_answers_about_whom_no_line_names(bpfdev, place, policy, sleeper):
    """The policy, if it can be read, says who need not be refused; the process must be theirs."""
    policy("@students deny c 81:*\n")

    def asked(user, process, by="alice"):
        done = bpfdev("ask", "--socket=/run/nothing", f"--user={user}", sleeper(process), "r", "/dev/null", user=by)
        assert done.err.startswith("bpfdev: nobody answers: ")
        return done.code, done.out
    unknown, stranger = (3, ""), (0, "no opinion\n")
    assert asked("bob", "bob") == stranger and asked("bob", "bob", by="root") == stranger
    assert asked("carol", "carol") == asked("bob", "carol") == asked("nobody", "carol") == unknown
    policy("carol frobnicate\n", "bpfdev.d/10.conf")
    assert asked("bob", "bob") == unknown
    policy("", "bpfdev.d/10.conf")
    assert asked("bob", "bob") == stranger
    place.path(CONF).chmod(0o600)
    assert asked("bob", "bob") == unknown and asked("bob", "bob", by="root") == stranger


def test_who_may_ask(ask, place, policy, sleeper):
    """Root, and polkitd; the file's mode is not all that keeps others out."""
    policy("alice deny c 81:*\n")
    alice = sleeper("alice")
    refused = ask(alice, "r", "/dev/null", user="bob")
    assert refused.code == 3 and "neither root nor polkitd asks" in refused.err
    passwd = place.path("/etc/passwd").read_text(encoding="utf-8")
    place.write("/etc/passwd", passwd.replace("bob:", "polkitd:"))
    assert ask(alice, "r", "/dev/null", user="bob").out == "allow\n"


@pytest.mark.parametrize("data", [b"", b"\n", b"ask\n", b"ask 1 1 0 - x rw - /dev/null", b"a" * 5000, b"\0" * 100 + b"\n",
                                  b"ask 1 1 0 - x rw - /dev/null\nask 1 1 0 - x rw - /dev/null\n",
                                  b"ask 2 1 0 - x rw - /dev/null\n", b"ask 1 1 0 - x rw - /dev/\0null\n"], ids=range(9))
def test_what_is_no_question(ask, place, policy, sleeper, data):
    """It gets no verdict, and the next one gets its own."""
    policy("alice deny c 81:*\n")
    assert talk(place, data) in (b"", b'failed\t\texpected "ask 1 PID START UID BY ACCESS FLAGS DEVICE"\n')
    assert ask(sleeper("alice"), "r", "/dev/null").out == "allow\n"


def test_a_peer_that_says_nothing(ask, place, policy, sleeper):
    """It loses its own question, and holds up the others for no longer than that takes."""
    policy("alice deny c 81:*\n")
    alice = sleeper("alice")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(place.path(SOCKET)))
        assert ask(alice, "r", "/dev/null").out == "allow\n"
        assert silent.recv(100) == b""


def test_many_at_once(place, policy, service, sleeper):
    """Each gets the answer to its own question."""
    policy("alice deny b 8:0\n")
    pids = {user: sleeper(user) for user in ("alice", "bob")}
    asked = [(user, subprocess.Popen(place.command(["bpfdev", "ask", f"--socket={SOCKET}", str(pids[user]), "r", "/dev/sda"]),
                                     stdout=subprocess.PIPE)) for _ in range(30) for user in pids]
    for user, process in asked:
        assert process.communicate()[0] == (f"deny: b 8:0 by {CONF}:1\n" if user == "alice" else "no opinion\n").encode()
    assert service.poll() is None


def test_it_ends_when_nobody_asks(service):
    assert service.wait(timeout=60) == 0

