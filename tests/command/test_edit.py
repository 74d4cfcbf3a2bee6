# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev edit and bpfdev install: a new version of a policy's file, checked, told of, and put in its place."""

import os
import stat
import subprocess

import pytest

MAIN = "/etc/security/bpfdev.conf"
DROPIN = "/etc/security/bpfdev.d/10-lab.conf"
OLD = "alice allow *\nalice deny @webcam\n"
NEW = "alice allow *\n"
BROKEN = "alice allow *\nalice dney c 1:5\n"


@pytest.fixture
def editor(place):
    """A function that makes a script the editor: its lines find the copy as $1. Returns the environment."""
    def make(*lines):
        path = place.write("/run/bin/ed-test", "\n".join(["#!/bin/sh", *lines, ""]), mode=0o755)
        return {"VISUAL": path}
    return make


def writes(text):
    """The line of an editor that writes @text into the copy."""
    return "cat >\"$1\" <<'END'\n" + text + "END"


def text_of(place, path=MAIN):
    return place.path(path).read_text()


def left(place, folder="/etc/security"):
    """The copies that are there."""
    return sorted(place.path(folder).glob(".bpfdev-edit.*/*"))


def assert_in_place(place, path, text):
    found = place.path(path)
    assert found.read_text() == text
    status = found.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o600, 0, 0)
    assert not left(place) and not left(place, os.path.dirname(path))


def test_a_group_that_may_read_it_goes_on_to(bpfdev, policy, place, editor):
    policy(OLD)
    os.chown(place.path(MAIN), 0, 2001)
    place.path(MAIN).chmod(0o640)
    assert bpfdev("edit", env=editor(writes(NEW)), stdin=b"y\n").code == 0
    status = place.path(MAIN).stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o640, 0, 2001)


def test_edit(bpfdev, policy, place, editor):
    policy(OLD)
    result = bpfdev("edit", env=editor(writes(NEW)), stdin=b"y\n")
    assert result.code == 0, result
    assert f"{MAIN} is in place\n" in result.out
    rows = [line.split() for line in result.lines]
    assert ["alice", "wider", "wider", "0"] in rows and not any(row[:1] == ["bob"] for row in rows)
    assert_in_place(place, MAIN, NEW)


@pytest.mark.parametrize("new, local, remote", [
    ("alice allow *\nalice deny @webcam\nalice deny b *:* rwm remote\n", "as before", "tighter"),
    ("alice allow c 1:3\n", "tighter", "tighter"),
    ("alice allow *\nalice deny c 1:11\n", "tighter and wider", "tighter and wider"),
    ("", "wider", "wider"),
    ("# nobody\n", "wider", "wider"),
    ("alice allow *\nalice deny @webcam w\n", "wider", "wider"),
    ("alice allow *\nalice deny @webcam\nalice deny c 81:7\nbob deny c 7:* rwm\n", None, None)])
def test_what_changes_for_whom(bpfdev, policy, place, new, local, remote):
    policy(OLD)
    source = place.write("/run/new.conf", new)
    result = bpfdev("install", "--dry-run", source)
    rows = {line.split()[0]: line for line in result.lines if line.startswith(("alice ", "bob "))}
    assert text_of(place) == OLD and not left(place)
    if new == "":  # whether an empty file is a policy is not decided here
        return
    assert result.code == 0, result
    if local:
        assert " ".join(rows["alice"].split()[1:-1]) == f"{local} {remote}" and "bob" not in rows
    else:
        assert "alice" not in rows and rows["bob"].split()[1:] == ["tighter", "tighter", "0"]


def test_condition_of_a_service(bpfdev, policy, place):
    policy("@students allow *\n")
    source = place.write("/run/new.conf", "@students allow *\n@students deny @webcam rw local service=gdm-password\n")
    result = bpfdev("install", "-n", source)
    rows = [line.split() for line in result.lines]
    assert ["alice", "tighter", "as", "before", "0"] in rows and ["carol", "tighter", "as", "before", "0"] in rows


def test_nothing_changes(bpfdev, policy, place, editor):
    policy(OLD)
    result = bpfdev("edit", env=editor("exit 0"))
    assert (result.code, result.out, result.err) == (0, f"{MAIN} is as it was\n", "")
    result = bpfdev("install", "-", stdin=OLD.encode())
    assert (result.code, result.out) == (0, f"{MAIN} is as it was: it has the same text\n")
    assert text_of(place) == OLD and not left(place)
    source = place.write("/run/new.conf", "# only words\n" + OLD)
    assert "the rules of all users are as before\n" in bpfdev("install", source).out
    assert_in_place(place, MAIN, "# only words\n" + OLD)


def test_mistakes_are_edited_again(bpfdev, policy, place, editor):
    policy(OLD)
    twice = editor("if grep -q dney \"$1\"; then", writes(NEW), "else", writes(BROKEN), "fi")
    result = bpfdev("edit", env=twice, stdin=b"e\ny\n")
    assert result.code == 0 and f'{MAIN}:2:7: unknown verb "dney"' in result.out
    assert_in_place(place, MAIN, NEW)


