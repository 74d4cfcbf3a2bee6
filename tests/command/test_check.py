# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev check: what it prints, and how it exits."""

import os
import re
import stat

import pytest

from place import DROPINS, GROUP, MAIN, PASSWD, TOP, VENDOR

CLASSES = f"{VENDOR}/classes.conf"
SHIPPED = re.findall(r"^class (\S+)", (TOP / "conf/classes.conf").read_text(), re.MULTILINE)
CLEAN = "@students allow *\n@students deny @webcam\n"
WARNED = "alise allow *\n"
WARNING = (f'{MAIN}:1:1: warning: there is no user "alise", so this line names nobody; expected one that the user '
           'database has (did you mean "alice"?)')
MISTAKEN = "alice alow *\n\n@students deny c 1:2:3\n"
MISTAKES = [f'{MAIN}:1:7: unknown verb "alow"; expected allow, deny, exempt or audit (did you mean "allow"?)',
            f'{MAIN}:3:18: bad device numbers "1:2:3"; expected MAJOR:MINOR, each a number, a range 4-7 or *']
NEEDS_ROOT = ("bpfdev: check needs root: the policy is root's; a file of your own can be named (try: sudo bpfdev "
              "check)\n")
YELLOW, RED, PLAIN = "\033[33m", "\033[31m", "\033[0m"


def test_clean_policy(bpfdev, policy):
    policy(CLEAN)
    result = bpfdev("check")
    assert (result.code, result.err) == (0, "")
    assert result.out == f"2 files, 2 lines with rules, {len(SHIPPED)} classes: no mistakes\n"


@pytest.mark.usefixtures("place")
def test_policy_that_is_not_there(bpfdev):
    said = f"{MAIN}: warning: there is no such file, so nobody is filtered; expected the rules in it, as bpfdev.conf(5) says"
    assert bpfdev("check").lines == [said, f"1 file, 0 lines with rules, {len(SHIPPED)} classes: no mistakes, 1 warning"]
    assert bpfdev("check", "--strict").code == 0


def test_policy_without_rules(bpfdev, policy, place):
    policy("# alice deny @webcam\nclass mine c 1:3\n")
    said = "no line names anybody, so nobody is filtered; expected the rules here, as bpfdev.conf(5) says"
    assert bpfdev("check", "--json").json()["warnings"] == [
        {"file": MAIN, "line": 0, "column": 0, "message": said, "kind": "no-rules"}]
    policy(CLEAN, "bpfdev.d/10.conf")
    assert bpfdev("check", "-q").lines == []
    place.write("/etc/empty.conf", "# nothing\n")
    assert bpfdev("check", "-q", "/etc/empty.conf").lines == [f"/etc/empty.conf: warning: {said}"]
    place.write("/etc/classes.conf", "class mine c 1:3\n")
    assert bpfdev("check", "-q", "/etc/classes.conf").lines == []


def test_files_that_are_not_read(bpfdev, policy, place):
    policy(CLEAN)
    for name in ("10-lab", "20.CONF", "30.conf.bak", "40.conf.dpkg-new", ".50", "README", "60.conf~"):
        policy("* deny *\n", f"bpfdev.d/{name}")
    place.path(f"{DROPINS}/70").mkdir()
    policy("* deny *\n", "bpfdev.d/70/80.conf")
    assert [(warning["file"], warning["kind"]) for warning in bpfdev("check", "--json").json()["warnings"]] == [
        (f"{DROPINS}/{name}", "unread") for name in ("10-lab", "20.CONF", "70")]
    assert bpfdev("check").lines[:-1] == [
        f'{DROPINS}/10-lab: warning: is not read, as its name does not end in ".conf"; expected it to be renamed so, or '
        'to be somewhere else',
        f'{DROPINS}/20.CONF: warning: is not read, as its name does not end in ".conf"; expected it to be renamed so, or '
        'to be somewhere else',
        f"{DROPINS}/70: warning: is a folder, so what is in it is not read; expected the files themselves in the folder "
        "above"]
    assert bpfdev("check", "-q", f"--conf={MAIN}").lines == []  # which has no drop-ins


