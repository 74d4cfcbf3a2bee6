// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was found, for programs: bpfdev(8) has the fields. */
#include <stdlib.h>

#include "command/base/row.h"
#include "command/base/memory.h"
#include "command/suggest/suggest.h"

static json_t *text_or_null(const char *text)
{
	return *text ? output_string(text) : json_null();
}

static json_t *json_unit(const struct machine_unit *unit)
{
	char id[UNIT_ID_SIZE];

	return json_pack("{so so so sI so sI}", "session", output_string(unit_id(&unit->unit, id)),
			 "unit", output_string(unit->unit.name), "user",
			 output_string(unit->unit.user), "uid", (json_int_t)unit->unit.uid,
			 "service", output_string(unit->info.service), "opened",
			 (json_int_t)unit->info.opened);
}

static json_t *json_units(const struct suggestion *suggestion)
{
	json_t *array = json_array();

	for (size_t i = 0; i < suggestion->unit_count; i++)
		row_append(array, json_unit(suggestion->units[i]));
	return array;
}

/* Lines of the policy. A line is about several users at several ranks: none of them is told. */
static json_t *json_statements(const struct conf *conf, const bool *wanted)
{
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];
	json_t *array = json_array();

	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];

		if (!wanted[i])
			continue;
		row_append(array,
			   json_pack("{so so}", "line",
				     output_string(lines_place(conf, statement, place)), "text",
				     output_string(conf_describe_statement(statement, text,
									   sizeof(text)))));
	}
	return array;
}

static json_t *json_use(const struct suggestion *suggestion, const struct suggest_use *use)
{
	const struct suggest_request *request = &suggestion->request;
	const struct suggest_login *login = &request->logins[use->login];
	const struct bpfdev_key *device = &use->device;
	char numbers[NAMES_NUMBERS_SIZE], path[NAMES_PATH_SIZE], driver[NAMES_DRIVERS_SIZE];
	char access[4];

	names_path(request->names, device->type, device->major, device->minor, path);
	names_drivers(request->names, device->type, device->major, driver);
	return json_pack("{so ss so so ss sI sI so}", "user",
			 output_string(request->users[login->user].subject.name), "device",
			 names_numbers(device->type, device->major, device->minor, numbers), "path",
			 text_or_null(path), "driver", text_or_null(driver), "access",
			 output_access(use->access, access), "count", (json_int_t)use->count,
			 "last", (json_int_t)use->last, "process", text_or_null(use->comm));
}

static json_t *json_uses(const struct suggestion *suggestion,
			 const struct suggest_wish *const *wishes, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < wishes[i]->use_count; j++)
			row_append(array,
				   json_use(suggestion,
					    &suggestion->request.uses[wishes[i]->first_use + j]));
	return array;
}

/* What denies the devices of the wishes now. */
static json_t *json_deniers(const struct suggestion *suggestion,
			    const struct suggest_wish *const *wishes, size_t count)
{
	const struct conf *conf = suggestion->request.conf;
	bool *denies = suggest_denying(suggestion, wishes, count);
	json_t *array = json_statements(conf, denies);

	free(denies);
	return array;
}

/* For how many devices of this machine the line stands. */
static size_t devices_of(const struct suggest *suggest, const struct suggest_line *line,
			 const struct suggest_wish *const *wishes, size_t count)
{
	size_t used = suggest_count_devices(wishes, count),
	       all = suggest->targets[line->target].devices;

	return all > used ? all : used;
}

static json_t *json_line(const struct suggestion *suggestion, const struct suggest_line *line,
			 const struct suggest_wish **wishes)
{
	static const char *const kinds[] = { "class", "driver", "usb", "path", "numbers" };
	const struct suggest *suggest = &suggestion->suggest;
	const char *who = suggest->whos[line->who].text;
	size_t count = suggest_wishes_of(suggestion, line, wishes);
	char device[SUGGEST_DEVICE_SIZE], access[4], letters[4];
	json_t *object;

	suggest_device(suggest, line, device);
	output_letters(line->access, letters);
	object = json_pack("{so so so ss ss so sb}", "text",
			   json_sprintf("%s allow %s %s", who, device, letters), "who",
			   output_string(who), "device", output_string(device), "access",
			   output_access(line->access, access), "kind",
			   kinds[suggest->targets[line->target].kind], "warning",
			   line->warning ? json_string(line->warning) : json_null(), "restricts",
			   suggest_restricts(suggest, line->who));
	row_put(object, "devices",
		json_integer((json_int_t)devices_of(suggest, line, wishes, count)));
	row_put(object, "outweighs", json_deniers(suggestion, wishes, count));
	row_put(object, "uses", json_uses(suggestion, wishes, count));
	return object;
}

static json_t *json_blocked(const struct suggestion *suggestion, const struct suggest_wish *wish)
{
	const struct suggest *suggest = &suggestion->suggest;
	char numbers[NAMES_NUMBERS_SIZE], access[4];
	json_t *object;

	names_numbers(wish->device.type, wish->device.major, wish->device.minor, numbers);
	object = json_pack("{so ss ss}", "who", output_string(suggest->whos[wish->who].text),
			   "device", numbers, "access", output_access(wish->access, access));
	row_put(object, "denied_by", json_deniers(suggestion, &wish, 1));
	row_put(object, "uses", json_uses(suggestion, &wish, 1));
	return object;
}

static void set_lines(json_t *object, const struct suggestion *suggestion)
{
	const struct suggest *suggest = &suggestion->suggest;
	const struct suggest_wish **wishes = xcalloc(suggest->wish_count + 1, sizeof(void *));
	json_t *lines = json_array(), *blocked = json_array();

	for (size_t i = 0; i < suggest->line_count; i++)
		row_append(lines, json_line(suggestion, &suggest->lines[i], wishes));
	for (size_t i = 0; i < suggest->wish_count; i++)
		if (suggest->wishes[i].blocked)
			row_append(blocked, json_blocked(suggestion, &suggest->wishes[i]));
	row_put(object, "lines", lines);
	row_put(object, "blocked", blocked);
	free(wishes);
}

static void set_audit(json_t *object, const struct suggestion *suggestion)
{
	const struct conf *conf = suggestion->request.conf;
	bool *audit = xcalloc(conf->statement_count + 1, sizeof(*audit));

	for (size_t i = 0; i < conf->statement_count; i++)
		audit[i] = suggest_is_audit(suggestion, i);
	row_put(object, "audit", json_statements(conf, audit));
	free(audit);
}

int suggest_print_json(const struct suggestion *suggestion)
{
	char file[SUGGEST_FILE_SIZE];
	json_t *object = json_pack("{so so sI sI}", "units", json_units(suggestion), "file",
				   output_string(suggest_file(suggestion, file)), "allowed",
				   (json_int_t)suggestion->suggest.allowed, "lost",
				   (json_int_t)suggestion->machine.lost);

	set_audit(object, suggestion);
	set_lines(object, suggestion);
	return output_json(object);
}
