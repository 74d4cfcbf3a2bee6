# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The benchmarks themselves, with the smallest of everything and without peers: that they run, and read what is said."""

import copy
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / folder) for folder in ("module", "lab"))]

# pylint: disable=wrong-import-position
import decisions  # noqa: E402
import figures as kept  # noqa: E402
import crowd  # noqa: E402
import growth  # noqa: E402
import opening  # noqa: E402
import peers  # noqa: E402
import programs  # noqa: E402
import said  # noqa: E402
import tables  # noqa: E402

TRACE = """execve("client") = 0
read(0, "start\\tquiet\\talice\\n", 4096) = 18
openat(AT_FDCWD, "/etc/pam.d/quiet", O_RDONLY) = 3
write(1, "= PAM_SUCCESS\\n", 14) = 14
read(0, "rounds\\t1\\n", 4096) = 9
bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_ARRAY, key_size=4}, 72) = 4
bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_CGROUP_DEVICE}, 144) = 5
--- SIGCHLD {si_signo=SIGCHLD} ---
close(4) = 0
write(1, "> 1205\\n", 7) = 7
"""
DENIALS = """one answer, median of 15 times 20000
answer                        empty ns filter ns  ratio
allowed                           46.2      55.0   1.19
refused, counted                  46.1     324.0   6.98

an allowed open and close, while another process ... (median of 15 times 20000)
                                              ns  ratio
does nothing                               905.0   1.00
is refused, 10,000 kinds                   950.0   1.05
"""


@pytest.fixture
def found():
    """Figures to put what is measured in."""
    if os.geteuid() != 0:
        pytest.skip("only root can attach programs")
    return kept.Figures()


def test_what_is_said_of_decisions():
    assert said.decisions("decision\tours\tlast\t55.0\t19.5\nload\tours\t0.993\n") == (
        {("ours", "last"): (55.0, 19.5)}, {"ours": 0.993})


def test_what_is_said_of_denials_and_memory():
    assert said.denials(DENIALS) == ({"allowed": 1.19, "refused, counted": 6.98},
                                     {"does nothing": 1.0, "is refused, 10,000 kinds": 1.05})
    assert said.memory("locked memory\n  map rules    1000\n  sum    15984\n") == 15984


def test_calls_between_two_lines_of_a_trace():
    assert said.calls(TRACE, 'read(0, "rounds', 'write(1, "> ') == (3, 2)
    assert said.calls(TRACE, 'read(0, "start', 'write(1, "= ') == (1, 0)
    with pytest.raises(ValueError):
        said.calls(TRACE, 'read(0, "other', 'write(1, "> ')


def test_the_list_has_no_device_twice():
    assert len(set(peers.devices(100000))) == 100000
    assert peers.devices(2) == [(300, 0), (300, 1)]
    assert max(peers.devices(100000)) < (512, 0)


def test_readme_is_held_to_the_record():
    readme, record = tables.README.read_text(encoding="utf-8"), kept.read()
    assert tables.complaints(readme, record) == []
    assert tables.written(readme, record) == readme
    memory = f"{record['program']['figures']['memory']:,} bytes"
    assert len(tables.complaints(readme.replace(memory, "1 byte"), record)) == 1
    assert len(tables.complaints(readme.replace("<!-- figures: login -->", ""), record)) == 1
    other = copy.deepcopy(record)
    other["decisions"]["figures"].update({"1000/LXC/first/net": 1.0, "1000/LXC/last/net": 1.0})
    assert any("contradicted" in line for line in tables.complaints(readme, other))


def test_decisions_are_measured(found):
    decisions.measure(3, {}, found, repeats=1, asks=10)
    assert {f"3/{whose}/{asked}/net" for whose, asked in (("empty", "any"), ("ours", "refused"), ("lookups", "miss"))} \
        <= set(found.values)
    assert found.values["3/ours/load"] > 0


def test_memory_is_measured(found):
    programs.program(found)
    assert found.values["memory"] > 4096


def test_openings_are_measured(found, monkeypatch):
    for name in ("ROUNDS", "FEWER", "FIRSTS"):
        monkeypatch.setattr(opening, name, 1)
    several = {"readme": opening.policies()["readme"]}
    monkeypatch.setattr(opening, "policies", lambda: several)
    opening.measure_module(found)
    assert found.values["readme/manager/bpf"] > found.values["readme/alone/bpf"] > 0


def test_growth_is_measured(found, monkeypatch):
    monkeypatch.setattr(growth, "ROUNDS", 1)
    monkeypatch.setattr(crowd, "ROUNDS", 1)
    growth.bench(found, sessions=(1, 3), counts=(10,), crowd=(2, 5))
    assert (found.values["node/users"], found.values["node/sessions"]) == (2, 5)
    assert min(found.values[f"node/{what}"] for what in ("with", "without", "memory", "open", "same", "reload")) > 0
    assert "With 5 sessions of 2 users" in tables.node(found.values) and tables.node({}) == ""
    assert found.values["sessions/3/memory"] > found.values["sessions/1/memory"] > 0
    assert found.values["sessions/3/reload"] > 0
    assert {f"lines/{kind}/10/check" for kind in ("numbers", "drivers", "groups")} <= set(found.values)