def test_services_of_this_machine(bpfdev, policy, place):
    place.path("/etc/pam.d").mkdir(exist_ok=True)
    place.write("/etc/pam.d/sshd", "")
    policy("* allow *\n* deny @webcam rw service=ssh\n* deny @gpu rw service=sshd,cron\n")
    assert bpfdev("check").lines[:-1] == [
        f'{MAIN}:2:27: warning: there is no PAM service "ssh", so service=ssh never holds here; expected the name of a '
        'file in /etc/pam.d, which is what the program calls itself to PAM (did you mean "sshd"?)']
    place.path("/etc/pam.d/sshd").unlink()


def test_one_of_each_is_one(bpfdev, policy, place):
    place.path(CLASSES).unlink()
    policy("class a c 1:3\nalise allow @a\n")
    assert bpfdev("check").lines[-1] == "1 file, 1 line with rules, 1 class: no mistakes, 1 warning"


def test_quiet_says_nothing_of_a_clean_policy(bpfdev, policy):
    policy(CLEAN)
    for option in "-q", "--quiet":
        result = bpfdev("check", option)
        assert (result.code, result.out, result.err) == (0, "", "")
    policy(WARNED)
    assert bpfdev("check", "--quiet").lines == [WARNING]
    policy(MISTAKEN)
    assert bpfdev("check", "--quiet").lines == MISTAKES


def test_all_mistakes_of_all_files_are_said(bpfdev, policy, place):
    policy(MISTAKEN)
    policy("bob\n", "bpfdev.d/20.conf")
    policy(CLEAN, "bpfdev.d/10.conf")
    place.write(f"{VENDOR}/zz.conf", "alice allow *\n")
    result = bpfdev("check")
    place.path(f"{VENDOR}/zz.conf").unlink()
    assert (result.code, result.err) == (2, "")
    assert result.lines == [f"{VENDOR}/zz.conf:1:1: only class statements may stand in this folder; rules belong into "
                            "bpfdev.conf or bpfdev.d", *MISTAKES,
                            f"{DROPINS}/20.conf:1:4: verb missing; expected allow, deny, exempt or audit",
                            "4 mistakes: warnings are looked for when there is none"]


@pytest.mark.parametrize("count, last", [(1, "1 mistake"), (100, "100 mistakes"), (101, "101 mistakes")])
def test_mistakes_are_counted_beyond_those_that_are_kept(bpfdev, policy, count, last):
    policy("alice\n" * count)
    lines = bpfdev("check").lines
    assert lines.pop() == f"{last}: warnings are looked for when there is none"
    if count > 100:
        assert lines.pop() == "and 1 more mistake"
    assert lines == [f"{MAIN}:{line}:6: verb missing; expected allow, deny, exempt or audit"
                     for line in range(1, min(count, 100) + 1)]


def test_file_as_a_whole_has_no_line(bpfdev, place, policy):
    policy(CLEAN)
    os.chmod(place.path(MAIN), 0o666)
    result = bpfdev("check")
    assert result.code == 2
    assert result.lines[0] == f"{MAIN}: can be written to by others than its owner (chmod go-w)"
    assert bpfdev("check", "--json").json()["mistakes"] == [
        {"file": MAIN, "line": 0, "column": 0,
         "message": "can be written to by others than its owner (chmod go-w)"}]


def test_mistake_that_shows_on_this_machine_only(bpfdev, policy):
    policy("class big c 0-4095:* c 1:1\nalice deny @big\nalise deny *\n")
    result = bpfdev("check")
    assert result.code == 2
    assert result.lines == [f"{MAIN}:2:12: the device stands for more than 4096 rules; expected fewer, or * in the "
                            "place of a range", "1 mistake: warnings are looked for when there is none"]


