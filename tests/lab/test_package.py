# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The Debian package on a machine of each suite, from the first installation to the last file: at each step, people log in.

It is built on the suite (see debs.py) and installed by apt. Each test says in which state it needs the machine.
"""

import contextlib

import pytest

import debs
from administration import MODULE, POLICY, TOP
from conftest import cannot_run
from packaging import Logins, apt, download, freshen, lines_in_stacks, older, version
from roots import RootError
from suites import every_suite
from verbs import ALLOWED, DENIED, FORBIDDEN, PROBE, RULES, by_manager, changed_file, equip, equipped, ours

pytestmark = every_suite

LINE = f"session required {MODULE}"
FOLDER = "/etc/security/bpfdev.d"
TIMERS = "systemctl list-units --all --no-legend 'bpfdev-revoke-*'"
MONITOR = "systemctl show -P MainPID bpfdev-monitor"


@pytest.fixture(scope="module")
def fresh_machine(bare_machine, suite, tmp_path_factory):
    """A machine with three packages downloaded. new: as built on this suite; old, reworded: see packaging.older()."""
    try:
        new = debs.package(debs.built(suite))
    except RootError as error:
        cannot_run(str(error))
    machine = equip(freshen(bare_machine))
    machine.new = download(machine, new)
    folder = tmp_path_factory.mktemp("old")
    machine.old = download(machine, older(new, folder))
    reworded = older(new, folder, lambda files: (files / POLICY[1:]).write_text("# Other words.\n", encoding="utf-8"))
    machine.reworded = download(machine, reworded.rename(folder / "reworded.deb"))
    return machine


@pytest.fixture
def machine(fresh_machine):
    """That machine, with nobody logged in and a log that begins now."""
    fresh_machine.mark_journal()
    yield from equipped(fresh_machine)
    fresh_machine.log_out_everybody()


@pytest.fixture
def absent(machine):
    """Without the package, and without its policy."""
    if machine.run("dpkg-query -s libpam-bpfdev", check=False).returncode == 0:
        apt(machine, "purge -y libpam-bpfdev")
    return machine


@pytest.fixture
def installed(machine):
    """With the package, and RULES for alice."""
    if not version(machine):
        apt(machine, f"install -y {machine.new}")
    machine.policy(RULES)
    return machine


@pytest.fixture
def outdated(absent):
    """With the older package, and RULES for alice."""
    apt(absent, f"install -y {absent.old}")
    absent.policy(RULES)
    return absent


def at_console(machine, user="alice"):
    with machine.console_login(user) as session:
        return session.run(PROBE).stdout.strip()


def everybody_logs_in(machine, alice):
    """alice: what alice's probe is to say. Nobody else has rules."""
    said = {user: machine.ssh(user, PROBE).stdout.strip() for user in ("alice", "bob", "root")}
    assert said == {"alice": alice, "bob": ALLOWED, "root": ALLOWED}
    assert at_console(machine) == alice and at_console(machine, "root") == ALLOWED


def stat(machine, path):
    return machine.run(["stat", "-c", "%a %U:%G", path]).stdout.strip()


def modules(machine):
    return machine.run(f"find /usr/lib -name {MODULE}").stdout.split()


def test_installation_changes_nothing_for_anybody(absent):
    with absent.ssh_session("alice") as session:
        apt(absent, f"install -y {absent.new}")
        assert session.run(PROBE).stdout.strip() == ALLOWED
    assert version(absent) == "0.1.0" and not absent.run("dpkg --audit").stdout
    assert stat(absent, POLICY) == "600 root:root" and stat(absent, FOLDER) == "700 root:root"
    everybody_logs_in(absent, ALLOWED)
    assert ours(absent) == {}
    assert not absent.journal("pam_bpfdev")


