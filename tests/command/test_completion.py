# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Completion in bash and zsh: what is offered behind a command line."""

import re
import shlex

import pytest

import shells
from place import PASSWD, TOP

COMMANDS = ("devices", "check", "explain", "rules", "status", "denials", "monitor", "suggest", "reload", "edit", "install",
            "allow", "revoke", "settle", "ask", "doctor")
USERS = sorted(line.split(":")[0] for line in PASSWD.splitlines())
SESSIONS = " 3 1000 alice seat0 tty1\nc1  120 greeter seat0 -\n"
# Those that ship, and one of the machine below.
CLASSES = sorted([*re.findall(r"^class (\S+)", (TOP / "conf/classes.conf").read_text(), re.MULTILINE), "mine"])
CLASSES = [f"@{name}" for name in CLASSES]
DRIVERS = ["block-loop", "block-sd", "block-zram", "char-/dev/tty", "char-mem", "char-misc", "char-pts", "char-tty",
           "char-video4linux", "char-zork", "char-zorkctl"]
ACCESS = ["r", "rm", "rw", "rwm", "w", "wm", "m"]
TIMES = ["5min", "15min", "30min", "1h", "2h", "8h", "1d"]


@pytest.fixture
def machine(place, policy):
    """The place, with sessions, services and a class that does not ship."""
    policy("class mine char-zork\nalice allow @mine\n", "bpfdev.d/10.conf")
    place.write("/etc/pam.d/sshd", "")
    place.write("/etc/pam.d/login", "")
    place.write("/run/bin/loginctl", f"#!/bin/sh\ncat <<END\n{SESSIONS}END\n", mode=0o755)
    yield place
    place.path("/run/bin/loginctl").unlink()


@pytest.fixture(scope="module")
def zsh(shared_place, needs):
    """A zsh for all tests: it takes a while to start."""
    needs("zsh")
    with shells.Zsh(shared_place) as shell:
        yield shell


@pytest.fixture(params=["bash", "zsh"])
def offers(request, machine, needs):
    """A function that says what a shell offers behind a command line."""
    if request.param == "zsh":
        return request.getfixturevalue("zsh").offers
    needs("bash")
    return lambda line: shells.bash(machine, line)[0]


def only_options(offered):
    """Whether no argument is among what is offered; zsh offers options where there is nothing else."""
    return all(word.startswith("-") for word in offered)


def long_options(place, command):
    """The long options in `bpfdev COMMAND --help`."""
    result = place.run("bpfdev", command, "--help")
    assert result.code == 0, result
    return sorted(set(re.findall(r"^ {2,6}(?:-., )? *(--[a-z-]+)", result.out, re.MULTILINE)))


def test_all_subcommands(offers, place):
    listed = re.findall(r"^  ([a-z]+) ", place.run("bpfdev", "--help").out, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)
    assert offers("bpfdev ") == sorted([*COMMANDS, "--help", "--version"])
    assert offers("bpfdev re") == ["reload", "revoke"]


@pytest.mark.parametrize("command", COMMANDS)
def test_all_long_options(offers, place, command):
    offered = sorted({option.rstrip("=") for option in offers(f"bpfdev {command} --")})
    assert offered == long_options(place, command)


@pytest.mark.parametrize("command", ["explain", "rules", "reload", "allow", "revoke"])
def test_users(offers, command):
    assert offers(f"bpfdev {command} ") == USERS
    assert offers(f"bpfdev {command} --json ca") == ["carol"]


def test_sessions(offers):
    for command in "status", "denials", "monitor", "suggest":
        assert offers(f"bpfdev {command} ") == sorted([*USERS, "3", "c1"])
    assert offers("bpfdev explain alice /dev/null --session=") == ["3", "c1"]


@pytest.mark.parametrize("command", ["explain", "allow", "revoke"])
def test_devices(offers, command):
    assert offers(f"bpfdev {command} alice ") == sorted(["/dev/", *DRIVERS, *CLASSES])
    assert offers(f"bpfdev {command} alice char-zork") == ["char-zork", "char-zorkctl"]
    assert offers(f"bpfdev {command} alice @s") == [name for name in CLASSES if name.startswith("@s")]
    assert offers(f"bpfdev {command} alice @sto") == ["@storage"]
    assert offers(f"bpfdev {command} alice /d") == ["/dev/"]
    # zsh puts the folder before them by itself.
    paths = offers(f"bpfdev {command} alice /dev/vi")
    assert [path.rpartition("/")[2] for path in paths] == ["video0", "video1"]