# kind: (policy, place, text of the warning)
WARNINGS = {
    "shadowed": ("* allow b 8:0\n* allow *\n* deny b 8:0\n", "1:1",
                 "this line never decides: line 3 covers all of it and comes later; expected one of the two, or a more "
                 "specific device here"),
    "no-user": (WARNED, "1:1", WARNING.split("warning: ")[1]),
    "no-group": ("@studnets allow *\n", "1:1",
                 'there is no group "studnets", so this line names nobody; expected one that the group database has '
                 '(did you mean "@students"?)'),
    "no-driver": ("alice allow char-zorkctk\n", "1:13",
                  'no driver "char-zorkctk" is loaded, and the kernel has assigned it no major: until it '
                  'comes, a line that allows it allows nothing, and one that denies it denies every major that no driver '
                  'has; expected a name of /proc/devices, or of a driver that is loaded when it is needed (did you '
                  'mean "char-zorkctl"?)'),
    "no-path": ("alice allow /dev/sdb\n", "1:13",
                '"/dev/sdb" leads to no device, so it stands for nothing now; expected a path that is there, or that '
                'udev gives to a device when it comes'),
    "only-deny": ("@students deny @storage\n", "1:1",
                  'no line that counts for "@students" allows anything, so this denies everything but the baseline; '
                  'expected also a line "@students allow *" before it if the rest is to be allowed'),
    "outranks": ("* allow *\n* deny @storage\n@students allow *\n", "3:1",
                 'this outranks line 2: "@students" may use what it denies to "*"; expected also a line "@students deny '
                 '@storage", or "@students exempt" in the place of this one if that is meant'),
    "no-reset": ("@students deny @storage\n@students allow *\n", "2:1",
                 'this does not undo what lines before it deny (line 1): a more specific device decides wherever its '
                 'line stands; expected this line before them, as they stay in force, or without them'),
    "baseline": ("alice deny *\n", "1:12",
                 'this denies /dev/null, /dev/zero, /dev/full and 5 more, which every shell needs; expected also a '
                 'line "alice allow c 1:3 rw" and the like, or not to deny it: what no line allows is denied anyway'),
    "root": ("root allow *\n", "1:1",
             '"root" names root, so root\'s own logins are filtered, and who mends this machine may find its devices '
             'locked; expected lines for other users only: root is free where no line names it'),
    "system-accounts": ("0:999 allow *\n", "1:1",
                        'only system accounts have a uid in 0:999, and lines for ranges do not name those; expected '
                        'uids from 1000 (UID_MIN) on, or lines with the name of an account or its :uid'),
}


@pytest.mark.parametrize("path, driver", [("nvidia0", "nvidia"), ("nvidiactl", "nvidia"), ("nvidia-uvm-tools", "nvidia-uvm"),
                                          ("nvidia-caps/nvidia-cap3", "nvidia-caps"),
                                          ("nvidia-caps-imex-channels/channel0", "nvidia-caps-imex-channels")])
def test_denied_path_of_which_udev_is_not_told(bpfdev, policy, place, path, driver):
    policy(f"alice allow *\nalice deny /dev/{path}\n")
    node = place.path(f"/dev/{path}")
    node.parent.mkdir(exist_ok=True)
    os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(300, 3))
    try:
        (warning,) = bpfdev("check", "--json").json()["warnings"]
    finally:
        node.unlink()
    assert (warning["line"], warning["column"], warning["kind"]) == (2, 12, "unannounced")
    assert warning["message"] == (
        f'NVIDIA\'s driver does not tell udev of its nodes, so "/dev/{path}" is not denied to sessions that began before it '
        f"was made; expected also a line that denies the driver, char-{driver} or @nvidia, and lines that allow paths of it, "
        "if some may be used")


@pytest.mark.parametrize("device, meant", [("char-video", "char-video4linux"), ("char-81", "c 81:*"), ("block-8", "b 8:*"),
                                           ("/dev/video", "/dev/video*"), ("/dev/sd", "/dev/sd*")])
def test_device_that_was_probably_meant(bpfdev, policy, device, meant):
    policy(f"alice allow {device}\n")
    (warning,) = bpfdev("check", "--json").json()["warnings"]
    assert warning["message"].partition(" (did you mean ")[2].startswith(f'"{meant}"')


@pytest.mark.parametrize("line, meant", [("@wheel exempt", '"@sudo"'), ("alice@example.org audit", '"alice"'),
                                         ("LAB\\\\bob audit", '"bob"'), ("LAB\\bob audit", '"bob"'),
                                         ('@"LAB\\students" audit', '"@students"'), ("users audit", '"*", every regular account')])
