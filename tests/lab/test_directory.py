# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Users and groups from a directory: a real slapd, asked by libnss-ldapd and nslcd.

Rules follow the directory. If it does not answer, nobody knows whom the lines on groups are about.
"""

import pytest

import roots
import transcripts
from administration import TOP
from conftest import cannot_run
from roots import RootError
from sessions import LoginRefused
from suites import one_suite
from verbs import ALLOWED, DENIED, FUSE, by_manager, changed_file, equipped, ours, tried

pytestmark = one_suite

POLICY = f"* allow *\n@students deny {FUSE}\n"
BY_GID = f"* allow *\n@:5000 deny {FUSE}\n"
BY_RANGE = f"* allow *\n@4900:5100 deny {FUSE}\n"
BIND = ["-x", "-D", "cn=admin,dc=nodomain", "-w", "secret"]

# What Debian's packages ask for when they are installed by hand.
SETTINGS = r"""
ldapmodify -Q -Y EXTERNAL -H ldapi:/// <<-END
	dn: olcDatabase={1}mdb,cn=config
	changetype: modify
	replace: olcRootPW
	olcRootPW: secret
END
cat >/etc/nslcd.conf <<-END
	uid nslcd
	gid nslcd
	uri ldap://127.0.0.1/
	base dc=nodomain
	reconnect_retrytime 1
