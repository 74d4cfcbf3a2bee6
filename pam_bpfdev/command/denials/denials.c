// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev denials: what sessions were denied. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "command/base/command.h"
#include "command/base/memory.h"
#include "command/machine/denial.h"
#include "command/machine/programs.h"

static void print_table(const struct output *output, struct machine *machine)
{
	struct row_table table = row_table(output);

	for (size_t i = 0; i < machine->denial_count; i++) {
		struct row row = row_line(&table);

		denial_describe(&row, machine, &machine->denials[i]);
	}
	row_table_print(&table);
}

/* The object of the program in @programs, made if it is not there: see bpfdev(8). */
static json_t *object_of(json_t *programs, const struct other_program *other)
{
	struct row row;
	json_t *object;
	size_t i;

	json_array_foreach(programs, i,
			   object) if (json_integer_value(json_object_get(object, "id")) ==
				       other->program.id) return object;
	row = row_object();
	if (row_field(&row, "id", NULL, 0))
		row_number(&row, other->program.id);
	if (row_field(&row, "name", NULL, 0))
		row_text(&row, "%s", other->program.name);
	if (row_field(&row, "cgroup", NULL, 0))
		row_text_or_null(&row, other->cgroup);
	if (row_field(&row, "units", NULL, 0))
		row_json(&row, json_array());
	row_append(programs, row.object);
	return row.object;
}

/*
 * The device programs of others that the kernel asks for what is shown. Our filters do not count
 * what these refuse, so that it would be looked for here in vain.
 */
static json_t *find_programs(const struct machine *machine)
{
	json_t *found = json_array();

	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];
		struct other_programs programs;
		struct reason why;
		char *path;
		int ret;

		if (!unit->wanted)
			continue;
		path = xasprintf("%s/%s", unit->slice, unit->name);
		ret = xcheck(other_programs_find(path, machine->root, &programs, &why));
		free(path);
		if (ret < 0 && ret != -ENOENT && ret != -ENODEV)
			output_error("other device programs of %s: %s", unit->name, why.text);
		for (size_t j = 0; j < programs.count; j++)
			row_append(json_object_get(object_of(found, &programs.items[j]), "units"),
				   output_string(unit->name));
		other_programs_free(&programs);
	}
	return found;
}

static void print_programs(const struct machine *machine)
{
	json_t *programs = find_programs(machine), *object;
	size_t i;

	json_array_foreach(programs, i, object)
	{
		const char *cgroup = json_string_value(json_object_get(object, "cgroup"));
		const json_t *units = json_object_get(object, "units");
		char more[40] = "";

		if (json_array_size(units) > 1)
			snprintf(more, sizeof(more), " and %zu more", json_array_size(units) - 1);
		output_line("not counted: what program %" JSON_INTEGER_FORMAT
			    " \"%s\" on %s refuses, which is not ours and is asked, too, for %s%s",
			    json_integer_value(json_object_get(object, "id")),
			    json_string_value(json_object_get(object, "name")),
			    cgroup ? cgroup : "a cgroup further up, out of sight",
			    json_string_value(json_array_get(units, 0)), more);
	}
	json_decref(programs);
}

/* What the table cannot show. */
static void print_rest(const struct machine *machine)
{
	bool has_process = false, counts = !machine->wanted.text;

	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		counts |= unit->wanted && unit->filters;
		if (unit->wanted && unit->lost)
			output_line("%s of %s: %" PRIu64
				    " more, of devices or accesses that there was "
				    "no room to tell apart",
				    unit->name, unit->user, unit->lost);
		if (unit->wanted && unit->filters && !unit->counted)
			output_line("%s of %s: the filter was made by another version: what it "
				    "denies is not known",
				    unit->name, unit->user);
	}
	if (!counts)
		output_line("%s: there is no filter that would count what is denied",
			    machine->wanted.text);
	for (size_t i = 0; i < machine->denial_count; i++)
		has_process |= machine->denials[i].denial->pid != 0;
	if (has_process && !denial_pids_are_ours())
		output_line("process ids are those of the host, which has other ones than this "
			    "container");
}

static int print_json(struct machine *machine)
{
	json_t *denials = json_array(), *lost = json_array(), *unreadable = json_array();
	json_t *object, *programs;

	for (size_t i = 0; i < machine->denial_count; i++)
		row_append(denials, denial_json(machine, &machine->denials[i]));
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (!unit->wanted || !(unit->lost || (unit->filters && !unit->counted)))
			continue;
		object = denial_unit_json(&unit->unit);
		if (unit->lost)
			row_put(object, "count", json_integer((json_int_t)unit->lost));
		row_append(unit->lost ? lost : unreadable, object);
	}
	object =
		json_pack("{so so so}", "denials", denials, "lost", lost, "unreadable", unreadable);
	programs = find_programs(machine);
	if (json_array_size(programs))
		json_object_set(object, "programs", programs);
	json_decref(programs);
	return output_json(object);
}

static int print(const struct output *output, struct machine *machine)
{
	if (output->json)
		return print_json(machine);
	if (machine->denial_count)
		print_table(output, machine);
	else
		output_line("nothing has been denied");
	print_rest(machine);
	print_programs(machine);
	return 0;
}

static int show(const struct command_options *options, struct machine *machine)
{
	struct reason why;

	if (machine_open(machine, &why) < 0 ||
	    machine_look(machine, NULL, MACHINE_DENIALS, &why) < 0) {
		output_error("%s", why.text);
		return COMMAND_FAILED;
	}
	if (!machine_want(machine, options->words[0], false))
		return COMMAND_NO;
	return print(&options->output, machine) < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static int run(void *request)
{
	const struct command_options *options = request;
	struct machine machine = { 0 };
	int ret = show(options, &machine);

	machine_close(&machine);
	return ret;
}

const struct command command_denials = {
	.name = "denials",
	.summary = "show which devices sessions were denied",
	.arguments = "[USER|SESSION]",
	.doc = "Shows which devices sessions and user managers were denied, newest first; or those of "
	       "USER (a name, uid or :uid), or one SESSION (3, session-3.scope, user@1000.service). "
	       "A number that is a session's is that.\v"
	       "What is counted are the kernel's questions: one for each open; two for one of a block "
	       "device that passes for audit. RESULT \"audit\" means that it was let pass, because of an audit "
	       "line. WHEN, PROCESS and WHY are of the last time. The counts of a session go with it.",
	.root = "the kernel shows its programs to nobody else",
	.words_max = 1,
	.sets = { { &command_output_set, 0 } },
	.size = sizeof(struct command_options),
	.run = run,
};