def test_account_that_was_probably_meant(bpfdev, policy, place, line, meant):
    place.write("/etc/group", GROUP + "sudo:x:27:bob\n")
    policy(f"* allow *\n{line}\n")
    (warning,) = bpfdev("check", "--json").json()["warnings"]
    assert warning["message"].endswith(f" (did you mean {meant}?)")


def test_class_that_is_defined_twice_in_a_file(bpfdev, policy):
    policy("class mine c 1:3\n* allow *\nclass mine c 1:5\n")
    policy("class loop /dev/video0\n", "bpfdev.d/10.conf")
    assert bpfdev("check").lines[:-1] == [
        f'{MAIN}:3:1: warning: this is all that is in the class "@mine", in the place of line 1; expected one line with all of '
        "its devices"]


# What is written for a driver: what should be.
MISC = {"kvm": '"@kvm" or "c 10:232"', "fuse": '"@fuse" or "c 10:229"', "tun": '"@tun" or "c 10:200"',
        "net/tun": '"@tun" or "c 10:200"', "rfkill": '"@rfkill" or "c 10:242"', "uinput": '"@uinput" or "c 10:223"',
        "vhost-net": '"@vhost" or "c 10:238"', "hw_random": '"c 10:183"', "hwrng": '"c 10:183"',
        "loop-control": '"c 10:237"', "kv[m]": '"@kvm" or "c 10:232"'}


@pytest.mark.parametrize("name", MISC)
def test_devices_of_misc_are_no_drivers(bpfdev, policy, name):
    policy(f"alice allow char-{name}\n")
    assert bpfdev("check", "--json").json()["warnings"] == [{
        "file": MAIN, "line": 1, "column": 13, "kind": "no-driver",
        "message": f'"char-{name}" is no driver but a device of char-misc, so it stands for nothing; expected '
                   f'{MISC[name]}'}]


@pytest.mark.parametrize("kind", WARNINGS)
def test_warning(bpfdev, policy, kind):
    text, where, message = WARNINGS[kind]
    policy(text)
    result = bpfdev("check")
    assert (result.code, result.err) == (0, "")
    assert result.lines[:-1] == [f"{MAIN}:{where}: warning: {message}"]
    assert result.lines[-1].endswith(": no mistakes, 1 warning")
    line, column = map(int, where.split(":"))
    assert bpfdev("check", "--json").json()["warnings"] == [
        {"file": MAIN, "line": line, "column": column, "message": message, "kind": kind}]


def test_class_that_stands_for_nothing(bpfdev, policy):
    policy("class a char-zonk\nalice allow @a\nbob allow *\nbob deny @a r\n")
    warnings = bpfdev("check", "--json").json()["warnings"]
    assert [(warning["line"], warning["column"], warning["kind"]) for warning in warnings] == [
        (1, 9, "no-driver"), (2, 13, "empty-class"), (4, 10, "empty-class")]
    assert warnings[1]["message"] == (
        'class "@a" stands for nothing here: none of its devices is there; expected a driver that is loaded, a path '
        'that exists or numbers among them')


def test_what_is_named_by_what_it_is_need_not_be_there(bpfdev, policy):
    policy("class stick usb:46f4:0001:A*\nclass lab tag:lab @stick\nalice allow usb:dead:beef\nalice allow tag:none\n"
           "bob allow @stick\ncarol allow @lab\n")
    result = bpfdev("check", "--strict")
    assert result.code == 0, result
    assert bpfdev("check", "--json").json()["warnings"] == []


