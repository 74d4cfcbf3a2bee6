// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The program as the compiler left it, taken apart: sections, relocations, declared maps. */
#include <elf.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/object.h"

/* Declares object_bytes. */
#include "bpfdev.object.h"

static const void *at(Elf64_Off offset)
{
	return object_bytes + offset;
}

static const Elf64_Shdr *section(size_t index)
{
	const Elf64_Ehdr *elf = at(0);

	return (const Elf64_Shdr *)at(elf->e_shoff) + index;
}

static const char *section_name(const Elf64_Shdr *it)
{
	const Elf64_Ehdr *elf = at(0);

	return (const char *)at(section(elf->e_shstrndx)->sh_offset) + it->sh_name;
}

static const Elf64_Shdr *find_section(const char *name)
{
	const Elf64_Ehdr *elf = at(0);

	for (size_t i = 1; i < elf->e_shnum; i++)
		if (strcmp(section_name(section(i)), name) == 0)
			return section(i);
	return NULL;
}

const void *object_section(const char *name, size_t *size)
{
	const Elf64_Shdr *it = find_section(name);

	if (!it)
		return NULL;
	*size = it->sh_size;
	return at(it->sh_offset);
}

static bool is_data(const char *section)
{
	return strncmp(section, OBJECT_DATA, strlen(OBJECT_DATA)) == 0;
}

/* The map that a relocation is for: variables in a section of data are all in one. */
static const char *map_of(const Elf64_Sym *symbol, const Elf64_Shdr *symbols)
{
	const char *holder = section_name(section(symbol->st_shndx));
	const char *names = at(section(symbols->sh_link)->sh_offset);

	return is_data(holder) ? holder : names + symbol->st_name;
}

/* Instructions in the making. */
struct link {
	struct bpf_insn *instructions;
	size_t functions; /* where those of OBJECT_FUNCTIONS begin */
	const struct object_map *maps;
	size_t map_count;
};

/* As long as it is not linked, a call of a function counts from the beginning of that one's section. */
static int link_call(const struct link *link, size_t at, const Elf64_Sym *symbol)
{
	struct bpf_insn *call = &link->instructions[at];
	const char *holder = section_name(section(symbol->st_shndx));

	if (call->src_reg != BPF_PSEUDO_CALL || strcmp(holder, OBJECT_FUNCTIONS) != 0)
		return -EPROTO;
	call->imm += (__s32)(link->functions + symbol->st_value / sizeof(*call)) - (__s32)at;
	return 0;
}

static int link_map(const struct link *link, size_t at, const Elf64_Sym *symbol,
		    const Elf64_Shdr *symbols)
{
	struct bpf_insn *load = &link->instructions[at];
	const char *name = map_of(symbol, symbols);

	for (size_t i = 0; i < link->map_count; i++) {
		if (strcmp(link->maps[i].name, name) != 0)
			continue;
		load->src_reg = BPF_PSEUDO_MAP_FD;
		if (is_data(name)) {
			load->src_reg = BPF_PSEUDO_MAP_VALUE;
			load[1].imm = load->imm + (__s32)symbol->st_value;
		}
		load->imm = link->maps[i].fd;
		return 0;
	}
	return -EPROTO;
}

/* Appends a section of instructions from number @base on. Returns 0 or -EPROTO. */
static int link_section(const struct link *link, const char *name, const char *relocations,
			size_t base)
{
	const Elf64_Shdr *code = find_section(name), *it = find_section(relocations);
	const Elf64_Shdr *symbols = it ? section(it->sh_link) : NULL;
	const Elf64_Rel *places = it ? at(it->sh_offset) : NULL;
	int err = code && it ? 0 : -EPROTO;

	if (!err)
		memcpy(&link->instructions[base], at(code->sh_offset), code->sh_size);
	for (size_t i = 0; !err && i < it->sh_size / sizeof(*places); i++) {
		const Elf64_Sym *symbol = at(symbols->sh_offset);
		size_t number = base + places[i].r_offset / sizeof(*link->instructions);

		symbol += ELF64_R_SYM(places[i].r_info);
		if (link->instructions[number].code == (BPF_LD | BPF_IMM | BPF_DW))
			err = link_map(link, number, symbol, symbols);
		else
			err = link_call(link, number, symbol);
	}
	return err;
}

int object_link(const struct object_map *maps, size_t map_count, struct bpf_insn **instructions,
		size_t *count)
{
	size_t main_size = 0, functions_size = 0;
	struct link link = { .maps = maps, .map_count = map_count };
	int err;

	object_section(OBJECT_PROGRAM, &main_size);
	object_section(OBJECT_FUNCTIONS, &functions_size);
	if (!main_size)
		return -EPROTO;
	link.functions = main_size / sizeof(*link.instructions);
	link.instructions = malloc(main_size + functions_size);
	if (!link.instructions)
		return -ENOMEM;
	err = link_section(&link, OBJECT_PROGRAM, ".rel" OBJECT_PROGRAM, 0);
	if (!err)
		err = link_section(&link, OBJECT_FUNCTIONS, ".rel" OBJECT_FUNCTIONS,
				   link.functions);
	if (err) {
		free(link.instructions);
		return err;
	}
	*instructions = link.instructions;
	*count = (main_size + functions_size) / sizeof(*link.instructions);
	return 0;
}

