# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Nothing of a session is left when it has ended, however that came about."""

import concurrent.futures

import pytest

from verbs import DENIED, FUSE, MANAGER, PROBE, RULES, Waiting, by_lingering_manager, equipped, ours, scope_gone, tried

# It waits until the kernel holds no more programs than before.
pytestmark = pytest.mark.alone

EVERYBODY = f"* allow *\n* deny {FUSE} rwm\n"
LOGINS = 300


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def is_no_more(counts, before):
    return all(now <= then for now, then in zip(counts, before))


@pytest.fixture
def counted(box):
    """The machine, which holds no more programs and maps after the test than before."""
    before = box.prog_and_map_count()
    yield box
    box.log_out_everybody()
    assert ours(box) == {}
    box.wait_for(lambda: is_no_more(box.prog_and_map_count(), before), "the kernel has freed all")


@pytest.mark.parametrize("kind", ["ssh_session", "console_login"])
def test_filter_ends_with_its_session(counted, kind):
    counted.policy(RULES)
    counted.run("loginctl enable-linger alice")
    for end in ("close", "hang_up", "kill"):
        session = getattr(counted, kind)("alice")
        assert tried(session) == DENIED
        getattr(session, end)()
        scope_gone(counted, session)
        counted.wait_for(lambda: set(ours(counted)) == {MANAGER}, f"only the manager's filter is left after {end}")
        assert by_lingering_manager(counted) == DENIED


def test_log_says_that_processes_were_left(counted):
    counted.policy(RULES)
    with counted.ssh_session("alice") as session:
        waiting = Waiting(session)
    assert counted.journal(rf"pam_bpfdev\(sshd:session\): alice left processes in session-{session.id}\.scope")
    assert waiting.go() == DENIED
    scope_gone(counted, session)


def test_user_manager_that_ends_takes_its_filter_along(counted):
    counted.policy(RULES)
    with counted.ssh_session("alice") as session:
        counted.run("systemctl stop user@1000")
        assert set(ours(counted)) == {session.cgroup}
        assert tried(session) == DENIED
    counted.wait_for(lambda: ours(counted) == {}, "nothing is left")


@pytest.mark.only_suite("trixie")
def test_many_logins_of_two_users_leave_nothing(counted):
    counted.policy(EVERYBODY)
    once = "pamtester sshd $1 open_session close_session >/dev/null"
    counted.write_file("/root/log-in", f"for i in $(seq {LOGINS // 2}); do {once} || exit; done")
    counted.run("loginctl enable-linger alice bob; sh ~/log-in alice & sh ~/log-in bob && wait $!")
    assert len(counted.journal(r"pam_bpfdev\(sshd:session\): (alice|bob) filtered")) == LOGINS
    counted.wait_for(lambda: len(ours(counted)) == 2, "only the managers' filters are left")


def test_two_users_come_and_go_at_once(counted):
    counted.policy(EVERYBODY)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda user: counted.ssh(user, PROBE).stdout.strip(), ["alice", "bob"] * 10))
    assert said == [DENIED] * 20
    assert not counted.journal("pam_bpfdev.*(refused|WITHOUT)")
