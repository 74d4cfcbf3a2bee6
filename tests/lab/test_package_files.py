# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What is in the Debian package, in the tarball of a release and in the spec file, and that both are the same each time."""

import fnmatch
import re
import shutil
import subprocess

import pytest

import debs
from administration import POLICY, TOP
from conftest import cannot_run
from roots import RootError
from suites import every_suite, one_suite

DOCS = "/usr/share/doc/libpam-bpfdev"
ABSTRACTION = "/etc/apparmor.d/abstractions/pam_bpfdev"
ELSEWHERE = "/srv/some/other/folder"


@pytest.fixture(scope="module")
def build(suite, lab):  # pylint: disable=unused-argument
    """A function that gives the folder of a build on the suite: see debs.built()."""
    def built(**how):
        try:
            return debs.built(suite, **how)
        except RootError as error:
            return cannot_run(str(error))

    return built


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8", **options).stdout


def needs(program):
    if not shutil.which(program):
        cannot_run(f"{program} is not installed")


def expected_files(multiarch):
    pages = [f"/usr/share/man/man{page.suffix[1:]}/{page.name}.gz" for page in (TOP / "pam_bpfdev").glob("*.[58]")]
    plain = [f"/usr/lib/{multiarch}/security/pam_bpfdev.so", "/usr/share/pam-configs/bpfdev", *pages,
             "/usr/share/pam_bpfdev/classes.conf", "/usr/share/bash-completion/completions/bpfdev",
             "/usr/share/zsh/vendor-completions/_bpfdev", "/usr/share/lintian/overrides/libpam-bpfdev",
             "/usr/lib/udev/rules.d/99-zz-bpfdev.rules", "/usr/share/polkit-1/rules.d/60-bpfdev.rules", ABSTRACTION,
             *(f"{DOCS}/{name}" for name in ("README.md.gz", "SECURITY.md.gz", "changelog.gz", "copyright"))]
    plain += [f"{DOCS}/selinux/{name}" for name in ("README.md.gz", "pam_bpfdev.te.gz", "pam_bpfdev.fc", "pam_bpfdev.if")]
    folder = TOP / "conf/examples"
    examples = {f"{DOCS}/examples/{path.relative_to(folder)}": "-rwxr-xr-x" if path.stat().st_mode & 0o100 else "-rw-r--r--"
                for path in folder.rglob("*") if path.is_file()}
    return {**dict.fromkeys(plain, "-rw-r--r--"), **examples, "/usr/sbin/bpfdev": "-rwxr-xr-x", POLICY: "-rw-------"}


@every_suite
def test_package(build):
    package = debs.package(build())
    listed = [line.split() for line in output("dpkg-deb", "-c", package).splitlines()]
    assert {fields[1] for fields in listed} == {"root/root"}
    files = {fields[5][1:]: fields[0] for fields in listed if not fields[0].startswith("d")}
    (module,) = (path for path in files if path.endswith("/pam_bpfdev.so"))
    units = [path for path in files if "/systemd/system/" in path]  # not in the same folder on all suites
    assert sorted(path.rpartition("/")[2] for path in units) == [
        "bpfdev-ask.service", "bpfdev-ask.socket", "bpfdev-monitor.service"]
    assert files == {**expected_files(module.split("/")[3]), **dict.fromkeys(units, "-rw-r--r--")}
    assert "drwx------" in [fields[0] for fields in listed if fields[5] == "./etc/security/bpfdev.d/"]
    assert output("dpkg-deb", "-I", package, "conffiles").split() == [ABSTRACTION, POLICY]
    fields = output("dpkg-deb", "-f", package)
    (depends,) = re.findall("^Depends: (.*)", fields, re.M)
    assert [item.split()[0] for item in depends.split(", ")] == [
        "libpam-runtime", "libpam-systemd", "sensible-utils", "libc6", "libjansson4", "libpam0g", "libsmartcols1"]


@one_suite
def test_same_package_from_another_folder(build):
    first, second = debs.package(build()), debs.package(build(folder=ELSEWHERE))
    assert first != second and first.read_bytes() == second.read_bytes()


