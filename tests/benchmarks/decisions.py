# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""One decision, and a load: our program, an empty one, libvirt's way, and the peers' own programs, side by side."""

import contextlib
import subprocess

import roots
import said
from machine import Machine
from peers import PEERS, Refused, by_turns, devices, of_one_major

PROGRAM = roots.HERE.parents[1] / "build" / "tests" / "bench_decisions"
COUNTS = (1, 10, 100, 1000, 10000, 100000)
BETWEEN = (2000, 5000)  # only to see where peers refuse
REPEATS, ASKS = 15, 4000
SUITE = "trixie"
NAMES = {"empty": "an empty program", "lookups": "libvirt's four look-ups"}
ASKED = {"first": "first rule", "last": "last rule", "miss": "by a general rule, others miss", "major": "by major",
         "refused": "refused", "any": "returns 1"}
# Lists in another order: how many rules a peer can load depends on it.
OTHERS = (("one major", of_one_major, 5000), ("by turns", by_turns, 2000))
# A service that may open what is in a list of so many devices, and opens another one.
UNENFORCED = """lines=2000
systemd-run -q --wait -p DevicePolicy=closed \\
    $(for n in $(seq $lines); do echo "-p DeviceAllow=/dev/char/$((300 + n % 200)):$((n / 200))"; done) \\
    dd if=/dev/fuse count=0; echo $?"""


def unenforced(machine, figures):
    """What systemd does with a list that it cannot load."""
    figures.put("unenforced/command", UNENFORCED)
    for lines in (10, 2000):
        status = int(machine.run(UNENFORCED.replace("lines=2000", f"lines={lines}")).stdout)
        figures.put(f"unenforced/lines={lines}", status)
        print(f"systemd, {lines} DeviceAllow= lines, and a device that is in none of them: the service ends with {status}")
    said_so = machine.run("journalctl -q --no-pager -o cat _PID=1 | grep -m 1 WITHOUT", check=False).stdout.strip()
    print(f"  the journal: {figures.put('unenforced/journal', said_so)}")


def load_others(machine, figures):
    """Whether the peers load lists in another order."""
    for name, order, count in OTHERS:
        for peer in PEERS:
            try:
                peer.program(machine, order(count))
            except Refused:
                figures.put(f"others/{name}/{count}/{peer.name}", "refuses")
            else:
                figures.put(f"others/{name}/{count}/{peer.name}", "loads")
                peer.stop(machine)
            print(f"{peer.name}, {count} rules, {name}: {figures.values[f'others/{name}/{count}/{peer.name}']}", flush=True)


def programs(machine, count, figures):
    """Starts the peers. Returns {name: id}; of those that refuse so many rules, keeps why."""
    found = {}
    for peer in PEERS if machine else ():
        if figures.values.get(f"refused/{peer.name}"):
            continue  # fewer were too many already
        try:
            found[peer.name] = peer.program(machine, devices(count))
        except Refused as refused:
            figures.put(f"refused/{peer.name}", f"{count}: {refused}")
            print(f"{peer.name} refuses {count} rules: {refused}")
        else:
            figures.put(f"most/{peer.name}", count)
    return found


def measure(count, found, figures, repeats=REPEATS, asks=ASKS):
    """Measures the decisions and loads at so many rules."""
    words = [f"{name}={number}" for name, number in found.items()]
    text = subprocess.run([PROGRAM, str(count), str(repeats), str(asks), *words], check=True, stdout=subprocess.PIPE,
                          encoding="utf-8").stdout
    decisions, loads = said.decisions(text)
    print(f"\n{count} rules{'':<50} counted ns     net ns")
    for (whose, asked), (counted, net) in decisions.items():
        figures.put(f"{count}/{whose}/{asked}/counted", counted)
        figures.put(f"{count}/{whose}/{asked}/net", net)
        print(f"  {NAMES.get(whose, whose):<25} {ASKED[asked]:<32} {counted:>8.1f} {net:>10.1f}")
    for whose, milliseconds in loads.items():
        figures.put(f"{count}/{whose}/load", milliseconds)
        print(f"  {NAMES.get(whose, whose):<25} {'loaded and attached':<32} {milliseconds:>8.3f} ms")
    counted, net = decisions["empty", "any"]
    print(f"  of what the kernel counts, {counted - net:.0f} ns are its looks at the clock")


def bench(figures, with_peers=True):
    """One decision and one load, beside those of others who have the kernel decide."""
    with Machine(SUITE, roots.PEERS) if with_peers else contextlib.nullcontext() as machine:
        for peer in PEERS if machine else ():
            peer.prepare(machine)
            print(f"{peer.name} {figures.put(f'version/{peer.name}', peer.version(machine))}")
        if machine:
            unenforced(machine, figures)
            load_others(machine, figures)
        for count in sorted((*COUNTS, *(BETWEEN if machine else ()))):
            found = programs(machine, count, figures)
            if count in COUNTS:
                measure(count, found, figures)
            for peer in PEERS if machine else ():
                if peer.name in found:
                    peer.stop(machine)
