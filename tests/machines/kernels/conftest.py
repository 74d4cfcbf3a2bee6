# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""What the tests share: each kernel, booted once, and what the steps of the scenario gave there."""

import os
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterator

import pytest

import guest
import images
import scenario
from need import kernel, unavailable

# A guest that hangs is ended then. It takes a tenth of that on a machine with nothing else to do.
TIMEOUT = 600


@pytest.fixture(scope="session")
def devprog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of devprog.c."""
    program = tmp_path_factory.mktemp("devprog") / "devprog"
    source = Path(__file__).with_name("devprog.c")
    compiler = os.environ.get("CC", "cc").split()
    try:
        subprocess.run([*compiler, "-O2", "-o", program, source], check=True)
    except FileNotFoundError:
        unavailable(f"no C compiler: {compiler[0]}")
    return program


@pytest.fixture(scope="module", params=images.SUITES)
def image(request: pytest.FixtureRequest) -> images.Image:
    """A kernel."""
    return kernel(request.param)


@pytest.fixture(scope="session")
def groups(devprog: Path) -> list[scenario.Group]:
    """The scenario."""
    return scenario.groups(devprog)


@pytest.fixture(scope="session")
def boots(
    request: pytest.FixtureRequest, groups: list[scenario.Group]
) -> Iterator[dict[str, Future]]:
    """The scenario on each kernel asked for: as many guests at a time as there are CPUs."""
    calls = [item.callspec for item in request.session.items if hasattr(item, "callspec")]
    names = dict.fromkeys(call.params["image"] for call in calls if "image" in call.params)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {name: pool.submit(_run_scenario, name, groups) for name in names}
        pool.shutdown(cancel_futures=True)


def _run_scenario(name: str, groups: list[scenario.Group]) -> dict[str, guest.Result]:
    """The results by their labels; of the groups whose programs are there."""
    usable = [group for group in groups if not group.missing()]
    labels = [label for group in usable for label in group.steps]
    commands = [command for group in usable for command in group.steps.values()]
    programs = {path: source for group in usable for path, source in group.programs.items()}
    path = images.fetch(name).path
    results = guest.boot(path, programs, scenario.FILES, commands, cgroup="none", timeout=TIMEOUT)
    return dict(zip(labels, results, strict=True))


@pytest.fixture(scope="module")
def step(
    image: images.Image, boots: dict[str, Future], groups: list[scenario.Group]
) -> Callable[[str], guest.Result]:
    """A function that gives the result that the step of a label had on the kernel."""
    try:
        results = boots[image.name].result()
    except images.Unavailable as reason:
        unavailable(reason)
    absent = {label: group.missing() for group in groups for label in group.steps}

    def result(label: str) -> guest.Result:
        if label not in results:
            unavailable(absent[label])
        return results[label]

    return result
