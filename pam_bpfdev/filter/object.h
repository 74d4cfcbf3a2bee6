/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The program as the compiler left it: an object in ELF, with the types of its maps in BTF. It is
 * part of this library, so nothing in it is doubted but that it is what `make` should have made.
 */
#ifndef FILTER_OBJECT_H
#define FILTER_OBJECT_H

#include <linux/bpf.h>
#include <stddef.h>

/* Names of what the loader asks for: variables in bpfdev.bpf.c, and sections. */
#define OBJECT_PROGRAM "cgroup/dev"
#define OBJECT_FUNCTIONS ".text" /* what the program calls */
#define OBJECT_LICENSE "license"
#define OBJECT_DATA ".rodata"
#define OBJECT_TABLE ".rodata.table"

/* The section's bytes, *@size of them; NULL: there is none. */
const void *object_section(const char *name, size_t *size);

/*
 * The types in BTF, as a linker would have completed them: *@size bytes, to be freed; or NULL, for
 * want of memory.
 */
void *object_types(size_t *size);

/*
 * Fills in what BPF_MAP_CREATE takes for the map @name, all but btf_fd: as it is declared in the
 * section ".maps", or, for a section of read-only data, one value that is all of it.
 * Returns 0; -EPROTO: there is no such map.
 */
int object_describe_map(const char *name, union bpf_attr *attr);

/* A map that was made. */
struct object_map {
	const char *name;
	int fd;
};

/*
 * The program's instructions, with the functions that it calls behind it, and the descriptors of @maps
 * where they name these maps. Returns 0 with *@instructions, to be freed, and how many they are; -EPROTO:
 * they name something else; or -ENOMEM.
 */
int object_link(const struct object_map *maps, size_t map_count, struct bpf_insn **instructions,
		size_t *count);

#endif