@pytest.mark.parametrize("device, said", [
    ("usb:46f4", '1:13: "usb:46f4" is no USB device; expected usb:VENDOR:PRODUCT[:SERIAL], the ids as four hexadecimal '
                 'digits, as lsusb shows them, or *'),
    ("usb:0x46f4:1", '1:13: bad vendor id "0x46f4"; expected it without 0x: four hexadecimal digits, as lsusb shows '
                     'them, or *'),
    ("usb:46f4:0001:", '1:13: the serial number is missing behind "usb:46f4:0001:"; expected one, or no colon: then any '
                       'will do'),
    ("46f4:0001", '1:13: unknown device "46f4:0001"; expected usb:46f4:0001 for a USB device'),
    ("tag:a/b", '1:13: bad tag "a/b"; expected tag:NAME, the name of letters, digits, - and _, as a udev rule has it in '
                'TAG+='),
])
def test_malformed_identities_are_mistakes(bpfdev, policy, device, said):
    policy(f"alice allow {device}\n")
    result = bpfdev("check")
    assert result.code == 2 and said in result.out + result.err, result


def test_classes_that_ship_are_not_complained_of(bpfdev, policy):
    """What is in them need not be on every machine; a class of which nothing is there stands for nothing."""
    empty = set()
    for name in SHIPPED:
        policy(f"alice allow *\nalice deny @{name}\n")
        for warning in bpfdev("check", "--json").json()["warnings"]:
            assert (warning["file"], warning["kind"]) == (MAIN, "empty-class"), warning
            empty.add(name)
    assert not empty & {"webcam", "camera", "sound", "gpu", "accel", "input", "serial", "printer", "usb", "scsi",
                        "storage", "optical", "infiniband", "bluetooth", "smartcard", "fuse", "kvm", "tun", "tpm"}


def test_warnings_stand_in_the_order_of_places(bpfdev, policy):
    policy("alise allow char-zonk\nroot allow *\n")
    policy("bbo allow *\n", "bpfdev.d/10.conf")
    assert [line.split(": warning: ")[0] for line in bpfdev("check").lines[:-1]] == [
        f"{MAIN}:1:1", f"{MAIN}:1:13", f"{MAIN}:2:1", f"{DROPINS}/10.conf:1:1"]


@pytest.mark.parametrize("text, code", [(CLEAN, 0), (WARNED, 1), (MISTAKEN, 2)])
def test_strict(bpfdev, policy, text, code):
    policy(text)
    assert bpfdev("check", "--strict").code == code
    assert bpfdev("check", "-s", "--quiet").code == code
    assert bpfdev("check", "--json", "--strict").code == code


def test_json(bpfdev, policy):
    policy(WARNED)
    result = bpfdev("check", "--json", "--quiet")
    assert result.err == ""
    assert result.json() == {
        "files": [CLASSES, MAIN], "mistakes": [],
        "warnings": [{"file": MAIN, "line": 1, "column": 1, "kind": "no-user",
                      "message": WARNING.split("warning: ")[1]}],
        "counts": {"files": 2, "rules": 1, "classes": len(SHIPPED), "mistakes": 0, "warnings": 1}}
    policy(MISTAKEN * 60)
    report = bpfdev("check", "--json").json()
    assert len(report["mistakes"]) == 100 and report["counts"]["mistakes"] == 120
    assert report["warnings"] == []
    assert report["mistakes"][1] == {"file": MAIN, "line": 3, "column": 18, "message": MISTAKES[1].split(": ", 1)[1]}


def test_conf_is_read_without_dropins(bpfdev, policy, place):
    policy(MISTAKEN)
    policy(MISTAKEN, "bpfdev.d/10.conf")
    other = place.write("/etc/other.conf", CLEAN)
    result = bpfdev("check", f"--conf={other}")
    assert (result.code, result.out) == (0, f"2 files, 2 lines with rules, {len(SHIPPED)} classes: no mistakes\n")
    result = bpfdev("check", "--conf=/etc/missing.conf")
    assert result.code == 2
    assert result.lines[0] == "/etc/missing.conf: cannot be opened: No such file or directory"


def test_one_file(bpfdev, policy, place):
    policy(MISTAKEN)
    place.write("/etc/other.conf", "alise deny @webcam\n")
    result = bpfdev("check", "/etc/other.conf")
    assert result.code == 0
    assert result.lines[0].startswith("/etc/other.conf:1:1: warning: there is no user")
    assert result.lines[1:] == [f"2 files, 1 line with rules, {len(SHIPPED)} classes: no mistakes, 1 warning"]


