# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What was measured: figures by name, printed as they come, and kept in a file of the tree when a run is recorded."""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
RECORD = HERE / "record.json"

ROW = "{:<64} {:>12} {:>10}  {}"


class Figures:
    """The figures of one bench: names with slashes in them, and numbers or words."""

    def __init__(self):
        self.values = {}

    def put(self, name, value):
        """Keeps a figure. Returns it."""
        self.values[name] = round(value, 4) if isinstance(value, float) else value
        return value

    def row(self, name, what, milliseconds, ratio="", note=""):
        """Keeps a time, and prints a line of it. ratio: to something else that was measured in the same run."""
        self.put(name, milliseconds)
        row(what, milliseconds, ratio, note)


def row(what, milliseconds="", ratio="", note=""):
    """Prints a line of a table."""
    if isinstance(milliseconds, float):
        milliseconds = f"{milliseconds:.3f} ms"
    if isinstance(ratio, float):
        ratio = f"{ratio:.2f} x"
    print(ROW.format(what, milliseconds, ratio, note).rstrip(), flush=True)


def circumstances():
    """Where and of what a run is: what its figures depend on."""
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    commit = subprocess.run(["git", "-C", TOP, "describe", "--always", "--dirty", "--exclude=*"], check=False,
                            stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
    return {"kernel": platform.release(), "machine": f"{os.cpu_count()} x {model[1] if model else platform.machine()}",
            "date": datetime.date.today().isoformat(), "commit": commit}


def read(path=RECORD):
    """What has been recorded: {bench: {kernel, machine, date, commit, figures}}."""
    return json.loads(path.read_text(encoding="utf-8"))


def record(measured, path=RECORD):
    """Keeps what was measured, {bench: Figures}; benches that are not in it stay as they were recorded."""
    kept = read(path) if path.exists() else {}
    for name, figures in measured.items():
        kept[name] = {**circumstances(), "figures": figures.values}
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
