# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the tests of bpfdev reload share: policies, the command, what it says and what it logs."""

import json
import re

FIRST = "@students allow *\n@students deny c 510:1\n"  # three rules, for "*" is two
SECOND = "@students allow *\n@students deny c 510:2\n@students deny c 510:3\n"
EVERYBODY = "* allow *\n* deny c 510:{}\n"
UNFILTERED = "{} without device rules; --all gives them those that the policy has for them\n"
NOBODY = "no open session has device rules\n"


def reload(machine, arguments="", prefix="", user=None):
    """What the command says: exit status, standard output, standard error. prefix: what starts it."""
    result = machine.run(f"{prefix} bpfdev reload {arguments}", user, check=False)
    return result.returncode, result.stdout, result.stderr


def told(machine, arguments="", status=0):
    """What it says as JSON: {session: fields}."""
    result = machine.run(f"bpfdev reload --json {arguments}", check=False)
    assert result.returncode == status, result.stderr
    return {f"{entry['user']} {entry['session']}": entry for entry in json.loads(result.stdout)["sessions"]}


def results(machine, arguments="", status=0):
    return {name: entry["result"] for name, entry in told(machine, arguments, status).items()}


def table(*rows):
    """The rows below their headings, as the command aligns them."""
    rows = (("SESSION", "USER", "RESULT"), *rows)
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return "".join(f"{row[0]:{widths[0]}} {row[1]:{widths[1]}} {row[2]}\n" for row in rows)


def logged(machine):
    """What the command has logged."""
    return [re.sub(r".*?bpfdev\[\d+\]: ", "", line) for line in machine.journal(r"bpfdev\[")]


def asker(machine, otherwise="0"):
    """The uid that the log has to name: whoever logged in, where the kernel knows, before they became root."""
    login = machine.run("cat /proc/self/loginuid || echo 4294967295").stdout.strip()
    return otherwise if login == "4294967295" else login


def applied(machine, text):
    return [f"the policy was applied to {text}, asked for by uid {asker(machine)}"]
