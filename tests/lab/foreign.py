# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Device programs that the module of this build has not made."""

import ctypes
import os
import pathlib
import struct

import bpf

TOP = pathlib.Path(__file__).resolve().parents[2]
# struct bpfdev_table: majors and others.
VERDICTS = 2 * 512 + 2


def attach_filter(cgroup, version):
    """Attaches a filter that allows everything, as this program in another version would have made it."""
    libbpf = ctypes.CDLL("libbpf.so.1")
    for name in ("bpf_object__open", "bpf_object__find_map_by_name", "bpf_object__find_program_by_name",
                 "bpf_map__initial_value"):
        getattr(libbpf, name).restype = ctypes.c_void_p
    made = ctypes.c_void_p(libbpf.bpf_object__open(str(TOP / "build/bpfdev.bpf.o").encode()))
    data = ctypes.c_void_p(libbpf.bpf_object__find_map_by_name(made, b".rodata"))
    mark = (ctypes.c_uint32 * 2)(0x62706476, version)
    ctypes.memmove(libbpf.bpf_map__initial_value(data, ctypes.byref(ctypes.c_size_t())), mark, 8)
    table = ctypes.c_void_p(libbpf.bpf_object__find_map_by_name(made, b".rodata.table"))
    size = ctypes.c_size_t()
    value = libbpf.bpf_map__initial_value(table, ctypes.byref(size))
    verdicts = (ctypes.c_uint32 * VERDICTS)(*[7] * VERDICTS)
    # One bucket is behind them.
    ctypes.memmove(value + size.value - 8 - ctypes.sizeof(verdicts), verdicts, ctypes.sizeof(verdicts))
    assert libbpf.bpf_object__load(made) == 0
    program = libbpf.bpf_program__fd(ctypes.c_void_p(libbpf.bpf_object__find_program_by_name(made, b"pam_bpfdev")))
    fd = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
    assert libbpf.bpf_prog_attach(program, fd, 6, 2) == 0  # BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI
    os.close(fd)
    libbpf.bpf_object__close(made)


def attach_program(cgroup):
    """What a container engine does: a device program of its own on a cgroup; this one refuses loop-control's minor."""
    insns = b"".join(struct.pack("=BBhi", *insn) for insn in (
        (0x61, 0x12, 8, 0),     # r2 = the minor
        (0xb7, 0, 0, 1),        # r0 = 1
        (0x55, 2, 1, 237),      # if r2 is not 237, skip one
        (0xb7, 0, 0, 0),        # r0 = 0
        (0x95, 0, 0, 0)))       # return r0
    code, license_text = ctypes.create_string_buffer(insns), ctypes.create_string_buffer(b"GPL")
    program, _ = bpf._bpf(5, "=IIQQ", 15, len(insns) // 8, ctypes.addressof(code), ctypes.addressof(license_text))
    folder = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
    bpf._bpf(8, "=IIII", folder, program, 6, 2)
    os.close(folder)
    os.close(program)