def test_what_is_plugged_in(offers, place):
    place.plug("b 8:0", "sda", "46f4:0001:A:1", tags=["lab"])
    place.plug("b 8:16", "sdb", "46f4:0001:with blanks")
    place.plug("c 189:0", "hub", "1d6b:0002:H")
    place.write("/sys/bus/usb/devices/1-1d6b:0002:H/bDeviceClass", "09\n")
    place.write("/sys/bus/usb/devices/1-1:1.0/bInterfaceClass", "08\n")
    for command in "explain alice", "allow alice", "devices", "devices /dev/null":
        # bash gets what is behind the last colon, as readline wants it.
        offered = {f"usb:{word.removeprefix('usb:')}" for word in offers(f"bpfdev {command} usb:")}
        assert offered == {"usb:46f4:0001", "usb:46f4:0001:A:1"}
        assert {word.removeprefix("tag:") for word in offers(f"bpfdev {command} tag:")} == {"lab"}
        assert {"usb:46f4:0001", "tag:lab", "@webcam"} <= set(offers(f"bpfdev {command} "))
    assert offers("bpfdev devices --user=al") == offers("bpfdev devices -u al") == ["alice"]


def test_access(offers):
    for command in "explain", "allow":
        assert offers(f"bpfdev {command} alice 'c 1:3' ") == sorted(ACCESS)
    assert only_options(offers("bpfdev revoke alice /dev/null "))
    assert only_options(offers("bpfdev explain alice /dev/null rw "))


def test_files(offers, place):
    place.write("/home/root/my.conf", "")
    for line in ("bpfdev check ", "bpfdev check --conf=", "bpfdev rules --conf ", "bpfdev edit ", "bpfdev install ",
                 "bpfdev install /etc/new.conf "):
        assert [path.rpartition("/")[2] for path in offers(f"{line}/home/root/m")] == ["my.conf"]
    assert only_options(offers("bpfdev doctor "))


def test_values_of_options(offers):
    for command in COMMANDS:
        assert offers(f"bpfdev {command} --color=") == ["always", "auto", "never"]
    assert offers("bpfdev explain --color=a") == ["always", "auto"]
    assert offers("bpfdev allow alice /dev/null --for=") == sorted(TIMES)
    assert offers("bpfdev allow alice /dev/null --for ") == sorted(TIMES)
    assert offers("bpfdev monitor --interval 1") == ["10s", "1min", "1s"]
    assert offers("bpfdev monitor --looks 3 al") == ["alice"]
    assert offers("bpfdev rules alice --service=") == ["login", "sshd"]
    assert offers("bpfdev explain --service s") == ["sshd"]
    assert "ssh" in offers("bpfdev explain --tty=")


def test_whom_lines_are_for(offers):
    assert offers("bpfdev suggest --who=ca") == offers("bpfdev suggest --who ca") == ["carol"]
    assert offers("bpfdev suggest --who=@stu") == ["@students"]


def test_options_are_no_arguments(offers):
    assert offers("bpfdev explain --tty tty1 --json alice @we") == ["@webcam"]
    assert offers("bpfdev explain --local al") == ["alice"]
    assert offers("bpfdev allow --for=5min alice /dev/null rw") == ["rw", "rwm"]


def test_nothing_is_offered_behind_an_unknown_subcommand(offers):
    assert offers("bpfdev nonsense ") == []


def test_bash_with_other_word_breaks(machine, needs):
    needs("bash")
    assert shells.bash(machine, "bpfdev check --color=a", breaks=" ")[0] == ["--color=always", "--color=auto"]
    machine.path("/dev/pci-0000:00:1f").touch()
    try:
        assert shells.bash(machine, "bpfdev explain alice /dev/pci")[0] == ["/dev/pci-0000:00:1f"]
        assert shells.bash(machine, "bpfdev explain alice /dev/pci-0000:0")[0] == ["00:1f"]
        assert shells.bash(machine, "bpfdev explain alice /dev/pci-0000:0", breaks=" ")[0] == ["/dev/pci-0000:00:1f"]
        assert shells.bash(machine, "bpfdev explain :1000 /dev/vi")[0] == ["/dev/video0", "/dev/video1"]
    finally:
        machine.path("/dev/pci-0000:00:1f").unlink()


