# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""bpfdev status --prometheus: the numbers of real logins, in a form that Prometheus' own tool takes."""

import pathlib
import re
import subprocess

import pytest

from conftest import cannot_run
from suites import one_suite
from verbs import BY_MANAGER, FUSE, RULES, Waiting, equipped, scope_gone

pytestmark = one_suite

COMMAND = "bpfdev status --prometheus"
FETCH = pathlib.Path(__file__).resolve().parents[1] / "setup" / "promtool"
POLICY = "/etc/security/bpfdev.conf"
SYSTEM = f'bpfdev_policy_mistakes{{path="{POLICY}",conf="false"}}'


@pytest.fixture
def box(machine):
    yield from equipped(machine)


@pytest.fixture(scope="session")
def promtool():
    """The path of Prometheus' promtool."""
    done = subprocess.run([FETCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        cannot_run(f"promtool cannot be had: {done.stderr.strip()}")
    return done.stdout.strip()


def metrics(box):
    """The samples as {series: number}, those that are 0 left out."""
    lines = [line for line in box.run(COMMAND).stdout.splitlines() if not line.startswith("#")]
    found = {series: int(number) for series, number in (line.rsplit(" ", 1) for line in lines)}
    assert len(found) == len(lines)
    return {series: number for series, number in found.items() if number}


def of(box, metric):
    """Those of one metric, by the last of their labels' values."""
    series = {re.fullmatch(rf'{metric}\{{.*="(.*)"\}}', name): number for name, number in metrics(box).items()}
    return {match[1]: number for match, number in series.items() if match}


def test_nobody_is_logged_in(box):
    assert metrics(box) == {}


def test_modes_of_sessions(box):
    box.policy(f"* allow *\n* deny {FUSE}\n@staff audit\ncarol exempt remote\n")
    box.run("useradd -r -m -s /bin/bash robot 2>/dev/null || true")  # a system account, which the lines are not about
    with box.ssh_session("alice"), box.ssh_session("kiosk") as left, box.ssh_session("bob"), box.ssh_session("carol"), \
            box.console_login("carol"), box.ssh_session("robot"):
        waiting = Waiting(left)
        left.close()
        assert of(box, "bpfdev_sessions") == {"enforced": 2, "audit": 1, "unrestricted": 1, "unfiltered": 1, "closed": 1}
        found = metrics(box)
        assert found["bpfdev_filters"] == 5 + 4
        # kiosk's has no session any more that counts.
        assert of(box, "bpfdev_managers") == {"in_line": 3, "base": 1, "unfiltered": 1}
        assert of(box, "bpfdev_session_policies") == {"current": 5}
        waiting.go()
        scope_gone(box, left)


def test_denials(box):
    box.policy(f"* allow *\n* deny {FUSE}\n@staff audit\n")
    before = int(box.run("date +%s").stdout)
    with box.ssh_session("alice") as alice, box.ssh_session("bob") as bob:
        assert of(box, "bpfdev_denials") == of(box, "bpfdev_last_denial_timestamp_seconds") == {}
        alice.run(f"for i in 1 2 3; do : </dev/fuse; done; {BY_MANAGER} cat /dev/fuse")
        bob.run(": </dev/fuse; : </dev/fuse")
        after = int(box.run("date +%s").stdout)
        assert of(box, "bpfdev_denials") == {"refused": 4, "audit": 2}
        times = of(box, "bpfdev_last_denial_timestamp_seconds")
        assert set(times) == {"refused", "audit"} and all(before <= time <= after for time in times.values())


def test_policies(box):
    box.policy(RULES)
    with box.ssh_session("alice"):
        box.policy(f"{RULES}bob audit\n")
        assert of(box, "bpfdev_session_policies") == {"changed": 1} and SYSTEM not in metrics(box)
        box.policy(f"{RULES}alice deni c 1:3\nbob\n")
        assert of(box, "bpfdev_session_policies") == {"broken": 1}
        assert metrics(box)[SYSTEM] == 2


def test_mistakes_are_seen_before_anybody_is_refused(box):
    box.policy("nonsense\n")
    assert metrics(box) == {SYSTEM: 1}


def test_same_file_with_and_without_drop_ins(box):
    box.policy(RULES)
    box.configure_pam(f"conf={POLICY}")
    with box.ssh_session("alice"):
        box.write_file("/etc/security/bpfdev.d/10-more.conf", "nonsense\n")
        assert metrics(box)[SYSTEM] == 1
        assert of(box, "bpfdev_session_policies") == {"current": 1}


def test_managers_and_exceptions(box):
    box.policy(RULES)
    box.run("loginctl enable-linger alice")
    with box.ssh_session("alice"):
        box.run("bpfdev allow alice /dev/fuse --for 1h && bpfdev allow alice c 510:1 --for 1s && systemctl stop bpfdev-*.timer")
        box.wait_for(lambda: of(box, "bpfdev_exceptions") == {"lent": 1, "overdue": 1}, "one exception is over")
        box.configure_pam(control="")
        box.run("systemctl restart user@1000")
        assert of(box, "bpfdev_managers") == {"missing": 1}


def test_promtool_takes_it(box, promtool):
    box.policy(f"* allow *\n* deny {FUSE}\n")
    box.configure_pam('conf=/etc/a"b\\c.conf')
    box.write_file('/etc/a"b\\c.conf', RULES)
    with box.ssh_session("alice") as session:
        session.run(": </dev/fuse")
        said = box.run(COMMAND).stdout
    assert 'path="/etc/a\\"b\\\\c.conf",conf="true"' in said
    checked = subprocess.run([promtool, "check", "metrics"], input=said, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    wrong = said.replace("# TYPE bpfdev_filters gauge", "# TYPE bpfdev_filters counter")
    assert subprocess.run([promtool, "check", "metrics"], input=wrong, capture_output=True, text=True, check=False).returncode


@pytest.mark.parametrize("arguments", ("alice", "--json", "--rules"))
def test_it_is_of_the_whole_machine(box, arguments):
    done = box.run(f"{COMMAND} {arguments}", check=False)
    assert (done.returncode, done.stdout) == (64, "")
    assert "--prometheus goes with no USER, SESSION, --rules or --json" in done.stderr
