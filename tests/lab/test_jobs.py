# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Jobs of at and cron run in the daemon's cgroup, where no filter can be: they are refused, or let run unfiltered."""

import pytest

import cgroups
from verbs import ALLOWED, FUSE, PROBE, RULES, equipped, ours, told


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def run_jobs(box, user):
    """Hands in a job by at and one by cron, and lets cron think that the machine has just booted."""
    home = f"/home/{user}"
    box.run(f"rm -f {home}/by-at {home}/by-cron; echo '{PROBE} >by-at' | (cd {home}; at now)", user=user)
    box.run(f"(echo '@reboot {PROBE} >by-cron') | crontab -; true", user=user)
    box.run("rm -f /run/crond.reboot; systemctl reset-failed cron; systemctl restart cron")


def refusal(box, daemon, output):
    """What the log says of a job once the daemon is done with it; nothing if the job ran."""
    said = rf"pam_bpfdev\({daemon}:session\): alice is refused"
    box.wait_for(lambda: box.journal(said) or box.path(output).exists(), f"{daemon} has started or refused the job")
    box.wait_for(lambda: len(cgroups.pids(box.cgroup / f"system.slice/{daemon}.service")) == 1, f"{daemon} is done")
    return "" if box.path(output).exists() else box.journal(said)[0]


@pytest.mark.parametrize("rules", [RULES, f"alice deny {FUSE} rwm remote\n"], ids=["always", "remote"])
def test_jobs_of_at_and_cron_do_not_run(box, rules):
    box.policy(rules)
    run_jobs(box, "alice")
    for daemon, output in (("atd", "/home/alice/by-at"), ("cron", "/home/alice/by-cron")):
        line = refusal(box, daemon, output)
        assert f"cgroup /system.slice/{daemon}.service is not" in line and "pam_systemd must come before" in line
    run_jobs(box, "bob")
    assert [told(box, f"/home/bob/by-{by}") for by in ("at", "cron")] == [ALLOWED, ALLOWED]


def test_jobs_run_where_the_administrator_lets_them(box):
    box.configure_pam("nosession=ignore")
    box.policy(RULES)
    run_jobs(box, "alice")
    assert [told(box, f"/home/alice/by-{by}") for by in ("at", "cron")] == [ALLOWED, ALLOWED]
    assert len(box.journal(r"alice runs WITHOUT device rules \(nosession=ignore\)")) == 2
    assert ours(box) == {}
