# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Layers of tests that need no machine, run on other Debian suites than this machine's, in roots of theirs.

Each run is in a cgroup of its own, which is all that it sees: tests sweep away what dead processes left, and those of
another run, in another pid namespace, look dead.
"""

import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import cgroups
import roots

TOP = roots.HERE.parents[1]
NAMESPACES = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--net", "--ipc")


def run(results, layers):
    """Runs the layers on all suites at once. Their JUnit files come into the folder results/SUITE.

    Yields for each suite its name, and what went wrong, in words, or None.
    """
    suites = [suite for suite in roots.SUITES if suite != roots.own_suite()]
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["make", "-s", "-C", TOP, "tarball", f"BUILD={work}"], check=True)
        (tarball,) = pathlib.Path(work).glob("*.tar.gz")
        cgroups.sweep()
        for suite in suites:
            (results / suite).mkdir()
        with ThreadPoolExecutor(len(suites)) as pool:
            errors = pool.map(lambda suite: _run(suite, tarball, results / suite, layers), suites)
            yield from zip(suites, errors)


def _run(suite, tarball, result, layers):
    try:
        root = roots.root(suite, roots.CHECK)
    except roots.RootError as error:
        return str(error)
    with open(result / "log", "w+", encoding="utf-8", errors="replace") as log, tempfile.TemporaryDirectory() as here:
        command = ["unshare", *NAMESPACES, roots.HERE / "check-in", root, here, tarball, result, *layers]
        with subprocess.Popen([sys.executable, "-B", roots.HERE / "keeper.py", cgroups.create(), *command],
                              stdin=subprocess.PIPE, stdout=log, stderr=log) as keeper:
            code = keeper.wait()
        if code == 0:
            return None
        log.seek(0)
        print(f"== {suite}", "".join(log.readlines()[-60:]), sep="\n", flush=True)
        return f"ended with {code}"