@pytest.mark.parametrize("answer, kept", [("k", True), ("q", False), ("x\nk", True), ("", True)])
def test_mistakes_do_not_get_into_place(bpfdev, policy, place, editor, answer, kept):
    policy(OLD)
    result = bpfdev("edit", env=editor(writes(BROKEN)), stdin=f"{answer}\n".encode() if answer else b"")
    assert result.code == (2 if answer else 3) and text_of(place) == OLD
    assert [copy.read_text() for copy in left(place)] == ([BROKEN] if kept else [])
    if kept:
        assert f"the copy is kept in /etc/security/{left(place)[0].parent.name}/bpfdev.conf\n" in result.out


def test_it_is_not_put_in_place_unasked(bpfdev, policy, place, editor):
    policy(OLD)
    assert bpfdev("edit", env=editor(writes(NEW)), stdin=b"q\n").code == 1
    assert text_of(place) == OLD and not left(place)
    assert bpfdev("edit", env=editor(writes(NEW))).code == 3
    assert text_of(place) == OLD and [copy.read_text() for copy in left(place)] == [NEW]
    assert "a copy of an earlier edit is in /etc/security/.bpfdev-edit." in bpfdev("edit", env=editor("exit 0")).err


@pytest.mark.parametrize("end, said", [
    ("exit 3", "the editor ended with exit status 3"), ("kill -9 $$", "the editor ended with exit status 137"),
    ("kill -INT $$; sleep 5", "the editor ended with exit status 130"),
    ("mkfifo \"$1.f\"; mv -f \"$1.f\" \"$1\"", "expected a regular file")])
def test_editor_that_ends_badly(bpfdev, policy, place, editor, end, said):
    policy(OLD)
    result = bpfdev("edit", env=editor(writes(NEW), end), stdin=b"y\n")
    assert result.code == 3 and said in result.err and "the copy is kept in" in result.out, result
    assert text_of(place) == OLD
    if "mkfifo" not in end:
        assert [copy.read_text() for copy in left(place)] == [NEW]


def test_no_editor(bpfdev, policy, place):
    policy(OLD)
    result = bpfdev("edit", env={"EDITOR": "no-such-editor --wait"})
    assert result.code == 3 and "the editor was not found: set VISUAL or EDITOR" in result.err
    assert text_of(place) == OLD and not left(place)


@pytest.mark.parametrize("blank", ["", " ", " \t"])
def test_blanks_are_no_editor(bpfdev, policy, editor, place, blank):
    """The shell would take the copy for a program."""
    policy(OLD)
    own = editor(writes(NEW))["VISUAL"]
    assert bpfdev("edit", env={"VISUAL": blank, "EDITOR": own}, stdin=b"y\n").code == 0
    assert_in_place(place, MAIN, NEW)


def test_editor_that_removes_the_copy(bpfdev, policy, place, editor):
    policy(OLD)
    result = bpfdev("edit", env=editor('rm "$1"'))
    assert (result.code, result.lines) == (3, [f"{MAIN} is as it was"])
    assert text_of(place) == OLD and not list(place.path("/etc/security").glob(".bpfdev-edit.*"))


