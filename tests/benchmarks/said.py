# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the programs that measure say, as figures."""

import re

COMPARED = re.compile(r"^(?P<what>\S.*?)\s{2,}(?P<base>[\d.]+)\s+(?P<value>[\d.]+)\s+(?P<ratio>[\d.]+)$")
STORM = re.compile(r"^(?P<what>\S.*?)\s{2,}(?P<value>[\d.]+)\s+(?P<ratio>[\d.]+)$")
SUM = re.compile(r"^\s+sum\s+(\d+)$", re.M)
CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\(")


def decisions(text):
    """Of bench_decisions: ({(whose, asked): (counted ns, net ns)}, {whose: ms of a load})."""
    found, loads = {}, {}
    for line in text.splitlines():
        kind, *fields = line.split("\t")
        if kind == "decision":
            whose, asked, counted, net = fields
            found[whose, asked] = (float(counted), float(net))
        elif kind == "load":
            loads[fields[0]] = float(fields[1])
    return found, loads


def denials(text):
    """Of bench_denials: ({answer: ratio to an empty program}, {what another process does: ratio to when it does nothing})."""
    answers, _, storms = text.partition("\n\n")
    return ({match["what"]: float(match["ratio"]) for match in map(COMPARED.match, answers.splitlines()) if match},
            {match["what"]: float(match["ratio"]) for match in map(STORM.match, storms.splitlines()) if match})


def memory(text):
    """Of bench_program: bytes of the kernel's memory that a filter with 20 rules takes."""
    return int(SUM.search(text)[1])


def calls(trace, begin, end):
    """Of strace: how many system calls, and how many bpf(2), stand between the line with @begin and the next with @end."""
    lines = iter(trace.splitlines())
    for line in lines:
        if begin in line:
            break
    names = []
    for line in lines:
        if end in line:
            return len(names), names.count("bpf")
        call = CALL.match(line)
        if call:
            names.append(call[1])
    raise ValueError(f"nothing from {begin} to {end} in the trace")
