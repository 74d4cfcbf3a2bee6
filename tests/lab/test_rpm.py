# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The RPM package: built from the tarball, installed on a machine, used, and taken away again.

The machine is Debian's: no tree of a distribution that uses RPM can be had from Debian's archive. rpm in it is the host's,
which is of the same Debian. What RPM's systemd macros do there, some lines of ours do here.
"""

import re
import shutil
import subprocess

import pytest

from administration import TOP
from conftest import cannot_run
from suites import one_suite
from verbs import DENIED, RULES, equipped, tried

pytestmark = one_suite

MACROS = {"_unitdir": "/usr/lib/systemd/system", "dist": ".lab", "_sbindir": "/usr/sbin",
          "systemd_post()": "systemctl --no-reload preset %* || :",
          "systemd_preun()": "[ $1 -ne 0 ] || systemctl --no-reload disable %* || :",
          "systemd_postun_with_restart()": ":"}
PLACES = "/etc /usr /var/lib/systemd"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The path of the package, built as the spec file says but for its tests, which run elsewhere."""
    if not shutil.which("rpmbuild"):
        cannot_run("rpmbuild is not installed")
    top = tmp_path_factory.mktemp("rpmbuild")
    subprocess.run(["make", "-s", "-C", TOP, "tarball", f"BUILD={top}/tarball"], check=True)
    libraries = subprocess.run(["cc", "-print-multiarch"], check=True, capture_output=True, text=True).stdout.strip()
    macros = {**MACROS, "_topdir": top, "_sourcedir": top / "tarball", "_libdir": f"/usr/lib/{libraries}"}
    defined = [word for name, text in macros.items() for word in ("--define", f"{name} {text}")]
    built = subprocess.run(["rpmbuild", "-bb", "--nodeps", "--nocheck", "--without", "selinux", *defined, TOP / "conf/rpm/pam_bpfdev.spec"],
                           capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (path,) = (path for path in top.glob("RPMS/*/pam_bpfdev-0*.rpm"))
    return path


@pytest.fixture
def box(lab):
    """A machine without the module."""
    with lab() as machine:
        machine.add_user("alice", 1000, ("students",))
        yield from equipped(machine)


def give_rpm(box):
    """Copies the host's rpm into the machine, with what it needs and the machine does not have."""
    tool = shutil.which("rpm")
    linked = subprocess.run(["ldd", tool], check=True, capture_output=True, text=True).stdout
    needed = [tool, f"{tool}db", "/usr/lib/rpm", *re.findall(r"=> (/\S+)", linked)]
    with subprocess.Popen(["tar", "-P", "-h", "-c", *needed], stdout=subprocess.PIPE) as packed:
        unpacking = box.spawn(["tar", "-P", "-x", "--skip-old-files", "--keep-directory-symlink"], stdin=packed.stdout)
        assert unpacking.wait() == 0
    box.run("mkdir -p /var/lib/rpm && rpm --dbpath /var/lib/rpm --initdb")


def rpm(box, arguments, check=True):
    """Runs rpm on the machine. Returns its CompletedProcess."""
    return box.run(f"rpm --dbpath /var/lib/rpm {arguments}", check=check)


def files(box):
    """All files below PLACES, but for rpm's own and those that the tests write. Folders are another package's on such systems."""
    return set(box.run(f"find {PLACES} -xdev ! -type d ! -path '*/rpm/*' ! -path '*/__pycache__*' ! -path '/etc/pam.d*'").stdout.split("\n"))


def test_installed_used_and_taken_away(box, package):
    # As on distributions that use RPM, where an administrator enables what is to run.
    box.write_file("/usr/lib/systemd/system-preset/99-default-disable.preset", "disable *\n")
    give_rpm(box)
    shutil.copy(package, box.path("/root/package.rpm"))
    before = files(box)
    rpm(box, "--nodeps --install /root/package.rpm")
    listed = rpm(box, "--query --list pam_bpfdev").stdout.split("\n")
    owned = {line for line in listed if line}
    assert files(box) - before <= owned
    assert not rpm(box, "--verify --nodeps pam_bpfdev").stdout
    assert box.run("systemctl is-enabled bpfdev-ask.socket", check=False).stdout == "disabled\n"
    (enable,) = re.findall("^    (systemctl enable .*?) +# run$", (TOP / "conf/rpm/README.PAM").read_text(), re.M)
    box.run(f"systemctl daemon-reload && {enable}")
    box.configure_pam()
    box.policy(RULES)
    with box.ssh_session("alice") as session:
        assert tried(session) == DENIED

    refused = rpm(box, "--erase pam_bpfdev", check=False)
    assert refused.returncode and "pam_bpfdev is not removed: these lines would then refuse every login" in refused.stderr
    with box.ssh_session("alice") as session:
        assert tried(session) == DENIED
    box.configure_pam(control="")
    rpm(box, "--erase pam_bpfdev")
    assert files(box) - before == {"/etc/security/bpfdev.conf.rpmsave"}
    with box.ssh_session("alice") as session:
        assert "EPERM" not in tried(session)
