# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""A wrong policy or PAM configuration: users are refused, root is not, and the log says why."""

import re

import pytest

from sessions import LoginRefused
from verbs import ALLOWED, DENIED, PROBE, RULES, changed_file, equipped, ours, tried

BROKEN = f"{RULES}alice deni c 10:229\n"
SENTENCE = "The device rules of this machine could not be put in place, so this login is refused. " \
           "Please tell the administrator."


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def is_refused(box, user):
    """sshd itself ends a login whose session cannot be opened with 254."""
    return box.ssh(user, "echo got in").stdout.count("got in") == 0


def refusals(box, user="alice", service="sshd"):
    return box.journal(rf"pam_bpfdev\({service}:session\): {user} is refused")


def test_broken_policy_refuses_users_and_tells_the_administrator_where(box):
    box.policy(BROKEN)
    assert is_refused(box, "alice")
    assert is_refused(box, "bob")
    (line,) = refusals(box)
    assert re.search(r"/etc/security/bpfdev\.conf:3:7: .*deni.*expected.*allow", line), line
    assert ours(box) == {}
    box.policy(RULES)
    assert box.ssh("alice", PROBE).stdout.strip() == DENIED


def test_user_at_the_console_reads_one_sentence(box):
    box.policy(BROKEN)
    with pytest.raises(LoginRefused) as refused:
        box.console_login("alice")
    assert " ".join(str(refused.value).split()).count(SENTENCE) == 1
    assert len(refusals(box, service="login")) == 1


def test_root_gets_in_with_a_broken_policy(box):
    box.policy(BROKEN)
    assert box.ssh("root", PROBE).stdout.strip() == ALLOWED
    with box.console_login("root") as session:
        assert tried(session) == ALLOWED
    assert box.journal(r"pam_bpfdev\(sshd:session\): root is let in WITHOUT device rules .*bpfdev\.conf:3:7:")
    assert box.journal(r"pam_bpfdev\(login:session\): root is let in WITHOUT device rules .*bpfdev\.conf:3:7:")
    assert ours(box) == {}


def test_system_accounts_get_in_unless_a_line_names_them(box):
    for policy, gets_in in (("* alow *\n", True), ("* deny *\n@students deny @none\n", True), ("class x y\n", True),
                            ("daemon deny *\n* alow *\n", False), ("daemon alow *\n", False),
                            ("dae*mon deny *\n", False)):
        box.policy(policy)
        done = box.run(["su", "-s", "/bin/sh", "daemon", "-c", "echo got in"], check=False)
        assert ("got in" in done.stdout) == gets_in, (policy, done)
        assert is_refused(box, "bob"), policy


def test_nobody_is_free_while_the_policy_is_being_written(box):
    box.policy(RULES)
    box.write_file("/root/policy", RULES + "# more\n" * 40000)
    for write in ("cp /root/policy {0}", "tee {0} </root/policy >/dev/null",
                  "mv {0} {0}~; sleep 0.01; cp /root/policy {0}"):
        write = write.format("/etc/security/bpfdev.conf")
        writer = box.spawn(["sh", "-c", f"until [ -e /root/enough ]; do {write}; done"])
        try:
            said = [box.ssh("alice", PROBE).stdout for _ in range(3)]
        finally:
            box.run("touch /root/enough")
            writer.wait()
            box.run("rm /root/enough")
        assert not any(ALLOWED in text for text in said), (write, said)
        assert box.ssh("alice", PROBE).stdout.strip() == DENIED


def test_open_session_keeps_its_rules_while_the_policy_is_broken(box):
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        box.policy(BROKEN)
        assert is_refused(box, "alice")
        assert tried(session) == DENIED
        assert tried(session, "systemd-run --user --pipe --wait --quiet") == DENIED
        for inner in ("sudo", "sudo -u bob", "su alice -c", "su bob -c"):
            assert tried(session, inner) == DENIED, inner


UNTRUSTED = {"chmod 666 {0}": "chmod go-w", "chown alice {0}": "root", "rm {0}; mkfifo {0}": "regular",
             "rm {0}; mkdir {0}": "regular", "mv {0} {0}.real; ln -s {0}.real {0}": "symbolic|link",
             "truncate -s 2M {0}": "1 ?MiB|too (long|large|big)|1048576"}


def test_policy_file_that_is_not_to_be_trusted(box):
    path = "/etc/security/bpfdev.conf"
    for make, why in UNTRUSTED.items():
        box.mark_journal()
        box.run(f"rm -rf {path} {path}.real")
        box.policy(RULES)
        box.run(make.format(path))
        assert is_refused(box, "alice")
        (line,) = refusals(box)
        assert re.search(rf"{path}\b.*({why})", line), line
    assert box.ssh("root", "true").returncode == 0
    box.run(f"rm -rf {path} {path}.real")


def test_mistake_in_a_drop_in(box):
    box.policy(RULES)
    box.write_file("/etc/security/bpfdev.d/10-more.conf", "# more\nbob  allow nonsense rw\n")
    assert is_refused(box, "alice")
    (line,) = refusals(box)
    assert re.search(r"/etc/security/bpfdev\.d/10-more\.conf:2:12: .*nonsense", line), line


def test_module_in_a_stack_without_pam_systemd(box):
    box.policy(RULES)
    stack = box.read_file("/etc/pam.d/sshd").replace("@include common-session", "session required pam_bpfdev.so\n#")
    with changed_file(box, "/etc/pam.d/sshd", stack):
        assert is_refused(box, "alice")
        assert box.ssh("bob", PROBE).stdout.strip() == ALLOWED
        assert box.ssh("root", PROBE).stdout.strip() == ALLOWED
    (line,) = refusals(box)
    assert re.search(r"cgroup /system\.slice/ssh\S*\.service is not a login .*pam_systemd must come before", line), line
    assert ours(box) == {}


def test_onerr_succeed_lets_users_in_and_says_so(box):
    box.configure_pam("onerr=succeed")
    box.policy(BROKEN)
    assert box.ssh("alice", PROBE).stdout.strip() == ALLOWED
    assert box.journal(r"pam_bpfdev\(sshd:session\): alice is let in WITHOUT device rules \(onerr=succeed\)")


def test_policy_elsewhere(box):
    box.configure_pam("conf=/etc/lab.conf")
    assert is_refused(box, "alice")
    assert "/etc/lab.conf" in refusals(box)[0]
    box.write_file("/etc/lab.conf", RULES)
    assert box.ssh("alice", PROBE).stdout.strip() == DENIED
    box.run("rm /etc/lab.conf")


def test_unknown_argument_is_logged_and_skipped(box):
    box.configure_pam("sevens quiet")
    box.policy(RULES)
    assert box.ssh("alice", PROBE).stdout.strip() == DENIED
    assert box.journal(r'pam_bpfdev\(sshd:session\): .*"sevens"')
    assert not box.journal("alice filtered")
