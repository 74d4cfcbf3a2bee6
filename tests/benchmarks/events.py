# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What udev's events cost, with and without filters."""

import re
import subprocess

import disk
import roots
from computer import Computer
from figures import row


def time_events(computer, count):
    """How long udev needs for so many events of terminals, which no rule names, in milliseconds for each."""
    nodes = [f"/dev/tty{number}" for number in range(1, 64)]
    script = " ".join(["s=$(date +%s%N); for i in $(seq {}); do udevadm trigger --settle {}; done;".format(
        max(1, count // len(nodes)), " ".join(nodes[:count])), "echo $(($(date +%s%N) - s))"])
    done = max(1, count // len(nodes)) * len(nodes[:count])
    return done, int(computer.run(script, timeout=3600).stdout) / 1e6 / done


def measure_events(computer):
    """The rows about events: without the rule of udev's, and with it."""
    program = roots.HERE.parents[1] / "build" / "tests" / "bench_settle"
    computer.push(program, "/root/bench_settle", 0o755)
    linked = subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    library = re.search(r"(libcmocka\.so\S*) => (\S+)", linked)  # of what it links, this alone is not there
    computer.push(library[2], f"/root/{library[1]}")
    computer.run("rm -rf /run/pam_bpfdev; mkdir -p /run/udev/rules.d; ln -s /dev/null /run/udev/rules.d/99-zz-bpfdev.rules;"
                 "udevadm control --reload")
    time_events(computer, 63)
    done, base = time_events(computer, 1000)
    row(f"{done} events, without the rule, each", base, 1.0)
    computer.run("rm /run/udev/rules.d/99-zz-bpfdev.rules; udevadm control --reload")
    done, time_of_one = time_events(computer, 1000)
    row(f"{done} events, no login with rules since the start, each", time_of_one, time_of_one / base)
    computer.run("mkdir -m 700 /run/pam_bpfdev")
    for filters, count in ((0, 1000), (1, 1000), (500, 20)):
        holder = computer.spawn(f"LD_LIBRARY_PATH=/root exec /root/bench_settle hold {filters} /sys/fs/cgroup", stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, encoding="utf-8")
        if holder.stdout.readline() != "ready\n":
            raise SystemExit("bench: no filters in the virtual machine")
        done, time_of_one = time_events(computer, count)
        holder.communicate()
        row(f"{done} events, {filters} filters that do not name them, each", time_of_one, time_of_one / base)


def bench(_):
    """What udev's events cost, in a virtual machine, whose processor is emulated."""
    with Computer(disk.disk()) as computer:
        computer.install_build()
        measure_events(computer)