@one_suite
def test_lintian_has_nothing_to_say(build):
    needs("lintian")
    (changes,) = build().glob("*.changes")
    command = ["lintian", "--allow-root", "-EIL", "+pedantic", "--fail-on", "error,warning,info,pedantic,experimental"]
    assert output(*command, changes) == ""


@pytest.fixture
def checkout(tmp_path):
    """A git repository with one commit of all that is here."""
    subprocess.run(["make", "-s", "-C", TOP, "tarball", f"BUILD={tmp_path}"], check=True)
    (tarball,) = tmp_path.glob("*.tar.gz")
    (tmp_path / "checkout").mkdir()
    subprocess.run(["tar", "-C", tmp_path / "checkout", "--strip-components=1", "-xf", tarball], check=True)
    git(tmp_path / "checkout", "init", "-q")
    commit(tmp_path / "checkout")
    return tmp_path / "checkout"


def git(folder, *arguments):
    return output("git", "-C", folder, "-c", "user.name=me", "-c", "user.email=me@example.org", *arguments)


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")


def dist(folder, umask=0o022, **environment):
    """The tarball that `make dist` makes."""
    output("make", "-s", "-C", folder, "dist", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment}, umask=umask)
    (tarball,) = (folder / "build").glob("pam_bpfdev-*.tar.gz")
    return tarball.read_bytes()


def test_tarball_is_the_same_bytes_whenever_and_wherever(checkout, tmp_path):
    first = dist(checkout, TZ="UTC")
    (checkout / "Makefile").touch()
    (checkout / "tests/run").chmod(0o700)
    (checkout / "build/left-behind").touch()
    assert dist(checkout, umask=0o077, TZ="Asia/Tokyo", LC_ALL="C.UTF-8") == first
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-C", unpacked, "--strip-components=1", "-xz"], input=first, check=True)
    assert dist(unpacked) == first
    names = output("tar", "-tzf", checkout / "build" / next(unpacked.glob("build/*.tar.gz")).name).split()
    assert sorted(name.partition("/")[2] for name in names) == sorted(git(checkout, "ls-files").split())


def test_no_release_of_what_is_not_committed(checkout):
    (checkout / "pam_bpfdev/new.c").touch()
    refused = subprocess.run(["make", "-s", "-C", checkout, "dist"], check=False, capture_output=True, encoding="utf-8")
    assert refused.returncode != 0 and "pam_bpfdev/new.c" in refused.stdout
    assert not list(checkout.glob("build/*.tar.gz"))
    commit(checkout)
    dist(checkout)


def test_spec_file_lists_what_is_installed(tmp_path):
    needs("rpmspec")
    directories = {"_libdir": "/usr/lib64", "_sbindir": "/usr/sbin", "_mandir": "/usr/share/man",
                   "_prefix": "/usr", "_unitdir": "/usr/lib/systemd/system", "_datadir": "/usr/share", "_docdir": "/usr/share/doc",
                   "_sysconfdir": "/etc"}
    defined = [word for name, path in directories.items() for word in ("--define", f"{name} {path}")]
    spec = output("rpmspec", "-P", *defined, TOP / "conf/rpm/pam_bpfdev.spec")
    section = spec.partition("%files\n")[2].partition("%changelog")[0].splitlines()
    listed = [line.split()[-1] for line in section if line and not line.startswith(("%doc", "%license"))]
    (settings,) = re.findall(r"make install .* (PREFIX=.*)", spec)
    output("make", "-s", "-C", TOP, "install", f"DESTDIR={tmp_path}", *settings.split())
    for removed in re.findall(r"^rm -r \S*?(/usr/share/doc/\S+|/etc/\S+)$", spec, re.M):
        shutil.rmtree(f"{tmp_path}{removed}")
    installed = [f"/{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*")
                 if path.is_file() or path.name == "bpfdev.d"]
    unlisted = [path for path in installed
                if not any(fnmatch.fnmatch(path, line) or path.startswith(f"{line}/") for line in listed)]
    assert not unlisted
    missing = [line for line in listed if not any(fnmatch.fnmatch(path, line) or path.startswith(f"{line}/")
                                                  for path in installed)]
    assert not missing
