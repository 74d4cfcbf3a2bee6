// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What services would do with a device that the rules deny, or allow, somebody. */
#include "command/base/row.h"
#include "command/explain/explain.h"
#include "command/machine/doors.h"

static const char *words_of(enum door door, bool refused)
{
	switch (door) {
	case DOOR_OBEYS:
		return refused ? "refuses to mount, unlock or open it, too"
			       : "mounts, unlocks and opens it, if polkit lets it";
	case DOOR_SHUT:
	case DOOR_LOCKED:
		return "serves nobody who has rules: they cannot be asked (see bpfdev doctor)";
	default:
		return "mounts, unlocks and opens it, if polkit lets it, whatever the rules say";
	}
}

/* Mounting, and most of the rest, reads and writes. */
static bool is_refused(const struct bpfdev_entry *entry)
{
	return explain_refused(entry, BPFDEV_READ | BPFDEV_WRITE) != 0;
}

static enum door udisks(const struct table_view_row *row)
{
	return row->type == BPFDEV_BLOCK ? doors_udisks() : DOOR_ABSENT;
}

static bool is_passed(const struct table_view_row *row)
{
	return row->major_low == row->major_high &&
	       doors_logind(row->type, row->major_low) != DOOR_ABSENT;
}

void explain_print_doors(const struct table_view_row *row, const char *indent)
{
	enum door door = udisks(row);

	if (door != DOOR_ABSENT)
		output_line("%sby udisks2: %s", indent, words_of(door, is_refused(row->entry)));
	if (is_passed(row) && is_refused(row->entry))
		output_line("%sby systemd-logind: passed to the display server of who sits at the "
			    "machine, whatever the rules say",
			    indent);
}

static json_t *door_json(const char *service, bool obeys, bool open)
{
	json_t *object = json_object();

	row_put(object, "service", output_string(service));
	row_put(object, "obeys", json_boolean(obeys));
	row_put(object, "open", json_boolean(open));
	return object;
}

json_t *explain_doors_json(const struct table_view_row *row)
{
	json_t *doors = json_array();
	enum door door = udisks(row);

	if (door != DOOR_ABSENT)
		row_append(doors, door_json("udisks2", door != DOOR_FREE,
					    door == DOOR_FREE || (door == DOOR_OBEYS &&
								  !is_refused(row->entry))));
	if (is_passed(row))
		row_append(doors, door_json("systemd-logind", false, true));
	return doors;
}
