# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Asks the kernel which BPF programs and maps there are, by bpf(2) itself: no process is started for it.

Every call passes more than the whole of `union bpf_attr`, zeroed: some kernels write past the end of a shorter one.
"""

import ctypes
import errno
import os
import platform
import struct

_SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280}
_PROG_GET_NEXT_ID, _MAP_GET_NEXT_ID, _PROG_GET_FD_BY_ID, _MAP_GET_FD_BY_ID = 11, 12, 13, 14
_OBJ_GET_INFO_BY_FD, _PROG_QUERY = 15, 16
_CGROUP_DEVICE = 6  # enum bpf_attach_type
_MOST_PROGRAMS = 64  # that one cgroup can have
_ATTR_SIZE = 512

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, layout, *values):
    """One bpf(2) call. Returns its result and the attr as the kernel left it."""
    attr = ctypes.create_string_buffer(struct.pack(layout, *values), _ATTR_SIZE)
    result = _libc.syscall(_SYS_BPF[platform.machine()], command, attr, _ATTR_SIZE)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result, attr.raw


def device_programs(cgroup):
    """The cgroup_device programs attached to this very cgroup: a list of id, name, attach_type, attach_flags."""
    fd = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        ids = (ctypes.c_uint32 * _MOST_PROGRAMS)()
        layout = "=IIIIQI"  # target_fd, attach_type, query_flags, attach_flags, prog_ids, prog_cnt
        _, attr = _bpf(_PROG_QUERY, layout, fd, _CGROUP_DEVICE, 0, 0, ctypes.addressof(ids), _MOST_PROGRAMS)
    finally:
        os.close(fd)
    _, _, _, flags, _, count = struct.unpack_from(layout, attr)
    return [_described(ids[i], flags) for i in range(count)]


def _described(program, flags):
    return {"id": program, "name": program_name(program), "attach_type": "cgroup_device", "attach_flags": flags}


def program_name(program):
    """The name of the program with this id; empty if it is gone by now."""
    try:
        fd, _ = _bpf(_PROG_GET_FD_BY_ID, "=I", program)
    except FileNotFoundError:
        return ""
    try:
        info = ctypes.create_string_buffer(256)
        _bpf(_OBJ_GET_INFO_BY_FD, "=IIQ", fd, len(info), ctypes.addressof(info))
        return info.raw[64:80].rstrip(b"\0").decode()  # struct bpf_prog_info, name
    finally:
        os.close(fd)


def memory(program_ids):
    """How many bytes of the kernel's memory these programs take, and the maps that they have, each counted once."""
    maps = set()
    size = 0
    for program in program_ids:
        fd, _ = _bpf(_PROG_GET_FD_BY_ID, "=I", program)
        try:
            size += _locked(fd)
            ids = (ctypes.c_uint32 * _MOST_PROGRAMS)()
            info = ctypes.create_string_buffer(256)  # struct bpf_prog_info: nr_map_ids, map_ids
            struct.pack_into("=IQ", info, 52, _MOST_PROGRAMS, ctypes.addressof(ids))
            _bpf(_OBJ_GET_INFO_BY_FD, "=IIQ", fd, len(info), ctypes.addressof(info))
            maps.update(ids[:struct.unpack_from("=I", info, 52)[0]])
        finally:
            os.close(fd)
    for number in maps:
        fd, _ = _bpf(_MAP_GET_FD_BY_ID, "=I", number)
        size += _locked(fd)
        os.close(fd)
    return size


def _locked(fd):
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as text:
        return next(int(line.split()[1]) for line in text if line.startswith("memlock:"))


def _ids(command):
    last = 0
    while True:
        try:
            _, attr = _bpf(command, "=I", last)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return
            raise
        (last,) = struct.unpack_from("=4xI", attr)
        yield last


def program_count():
    """How many BPF programs the whole kernel holds."""
    return sum(1 for _ in _ids(_PROG_GET_NEXT_ID))


def map_count():
    """How many BPF maps the whole kernel holds."""
    return sum(1 for _ in _ids(_MAP_GET_NEXT_ID))
