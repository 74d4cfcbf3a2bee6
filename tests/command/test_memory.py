# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Memory runs out, sooner or later: the command says so and ends, and never says half of an answer. See failing.c."""

import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = "/run/lib/failing.so"
# So many places where memory ends are tried in each run. (One is left out: where glibc allocates its first NSS database,
# it does not look at what it got.)
TRIES = 57
# failing.c found libsmartcols at fault.
LIBSMARTCOLS_FAULT = 77

POLICY = "alice allow *\nalice deny @webcam rw remote\n@students deny block-*\nalise deny c 1:5\n"


@pytest.fixture
def failing(place, needs, tmp_path, policy):
    """What is preloaded, in its place."""
    needs("cc")
    library = tmp_path / "failing.so"
    subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-o", library, HERE / "failing.c"],
                   check=True)
    place.write(LIBRARY, library.read_bytes(), mode=0o755)
    policy(POLICY)


@pytest.mark.parametrize("arguments", [
    ("check",), ("check", "--json"), ("rules", "alice"), ("rules", "alice", "--json"),
    ("explain", "alice", "/dev/video0"), ("explain", "alice", "/dev/video0", "--json")])
@pytest.mark.usefixtures("failing")
def test_memory_ends_and_so_does_the_command(bpfdev, arguments):
    whole = bpfdev(*arguments, env={"LD_PRELOAD": LIBRARY})
    count = int(whole.err.splitlines()[-1])
    assert whole.out and count > TRIES
    ended = 0
    for at in range(1, count + 1, count // TRIES):
        result = bpfdev(*arguments, env={"LD_PRELOAD": LIBRARY, "FAIL_AT": str(at)})
        if result.code == whole.code and result.out == whole.out:
            continue  # it was for something that can be done without
        if (result.code, result.err) == (-6, "Unexpected error.\n"):
            continue  # an assertion of glibc's own, when it has no memory to look a user up
        if result.code == LIBSMARTCOLS_FAULT:
            continue  # 2.41 notes the size of a cell's copy before it has the memory, and the next time takes it for had
        assert result.code == 3 and whole.out.startswith(result.out), (at, result)
        assert not ("--json" in arguments and result.out), (at, result)
        assert "out of memory" in result.err or "Cannot allocate memory" in result.err, (at, result)
        ended += 1
    assert ended > TRIES // 2
