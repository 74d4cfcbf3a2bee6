# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Transcripts in the manual and the README: commands and what they print, to be run again and compared.

In a manual page the line before a display is

    .\\" transcript: NAME

and in a Markdown file the line before a fenced block is

    <!-- transcript: NAME -->

A line that begins with "# " or "$ " is a command, run as root or as a user; what follows it is its output. Where the
first line begins with "root# ", root's commands do, so that lines with "# " are output, such as comments of a policy.
"""

import re


def _manual(text, mark="transcript:"):
    for name, body in re.findall(rf'^\.\\" {mark} (\S+)\n\.Bd [^\n]*\n(.*?)^\.Ed', text, re.M | re.S):
        for written, read in ((r"\-", "-"), (r"\&", ""), (r"\(aq", "'"), (r"\e", "\\")):
            body = body.replace(written, read)
        yield name, body


def _markdown(text):
    yield from re.findall(r"^<!-- transcript: (\S+) -->\n+```\w*\n(.*?)^```", text, re.M | re.S)


def read(path):
    """The transcripts of a file: {name: [(prompt, command, expected output)]}."""
    text = path.read_text(encoding="utf-8")
    found = _manual(text) if text.startswith(".\\") else _markdown(text)
    return {name: list(_commands(body)) for name, body in found}


def displays(path, mark):
    """The displays of a manual page that a comment with the mark and a name stands before: {name: text}."""
    return dict(_manual(path.read_text(encoding="utf-8"), mark))


def _commands(body):
    root = "root#" if body.startswith("root# ") else "#"
    for prompt, command, output in re.findall(rf"^({root}|\$) (.*)\n((?:(?!{root} |\$ ).*\n)*)", body, re.M):
        yield prompt[-1], command, output


# What differs from one run to the next, and what stands for it.
VOLATILE = ((r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "DATE"), (r"\b\d\d:\d\d\b", "TIME"), (r"\bpid \d+", "pid N"),
            (r"\[\d+\]", "[N]"), (r"(?m)^process ids are those of the host.*$", ""),
            (r"\bprogram \d+", "program N"),
            # How many drivers a class stands for is the machine's.
            (r"\b\d+ rules, \d+ before", "N rules, N before"), (r"(?m)\b\d+ current$", "N current"), (r"\bLinux \d[\w.+-]*", "Linux VERSION"), (r"\b[0-9a-f]{16}\b", "DIGEST"))


def plain(text, sessions=()):
    """The text with what changes from run to run replaced, and no more than one blank in a row.

    sessions: (id in this run, id in the document) pairs.
    """
    for real, written in sessions:
        text = re.sub(rf"(?<![\w.:/]){re.escape(real)}(?![\w:])|(?<=session-){re.escape(real)}(?=\.scope)", written, text)
    for pattern, name in VOLATILE:
        text = re.sub(pattern, name, text)
    lines = [re.sub(r" +", " ", line).strip() for line in text.splitlines()]
    return [line for line in lines if line]


ELLIPSIS = "[...]"


def filled(expected, output):
    """The expected lines, with what the output has there in the place of "[...]", which stands for any lines."""
    result = []
    for number, line in enumerate(expected):
        if line != ELLIPSIS:
            result.append(line)
            continue
        following = expected[number + 1:number + 2]
        while len(result) < len(output) and [output[len(result)]] != following:
            result.append(output[len(result)])
    return result