@pytest.mark.parametrize("line, options", [
    ("bpfdev check --con", {"nospace"}), ("bpfdev check --js", set()), ("bpfdev explain alice /d", {"nospace"}),
    ("bpfdev explain alice /dev/vi", {"filenames"}), ("bpfdev check /et", {"filenames"}), ("bpfdev che", set()),
])
def test_bash_goes_on_where_a_word_does(machine, needs, line, options):
    needs("bash")
    assert shells.bash(machine, line)[1] == options


@pytest.mark.parametrize("line, words", [
    ("bpfdev che", ["bpfdev", "check"]),
    ("bpfdev check --color=al", ["bpfdev", "check", "--color=always"]),
    ("bpfdev explain alice /dev/vi", ["bpfdev", "explain", "alice", "/dev/video"]),
    ("bpfdev explain 'alice' /d", ["bpfdev", "explain", "alice", "/dev/"]),
    ("bpfdev explain :1000 char-vi", ["bpfdev", "explain", ":1000", "char-video4linux"]),
    ("bpfdev allow alice 'c 1:3' --for=15", ["bpfdev", "allow", "alice", "c 1:3", "--for=15min"]),
])
def test_bash_on_a_terminal(machine, needs, line, words):
    needs("bash")
    assert shells.bash_types(machine, line) == words


@pytest.fixture
def odd_names(machine):
    """Accounts with names as directories have them."""
    machine.write("/etc/passwd", f"{PASSWD}jane doe:x:1010:1010::/:/bin/sh\nLAB\\erin:x:1011:1011::/:/bin/sh\n"
                                 "o'neil:x:1012:1012::/:/bin/sh\n")
    machine.write("/etc/group", "domain users:x:3000:\nstudents:x:2000:alice\n")
    return machine


ODD_LINES = [
    ("bpfdev explain jan", ["explain", "jane doe"]),
    (r"bpfdev explain jane\ d", ["explain", "jane doe"]),
    ("bpfdev explain 'jane d", ["explain", "jane doe"]),
    ('bpfdev explain "jane d', ["explain", "jane doe"]),
    ("bpfdev explain LAB", ["explain", "LAB\\erin"]),
    (r"bpfdev explain LAB\\e", ["explain", "LAB\\erin"]),
    ("bpfdev explain o", ["explain", "o'neil"]),
    ("bpfdev devices --user=jan", ["devices", "--user=jane doe"]),
    ("bpfdev devices --user jan", ["devices", "--user", "jane doe"]),
    (r"bpfdev explain jane\ doe @webc", ["explain", "jane doe", "@webcam"]),
    ("bpfdev explain 'jane doe' @webc", ["explain", "jane doe", "@webcam"]),
    ("bpfdev suggest --who=@do", ["suggest", '--who=@"domain users"']),
    ("bpfdev suggest --who=@stu", ["suggest", "--who=@students"]),
    (r"bpfdev suggest --who=\"j", ["suggest", '--who="jane doe"']),
]


@pytest.mark.usefixtures("odd_names")
@pytest.mark.parametrize("line, words", ODD_LINES)
def test_names_that_a_shell_would_cut_in_bash(machine, needs, line, words):
    needs("bash")
    assert shells.bash_types(machine, line) == ["bpfdev", *words]


def test_names_that_a_shell_would_cut_in_zsh(odd_names, needs):
    """In one of its own: it asks who there is but once."""
    needs("zsh")
    with shells.Zsh(odd_names) as zsh:
        typed = {line: zsh.types(line) for line, _ in ODD_LINES}
    for line, words in ODD_LINES:
        assert shlex.split(typed[line]) == ["bpfdev", *words], (line, typed[line])


def test_classes_of_files_that_may_not_be_read(machine, needs):
    needs("bash")
    machine.path("/etc/security/bpfdev.d/10.conf").chmod(0o600)
    # A copy: bob need not be able to read what is checked out.
    script = machine.write("/run/completion", (shells.COMPLETION / "bpfdev").read_bytes())
    result = machine.run("bash", "--norc", "-c", shells.BASH, "bash", script, "bpfdev explain alice @mem", user="bob")
    assert (result.out, result.err) == ("@memory\n", "")


def test_without_logind(place, needs):
    needs("bash")
    place.write("/run/bin/loginctl", "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n", mode=0o755)
    assert shells.bash(place, "bpfdev status ")[0] == USERS
    place.path("/run/bin/loginctl").unlink()
