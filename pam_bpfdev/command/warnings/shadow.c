// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Lines that never decide anything, whoever logs in from wherever: other lines leave them nothing.
 *
 * Certain is only what does not depend on the devices of the moment: numbers, every driver of a
 * type, and majors that are assigned for good. Other drivers and paths are covered by their likes
 * only, since what they stand for changes.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/warnings/keys.h"
#include "command/warnings/internal.h"

/* Nobody writes more rules about the same users than this: they are not looked at. */
#define RULES_MAX (4 * TABLE_RULES_MAX)
#define NONE UINT32_MAX

struct shadow_rule {
	struct device_pattern pattern;
	uint32_t statement;
};

/* A driver or path, whose rules depend on the moment. */
struct shadow_name {
	const struct device_spec *device;
	uint32_t statement;
	bool literal; /* no glob */
};

/* The allow and deny lines about some users, and perhaps others, at one rank. */
struct shadow {
	struct warnings_run *run;
	struct shadow_rule *rules; /* by pattern, then in the order of reading */
	size_t rule_count, rule_capacity;
	struct shadow_name *names; /* in the order of reading */
	size_t name_count, name_capacity;
	/* By what they are about and by their conditions: what cannot cover a line is not looked at. */
	struct chains rule_chains, name_chains;
	const struct device_spec **leaves; /* of the line at hand: no classes any more */
	size_t leaf_count, leaf_capacity;
	bool *seen; /* per class: it is among the leaves already */
};

/* The line that is held against the others. */
struct suspect {
	const struct conf_statement *line;
	uint32_t statement;
	uint32_t open;		    /* access bits of the device at hand that it may still decide */
	uint32_t first_by, last_by; /* the lines that cover it */
	bool covered;		    /* by any, at least in part */
};

/*
 * What the device stands for on every machine and at any time. What cannot be told, which would be
 * a mistake of the line, is not certain.
 */
static struct device_patterns find_certain(struct warnings_run *run,
					   const struct device_spec *device)
{
	struct device_patterns patterns = { 0 };

	if (!device_follows(device))
		xcheck(device_resolve(&run->certain, device, &patterns, run->why));
	return patterns;
}

/* Whether it may also stand for something else. */
static bool is_of_the_moment(const struct device_spec *device,
			     const struct device_patterns *certain)
{
	if (device_follows(device))
		return true;
	return device->kind == DEVICE_DRIVER && !(certain->count && certain->items[0].each_major);
}

static bool is_literal(const char *glob)
{
	return !strpbrk(glob, "*?[\\");
}

/* Appends the devices of a line, with those of classes in their place. */
static void flatten(struct shadow *shadow, const struct device_spec *device)
{
	const struct conf *conf = shadow->run->input->conf;
	const struct conf_class *class;

	if (device->kind != DEVICE_CLASS) {
		shadow->leaves = xgrow(shadow->leaves, shadow->leaf_count, &shadow->leaf_capacity,
				       sizeof(const struct device_spec *));
		shadow->leaves[shadow->leaf_count++] = device;
		return;
	}
	class = conf_find_class(conf, device->text);
	if (!class || shadow->seen[class - conf->classes])
		return;
	shadow->seen[class - conf->classes] = true;
	for (size_t i = 0; i < class->count; i++)
		flatten(shadow, &class->devices[i]);
}

/* Fills shadow->leaves. */
static void find_leaves(struct shadow *shadow, const struct conf_statement *line)
{
	shadow->leaf_count = 0;
	memset(shadow->seen, 0, shadow->run->input->conf->class_count * sizeof(*shadow->seen));
	flatten(shadow, &line->device);
}

