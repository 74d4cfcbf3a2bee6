# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The filter and the module on every supported kernel, from the oldest to the newest."""

import re

import pytest

import scenario

REFUSED = "Operation not permitted"
RULES_HOLD = {
    "/dev/null": "allowed",  # the baseline allows it
    "/dev/mem": "allowed",  # a rule does
    "/dev/kmsg": REFUSED,  # by a rule
    "/dev/cpu_dma_latency": REFUSED,  # for want of one
    "mknod": REFUSED,
}
NOTHING_HOLDS = dict.fromkeys(RULES_HOLD, "allowed")


def items(output: str, stage: str) -> dict[str, str]:
    """What probe printed at a stage: item -> value."""
    return dict(re.findall(rf"^{stage} (.*): (.*)$", output, re.MULTILINE))


def attempts(output: str, stage: str, side: str) -> dict[str, str]:
    """What opening devices gave, on a side (inside, outside) of the cgroup: device -> result."""
    prefix = f"{side} "
    found = items(output, stage).items()
    return {item.removeprefix(prefix): value for item, value in found if item.startswith(prefix)}


def denied(output: str, stage: str) -> dict[str, str]:
    """What the session's filter had counted as denied at a stage: device and access -> the rest."""
    found = items(output, stage).items()
    return {item.removeprefix("denied "): value for item, value in found if "denied " in item}


def attached(output: str, stage: str) -> str:
    """How many device programs were on the session's cgroup at a stage."""
    return items(output, stage)["attached"]


def log(output: str) -> list[str]:
    """The module's lines in the system log."""
    return re.findall(r"^log: (.*pam_bpfdev.*)$", output, re.MULTILINE)


def test_the_guest_runs_the_kernel_that_was_asked_for(image, step):
    assert step("release").output.strip() in image.package
    if image.name != "newest":
        assert step("release").output.startswith(image.name)


def test_the_kernel_alone_enforces_a_device_program(step):
    lines = step("kernel alone").output.splitlines()
    assert [line for line in lines if line.isdigit()] == ["1", "0"]
    assert [line.endswith(REFUSED) for line in lines] == [False, True, False, False]
    assert lines[-1] == "opened"


@pytest.mark.parametrize("name", scenario.FILTER_TESTS)
def test_filter(step, name):
    result = step(name)
    assert result.status == 0, result.output
    passed = re.search(r"PASSED *\] (\d+) test", result.output)
    assert passed and int(passed[1]) > 0, result.output


@pytest.mark.parametrize("layout", scenario.UNIFIED)
def test_session_is_filtered_from_open_to_close(step, layout):
    result = step(f"{layout} alice")
    output = result.output
    assert result.status == 0, output
    assert attached(output, "open_session") == "1", output
    assert attempts(output, "open_session", "inside") == RULES_HOLD
    assert attempts(output, "open_session", "outside") == NOTHING_HOLDS
    assert attached(output, "close_session") == "0", output
    assert attempts(output, "close_session", "inside") == NOTHING_HOLDS


def test_denials_are_counted_in_the_kernel(image, step):
    output = step("v2 alice").output
    counted = denied(output, "open_session")
    latency = [kind for kind in counted if kind.startswith("c 10:")]
    assert sorted(counted) == sorted(["c 1:11 r", "c 1:11 m", *latency]), output
    assert len(latency) == 1, output
    assert counted["c 1:11 r"].startswith("1 times, uid 0, line 2, process "), output
    assert counted["c 1:11 m"].startswith("1 times, uid 0, line 2, process "), output
    assert counted[latency[0]].startswith("1 times, uid 0, line 0, process "), output
    unknown = [value.endswith("process unknown") for value in counted.values()]
    assert unknown == [image.name == "5.10"] * 3, output


def test_denials_name_the_process_where_the_kernel_can(image, step):
    known = "not known" if image.name == "5.10" else "known"
    assert f"the process is {known}\n" in step("test_denials").output


def test_close_in_another_process_than_open(step):
    result = step("elsewhere")
    output = result.output
    assert result.status == 0, output
    assert attached(output, "opened") == "1", output
    assert attempts(output, "opened", "inside") == RULES_HOLD
    assert attempts(output, "opened", "outside") == NOTHING_HOLDS
    assert attached(output, "closed") == "0", output
    assert attempts(output, "closed", "inside") == NOTHING_HOLDS


@pytest.mark.parametrize("user", ["bob", "root"])
def test_who_has_no_rules_has_no_filter(step, user):
    result = step(f"v2 {user}")
    assert result.status == 0, result.output
    assert attached(result.output, "open_session") == "0", result.output
    assert attempts(result.output, "open_session", "inside") == NOTHING_HOLDS


@pytest.mark.parametrize("layout", scenario.WITHOUT_UNIFIED)
def test_rules_without_a_cgroup2_let_nobody_in_and_say_why(step, layout):
    result = step(f"{layout} alice")
    assert result.status != 0, result.output
    assert "for the specified session" in result.output  # what libpam says for PAM_SESSION_ERR
    (line,) = log(result.output)
    assert "cgroup2" in line
    assert layout != "v1" or "cgroup v1" in line


@pytest.mark.parametrize("user", ["bob", "root"])
@pytest.mark.parametrize("layout", scenario.WITHOUT_UNIFIED)
def test_who_has_no_rules_gets_in_without_a_cgroup2(step, layout, user):
    result = step(f"{layout} {user}")
    assert result.status == 0, result.output


def test_v1_is_v1_only(step):
    hierarchies = step("v1 hierarchies").output
    assert ":name=systemd:" in hierarchies
    assert not re.search("^0::", hierarchies, re.MULTILINE)


def test_the_kernel_alone_counts_locked_memory_before_5_11(image, step):
    result = step("kernel alone, memlock")
    if image.name == "5.10":
        assert result.status == 1 and REFUSED in result.output
    else:
        assert result.status == 0, result.output


@pytest.mark.parametrize("limit", scenario.MEMLOCK)
def test_limit_of_locked_memory_neither_stops_it_nor_changes(step, limit):
    result = step(f"memlock {limit}")
    output = result.output
    assert result.status == 0, output
    assert attached(output, "open_session") == "1", output
    assert attempts(output, "open_session", "inside") == RULES_HOLD
    stages = ("open_session", "close_session")
    assert [items(output, stage)["memlock"] for stage in stages] == [limit, limit]
