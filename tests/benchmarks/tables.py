#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""
The tables of README.md that come from the record of a run.

usage: tests/benchmarks/tables.py [--write]     without it: says what in README.md is not what was recorded
"""

import re
import sys
import textwrap

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import figures  # noqa: E402

README = figures.TOP / "README.md"
SECTION = re.compile(r"(?<=<!-- figures: )(\w+)( -->\n)(.*?)(?=<!-- /figures -->)", re.S)
COUNTS = (1, 10, 100, 1000, 10000, 100000)
PEERS = ("systemd", "crun", "runc", "LXC")


class Contradicted(Exception):
    """The README says what the record does not bear out. The text says what."""


def table(head, rows):
    """Lines of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def taken(bench):
    """The line with what a table's figures depend on."""
    return f"{bench['date']}, Linux {bench['kernel']}, {bench['machine']}, commit {bench['commit']}.\n\n"


def shown(value, unit=""):
    """A figure in a table, with as many digits as mean something."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return f"{value}{unit}"
    if value >= 100:
        return f"{value:,.0f}{unit}"
    return f"{value:.2f}{unit}" if value < 10 else f"{value:.1f}{unit}"


def rules(count):
    """The head of a column."""
    return "1 rule" if count == 1 else f"{count:,} rules"


def nanoseconds(value):
    """A time of a decision in a table."""
    return "refuses" if value is None else f"{value:,.0f}"


def last(found, count, peer, how="net"):
    """What the last rule costs that the peer comes to: some begin with the end of the list. None if it refuses so many."""
    both = [found.get(f"{count}/{peer}/{asked}/{how}") for asked in ("first", "last")]
    return None if None in both else max(both)


def decision(record):
    """One decision, in nanoseconds net."""
    found = record["decisions"]["figures"]

    def line(name, key):
        return [name, *(nanoseconds(found.get(f"{count}/{key}/net")) for count in COUNTS)]

    rows = [line("an empty program", "empty/any"), line("pam_bpfdev, by major", "ours/major"),
            line("pam_bpfdev, the last rule", "ours/last"), line("pam_bpfdev, refused, counted", "ours/refused"),
            line("libvirt's four look-ups, the first", "lookups/last"), line("libvirt's four look-ups, the fourth", "lookups/miss")]
    for peer in PEERS:
        rows.append([f"{peer} {found[f'version/{peer}']}, last rule",
                     *(nanoseconds(last(found, count, peer)) for count in COUNTS)])
        rows.append(line(f"{peer}, refused", f"{peer}/refused"))
    clock = found["100/empty/any/counted"] - found["100/empty/any/net"]
    ratios = [found[f"{count}/ours/{asked}/{how}"] / found[f"{count}/empty/any/{how}"]
              for asked in ("major", "last") for how in ("net", "counted") for count in COUNTS]
    by = [ratios[start:start + len(COUNTS)] for start in range(0, len(ratios), len(COUNTS))]
    words = [f"{min(some):.2f} to {max(some):.2f}" for some in by]
    return (taken(record["decisions"]) + table(["one decision, ns net", *map(rules, COUNTS)], rows) +
            f"\nTo an empty program pam_bpfdev is {words[0]} by major and {words[2]} for an exact rule; {words[1]} and {words[3]} by the\n"
            f"kernel's own count of run time, of which {clock:.0f} ns are its looks at the clock.\n")


def claims(record):
    """What the tables say of peers, in words, which must be so."""
    found = record["decisions"]["figures"]
    if any(found[f"100/{peer}/refused/net"] >= found["100/ours/refused/net"] for peer in PEERS):
        raise Contradicted("refusals of peers are cheaper up to 100 rules")
    for count in COUNTS:
        for peer in PEERS:
            theirs, ours = last(found, count, peer), found[f"{count}/ours/last/net"]
            if count >= 100 and theirs is not None and theirs <= ours:
                raise Contradicted(f"{peer} reaches its last of {count} rules as fast as ours")
    most = min(found[f"most/{peer}"] for peer in PEERS)
    few = max(int(found[f"refused/{peer}"].partition(":")[0]) for peer in PEERS)
    at = {count: [last(found, count, peer) for peer in PEERS] for count in (100, 1000)}
    return (f"From 100 rules on no peer reaches its last rule as fast: {min(at[100]):.0f} to {max(at[100]):.0f} ns at 100 rules and "
            f"{min(at[1000]):.0f} to {max(at[1000]):.0f} at 1,000, where\npam_bpfdev needs {found['1000/ours/last/net']:.0f}. Of such lists all load "
            f"{most:,} rules, and none {few:,}. Their refusals are cheaper up to 100 rules, and not counted: no one\ncan ask later what "
            "was refused.\n")


def loads(record):
    """Loading and attaching, and who refuses."""
    found = record["decisions"]["figures"]
    names = [("pam_bpfdev", "ours"), ("libvirt's four look-ups", "lookups"), *((peer, peer) for peer in PEERS)]
    rows = [[name, *(shown(found.get(f"{count}/{key}/load")) if found.get(f"{count}/{key}/load") is not None else "refuses"
                     for count in COUNTS)] for name, key in names]
    errors = "".join(f"- {peer}, {int(count):,} rules: `{error.strip().replace('`', chr(39))}`\n" for peer in PEERS
                     for count, _, error in [found[f"refused/{peer}"].partition(":")])
    lists = [("5,000, all of one major", "one major/5000"), ("2,000, of 200 majors by turns", "by turns/2000")]
    order = [[name, *(found[f"others/{key}/{peer}"] for peer in PEERS)] for name, key in lists]
    return (taken(record["decisions"]) + table(["loaded, verified and attached, ms", *map(rules, COUNTS)], rows) +
            f"\nHow they refuse:\n\n{errors}\nWhat the verifier bears depends on the list:\n\n" + table(["rules", *PEERS], order))


def unenforced(record):
    """What systemd does with more lines than it can load."""
    found = record["decisions"]["figures"]
    if found["unenforced/lines=10"] == 0 or found["unenforced/lines=2000"] != 0:
        raise Contradicted("systemd: 10 lines refuse the device and 2,000 do not")
    return (f"systemd {found['version/systemd']}: with `lines=10` this ends with {found['unenforced/lines=10']}, as /dev/fuse is not in the "
            f"list; with `lines=2000` the service starts, opens\nit and ends with {found['unenforced/lines=2000']}, and only the journal has "
            f"\"{found['unenforced/journal']}\".\n\n```sh\n{found['unenforced/command']}\n```\n")


def login(record):
    """Opening and closing a session."""
    found = record["login"]["figures"]
    names = {"numbers": "20 lines of numbers", "readme": "the five lines above", "classes": "a line for each class that ships",
             "many": "10,000 lines of numbers"}
    rows = []
    for key, name in names.items():
        for manager, words in (("alone", ""), ("manager", ", and a user manager")):
            first, steady, calls, bpf = (found[f"{key}/{manager}/{what}"] for what in ("first", "steady", "calls", "bpf"))
            rows.append([name + words, f"{first:.1f} ms", f"{steady:.1f} ms", f"{calls}, {bpf} of them bpf(2)"])
    without, share = found["ssh/without"], found["ssh/share"]
    return (taken(record["login"]) + table(["open + close", "the first in a process", "repeated", "system calls"], rows) +
            f"\nA fork and exec of `/bin/true` took {found['exec']:.1f} ms in the same run; a login and logout by ssh {without:.0f} ms without the "
            f"module, and\n{found['ssh/with']:.0f} ms with it and the five lines above, {share:.1f} % of it the module's.\n")


def node(found):
    """A sentence on many users, if they were measured."""
    if "node/with" not in found:
        return ""
    said = {what: shown(found[f"node/{what}"], " ms") for what in ("open", "same", "reload")}
    text = textwrap.fill(
        f"With {found['node/sessions']:,} sessions of {found['node/users']} users, all with a manager, one more takes {said['open']}, "
        f"`bpfdev reload` {said['same']}, or {said['reload']} where every filter changes, and the kernel's memory is "
        f"{found['node/memory'] / 1048576:,.0f} MiB. One processor opens {found['node/with']:,.0f} such sessions in a second; of a "
        f"stack without the module, {found['node/without']:,.0f}.", 120)
    return f"\n{text}\n"


def growth(record):
    """Open sessions, and lines."""
    found = record["growth"]["figures"]
    sessions = [count for count in (1, 10, 100, 500, 2000) if f"sessions/{count}/open" in found]
    rows = [[f"{count:,}", shown(found[f"sessions/{count}/open"], " ms"), shown(found[f"sessions/{count}/reload"], " ms"),
             f"{found[f'sessions/{count}/memory'] / 1024:,.0f} KiB"] for count in sessions]
    text = taken(record["growth"]) + table(["open sessions of one user", "one more, open + close", "`bpfdev reload`", "kernel memory"], rows)
    kinds = [(kind, what) for kind in ("numbers", "drivers", "groups") for what in ("open", "check")]
    head = ["lines", *(f"{kind}, {'open + close' if what == 'open' else '`bpfdev check`'}" for kind, what in kinds)]
    rows = [[f"{count:,}", *(shown(found.get(f"lines/{kind}/{count}/{what}"), " ms") for kind, what in kinds)]
            for count in (10, 100, 1000, 10000, 100000)]
    return f"{text}{node(found)}\n{table(head, rows)}\n-: not measured, as fewer lines took long already.\n"


def others(record):
    """What else was measured."""
    memory, found = record["program"]["figures"]["memory"], record["denials"]["figures"]
    storms = [value for name, value in found.items() if name.startswith("storm/")]
    rows = [["an allowed open and close while another process is denied without a pause", f"{min(storms):.2f} to {max(storms):.2f} times",
             "while that does nothing"],
            ["one decision that is a refusal, counted; the same for audit",
             f"{found['answer/refused, counted']:.1f} times; {found['answer/allowed for audit, counted']:.1f} times", "an empty program"],
            ["kernel memory of one filter with 20 rules, its program and maps", f"{memory:,} bytes", ""]]
    return taken(record["denials"]) + table(["what", "measured", "for comparison, in the same run"], rows)


SECTIONS = {part.__name__: part for part in (decision, claims, loads, unenforced, login, growth, others)}


def complaints(readme, record):
    """What the README says other than the record, as lines."""
    found = {name: text for name, _, text in SECTION.findall(readme)}
    said = [f"README.md: no figures: {name}" for name in SECTIONS if name not in found]
    for name, text in found.items():
        try:
            if name not in SECTIONS or SECTIONS[name](record) != text:
                said.append(f"README.md: figures: {name}: not what was recorded; tests/benchmarks/tables.py --write")
        except Contradicted as reason:
            said.append(f"README.md: figures: {name}: contradicted by what was recorded: {reason}")
        except KeyError as key:
            said.append(f"README.md: figures: {name}: {key} is not in the record")
    return said


def written(readme, record):
    """The README with the tables of the record in it."""
    return SECTION.sub(lambda match: match[1] + match[2] + SECTIONS[match[1]](record), readme)


def write():
    """Puts the tables of the record into the README."""
    README.write_text(written(README.read_text(encoding="utf-8"), figures.read()), encoding="utf-8")


def main(words):
    """Compares, or writes; returns the exit code."""
    if words == ["--write"]:
        write()
        return 0
    said = complaints(README.read_text(encoding="utf-8"), figures.read())
    print("\n".join(said), end="\n" if said else "")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
