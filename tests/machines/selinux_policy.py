# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What SELinux denies on a machine, and what a policy allows."""

import re
import subprocess
from typing import NamedTuple

from administration import TOP

MODULE = TOP / "build/selinux/pam_bpfdev.pp"
# Who does what the module does, or runs the command, by the names of processes.
OURS = re.compile(r"sshd|login|su|sudo|cron|atd|bpfdev|polkitd|\(systemd\)|systemd|\(?udev-worker\)?|systemd-udevd")
DENIED = re.compile(r"avc:  denied  \{ (?P<what>[^}]*) \} for .*?comm=\"(?P<who>[^\"]*)\".* scontext=(?P<source>\S+) "
                    r"tcontext=(?P<target>\S+) tclass=(?P<kind>\S+)")


class Denial(NamedTuple):
    """One that the kernel logged: the name of the process, its domain, and what it may not do to what."""

    who: str
    domain: str
    what: str
    kind: str
    target: str


def _type_of(context):
    return context.split(":")[2]


def denials(machine):
    """What was denied since mark_journal() to processes that do what is ours, and whatever is about us in another way."""
    found = []
    for line in machine.journal("avc:  denied"):
        match = DENIED.search(line)
        # Keys, and users' folders in /run, are what other modules of PAM are about.
        if not match or match["kind"] == "key" or "user_runtime" in match["target"]:
            continue
        if OURS.fullmatch(match["who"].partition("-session")[0]) or "pam_bpfdev" in line or match["kind"] == "bpf":
            found.append(Denial(match["who"], _type_of(match["source"]), match["what"].strip(), match["kind"],
                                _type_of(match["target"])))
    return found


def load(machine, more):
    """Does in the machine what `make install-selinux` does there. more: another module, in CIL."""
    subprocess.run(["make", "-s", "-C", str(TOP), "selinux"], check=True)
    machine.push(MODULE, "/root/pam_bpfdev.pp")
    machine.write_file("/root/more.cil", more)
    machine.run("semodule -i /root/pam_bpfdev.pp /root/more.cil && restorecon -RFi /run/pam_bpfdev /run/bpfdev-ask.socket", timeout=900)


class Policy:
    """A policy in the form that the kernel takes."""

    def __init__(self, path):
        self._path = path

    def _ask(self, *command):
        told = subprocess.run([*command, self._path], check=True, capture_output=True, encoding="utf-8").stdout
        return [line.strip() for line in told.splitlines() if line.strip()]

    def rules(self):
        """All that is allowed to anybody: a set of lines."""
        return {line for line in self._ask("sesearch", "--allow") if line.startswith("allow ")}

    def members(self, attribute):
        """The types that have an attribute."""
        return set(self._ask("seinfo", "--flat", "-x", "-a", attribute)[1:]) - {f"attribute {attribute};"}
