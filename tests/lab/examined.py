# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What `bpfdev doctor` says of a machine, for the tests of it."""

import contextlib
import json
import re

from verbs import FUSE

POLICY = f"@students allow *\n@students deny {FUSE} rw remote\n@students deny block-*\n@staff exempt\n* allow *\n* deny block-*\n"
KEYS = {"topic", "level", "subject", "message", "advice"}


@contextlib.contextmanager
def without_sudo(box):
    """Takes back what the lab lets everybody do by sudo, which is a way out, for as long as this lasts."""
    box.run("mv /etc/sudoers.d/lab /root/sudoers.lab")
    try:
        yield
    finally:
        box.run("mv /root/sudoers.lab /etc/sudoers.d/lab")


class Examined:
    """What the doctor says of a machine. Attributes: code, findings (all), lets_out."""

    def __init__(self, box, sudo=False):
        with contextlib.nullcontext() if sudo else without_sudo(box):
            said = box.run("bpfdev doctor --json", check=False)
        assert said.stderr == "", said.stderr
        told = json.loads(said.stdout)
        self.code, self.findings, self.lets_out = said.returncode, told["findings"], told["lets_out"]
        assert all(set(finding) == KEYS for finding in self.findings)
        assert all((finding["advice"] is None) == (finding["level"] == "ok") for finding in self.findings)

    def of(self, *levels):
        """The findings of these levels, as "topic subject: message"."""
        return [f"{finding['topic']} {finding['subject']}: {finding['message']}"
                for finding in self.findings if finding["level"] in levels]

    def all_advice(self):
        """What to do, all of it."""
        return [finding["advice"] for finding in self.findings if finding["advice"]]

    def advice(self, topic):
        """What to do about the first finding of that topic that is not well."""
        return next(finding["advice"] for finding in self.findings if finding["topic"] == topic and finding["advice"])


def assert_well(box):
    """Nothing but notes, of what is so on every Debian."""
    examined = Examined(box)
    assert (examined.code, examined.of("bad", "warn"), examined.lets_out) == (0, [], False)
    assert {finding["subject"] for finding in examined.findings if finding["level"] == "note"} == \
        {"cron", "atd", "runuser-l"}


def assert_only(box, pattern, level="bad", code=1):
    """All that is wrong is what the pattern is found in, at least once. Returns what was said."""
    examined = Examined(box)
    wrong = examined.of("bad", "warn")
    assert wrong and all(re.search(pattern, text) for text in wrong), wrong
    assert wrong == examined.of(level) and (examined.code, examined.lets_out) == (code, code == 1)
    return examined


def line_of(said, fragment):
    (line,) = [line for line in said.splitlines() if fragment in line]
    return line