/* What follows a type in BTF, in bytes. */
static size_t tail_size(const struct btf_type *type)
{
	size_t count = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
		return sizeof(__u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return count * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return count * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return count * sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

/* One type after the other. */
struct types {
	const struct btf_type *type;
	const char *end, *strings;
	__u32 id; /* of the type; they are numbered from 1 */
};

static struct types types_begin(const struct btf_header *header)
{
	const char *data = (const char *)header + header->hdr_len;

	return (struct types) {
		.type = (const void *)(data + header->type_off),
		.end = data + header->type_off + header->type_len,
		.strings = data + header->str_off,
		.id = 1,
	};
}

static bool types_more(const struct types *types)
{
	return (const char *)types->type < types->end;
}

static void types_next(struct types *types)
{
	types->type = (const void *)((const char *)(types->type + 1) + tail_size(types->type));
	types->id++;
}

static const void *object_btf(void)
{
	size_t size;

	return object_section(".BTF", &size);
}

/* The type with the number @id. */
static const struct btf_type *type_of(__u32 id)
{
	struct types types = types_begin(object_btf());

	while (types.id < id && types_more(&types))
		types_next(&types);
	return types.type;
}

/* The type of this kind and name; false: there is none. */
static bool find_type(__u32 kind, const char *name, struct types *types)
{
	for (*types = types_begin(object_btf()); types_more(types); types_next(types))
		if (BTF_INFO_KIND(types->type->info) == kind &&
		    strcmp(types->strings + types->type->name_off, name) == 0)
			return true;
	return false;
}

/* Of a struct or an integer, whatever name it was given. */
static __u32 size_of(__u32 id)
{
	const struct btf_type *type = type_of(id);

	while (BTF_INFO_KIND(type->info) == BTF_KIND_TYPEDEF)
		type = type_of(type->type);
	return type->size;
}

/*
 * A member of a declared map is a pointer (bpf_helpers.h): __type() makes it one to the type that
 * is meant, __uint() one to an array with as many elements as the number that is meant.
 */
static void take_member(const char *name, __u32 pointer, union bpf_attr *attr)
{
	__u32 target = type_of(pointer)->type;
	const struct btf_type *type = type_of(target);
	__u32 number = 0;

	if (BTF_INFO_KIND(type->info) == BTF_KIND_ARRAY)
		number = ((const struct btf_array *)(type + 1))->nelems;
	if (strcmp(name, "type") == 0) {
		attr->map_type = number;
	} else if (strcmp(name, "map_flags") == 0) {
		attr->map_flags = number;
	} else if (strcmp(name, "max_entries") == 0) {
		attr->max_entries = number;
	} else if (strcmp(name, "key") == 0) {
		attr->btf_key_type_id = target;
		attr->key_size = size_of(target);
	} else if (strcmp(name, "value") == 0) {
		attr->btf_value_type_id = target;
		attr->value_size = size_of(target);
	}
}

/* Where a variable is in its section. */
static Elf64_Addr place_of(const char *name)
{
	const Elf64_Shdr *symbols = find_section(".symtab");
	const char *names = at(section(symbols->sh_link)->sh_offset);
	const Elf64_Sym *symbol = at(symbols->sh_offset);
	const Elf64_Sym *end = symbol + symbols->sh_size / sizeof(*symbol);

	while (symbol < end && strcmp(names + symbol->st_name, name) != 0)
		symbol++;
	return symbol < end ? symbol->st_value : 0;
}

/* The compiler does not know yet how large a section becomes, and where a variable is in it. */
void *object_types(size_t *size)
{
	const void *btf = object_section(".BTF", size);
	void *copy = malloc(*size);
	struct types types;

	if (!copy)
		return NULL;
	memcpy(copy, btf, *size);
	for (types = types_begin(copy); types_more(&types); types_next(&types)) {
		struct btf_type *type = (struct btf_type *)types.type;
		struct btf_var_secinfo *variables = (void *)(type + 1);
		const Elf64_Shdr *it = find_section(types.strings + type->name_off);

		if (BTF_INFO_KIND(type->info) != BTF_KIND_DATASEC || !it)
			continue;
		type->size = (__u32)it->sh_size;
		for (__u32 i = 0; i < BTF_INFO_VLEN(type->info); i++) {
			const char *name = types.strings + type_of(variables[i].type)->name_off;

			variables[i].offset = (__u32)place_of(name);
		}
	}
	return copy;
}

static int describe_data(const char *name, union bpf_attr *attr)
{
	const Elf64_Shdr *it = find_section(name);
	struct types types;

	if (!it || !find_type(BTF_KIND_DATASEC, name, &types))
		return -EPROTO;
	attr->map_type = BPF_MAP_TYPE_ARRAY;
	attr->map_flags = BPF_F_RDONLY_PROG;
	attr->key_size = sizeof(__u32);
	attr->value_size = (__u32)it->sh_size;
	attr->max_entries = 1;
	attr->btf_value_type_id = types.id;
	return 0;
}

int object_describe_map(const char *name, union bpf_attr *attr)
{
	const struct btf_member *members;
	const struct btf_type *type;
	struct types types;

	memset(attr, 0, sizeof(*attr));
	if (is_data(name))
		return describe_data(name, attr);
	if (!find_type(BTF_KIND_VAR, name, &types))
		return -EPROTO;
	type = type_of(types.type->type);
	members = (const void *)(type + 1);
	for (__u32 i = 0; i < BTF_INFO_VLEN(type->info); i++)
		take_member(types.strings + members[i].name_off, members[i].type, attr);
	return 0;
}
