# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Reading what bpfdev status prints."""

import json
import re

COMMAND = "/usr/local/sbin/bpfdev status"
NONE = "no session has device rules in force"
ONE = "1 session with device rules in force"


def facts(box, arguments=""):
    """What the JSON says."""
    return json.loads(box.run(f"{COMMAND} --json {arguments}").stdout)


def cells(heading, line):
    """The cells of one line: each begins below its heading."""
    starts = [match.start() for match in re.finditer(r"\S+", heading)]
    return [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]


def parsed(text):
    """As table() returns it."""
    heading, *lines = text.splitlines()
    if not heading.startswith("SESSION"):
        return [], [heading, *lines]
    rows = []
    while lines and not re.match(r"session |\S+ of |\d+ session|no session|\S+ runs|$", lines[0]):
        rows.append(dict(zip(heading.split(), cells(heading, lines.pop(0)))))
    return rows, lines


def table(box, arguments=""):
    """The rows as dictionaries by the headings, and the lines behind them."""
    return parsed(box.run(f"{COMMAND} {arguments}").stdout)


def by_session(rows):
    """Sessions and policies only."""
    return {row["SESSION"]: row["POLICY"] for row in rows}


def state(box):
    """The state of the one manager in the JSON."""
    (manager,) = facts(box)["managers"]
    return manager["state"]
