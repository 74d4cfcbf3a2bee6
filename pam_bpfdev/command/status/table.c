// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The tables in the kernel, and the lines that made them. */
#include <stdio.h>

#include "command/base/lines.h"
#include "command/status/status.h"

int status_read_table(struct machine_unit *unit, struct table **table)
{
	struct reason why;
	int ret = machine_read_table(unit, table, &why);

	if (ret < 0)
		output_error("%s", why.text);
	return ret;
}

/* The policy of all sessions that a manager's filter is the union of, if it is what it was. */
static const struct conf *conf_of_union(const struct machine *machine,
					const struct machine_unit *manager)
{
	const struct policy_files *files = NULL;

	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (!machine_counts(manager, unit))
			continue;
		if (unit->policy != MACHINE_POLICY_CURRENT || (files && unit->files != files))
			return NULL;
		files = unit->files;
	}
	return files ? files->conf : NULL;
}

/* A line's number means something only in the text that it was counted in. */
static const struct conf *conf_of(const struct machine *machine, const struct machine_unit *unit)
{
	if (unit->unit.role == BPFDEV_SESSION)
		return unit->policy == MACHINE_POLICY_CURRENT ? unit->files->conf : NULL;
	if (unit->manager == ENFORCE_LIVE_UNION)
		return conf_of_union(machine, unit);
	if (unit->manager == ENFORCE_LIVE_BASE && unit->judged)
		return unit->files->conf;
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

void status_view(const struct status *status, const struct machine_unit *unit,
		 struct status_lines *lines, struct table_view *view)
{
	*lines = (struct status_lines) { status->machine.names, conf_of(&status->machine, unit) };
	*view = (struct table_view) { &status->output, write_name, write_source, lines };
}