static void add_device(struct shadow *shadow, const struct device_spec *device, uint32_t statement)
{
	struct device_patterns certain = find_certain(shadow->run, device);

	if (is_of_the_moment(device, &certain)) {
		shadow->names = xgrow(shadow->names, shadow->name_count, &shadow->name_capacity,
				      sizeof(*shadow->names));
		shadow->names[shadow->name_count++] =
			(struct shadow_name) { device, statement, is_literal(device->text) };
	}
	for (size_t i = 0; i < certain.count; i++) {
		shadow->rules = xgrow(shadow->rules, shadow->rule_count, &shadow->rule_capacity,
				      sizeof(*shadow->rules));
		shadow->rules[shadow->rule_count++] =
			(struct shadow_rule) { certain.items[i], statement };
	}
	device_patterns_free(&certain);
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_patterns(const struct device_pattern *a, const struct device_pattern *b)
{
	int order = compare_numbers(a->type, b->type);

	if (order == 0)
		order = compare_numbers(a->major, b->major);
	if (order == 0)
		order = compare_numbers(a->minor, b->minor);
	return order ? order : (int)a->each_major - (int)b->each_major;
}

static int compare_rules(const void *a, const void *b)
{
	const struct shadow_rule *left = a, *right = b;
	int order = compare_patterns(&left->pattern, &right->pattern);

	return order ? order : compare_numbers(left->statement, right->statement);
}

static int compare_names(const void *a, const void *b)
{
	return compare_numbers(((const struct shadow_name *)a)->statement,
			       ((const struct shadow_name *)b)->statement);
}

/* Sorts rules and names, and makes their chains. */
static void arrange(struct shadow *shadow)
{
	if (shadow->rule_count)
		qsort(shadow->rules, shadow->rule_count, sizeof(*shadow->rules), compare_rules);
	if (shadow->name_count)
		qsort(shadow->names, shadow->name_count, sizeof(*shadow->names), compare_names);
	for (size_t i = 0; i < shadow->rule_count; i++)
		chains_add(&shadow->rule_chains,
			   warnings_key_of_conditions(
				   warnings_key_of_pattern(&shadow->rules[i].pattern),
				   &warnings_statement(shadow->run, shadow->rules[i].statement)
					    ->when));
	for (size_t i = 0; i < shadow->name_count; i++)
		chains_add(&shadow->name_chains,
			   warnings_key_of_conditions(
				   warnings_key_of_name(shadow->names[i].device),
				   &warnings_statement(shadow->run, shadow->names[i].statement)
					    ->when));
}

/* Adds the lines of @count @whos. Returns false if they are too many to look at. */
static bool build(struct shadow *shadow, const struct warnings_who *const *whos, size_t count)
{
	shadow->seen = xcalloc(shadow->run->input->conf->class_count + 1, sizeof(*shadow->seen));
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < whos[i]->count; j++) {
			uint32_t statement = whos[i]->lines[j].statement;
			const struct conf_statement *line =
				warnings_statement(shadow->run, statement);

			if (line->verb != CONF_ALLOW && line->verb != CONF_DENY)
				continue;
			find_leaves(shadow, line);
			for (size_t l = 0; l < shadow->leaf_count; l++)
				add_device(shadow, shadow->leaves[l], statement);
			if (shadow->rule_count > RULES_MAX)
				return false;
		}
	}
	arrange(shadow);
	return true;
}

/* Takes from the suspect what another line decides. Returns false when nothing is left to it. */
static bool take(const struct shadow *shadow, struct suspect *suspect, uint32_t other)
{
	const struct conf_statement *line = warnings_statement(shadow->run, other);

	if (other == suspect->statement || !(line->access & suspect->open) ||
	    !warnings_implies(suspect->line, line))
		return true;
	suspect->open &= ~line->access;
	if (!suspect->covered || other < suspect->first_by)
		suspect->first_by = other;
	if (!suspect->covered || other > suspect->last_by)
		suspect->last_by = other;
	suspect->covered = true;
	return suspect->open != 0;
}

/* The last one first: it is the one that decides. */
static void take_rules(struct shadow *shadow, struct suspect *suspect,
		       const struct device_pattern *pattern, bool only_later)
{
	size_t item;

	chains_walk(&shadow->rule_chains);
	warnings_walk_conditions(&shadow->rule_chains, warnings_key_of_pattern(pattern),
				 &suspect->line->when);
	while (chains_take(&shadow->rule_chains, &item)) {
		const struct shadow_rule *rule = &shadow->rules[item];

		if (only_later && rule->statement <= suspect->statement)
			return;
		if (compare_patterns(&rule->pattern, pattern) == 0 &&
		    !take(shadow, suspect, rule->statement))
			return;
	}
}

static void take_pattern(struct shadow *shadow, struct suspect *suspect,
			 const struct device_pattern *pattern)
{
	struct device_pattern every = { pattern->type, BPFDEV_ANY, BPFDEV_ANY, true };
	unsigned int ours = table_specificity(pattern), theirs = table_specificity(&every);

	take_rules(shadow, suspect, pattern, true);
	if (suspect->open && !pattern->each_major && ours <= theirs)
		take_rules(shadow, suspect, &every, ours == theirs);
}

static bool holds_id(const struct device_range *wide, const struct device_range *narrow)
{
	return wide->any || (!narrow->any && wide->low == narrow->low);
}

