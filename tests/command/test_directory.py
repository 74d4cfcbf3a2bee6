# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A user database that does not answer: nobody must seem to be in fewer groups for that. See nss_down.c."""

import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
MAIN = "/etc/security/bpfdev.conf"


@pytest.fixture
def directory(place, needs, tmp_path):
    """A function that puts the database into nsswitch.conf, and returns the environment for the command."""
    needs("cc")
    library = tmp_path / "libnss_down.so.2"
    subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-o", library, HERE / "nss_down.c"],
                   check=True)
    place.write("/run/lib/libnss_down.so.2", library.read_bytes(), mode=0o755)

    def put_in_place(passwd, group):
        place.write("/etc/nsswitch.conf", f"passwd: {passwd}\ngroup: {group}\n")
        return {"LD_LIBRARY_PATH": "/run/lib"}
    return put_in_place


def test_check_says_that_it_cannot_check(bpfdev, policy, directory):
    policy("alise allow *\nbob allow *\n@students allow *\n@students deny @webcam\n")
    result = bpfdev("check", "--strict", env=directory("down", "down"))
    assert result.code == 1
    (warning,) = result.lines[:-1]
    assert warning.startswith(f"{MAIN}:1:1: warning: user \"alise\" cannot be looked up: Connection refused, so "
                              "the names in the policy cannot be checked")


@pytest.mark.parametrize("who", ["@roster", "@:3000", "@2500:3000"])
def test_member_that_only_the_group_itself_tells_of(bpfdev, policy, directory, who):
    policy(f"* allow *\n@:2001 deny c 1:1\n@students deny c 1:1\n{who} deny @webcam\n")
    answering = directory("files", "files down")
    codes = [bpfdev("explain", user, "/dev/video0", env=answering).code for user in ("alice", "bob")]
    assert codes == [1, 0]


@pytest.mark.parametrize("who,named,why", [
    ("@nowhere", "nowhere", "Connection refused"), ("@:3001", ":3001", "the directory does not answer"),
    ("@3001:3002", ":3002", "the directory does not answer"), ("@3001:", ":4294967294", "the directory does not answer")])
def test_group_of_which_nothing_is_known(bpfdev, policy, directory, who, named, why):
    policy(f"* allow *\n{who} deny @webcam\n")
    result = bpfdev("explain", "alice", "/dev/video0", env=directory("files", "files down"))
    assert (result.code, result.out) == (3, "")
    assert result.err == f'bpfdev: group "{named}" cannot be looked up: {why}\n'
    assert bpfdev("explain", "alice", "/dev/video0", env=directory("files", "files")).code == 0


@pytest.mark.parametrize("who", ["@students", "@:2000", "@2000:2100", "1000:1001", "alice", ":1000", "*"])
def test_what_the_files_know_needs_no_directory(bpfdev, policy, directory, who):
    policy(f"{who} deny @webcam\n")
    assert bpfdev("explain", "alice", "/dev/video0", env=directory("files", "files down")).code == 1


@pytest.mark.parametrize("user", ["root", "greeter"])
def test_root_and_system_accounts_need_no_directory(bpfdev, policy, directory, user):
    policy("* allow *\n@nowhere deny @webcam\n@:3001 deny @webcam\n")
    result = bpfdev("explain", user, "/dev/video0", env=directory("files", "files down"))
    assert (result.code, result.lines[0]) == (0, f"no line names {user}: no filter, everything is allowed")


def test_group_that_does_not_exist_has_no_gid(bpfdev, policy, place):
    place.write("/etc/group", "root:x:0:alice\n")
    policy("* allow *\n@nosuchgroup deny @webcam\n@:3001 deny @webcam\n")
    assert bpfdev("explain", "alice", "/dev/video0").code == 0


def test_check_needs_no_directory_for_gids(bpfdev, policy, directory):
    policy("@:3001 exempt\nalice deny @webcam\n")
    said = [bpfdev("check", env=directory("files", group)).out for group in ("files", "files down")]
    assert said[0] == said[1] and "denies" in said[0]
