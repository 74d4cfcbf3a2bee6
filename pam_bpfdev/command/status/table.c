// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The tables in the kernel, and the lines that made them. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "filter/filter.h"
#include "command/base/lines.h"
#include "command/status/status.h"

static int open_unit(const struct status_unit *unit, struct reason *why)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", unit->user.slice, unit->unit) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	fd = session_open_cgroup(path, why);
	free(path);
	return fd;
}

static int read_table(int cgroup_fd, struct table **table, struct reason *why)
{
	struct bpfdev_info info;
	int prog_fd = -1, ret = filter_find(cgroup_fd, &prog_fd, why);

	if (ret <= 0)
		return ret;
	ret = filter_read(prog_fd, &info, table, why);
	close(prog_fd);
	return ret < 0 ? ret : 1;
}

int status_read_table(const struct status_unit *unit, struct table **table)
{
	struct reason why = { "" };
	int fd = open_unit(unit, &why), ret = fd;

	if (fd >= 0) {
		ret = read_table(fd, table, &why);
		close(fd);
	}
	if (ret == -ENOENT || ret == -ENODEV || (ret == -EPROTO && !unit->known))
		return 0;
	if (ret < 0)
		output_error("%s: %s", unit->unit, why.text);
	return ret;
}

/* The policy of all sessions that a manager's filter is the union of, if it is what it was. */
static const struct conf *conf_of_union(const struct status *status,
					const struct status_unit *manager)
{
	const struct status_policy *policy = NULL;

	for (size_t i = 0; i < status->count; i++) {
		const struct status_unit *unit = &status->units[i];

		if (!status_counts(manager, unit))
			continue;
		if (unit->policy_state != STATUS_CURRENT || (policy && unit->policy != policy))
			return NULL;
		policy = unit->policy;
	}
	return policy ? policy->conf : NULL;
}

/* A line's number means something only in the text that it was counted in. */
static const struct conf *conf_of(const struct status *status, const struct status_unit *unit)
{
	if (unit->role == BPFDEV_SESSION)
		return unit->policy_state == STATUS_CURRENT ? unit->policy->conf : NULL;
	if (unit->manager == ENFORCE_LIVE_UNION)
		return conf_of_union(status, unit);
	if (unit->manager == ENFORCE_LIVE_BASE && unit->judged)
		return unit->policy->conf;
	return NULL;
}

static void write_source(uint32_t source, void *data, char *text, size_t size)
{
	const struct status_lines *lines = data;
	const struct conf_statement *statement =
		lines->conf ? lines_find(lines->conf, source) : NULL;
	char place[LINES_PLACE_SIZE] = "changed since";

	if (statement)
		lines_place(lines->conf, statement, place);
	snprintf(text, size, "%s", place);
}

static void write_name(const struct table_view_row *row, void *data, char *text, size_t size)
{
	const struct status_lines *lines = data;

	table_view_name(lines->names, row, text, size);
}

void status_view(const struct status *status, const struct status_unit *unit,
		 struct status_lines *lines, struct table_view *view)
{
	*lines = (struct status_lines) { status->names, conf_of(status, unit) };
	*view = (struct table_view) { &status->output, write_name, write_source, lines };
}