def test_nobody_is_kept_out_while_a_source_is_written(bpfdev, policy, place):
    policy(OLD)
    slow = subprocess.Popen(place.command(["bpfdev", "install", "-"]), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        slow.stdin.write(BROKEN.encode())
        slow.stdin.flush()
        assert bpfdev("install", "-", stdin=NEW.encode()).code == 0
    finally:
        slow.stdin.close()
        assert slow.wait() == 2
    assert_in_place(place, MAIN, NEW)


def test_editor_with_arguments(bpfdev, policy, place, editor):
    policy(OLD)
    path = editor('[ "$1" = "-a b" ] || exit 9', "shift", writes(NEW))["VISUAL"]
    result = bpfdev("edit", env={"EDITOR": f"{path} '-a b'"}, stdin=b"y\n")
    assert result.code == 0, result
    assert_in_place(place, MAIN, NEW)


def test_signals_at_the_question(place, policy, editor):
    policy(OLD)
    command = place.command(["bpfdev", "edit"], env=editor(writes(NEW)))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        said = b""
        while b"Put it in place?" not in said:
            piece = os.read(process.stdout.fileno(), 4096)
            assert piece, said
            said += piece
        # nsenter without --fork becomes the command.
        process.terminate()
        said += process.stdout.read()
        assert process.wait() == 3 and b"the copy is kept in" in said, said
    assert text_of(place) == OLD and [copy.read_text() for copy in left(place)] == [NEW]


def test_somebody_else_edits(bpfdev, policy, place, editor):
    policy(OLD)
    source = place.write("/run/new.conf", BROKEN)
    inner = editor(f"bpfdev install {source} >/run/inner 2>&1; echo $? >>/run/inner", writes(NEW))
    assert bpfdev("edit", env=inner, stdin=b"y\n").code == 0
    assert text_of(place, "/run/inner") == ("bpfdev: /etc/security: somebody else edits the policy there just now: try "
                                            "again later\n3\n")
    assert_in_place(place, MAIN, NEW)


def test_file_that_was_changed_meanwhile(bpfdev, policy, place, editor):
    policy(OLD)
    result = bpfdev("edit", env=editor(f"echo '# other' >>{MAIN}", writes(NEW)), stdin=b"y\n")
    assert result.code == 3 and f"{MAIN} was changed by somebody else meanwhile" in result.err
    assert text_of(place) == OLD + "# other\n" and [copy.read_text() for copy in left(place)] == [NEW]


def test_dropins(bpfdev, policy, place):
    policy("class own c 1:5\n" + OLD)
    source = place.write("/run/new.conf", "alice deny @own\n")
    result = bpfdev("install", source, DROPIN)
    assert result.code == 0, result
    assert_in_place(place, DROPIN, "alice deny @own\n")
    assert bpfdev("check").code == 0
    # What a file defines, another may need.
    result = bpfdev("install", place.write("/run/main.conf", OLD), MAIN)
    assert result.code == 2 and f"{DROPIN}:1:12: " in result.out
    assert text_of(place) == "class own c 1:5\n" + OLD
    result = bpfdev("install", source, "/etc/security/bpfdev.d/10-lab")
    assert result.code == 3 and "expected a name that ends in .conf" in result.err


def test_two_files_with_mistakes_are_mended_one_after_the_other(bpfdev, policy, place):
    policy(BROKEN)
    policy("bob nonsense\n", name="bpfdev.d/10-lab.conf")
    result = bpfdev("install", place.write("/run/new.conf", OLD))
    assert result.code == 0 and f"{MAIN} has no mistakes, but others do" in result.out
    assert_in_place(place, MAIN, OLD)
    result = bpfdev("install", "-", DROPIN, stdin=b"bob deny c 1:5\n")
    assert result.code == 0 and bpfdev("check").code == 0


def test_policy_of_its_own(bpfdev, place, policy):
    policy(BROKEN)
    place.write("/etc/kiosk.conf", OLD, mode=0o640)
    result = bpfdev("install", "-", "/etc/kiosk.conf", stdin=NEW.encode())
    assert result.code == 0, result
    assert_in_place(place, "/etc/kiosk.conf", NEW)
    assert text_of(place) == BROKEN


def test_what_is_no_place_for_a_policy(bpfdev, place, policy):
    policy(OLD)
    source = place.write("/run/new.conf", NEW)
    place.path("/etc/security/link.conf").symlink_to("bpfdev.conf")
    place.path("/etc/open").mkdir(exist_ok=True)
    place.path("/etc/open").chmod(0o777)
    for path, said in (("/etc/security/link.conf", "is a symbolic link"), ("/etc/open/x.conf", "others than root"),
                       ("/etc/security/bpfdev.d", "expected a regular file"), ("/etc/security/", "path of a file"),
                       ("/etc/missing/x.conf", "No such file")):
        result = bpfdev("install", source, path)
        assert result.code == 3 and said in result.err, (path, result)
    assert text_of(place) == OLD
    result = bpfdev("install", "/run/none.conf")
    assert result.code == 3 and result.err == "bpfdev: /run/none.conf: No such file or directory\n"


def test_disk_is_full(bpfdev, policy, place, editor):
    policy(OLD)
    place.run("mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", "/etc/security/bpfdev.d")
    try:
        full = "dd if=/dev/zero of=/etc/security/bpfdev.d/full bs=4k count=64 2>/dev/null"
        lines = (writes(NEW), full, "echo more >>\"$1.save\" || exit 5")
        result = bpfdev("edit", DROPIN, env=editor(*lines), stdin=b"y\n")
        assert result.code == 3 and "the copy is kept in" in result.out
        assert [copy.read_text() for copy in left(place, "/etc/security/bpfdev.d") if copy.suffix == ".conf"] == [NEW]
        result = bpfdev("install", "-", DROPIN, stdin=b"# " + b"x" * 100000 + b"\n")
        assert result.code == 3 and "No space left on device" in result.err
        assert not place.path(DROPIN).exists()
    finally:
        place.run("umount", "/etc/security/bpfdev.d")


@pytest.mark.parametrize("words", [("edit",), ("install", "/run/new.conf")])
def test_others_than_root(bpfdev, words):
    result = bpfdev(*words, user="alice")
    assert (result.code, result.out) == (3, "")
    assert result.err == f"bpfdev: {words[0]} needs root: the policy is root's (try: sudo bpfdev {words[0]})\n"


def test_words(bpfdev):
    for words in (("install",), ("install", "a", "b", "c"), ("edit", "a", "b"), ("edit", "--json")):
        assert bpfdev(*words).code == 64