def test_file_of_ones_own(bpfdev, policy, place):
    policy(MISTAKEN)
    place.write("/home/alice/my.conf", "alice alow *\n", user="alice")
    for name in "my.conf", "./my.conf", "/home/alice/my.conf":
        result = bpfdev("check", name, user="alice", cwd="/home/alice")
        assert (result.code, result.err) == (2, "")
        assert result.lines[0].startswith(f'{name}:1:7: unknown verb "alow"')
    place.write("/home/alice/my.conf", CLEAN, user="alice")
    result = bpfdev("check", "my.conf", user="alice", cwd="/home/alice")
    assert (result.code, result.out) == (0, f"2 files, 2 lines with rules, {len(SHIPPED)} classes: no mistakes\n")
    # Installed as it is, it would not do.
    result = bpfdev("check", "/home/alice/my.conf")
    assert result.code == 2
    assert result.lines[0] == "/home/alice/my.conf: is not owned by root; expected owner root (chown root)"


def test_file_of_somebody_else(bpfdev, place):
    place.write("/home/bob/my.conf", CLEAN, user="bob")
    result = bpfdev("check", "/home/bob/my.conf", user="alice")
    assert result.code == 2
    assert result.lines[0] == "/home/bob/my.conf: is not owned by root; expected owner root (chown root)"
    place.write("/home/bob/my.conf", CLEAN, user="bob", mode=0o600)
    result = bpfdev("check", "/home/bob/my.conf", user="alice")
    assert (result.code, result.out, result.err) == (3, "", "bpfdev: /home/bob/my.conf: Permission denied\n")


@pytest.mark.parametrize("arguments", [[], ["--json"], [f"--conf={MAIN}"]])
def test_policy_of_the_system_is_for_root(bpfdev, policy, arguments):
    policy("bob deny @webcam\n")
    result = bpfdev("check", *arguments, user="alice")
    assert (result.code, result.out, result.err) == (3, "", NEEDS_ROOT)


def test_file_that_is_not_there(bpfdev):
    result = bpfdev("check", "nowhere.conf")
    assert (result.code, result.out, result.err) == (3, "", "bpfdev: nowhere.conf: No such file or directory\n")
    result = bpfdev("check", "--json", "/etc/passwd/x")
    assert (result.code, result.out, result.err) == (3, "", "bpfdev: /etc/passwd/x: Not a directory\n")


def test_what_is_no_file(bpfdev, place):
    os.mkfifo(place.path("/etc/fifo"))
    place.path("/etc/link").symlink_to("fifo")
    result = bpfdev("check", "/etc/fifo")
    assert (result.code, result.lines[0]) == (2, "/etc/fifo: is a FIFO; expected a regular file")
    result = bpfdev("check", "/etc/link")
    assert (result.code, result.lines[0]) == (2, "/etc/link: is a symbolic link; expected a regular file in its place")
    result = bpfdev("check", "/etc")
    assert (result.code, result.lines[0]) == (2, "/etc: is a folder; expected a regular file")
    place.path("/etc/fifo").unlink()
    place.path("/etc/link").unlink()


@pytest.mark.parametrize("arguments, message", [
    (["a", "b"], "too many files; expected one, or none for the system's"),
    (["a", "--conf=/b"], "both FILE and --conf; expected one of them"),
    (["--conf=b"], "--conf=b; expected a path from the root"),
    (["--color=sometimes"], "unknown --color=sometimes; expected auto, always or never"),
    (["--nonsense"], "unrecognized option '--nonsense'"),
])
def test_usage(bpfdev, arguments, message):
    result = bpfdev("check", *arguments)
    assert (result.code, result.out) == (64, "")
    assert result.err.splitlines()[0] == f"bpfdev check: {message}"


def test_help(bpfdev):
    result = bpfdev("check", "--help")
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == "Usage: bpfdev check [OPTION...] [FILE]"
    for option in "--strict", "--quiet", "--json", "--color", "--conf=PATH":
        assert option in result.out
    assert "  check     look for mistakes in the policy, and for what is surely not meant" in bpfdev("--help").lines


