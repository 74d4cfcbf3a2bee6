# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""The fields of the command's JSON, as bpfdev(8) lists them, held against what is printed.

In JSON OUTPUT of the page each subcommand has a subsection, and each field of it a line

    .It Va sessions[].user Pq string

"or null" may stand behind the type, and "optional" behind that: the field may then be missing.
"""

import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[2] / "pam_bpfdev" / "bpfdev.8"
TYPES = {str: "string", int: "integer", bool: "boolean", dict: "object", list: "array", type(None): "null"}


def documented(subcommand):
    """The fields of a subcommand: {path: (set of types, whether it may be missing)}."""
    section = re.search(r"^\.Sh JSON OUTPUT$(.*?)^\.Sh ", PAGE.read_text(encoding="utf-8"), re.M | re.S)[1]
    part = re.search(rf"^\.Ss {subcommand}$(.*?)(?=^\.S[hs] |\Z)", section, re.M | re.S)
    assert part, f"bpfdev(8) says nothing of the JSON of {subcommand}"
    found = {}
    for path, text in re.findall(r"^\.It Va (\S+) Pq (.*)$", part[1], re.M):
        words = re.split(r",? ", text)
        types = {word for word in words if word in TYPES.values()}
        assert types, f"{subcommand}: {path}: no type in {text!r}"
        found[path] = types, "optional" in words
    assert found, f"bpfdev(8) lists no field of {subcommand}"
    return found


def printed(value, path=""):
    """The fields of a value and their types, as (path, type) pairs; the value itself is not one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            below = f"{path}.{name}" if path else name
            yield below, TYPES[type(inner)]
            yield from printed(inner, below)
    elif isinstance(value, list):
        for inner in value:
            if not isinstance(inner, (dict, list)):
                yield f"{path}[]", TYPES[type(inner)]
            yield from printed(inner, f"{path}[]")


def _parent(path):
    """The object that a field is in: sessions[].user is in sessions[]."""
    return path.rpartition(".")[0]


def _objects(value, path=""):
    """All objects in a value, with their paths."""
    if isinstance(value, dict):
        yield path, value
        for name, inner in value.items():
            yield from _objects(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, f"{path}[]")


def check(subcommand, value):
    """Asserts that the page lists every field of the value, with its type, and that none is missing."""
    fields = documented(subcommand)
    for path, kind in printed(value):
        assert path in fields, f"bpfdev(8) does not list {path} of {subcommand}"
        assert kind in fields[path][0], f"{subcommand}: {path} is {kind}, not {fields[path][0]}"
    for path, inner in _objects(value):
        for field, (_, optional) in fields.items():
            if _parent(field) == path and not field.endswith("[]") and not optional:
                assert field.rpartition(".")[2] in inner, f"{subcommand}: {field} is missing"


def uncovered(subcommand, values):
    """The fields that the page lists and none of the values has."""
    seen = {path for value in values for path, _ in printed(value)}
    return sorted(set(documented(subcommand)) - seen)
