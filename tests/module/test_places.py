# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Where a login may be found, and in which of these places nothing is touched."""

import pytest

import scratch
from test_open import ALLOWED, DENIED, SCOPE
from test_policy_files import refusal

CRON = "system.slice/cron.service"
POLICY = "alice deny c 1:5\nbob deny c 1:7\n"

# Cgroups that are no session's: none of them may be filtered, for it is not one user's.
NO_SESSIONS = [
    CRON, "user.slice", "user.slice/user-1000.slice", "user.slice/user-1000.slice/session-.scope",
    "user.slice/user-1000.slice/session-1.service", "user.slice/user-1000.slice/user@1001.service",
    "user.slice/user-01000.slice/session-1.scope", "user.slice/user-1000.slice/tmux-spawn-1.scope",
    "user.slice/session-1.scope", "machine.slice/user-1000.slice/session-1.scope",
    "user.slice/x.slice/user.slice/user-1000.slice/session-1.scope",
]


@pytest.mark.parametrize("place", NO_SESSIONS)
def test_rules_without_a_session_are_refused(login, tree, world, place):
    folder = tree.make(place)
    alice = login(cgroup=folder)
    assert alice.open() == "PAM_SESSION_ERR"
    (text,) = world.log.texts()
    assert text.startswith(refusal("alice", f"cgroup /{folder.relative_to(scratch.mount_point())} is not a login"))
    assert "pam_systemd must come before pam_bpfdev" in text and "nosession=ignore" in text
    assert tree.filters() == {} and alice.opens("/dev/zero") == ALLOWED


def test_session_that_logind_could_not_make(login, tree, world):
    assert login(cgroup=tree.make(CRON)).open() == "PAM_SESSION_ERR"
    (text,) = world.log.texts()
    assert "as it does when logind's SessionsMax is reached" in text
    world.log.clear()
    full = "mount -t tmpfs -o size=4k tmpfs /run && ! dd if=/dev/urandom of=/run/fill bs=4k count=9 2>&-"
    assert login(cgroup=tree.make(CRON), inside=full).open() == "PAM_SESSION_ERR"
    (text,) = world.log.texts()
    assert "as it does when /run is full, which it is now" in text


def test_nosession_ignore_lets_jobs_run(login, tree, world):
    world.service("alone", "nosession=ignore")
    alice = login(cgroup=tree.make(CRON))
    assert alice.open() == "PAM_IGNORE"
    (entry,) = world.log.entries()
    assert entry.priority == "notice" and entry.text.startswith("alice runs WITHOUT device rules (nosession=ignore)")
    assert tree.filters() == {} and alice.close() == "PAM_IGNORE"


def test_nosession_deny_is_the_default(login, tree, world):
    world.service("alone", "nosession=ignore nosession=deny")
    assert login(cgroup=tree.make(CRON)).open() == "PAM_SESSION_ERR"


def test_nosession_does_not_matter_in_a_session(login, tree, world):
    world.service("alone", "nosession=ignore")
    assert login().open() == "PAM_SUCCESS" and tree.filters() == {SCOPE: 1}


def test_nosession_ignore_does_not_forgive_mistakes(login, tree, world):
    world.service("alone", "nosession=ignore")
    world.policy("alice nonsense\n")
    assert login(cgroup=tree.make(CRON)).open() == "PAM_SESSION_ERR"


def path_of(folder):
    """As /proc/self/cgroup has it."""
    return f"/{folder.relative_to(scratch.mount_point())}"


@pytest.fixture
def job(tree, world):
    """A job's cgroup, as Slurm has it, and one further in; cgroups of jobs are to be left alone."""
    folder = tree.make("system.slice/n1_slurmstepd.scope/job_7")
    world.service("alone", f"nosession=ignore:/nowhere,{path_of(folder.parent.parent)}/*slurmstepd.scope/job_*")
    return folder, tree.make("system.slice/n1_slurmstepd.scope/job_7/step_extern/user/task_special")


def test_a_job_that_somebody_filters_is_left_alone(login, tree, world, job, foreign_program):
    folder, task = job
    foreign_program(folder, "Slurm_Cgroup_v2")
    alice = login(cgroup=task)
    assert alice.open() == "PAM_IGNORE"
    (entry,) = world.log.entries()
    assert entry.priority == "info"
    assert entry.text.startswith(f"alice has the limits of cgroup {path_of(task)} and no device rules (nosession=ignore:/")
    assert len(scratch.programs(folder)) == 1 and scratch.programs(task) == []
    assert alice.close() == "PAM_IGNORE" and len(scratch.programs(folder)) == 1


def test_what_nobody_filters_is_not_left_alone(login, world, job, foreign_program):
    """A program of the container's that the batch system is in, or of its service, is not about jobs."""
    foreign_program(job[0].parent)
    alice = login(cgroup=job[1])
    assert alice.open() == "PAM_SESSION_ERR"
    (text,) = world.log.texts()
    assert text.startswith(refusal("alice", f"cgroup {path_of(job[1])} is to be left alone (nosession=ignore:/"))
    assert "nobody filters it: no device program is on it, or above it as far as the pattern fits" in text and "ConstrainDevices" in text


def test_nothing_but_jobs_is_left_alone(login, tree, world, job, foreign_program):
    daemon = tree.make("system.slice/n1_slurmstepd.scope/system")
    foreign_program(daemon.parent)
    for place in (daemon, daemon.parent, tree.make(CRON), tree.make("user.slice/user-1000.slice/job_7")):
        world.log.clear()
        assert login(cgroup=place).open() == "PAM_SESSION_ERR"
        (text,) = world.log.texts()
        assert f"cgroup {path_of(place)} is not a login session's" in text