def test_color_on_a_terminal_only(on_terminal, bpfdev, policy):
    policy(WARNED)
    colored = WARNING.replace("warning:", f"{YELLOW}warning:{PLAIN}")
    assert on_terminal("check").lines[0] == colored
    assert on_terminal("check", env={"NO_COLOR": ""}).lines[0] == colored
    assert on_terminal("check", env={"NO_COLOR": "1"}).lines[0] == WARNING
    assert on_terminal("check", env={"TERM": "dumb"}).lines[0] == WARNING
    assert on_terminal("check", "--color=never").lines[0] == WARNING
    assert on_terminal("check", "--color=auto").lines[0] == colored
    assert bpfdev("check").lines[0] == WARNING
    assert bpfdev("check", "--color").lines[0] == colored
    assert bpfdev("check", "--color=always", env={"NO_COLOR": "1"}).lines[0] == colored
    policy(MISTAKEN)
    assert on_terminal("check").lines[-1].startswith(f"{RED}2 mistakes{PLAIN}: ")


def test_names_print_harmlessly(bpfdev, on_terminal, place):
    name = b"/home/alice/\x1b[31m\xff\n.conf"
    path = place.path("/home/alice").joinpath(os.fsdecode(name.rpartition(b"/")[2]))
    path.write_text("zed deny c 1:4\nzed allow *\n", encoding="utf-8")
    os.chown(path, 1000, 1000)
    place.write("/etc/passwd", PASSWD + "z\x1bed:x:1005:1000::/:/bin/sh\n")
    for result in bpfdev("check", name, user="alice"), on_terminal("check", name, "--color=never", user="alice"):
        assert result.lines[0] == (r'/home/alice/\x1b[31m\xff\x0a.conf:1:1: warning: there is no user "zed", so this '
                                   'line and 1 more name nobody; expected one that the user database has (did you mean '
                                   r'"z\x1bed"?)')
        assert result.out.replace("\n", "").isprintable()
    report = bpfdev("check", name, "--json", user="alice")
    assert report.out.replace("\n", "").isprintable()
    assert report.json()["warnings"][0]["file"] == r"/home/alice/\x1b[31m\xff\x0a.conf"
    path.write_text("zed\x1b[31m alow *\n", encoding="utf-8")
    result = bpfdev("check", name, user="alice")
    assert result.code == 2 and result.out.replace("\n", "").isprintable()
    result = bpfdev("check", b"/home/\x1b[31m")
    assert result.err == "bpfdev: /home/\\x1b[31m: No such file or directory\n"


def test_reader_that_has_seen_enough(bpfdev, policy):
    policy(WARNED)
    for arguments in ["check"], ["check", "--json"]:
        ours, theirs = os.pipe()
        os.close(ours)
        result = bpfdev(*arguments, stdout=theirs)
        os.close(theirs)
        assert (result.code, result.err) == (3, "")


def test_full_disk_is_said(bpfdev, policy):
    policy(WARNED)
    for arguments in ["check"], ["check", "--json"]:
        with open("/dev/full", "wb") as full:
            result = bpfdev(*arguments, stdout=full)
        assert (result.code, result.err) == (3, "bpfdev: standard output: No space left on device\n")


def test_folder_that_one_may_not_see(bpfdev, place):
    place.path("/dev/secret").mkdir(mode=0o700)
    place.write("/home/alice/my.conf", "alice allow /dev/secret/*\n", user="alice")
    result = bpfdev("check", "/home/alice/my.conf", user="alice")
    place.path("/dev/secret").rmdir()
    assert result.code == 0
    assert result.lines[0] == ('/home/alice/my.conf:1:13: warning: "secret" below /dev cannot be looked at: Permission '
                               'denied, so what this stands for is not known; expected to be allowed to look: try '
                               'again as root')


def test_login_defs_that_cannot_be_read(bpfdev, place, policy):
    policy(CLEAN)
    place.path("/etc/login.defs").unlink()
    place.path("/etc/login.defs").mkdir()
    result = bpfdev("check")
    place.path("/etc/login.defs").rmdir()
    assert (result.code, result.out) == (3, "")
    assert result.err == "bpfdev: /etc/login.defs cannot be read: Is a directory\n"