END
sed -i 's/^\(passwd\|group\|shadow\):.*/\1: files ldap/' /etc/nsswitch.conf
systemctl restart nslcd
"""

PERSON = """
dn: uid={name},dc=nodomain
objectClass: account
objectClass: posixAccount
cn: {name}
uid: {name}
uidNumber: {uid}
gidNumber: {uid}
homeDirectory: /home/{name}
loginShell: /bin/bash
"""
GROUP = """
dn: cn=students,dc=nodomain
objectClass: posixGroup
cn: students
gidNumber: 5000
memberUid: lena
memberUid: alice
"""


@pytest.fixture(scope="module")
def campus(lab):
    """A machine with the directory on it: lena and max are accounts of the directory, alice one of the machine."""
    try:
        machine = lab(roots.DIRECTORY).boot()
    except RootError as error:
        cannot_run(str(error))
    with machine:
        equip_campus(machine)
        yield machine


def equip_campus(machine):
    machine.install_build()
    machine.configure_pam()
    machine.add_user("alice", 1000)
    machine.run(f"set -e\n{SETTINGS}")
    people = (("lena", 6001), ("max", 6002))
    machine.run(["ldapadd", *BIND], input="".join(PERSON.format(name=name, uid=uid) for name, uid in people) + GROUP)
    for name, uid in people:
        machine.run(f"install -d -o {uid} -g {uid} /home/{name}")


@pytest.fixture
def box(campus):
    """The machine with the directory up and as it was made, and nobody logged in."""
    campus.mark_journal()
    yield from equipped(campus)
    bring_up(campus)
    change(campus, "delete", "max", check=False)
    campus.log_out_everybody()
    campus.configure_pam()


def change(box, what, name, check=True):
    """Adds a member to the group in the directory, or deletes one."""
    text = f"dn: cn=students,dc=nodomain\nchangetype: modify\n{what}: memberUid\nmemberUid: {name}\n"
    box.run(["ldapmodify", *BIND], input=text, check=check)


def bring_up(box):
    """nslcd asks a server that was down again only after a while."""
    # Tests follow each other faster than systemd lets a service be started again and again.
    box.run("systemctl reset-failed slapd nslcd; systemctl start slapd nslcd")
    for query in ("group students", "group 5000", "passwd lena"):
        box.wait_for(lambda: box.run(f"getent {query}", check=False).returncode == 0, f"the directory answers {query}")


def take_down(box, how):
    """The server does not answer, or not even the client of the machine does."""
    box.run(f"systemctl stop {how}")
    assert box.run("getent group students", check=False).returncode == 2


@pytest.mark.parametrize("policy", [POLICY, BY_GID, BY_RANGE], ids=["name", "gid", "range"])
def test_members_have_the_rules_of_the_group(box, policy):
    box.policy(policy)
    for user, expected in (("lena", DENIED), ("alice", DENIED), ("max", ALLOWED)):
        with box.ssh_session(user) as session:
            assert (user, tried(session), by_manager(session)) == (user, expected, expected)
    with box.console_login("lena") as session:
        assert tried(session) == DENIED


def test_rules_follow_the_directory(box):
    box.policy(POLICY)
    with box.ssh_session("max") as before:
        change(box, "add", "max")
        with box.ssh_session("max") as after:
            assert (tried(before), tried(after)) == (ALLOWED, DENIED)
            box.run("bpfdev reload max")
            assert (tried(before), by_manager(before)) == (DENIED, DENIED)
            change(box, "delete", "max")
            assert tried(after) == DENIED
            box.run("bpfdev reload")
            assert (tried(before), tried(after), by_manager(after)) == (ALLOWED, ALLOWED, ALLOWED)


@pytest.mark.parametrize("policy", [POLICY, BY_GID, BY_RANGE], ids=["name", "gid", "range"])
@pytest.mark.parametrize("how", ["slapd", "nslcd"])
def test_login_with_the_directory_down_is_refused(box, policy, how):
    box.policy(policy)
    take_down(box, how)
    with pytest.raises(LoginRefused, match="device rules of this machine could not be put in\\s+place"):
        box.console_login("alice")
    with pytest.raises(LoginRefused):
        box.ssh_session("alice")
    name = "students" if policy == POLICY else ":5000" if policy == BY_GID else ":5100"
    assert box.journal(rf'alice is refused, .*: group "{name}" cannot be looked up: the directory does not answer')
    assert box.ssh("root", "probe").stdout.strip() == ALLOWED
    bring_up(box)
    with box.ssh_session("alice") as session:
        assert tried(session) == DENIED


def test_source_that_is_asked_after_the_directory(box):
    """The C library passes on what the last source says."""
    box.policy(POLICY)
    before = box.read_file("/etc/nsswitch.conf")
    box.run("systemctl stop slapd")
    said = []
    of_the_page = transcripts.displays(TOP / "pam_bpfdev/bpfdev.conf.5", "check: run")["nsswitch"].strip()
    # compat stands for what comes after it: this machine has no systemd there.
    for line in ("group: files ldap compat", of_the_page.replace("systemd", "compat")):
        with changed_file(box, "/etc/nsswitch.conf", before.replace("group: files ldap", line)):
            said.append(box.ssh("alice", "probe").stdout.strip())
    assert said[0] == ALLOWED and "this login is refused" in said[1]


def test_lines_that_name_no_group_do_not_need_the_directory(box):
    box.policy(f"* allow *\nalice deny {FUSE}\n")
    take_down(box, "slapd")
    with box.ssh_session("alice") as session:
        assert tried(session) == DENIED


def test_onerr_succeed_lets_in_without_rules(box):
    box.policy(POLICY)
    box.configure_pam("onerr=succeed")
    take_down(box, "slapd")
    with box.ssh_session("alice") as session:
        assert tried(session) == ALLOWED and session.cgroup not in ours(box)
    assert box.journal(r"alice is let in WITHOUT device rules \(onerr=succeed\): group \"students\" cannot be looked up")


def test_open_sessions_keep_their_rules_while_it_is_down(box):
    box.policy(POLICY)
    with box.ssh_session("alice") as local, box.ssh_session("lena") as remote:
        take_down(box, "slapd")
        assert (tried(local), tried(remote)) == (DENIED, DENIED)
        done = box.run("bpfdev reload", check=False)
        assert done.returncode == 3 and "cannot be looked up: the directory does not answer" in done.stderr
        assert (tried(local), tried(remote)) == (DENIED, DENIED)
        assert {local.cgroup, remote.cgroup} < set(ours(box))


def test_check_says_that_it_is_down(box):
    box.policy(POLICY)
    assert box.run("bpfdev check --strict").returncode == 0
    take_down(box, "slapd")
    done = box.run("bpfdev check --strict", check=False)
    assert done.returncode == 1
    assert 'group "students" cannot be looked up: the directory does not answer, so the names' in done.stdout
