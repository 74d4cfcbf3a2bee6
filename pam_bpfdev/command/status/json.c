// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was found, for programs: bpfdev(8) has the fields. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command/status/status.h"

/* Adds what @value holds to @object and drops it. Returns 0 or -1; NULLs are no memory. */
static int merge(json_t *object, json_t *value)
{
	int ret = object && value ? json_object_update(object, value) : -1;

	json_decref(value);
	return ret;
}

static json_t *policy_of(const struct machine_unit *unit)
{
	static const char *const states[] = {
		[MACHINE_POLICY_UNKNOWN] = "unknown",
		[MACHINE_POLICY_CURRENT] = "current",
		[MACHINE_POLICY_CHANGED] = "changed",
		[MACHINE_POLICY_BROKEN] = "broken",
	};
	char digest[17];
	struct reason what;

	snprintf(digest, sizeof(digest), "%016llx", (unsigned long long)unit->info.policy_digest);
	if (unit->policy == MACHINE_POLICY_BROKEN)
		conf_describe_mistakes(unit->files->conf, &what);
	return json_pack("{so ss ss so}", "path", output_string(unit->info.policy), "digest",
			 digest, "state", states[unit->policy], "mistake",
			 unit->policy == MACHINE_POLICY_BROKEN ? output_string(what.text)
							       : json_null());
}

static json_t *exceptions_of(const struct bpfdev_info *info)
{
	json_t *array = json_array();
	int ret = 0;

	for (int i = 0; i < BPFDEV_EXCEPTIONS && array && ret == 0; i++) {
		const struct bpfdev_exception *exception = &info->exceptions[i];
		char access[4];
		uint64_t until;
		bool over;

		if (!exception->access)
			continue;
		over = status_is_over(exception, &until);
		ret = json_array_append_new(array,
					    json_pack("{so ss sI sb sI}", "device",
						      output_string(exception->device), "access",
						      output_access(exception->access, access),
						      "until", (json_int_t)until, "over", over,
						      "asked_by", (json_int_t)exception->asked_by));
	}
	if (ret == 0)
		return array;
	json_decref(array);
	return NULL;
}

/* What every unit has. */
static json_t *json_of(const struct machine_unit *unit)
{
	return json_pack("{so so sI}", "unit", output_string(unit->name), "user",
			 output_string(unit->user), "uid", (json_int_t)unit->unit.uid);
}

static json_t *session_of(const struct machine_unit *unit)
{
	json_t *object = json_of(unit);
	char id[UNIT_ID_SIZE];

	if (merge(object, json_pack("{so}", "session", output_string(unit_id(&unit->unit, id)))) ==
	    0)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *filter_of(const struct machine_unit *unit)
{
	const struct bpfdev_info *info = &unit->info;

	return json_pack("{ss si sb so}", "role",
			 unit->unit.role == BPFDEV_MANAGER ? "manager" : "session", "filters",
			 unit->filters, "readable", unit->known, "opened",
			 unit->known ? json_integer((json_int_t)info->opened) : json_null());
}

/* What only a session's filter says of itself, if it can be read. */
static json_t *login_of(const struct machine_unit *unit)
{
	const struct bpfdev_info *info = &unit->info;

	if (!unit->known)
		return json_pack("{sn sn sn sn sn sn sn sn sn sn sn}", "service", "tty", "rhost",
				 "rules", "unrestricted", "audit", "closed", "no_login", "conf",
				 "policy", "exceptions");
	return json_pack(
		"{so so so sI sb sb sb sb sb so so}", "service", output_string(info->service),
		"tty", output_string(info->tty), "rhost", output_string(info->rhost), "rules",
		(json_int_t)info->rule_count, "unrestricted", info->flags & BPFDEV_UNRESTRICTED,
		"audit", info->flags & BPFDEV_AUDIT, "closed", info->flags & BPFDEV_CLOSED,
		"no_login", info->flags & BPFDEV_NO_LOGIN, "conf", info->flags & BPFDEV_CONF,
		"policy", policy_of(unit), "exceptions", exceptions_of(info));
}

static json_t *union_of(const struct status *status, const struct machine_unit *manager)
{
	json_t *ids = json_array();
	int ret = 0;

	for (size_t i = 0; i < status->machine.unit_count && ids && ret == 0; i++) {
		char id[UNIT_ID_SIZE];

		if (!machine_counts(manager, &status->machine.units[i]))
			continue;
		unit_id(&status->machine.units[i].unit, id);
		ret = json_array_append_new(ids, output_string(id));
	}
	if (ret == 0)
		return ids;
	json_decref(ids);
	return NULL;
}

static const char *state_of(const struct machine_unit *manager)
{
	switch (manager->manager) {
	case ENFORCE_LIVE_UNION:
		return "in line";
	case ENFORCE_LIVE_BASE:
		return "base";
	case ENFORCE_LIVE_STALE:
		return "stale";
	case ENFORCE_LIVE_MISSING:
		return "missing";
	default:
		return "unknown";
	}
}

/* --rules: "table", null if the filter is another version's or has gone. Returns 0 or -1. */
static int add_table(struct status *status, struct machine_unit *unit, json_t *object)
{
	struct table *table = NULL;
	struct status_lines lines;
	struct table_view view;
	json_t *rows;
	int ret = unit->filters ? status_read_table(unit, &table) : 0;

	if (ret <= 0)
		return ret < 0 ? -1 : json_object_set_new(object, "table", json_null());
	status_view(status, unit, &lines, &view);
	rows = table_view_json(table, &view);
	table_free(table);
	return json_object_set_new(object, "table", rows);
}

static json_t *json_of_filtered(struct status *status, struct machine_unit *unit)
{
	bool manager = unit->unit.role == BPFDEV_MANAGER;
	json_t *object = manager ? json_of(unit) : session_of(unit);
	int ret = merge(object, filter_of(unit));

	if (ret == 0 && manager)
		ret = merge(object, json_pack("{ss so}", "state", state_of(unit), "union_of",
					      union_of(status, unit)));
	else if (ret == 0)
		ret = merge(object, login_of(unit));
	if (ret == 0 && status->rules)
		ret = add_table(status, unit, object);
	if (ret == 0)
		return object;
	json_decref(object);
	return NULL;
}

/* Which of the three arrays a unit belongs to. */
static const char *array_of(const struct machine_unit *unit)
{
	if (unit->unit.role == BPFDEV_SESSION)
		return unit->filters ? "sessions" : "unfiltered";
	return unit->manager == ENFORCE_LIVE_FREE ? NULL : "managers";
}

static int add_unit(struct status *status, struct machine_unit *unit, json_t *root)
{
	const char *array = array_of(unit);
	json_t *object;

	if (!array)
		return 0;
	if (unit->unit.role == BPFDEV_SESSION && !unit->filters)
		object = session_of(unit);
	else
		object = json_of_filtered(status, unit);
	return json_array_append_new(json_object_get(root, array), object);
}

int status_print_json(struct status *status)
{
	json_t *root = json_pack("{s[] s[] s[] sI}", "sessions", "managers", "unfiltered",
				 "unfiltered_sessions",
				 (json_int_t)machine_count_sessions(&status->machine, false));
	int ret = root ? 0 : -1;

	for (size_t i = 0; i < status->machine.unit_count && ret == 0; i++)
		if (status->machine.units[i].wanted)
			ret = add_unit(status, &status->machine.units[i], root);
	if (ret == 0)
		return output_json(root);
	json_decref(root);
	output_error("writing JSON: out of memory");
	return -ENOMEM;
}