def test_it_is_configured(installed):
    assert lines_in_stacks(installed) == [LINE, LINE]
    installed.policy("")
    script = (TOP / "debian/tests/configured").read_text(encoding="utf-8")
    said = installed.run(["sh", "-euc", script]).stdout
    assert said.endswith("bpfdev 0.1.0 is configured\n")
    assert not [line for line in said.splitlines() if line.startswith(("bad", "warn"))]


def test_monitor_is_off_until_enabled(installed):
    assert installed.run("systemctl is-enabled bpfdev-monitor", check=False).stdout == "disabled\n"
    assert installed.run("systemctl is-active bpfdev-monitor", check=False).stdout == "inactive\n"


def test_services_can_ask(installed):
    """polkit's rule is there, and so is who answers."""
    assert installed.run("systemctl is-enabled bpfdev-ask.socket").stdout == "enabled\n"
    assert installed.run("systemctl is-active bpfdev-ask.socket").stdout == "active\n"
    assert installed.run("bpfdev ask --by=udisks2 1 rw c 1:3").stdout == "no opinion\n"
    assert installed.run("test -e /usr/share/polkit-1/rules.d/60-bpfdev.rules").returncode == 0


def test_it_filters(installed):
    everybody_logs_in(installed, DENIED)
    with installed.ssh_session("alice") as session:
        assert by_manager(session) == DENIED
        assert session.run("sudo -n true").returncode == 0


def test_upgrade(outdated):
    """The policy stays in force, for who is logged in and for who logs in meanwhile; so do changed options."""
    outdated.run(["sed", "-i", f"s/{MODULE}.*/{MODULE} nosession=ignore/", "/etc/pam.d/common-session-noninteractive"])
    outdated.run("systemctl start bpfdev-monitor")
    monitor = outdated.run(MONITOR).stdout
    (module,) = modules(outdated)
    with outdated.ssh_session("alice") as session:
        outdated.run(f"bpfdev allow alice {FORBIDDEN} --for 1h")
        before = ours(outdated)[session.cgroup]
        with watched(outdated, module) as missing, Logins(outdated) as logins:
            apt(outdated, f"install -y {outdated.new}")
            logins.more()
        assert set(logins.said) == {DENIED}
        assert not missing()
        assert ours(outdated)[session.cgroup] == before
        assert session.run(PROBE).stdout.strip() == ALLOWED
        outdated.run("bpfdev revoke alice")
        assert session.run(PROBE).stdout.strip() == DENIED
    assert version(outdated) == "0.1.0" and modules(outdated) == [module]
    assert outdated.run(["tail", "-c", "5", module]).stdout != "older"
    assert outdated.run(MONITOR).stdout not in (monitor, "0\n")
    assert outdated.read_file(POLICY) == RULES
    assert lines_in_stacks(outdated) == [LINE, f"{LINE} nosession=ignore"]
    everybody_logs_in(outdated, DENIED)


@contextlib.contextmanager
def watched(machine, path):
    """Looks all the time whether the file is there. Gives a function that says whether it once was not."""
    script = f"while [ -e /run/watching ]; do [ -e {path} ] || {{ echo missing; exit; }}; done"
    machine.run("touch /run/watching")
    watcher = machine.spawn(script, stdout=-1)
    try:
        yield lambda: watcher.stdout.read()
    finally:
        machine.run("rm -f /run/watching")
        watcher.wait()


def test_upgrade_brings_other_words_only_into_an_untouched_policy_file(absent):
    apt(absent, f"install -y {absent.reworded}")
    apt(absent, f"install -y {absent.new}")
    assert absent.read_file(POLICY) == (TOP / "conf/bpfdev.conf").read_text(encoding="utf-8")
    apt(absent, "purge -y libpam-bpfdev")
    apt(absent, f"install -y {absent.reworded}")
    absent.policy(RULES)
    apt(absent, f"install -y -o Dpkg::Options::=--force-confold {absent.new}")
    assert absent.read_file(POLICY) == RULES
    everybody_logs_in(absent, DENIED)


