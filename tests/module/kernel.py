# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What our programs in the kernel say of themselves, by way of bpftool."""

import json
import subprocess

# struct bpfdev_info, flags
UNRESTRICTED, CLOSED = 1, 2
SESSION, MANAGER = 0, 1


def _bpftool(*arguments):
    done = subprocess.run(["bpftool", "--json", *map(str, arguments)], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def info(program):
    """The struct bpfdev_info of the program with this id, its strings as strings. Empty: it has none, or is gone."""
    for number in _bpftool("prog", "show", "id", program).get("map_ids", ()):
        described = _bpftool("map", "show", "id", number)
        if described.get("name", "").endswith(".rodata"):
            dump = _bpftool("map", "dump", "id", number)  # nothing, if it went just now
            found = [variable["data"]["info"] for data in dump
                     for variables in data["formatted"]["value"].values()
                     for variable in variables if "data" in variable]
            return _plain(found[0]) if found else {}
    return {}


def _plain(value):
    texts = {key: each for key, each in value.items() if isinstance(each, list) and isinstance(each[0], str)}
    return {**value, **{key: "".join(each).rstrip("\0") for key, each in texts.items()}}


def of_unit(unit):
    """The ids of all filters, attached or not, that are for a unit of this name."""
    ours = [program["id"] for program in _bpftool("prog", "show") if program.get("name") == "pam_bpfdev"]
    return [program for program in ours if info(program).get("unit") == unit]