/* @literal: the serial number of @narrow is no glob. */
static bool holds_usb(const struct device_usb *wide, const struct device_usb *narrow, bool literal)
{
	if (!holds_id(&wide->vendor, &narrow->vendor) ||
	    !holds_id(&wide->product, &narrow->product))
		return false;
	if (!wide->serial || strcmp(wide->serial, "*") == 0)
		return true;
	return narrow->serial && (strcmp(wide->serial, narrow->serial) == 0 ||
				  (literal && fnmatch(wide->serial, narrow->serial, 0) == 0));
}

/* Whether a name stands for all that @narrow, which has a glob or not, stands for at any time. */
static bool holds_name(const struct shadow_name *wide, const struct device_spec *narrow,
		       bool literal)
{
	int flags = narrow->kind == DEVICE_PATH ? FNM_PATHNAME | FNM_PERIOD : 0;

	if (wide->device->kind != narrow->kind || wide->device->block != narrow->block)
		return false;
	if (narrow->kind == DEVICE_USB)
		return holds_usb(&wide->device->usb, &narrow->usb,
				 narrow->usb.serial && is_literal(narrow->usb.serial));
	return strcmp(wide->device->text, narrow->text) == 0 ||
	       (literal && !wide->literal && fnmatch(wide->device->text, narrow->text, flags) == 0);
}

/*
 * Whether another line leaves what the suspect does while its driver is not there: then a line that
 * denies it also refuses the majors that no driver has, and one that allows it does not give them.
 */
static bool leaves_unknown(const struct shadow *shadow, const struct suspect *suspect,
			   const struct device_spec *device, uint32_t other)
{
	return device->kind == DEVICE_DRIVER && suspect->line->verb == CONF_DENY &&
	       warnings_statement(shadow->run, other)->verb == CONF_ALLOW;
}

static void take_names(struct shadow *shadow, struct suspect *suspect,
		       const struct device_spec *device)
{
	bool literal = is_literal(device->text);
	size_t item;

	warnings_walk_names(&shadow->name_chains, device, &suspect->line->when);
	while (suspect->open && chains_take(&shadow->name_chains, &item)) {
		const struct shadow_name *name = &shadow->names[item];

		if (name->statement <= suspect->statement)
			return;
		if (holds_name(name, device, literal) &&
		    !leaves_unknown(shadow, suspect, device, name->statement))
			take(shadow, suspect, name->statement);
	}
}

/* Whether other lines decide on all that a driver or path may come to stand for. */
static void take_device_of_the_moment(struct shadow *shadow, struct suspect *suspect,
				      const struct device_spec *device)
{
	const struct device_pattern every = { device->block ? BPFDEV_BLOCK : BPFDEV_CHAR,
					      BPFDEV_ANY, BPFDEV_ANY, true };

	take_names(shadow, suspect, device);
	if (suspect->open && device->kind == DEVICE_DRIVER)
		take_rules(shadow, suspect, &every, true);
}

/* Whether other lines decide on all of the device. */
static bool is_device_covered(struct shadow *shadow, struct suspect *suspect,
			      const struct device_spec *device)
{
	struct device_patterns certain = find_certain(shadow->run, device);

	suspect->open = suspect->line->access;
	if (is_of_the_moment(device, &certain)) {
		take_device_of_the_moment(shadow, suspect, device);
	} else {
		for (size_t i = 0; i < certain.count && (i == 0 || !suspect->open); i++) {
			suspect->open = suspect->line->access;
			take_pattern(shadow, suspect, &certain.items[i]);
		}
	}
	device_patterns_free(&certain);
	return suspect->open == 0;
}

/* Whether the suspect never decides: see its first_by and last_by. */
static bool is_covered(struct shadow *shadow, struct suspect *suspect)
{
	find_leaves(shadow, suspect->line);
	for (size_t i = 0; i < shadow->leaf_count; i++)
		if (!is_device_covered(shadow, suspect, shadow->leaves[i]))
			return false;
	return shadow->leaf_count != 0;
}

static const struct conf_statement *line_of(const struct warnings_run *run,
					    const struct warnings_who *who, size_t i)
{
	return warnings_statement(run, who->lines[i].statement);
}

/* The first line of @who that exempts always, or NONE. */
static uint32_t find_exempt(const struct warnings_run *run, const struct warnings_who *who)
{
	for (size_t i = 0; i < who->count; i++)
		if (line_of(run, who, i)->verb == CONF_EXEMPT &&
		    warnings_is_unconditional(line_of(run, who, i)))
			return who->lines[i].statement;
	return NONE;
}