def test_removal(installed):
    """Nobody is freed, nobody is locked out, and what will be is said."""
    installed.run("systemctl enable --now bpfdev-monitor")
    with installed.ssh_session("alice") as session:
        installed.run(f"bpfdev allow alice {FORBIDDEN} --for 1h")
        with Logins(installed) as logins:
            said = apt(installed, "remove -y libpam-bpfdev").stdout
            logins.more()
        assert set(logins.said) == {DENIED, ALLOWED} and logins.said[-1] == ALLOWED
        assert f"alice may no longer use {FORBIDDEN} in session {session.id}\n" in said
        assert "Device rules stay in force for sessions and user managers that are open, until they end:\n" in said
        assert f"\n{session.id} " in said
        assert session.run(PROBE).stdout.strip() == by_manager(session) == DENIED
        assert not installed.run(TIMERS).stdout
    assert installed.run(MONITOR).stdout == "0\n"
    assert not modules(installed) and not lines_in_stacks(installed)
    installed.run("test ! -e /usr/share/polkit-1/rules.d/60-bpfdev.rules -a ! -e /run/bpfdev-ask.socket")
    assert installed.read_file(POLICY) == RULES
    everybody_logs_in(installed, ALLOWED)


def test_reinstallation_brings_the_policy_back_into_force(installed):
    apt(installed, "remove -y libpam-bpfdev")
    apt(installed, f"install -y {installed.new}")
    assert lines_in_stacks(installed) == [LINE, LINE]
    everybody_logs_in(installed, DENIED)
    apt(installed, f"install --reinstall -y {installed.new}")
    assert lines_in_stacks(installed) == [LINE, LINE]
    everybody_logs_in(installed, DENIED)


def abandon_stacks(machine):
    """A line among pam-auth-update's own, for which it gives the files up."""
    return changed_file(machine, "/etc/pam.d/common-session", machine.read_file("/etc/pam.d/common-session").replace(
        "session\trequired\tpam_unix.so", "session\toptional\tpam_echo.so\nsession\trequired\tpam_unix.so"))


def name_in_sshd(machine):
    return changed_file(machine, "/etc/pam.d/sshd", f"{machine.read_file('/etc/pam.d/sshd')}-{LINE}\n")


def name_in_comment(machine):
    return changed_file(machine, "/etc/pam.d/sshd", f"{machine.read_file('/etc/pam.d/sshd')}# {LINE}\n")


@pytest.mark.parametrize("change, where", [(abandon_stacks, "common-session"), (name_in_sshd, "sshd")])
def test_removal_that_would_lock_everybody_out_is_refused(installed, change, where):
    with change(installed):
        refused = apt(installed, "remove -y libpam-bpfdev", check=False)
        assert refused.returncode != 0
        assert "libpam-bpfdev is not removed: these lines would then refuse every login." in refused.stdout
        assert f"  /etc/pam.d/{where}:" in refused.stdout
        assert lines_in_stacks(installed) == [LINE, LINE] and version(installed) == "0.1.0"
        everybody_logs_in(installed, DENIED)
    with name_in_comment(installed):
        apt(installed, "remove -y libpam-bpfdev")


def test_purge(installed):
    installed.write_file(f"{FOLDER}/mine.conf", "# mine\n")
    apt(installed, "purge -y libpam-bpfdev")
    left = installed.run("find / -xdev -name '*bpfdev*' -not -path '/root/*'").stdout.split()
    assert left == [FOLDER]
    assert installed.read_file(f"{FOLDER}/mine.conf") == "# mine\n"
    assert "bpfdev" not in installed.read_file("/var/lib/pam/seen")
    everybody_logs_in(installed, ALLOWED)
    installed.run(f"rm {FOLDER}/mine.conf")
    apt(installed, f"install -y {installed.new}")
    apt(installed, "purge -y libpam-bpfdev")
    assert not installed.run("find / -xdev -name '*bpfdev*' -not -path '/root/*'").stdout