def test_no_pattern_is_about_user_slice(login, tree, world, foreign_program):
    """Such as a manager could make, were it not found to be in a manager before."""
    place = tree.make("user.slice/user-1000.slice/job_7")
    foreign_program(place)
    world.service("alone", f"nosession=ignore:{path_of(place.parent.parent.parent)}/*/*/job_*")
    assert login(cgroup=place).open() == "PAM_SESSION_ERR"
    (text,) = world.log.texts()
    assert f"cgroup {path_of(place)} is not a login session's" in text


@pytest.mark.parametrize("pattern", ["", "system.slice", "/*", "/a/..", "/user.slice/*", "/a,"])
def test_a_mistake_in_a_pattern_leaves_nothing_alone(login, tree, world, pattern):
    world.service("alone", f"nosession=ignore nosession=ignore:{pattern}")
    assert login(cgroup=tree.make(CRON)).open() == "PAM_SESSION_ERR"
    mistake, refused = world.log.entries()
    assert mistake.priority == "err"
    assert mistake.text.startswith(f'argument "nosession=ignore:{pattern}" is taken for nosession=deny: pattern "')
    assert "is not a login session's" in refused.text


def test_who_has_no_rules_needs_no_limit_either(login, world, job):
    world.policy("bob deny *\n")
    assert login(cgroup=job[1]).open() == "PAM_IGNORE" and world.log.entries() == []


def test_without_rules_no_session_is_needed(login, tree, world):
    world.policy("bob deny *\nalice exempt\n* deny c 1:5 r remote\n")
    assert login(cgroup=tree.make(CRON)).open() == "PAM_IGNORE"
    world.policy("bob deny *\n")
    assert login("carol", cgroup=tree.make(CRON)).open() == "PAM_IGNORE"
    assert world.log.entries() == [] and tree.filters() == {}


def test_conditions_are_no_way_out_by_a_job(login, tree, world):
    """A session that is restricted could hand in a job, which is not in that session."""
    world.policy("alice deny * rwm remote\n")
    assert login(cgroup=tree.make(CRON)).open() == "PAM_SESSION_ERR"
    world.policy("alice deny * rwm remote\nalice exempt local\n")
    assert login(cgroup=tree.make(CRON)).open() == "PAM_SESSION_ERR"


def test_jobs_may_be_exempt_by_service(login, tree, world):
    world.policy("alice deny * rwm remote\nalice exempt service=alone\n")
    assert login(cgroup=tree.make(CRON)).open() == "PAM_IGNORE"


def test_root_needs_no_session(login, tree, world):
    world.policy("root deny c 1:5\n")
    assert login("root", cgroup=tree.make(CRON)).open() == "PAM_IGNORE"
    (text,) = world.log.texts()
    assert text.startswith("root is let in WITHOUT device rules (root is never locked out): cgroup /")


@pytest.mark.parametrize("place", [SCOPE, "user.slice/user-1000.slice/user@1000.service",
                                   "user.slice/user-1000.slice/user@1000.service/app.slice/run-1.service"])
def test_another_users_session_is_left_alone(login, tree, world, place):
    world.policy(POLICY)
    bob = login("bob", cgroup=tree.make(place))
    assert (bob.open(), bob.close()) == ("PAM_IGNORE", "PAM_IGNORE")
    assert tree.filters() == {}
    unit = place.split("/")[2]
    assert world.log.entries() == \
        [("notice", f"bob runs WITHOUT device rules: {unit} is another user's and has no filter")]


def test_su_to_another_user_keeps_the_outer_rules(login, tree, world):
    world.policy(POLICY)
    alice, bob = login(), login("bob")
    assert (alice.open(), bob.open()) == ("PAM_SUCCESS", "PAM_IGNORE")
    before = scratch.programs(tree.scope())
    assert bob.opens("/dev/zero") == DENIED and bob.opens("/dev/full") == ALLOWED
    bob.close()
    bob.kill()
    assert scratch.programs(tree.scope()) == before


def test_su_to_root_keeps_the_outer_rules(login, tree, world):
    world.policy(POLICY + "root deny c 1:9\n")
    alice, root = login(), login("root")
    assert (alice.open(), root.open()) == ("PAM_SUCCESS", "PAM_IGNORE")
    assert root.opens("/dev/zero") == DENIED and root.opens("/dev/urandom") == ALLOWED
    assert tree.filters() == {SCOPE: 1}


def test_broken_policy_does_not_stop_su(login, tree, world):
    """The session's filter is there already, and stays whatever the policy says by now."""
    login().open()
    world.policy("nonsense\n")
    assert login("bob").open() == "PAM_IGNORE"
    assert login().open() == "PAM_IGNORE"
    assert tree.filters() == {SCOPE: 1} and world.log.entries()[1:] == []


def test_a_path_that_a_user_can_make_is_not_believed(login, tree, world):
    """alice's manager may make any cgroup below its own: only the first user.slice is systemd's."""
    world.policy(POLICY)
    forged = "user.slice/user-1000.slice/user@1000.service/user.slice/user-1001.slice/session-2.scope"
    bob = login("bob", cgroup=tree.make(forged))
    assert bob.open() == "PAM_IGNORE" and tree.filters() == {}
    assert login(cgroup=tree.make(forged)).open() == "PAM_SUCCESS"
    assert tree.filters() == {"user.slice/user-1000.slice/user@1000.service": 1}


def test_scope_below_the_own_scope_is_the_own_scope(login, tree):
    inner = tree.make(SCOPE + "/user.slice/user-1000.slice/session-2.scope")
    assert login(cgroup=inner).open() == "PAM_SUCCESS"
    assert tree.filters() == {SCOPE: 1}