static void warn_exempted(struct warnings_run *run, const struct warnings_who *who, uint32_t exempt)
{
	char place[LINES_PLACE_SIZE];

	for (size_t i = 0; i < who->count; i++) {
		const struct conf_statement *line = line_of(run, who, i);

		if (who->lines[i].statement == exempt)
			continue;
		run->dead[who->lines[i].statement] = true;
		warnings_add(run, &line->place, line->place.column, WARNING_SHADOWED,
			     "this line never counts: %s exempts the same users; expected one "
			     "of the two, or a condition on the exempt line",
			     warnings_place(run, &line->place, exempt, place));
	}
}

static void warn_covered(struct warnings_run *run, const struct suspect *suspect)
{
	const struct conf_place *here = &suspect->line->place;
	const char *how =
		suspect->first_by > suspect->statement ? "comes later" : "is more specific";
	char place[LINES_PLACE_SIZE];

	run->dead[suspect->statement] = true;
	warnings_place(run, here, suspect->last_by, place);
	if (suspect->first_by == suspect->last_by)
		warnings_add(run, here, here->column, WARNING_SHADOWED,
			     "this line never decides: %s covers all of it and %s; expected "
			     "one of the two, or a more specific device here",
			     place, how);
	else
		warnings_add(run, here, here->column, WARNING_SHADOWED,
			     "this line never decides: other lines, the last of them %s, cover all "
			     "of it together; expected it to be left out, or a more specific "
			     "device here",
			     place);
}

static void look_at_rules(struct warnings_run *run, const struct warnings_who *who, size_t count)
{
	struct shadow shadow = { .run = run };
	bool built = build(&shadow, run->covering, count);

	for (size_t i = 0; i < who->count && built; i++) {
		struct suspect suspect = { .line = line_of(run, who, i),
					   .statement = who->lines[i].statement };

		if ((suspect.line->verb == CONF_ALLOW || suspect.line->verb == CONF_DENY) &&
		    is_covered(&shadow, &suspect))
			warn_covered(run, &suspect);
	}
	free(shadow.rules);
	free(shadow.names);
	chains_free(&shadow.rule_chains);
	chains_free(&shadow.name_chains);
	free(shadow.leaves);
	free(shadow.seen);
}

/* Whether the audit line number @i of @who does nothing beside the one number @j of @other. */
static bool is_audited(const struct warnings_run *run, const struct warnings_who *who, size_t i,
		       const struct warnings_who *other, size_t j)
{
	const struct conf_statement *line = line_of(run, who, i), *by = line_of(run, other, j);

	if (by->verb != CONF_AUDIT || by == line || !warnings_implies(line, by))
		return false;
	/* Of two that say the same, the later one is too many. */
	return who != other || j < i || !warnings_implies(by, line);
}

static uint32_t find_audit(const struct warnings_run *run, const struct warnings_who *who, size_t i,
			   size_t count)
{
	for (size_t c = 0; c < count; c++)
		for (size_t j = 0; j < run->covering[c]->count; j++)
			if (is_audited(run, who, i, run->covering[c], j))
				return run->covering[c]->lines[j].statement;
	return NONE;
}

static void look_at_audits(struct warnings_run *run, const struct warnings_who *who, size_t count)
{
	char place[LINES_PLACE_SIZE];

	for (size_t i = 0; i < who->count; i++) {
		const struct conf_statement *line = line_of(run, who, i);
		uint32_t by = line->verb == CONF_AUDIT ? find_audit(run, who, i, count) : NONE;

		if (by != NONE)
			warnings_add(run, &line->place, line->place.column, WARNING_SHADOWED,
				     "this line changes nothing: %s audits the same users "
				     "already; expected one of the two",
				     warnings_place(run, &line->place, by, place));
	}
}

/* Brings those of the same rank, who stand first, to the front. Returns how many there are. */
static size_t keep_rank(const struct warnings_run *run, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (run->covering[i]->rank == run->covering[0]->rank)
			run->covering[kept++] = run->covering[i];
	return kept;
}

void warnings_of_shadows(struct warnings_run *run, struct warnings_who *who)
{
	size_t count = warnings_cover(run, who), lines = 0;
	uint32_t exempt = NONE;

	if (who->state == NAME_MISSING)
		return;
	for (size_t i = 0; i < count && exempt == NONE; i++)
		exempt = find_exempt(run, run->covering[i]);
	if (exempt != NONE) {
		warn_exempted(run, who, exempt);
		return;
	}
	look_at_audits(run, who, count);
	count = keep_rank(run, count);
	for (size_t i = 0; i < count; i++)
		lines += run->covering[i]->count;
	if (lines > 1)
		look_at_rules(run, who, count);
}
