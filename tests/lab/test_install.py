# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What `make install` puts in place, what `make uninstall` leaves, and a machine with no policy."""

import subprocess

import pytest

from administration import MODULE, POLICY, TOP
from verbs import ALLOWED, DENIED, PROBE, RULES, equipped, ours

MODULES = "/lib/security"
UNITS = ("bpfdev-monitor.service", "bpfdev-ask.socket", "bpfdev-ask.service")


@pytest.fixture
def box(machine):
    yield from equipped(machine)


def make(target, stage, *variables):
    command = ["make", "--silent", "-C", str(TOP), target, f"DESTDIR={stage}", f"PAMDIR={MODULES}", *variables]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def files(stage):
    found = [path for path in stage.rglob("*") if path.is_file()]
    return {f"/{path.relative_to(stage)}": oct(path.stat().st_mode & 0o7777) for path in found}


def expected(prefix="/usr/local"):
    pages = [f"{prefix}/share/man/man{page.suffix[1:]}/{page.name}" for page in (TOP / "pam_bpfdev").glob("*.[58]")]
    completion = [f"{prefix}/share/bash-completion/completions/bpfdev", f"{prefix}/share/zsh/site-functions/_bpfdev"]
    folder = TOP / "conf/examples"
    examples = {f"{prefix}/share/doc/pam_bpfdev/examples/{path.relative_to(folder)}":
                "0o755" if path.stat().st_mode & 0o100 else "0o644" for path in folder.rglob("*") if path.is_file()}
    plain = [f"{MODULES}/{MODULE}", "/usr/share/pam_bpfdev/classes.conf", *pages, *completion,
             *(f"{prefix}/lib/systemd/system/{unit}" for unit in UNITS), f"{prefix}/lib/udev/rules.d/99-zz-bpfdev.rules",
             "/usr/share/polkit-1/rules.d/60-bpfdev.rules", "/etc/apparmor.d/abstractions/pam_bpfdev"]
    return {**dict.fromkeys(plain, "0o644"), **examples, f"{prefix}/sbin/bpfdev": "0o755", POLICY: "0o600"}


def test_install_and_uninstall(tmp_path):
    make("install", tmp_path)
    assert files(tmp_path) == expected()
    assert (tmp_path / "etc/security/bpfdev.d").stat().st_mode & 0o7777 == 0o700
    make("uninstall", tmp_path)
    assert set(files(tmp_path)) == {POLICY}
    make("uninstall", tmp_path)


def test_install_into_another_prefix(tmp_path):
    make("install", tmp_path, "PREFIX=/usr")
    assert files(tmp_path) == expected("/usr")


def test_policy_and_drop_ins_of_the_administrator_stay(tmp_path):
    make("install", tmp_path)
    policy, drop_in = tmp_path / POLICY[1:], tmp_path / "etc/security/bpfdev.d/mine.conf"
    for file in (policy, drop_in):
        file.write_text("# mine\n", encoding="utf-8")
    make("install", tmp_path)
    make("uninstall", tmp_path)
    assert policy.read_text(encoding="utf-8") == drop_in.read_text(encoding="utf-8") == "# mine\n"


def test_policy_that_ships_says_nothing_of_anybody(box):
    box.policy((TOP / "conf/bpfdev.conf").read_text(encoding="utf-8"))
    with box.ssh_session("alice") as session:
        assert session.run(PROBE).stdout.strip() == ALLOWED
        assert ours(box) == {}


def test_without_any_policy_everybody_logs_in_as_before(box):
    box.run(f"rm -f {POLICY}")
    for user in ("alice", "bob", "root"):
        assert box.ssh(user, PROBE).stdout.strip() == ALLOWED
    with box.console_login("kiosk") as session:
        assert session.run(PROBE).stdout.strip() == ALLOWED
        assert ours(box) == {}
    assert not box.journal("pam_bpfdev")


def test_taken_out_of_pam_and_uninstalled(box):
    box.policy(RULES)
    assert box.ssh("alice", PROBE).stdout.strip() == DENIED
    box.configure_pam(control="")
    folder = box.run(f"dirname $(find /usr/lib /lib -name {MODULE} | head -n 1)").stdout.strip()
    box.run(f"mv {folder}/{MODULE} /root")
    try:
        for user in ("alice", "root"):
            assert box.ssh(user, PROBE).stdout.strip() == ALLOWED
        with box.console_login("alice") as session:
            assert session.run(PROBE).stdout.strip() == ALLOWED
        assert box.read_file(POLICY) == RULES
    finally:
        box.run(f"mv /root/{MODULE} {folder}")
