/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Tables to load, and programs that are not ours to load beside them. */
#ifndef TABLES_H
#define TABLES_H

#include "../unit/check.h"

#include <stdbool.h>

#include "table/table.h"

#define RULE(type_, major_, minor_, access_, rank_, allow_)                                        \
	{                                                                                          \
		.device = { .type = BPFDEV_##type_, .major = major_, .minor = minor_ },            \
		.access = access_, .rank = rank_, .allow = allow_                                  \
	}
#define ALLOW(type, major, minor, access) RULE(type, major, minor, access, TABLE_USER, 1)
#define DENY(type, major, minor, access) RULE(type, major, minor, access, TABLE_USER, 0)

/* Folds rules; their sources are numbered in the array's order. Free: table_free(). */
struct table *make_table(struct table_rule *rules, size_t count);

/* A table of @count exact rules for char devices, c 1:3 among them, all allowed. */
struct table *make_large_table(uint32_t count);

/* What filter_attach() returned, as 0 for success, with the descriptor closed. */
int attached(int prog_fd);

/* filter_attach(), and find_filter() as filter_find(), where nothing but success will do. */
void attach_table(int cgroup_fd, const struct table *table, int old_prog_fd);
int find_filter(int cgroup_fd);

/* Before Linux 5.11 programs and maps count as locked memory: to load them without filter.h. */
void lift_memlock(void);

/* A device program that is not ours, as systemd loads them: returns @verdict for everything. */
int load_other(int verdict);

/* Attaches it beside what is there. */
void attach_other(int cgroup_fd, int prog_fd);

/* The number of device programs on the cgroup. */
uint32_t count_attached(int cgroup_fd);

/* The number of programs in the kernel that are ours, with @user in what they are for. */
int count_loaded(const char *user);

#endif
