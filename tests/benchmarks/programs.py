# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the programs in build/tests measure."""

import subprocess

import roots
import said

BUILD = roots.HERE.parents[1] / "build" / "tests"


def run(name):
    """Runs build/tests/NAME, which prints what it measures. Returns what it has printed."""
    done = subprocess.run([BUILD / name], check=True, stdout=subprocess.PIPE, encoding="utf-8")
    print(done.stdout, end="", flush=True)
    return done.stdout


def program(figures):
    """The program in the kernel: its memory, and how long it takes to load one and to read it back."""
    figures.put("memory", said.memory(run("bench_program")))


def denials(figures):
    """Counting what is denied."""
    answers, storms = said.denials(run("bench_denials"))
    for what, ratio in answers.items():
        figures.put(f"answer/{what}", ratio)
    for what, ratio in storms.items():
        figures.put(f"storm/{what}", ratio)


def settle(_):
    """Having filters follow a device."""
    run("bench_settle")
