// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The rules of lines about the same users, and whether they leave another line anything to decide. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "base/array.h"
#include "command/warnings/shadow.h"

/* More rules about the same users than this are looked at by nobody, nor here. */
#define RULES_MAX (4 * TABLE_RULES_MAX)

/* A machine of which only that is known which holds for all. */
static const struct device_source nothing_loaded = { .proc_devices = "/dev/null", .dev = "/dev" };

/* What the device stands for on every machine and at any time. */
static int find_certain(struct warnings_run *run, const struct device_spec *device,
			struct device_patterns *patterns)
{
	if (device->kind == DEVICE_PATH)
		return 0;
	return device_resolve(&nothing_loaded, device, patterns, run->why);
}

/* Whether it may also stand for something else. */
static bool is_of_the_moment(const struct device_spec *device,
			     const struct device_patterns *certain)
{
	if (device->kind == DEVICE_PATH)
		return true;
	return device->kind == DEVICE_DRIVER && !(certain->count && certain->items[0].each_major);
}

static int add_rule(struct shadow *shadow, const struct device_pattern *pattern, uint32_t statement)
{
	struct shadow_rule *grown = array_grow(shadow->rules, shadow->rule_count,
					       &shadow->rule_capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	shadow->rules = grown;
	grown[shadow->rule_count++] = (struct shadow_rule) { *pattern, statement };
	return shadow->rule_count > RULES_MAX ? -E2BIG : 0;
}

static bool is_literal(const char *glob)
{
	return !strpbrk(glob, "*?[\\");
}

static int add_name(struct shadow *shadow, const struct device_spec *device, uint32_t statement)
{
	struct shadow_name *grown = array_grow(shadow->names, shadow->name_count,
					       &shadow->name_capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	shadow->names = grown;
	grown[shadow->name_count++] =
		(struct shadow_name) { device, statement, is_literal(device->text) };
	return 0;
}

/* Appends the devices of a line, with those of classes in their place. */
static int flatten(struct shadow *shadow, const struct device_spec *device)
{
	const struct conf *conf = shadow->run->input->conf;
	const struct conf_class *class;
	const struct device_spec **grown;
	int ret = 0;

	if (device->kind != DEVICE_CLASS) {
		grown = array_grow(shadow->leaves, shadow->leaf_count, &shadow->leaf_capacity,
				   sizeof(const struct device_spec *));
		if (!grown)
			return -ENOMEM;
		shadow->leaves = grown;
		grown[shadow->leaf_count++] = device;
		return 0;
	}
	class = conf_find_class(conf, device->text);
	if (!class || shadow->seen[class - conf->classes])
		return 0;
	shadow->seen[class - conf->classes] = true;
	for (size_t i = 0; i < class->count && ret == 0; i++)
		ret = flatten(shadow, &class->devices[i]);
	return ret;
}

/* Fills shadow->leaves. */
static int find_leaves(struct shadow *shadow, const struct conf_statement *line)
{
	shadow->leaf_count = 0;
	memset(shadow->seen, 0, shadow->run->input->conf->class_count * sizeof(*shadow->seen));
	return flatten(shadow, &line->device);
}

static int add_device(struct shadow *shadow, const struct device_spec *device, uint32_t statement)
{
	struct device_patterns certain = { 0 };
	int ret = find_certain(shadow->run, device, &certain);

	if (ret == 0 && is_of_the_moment(device, &certain))
		ret = add_name(shadow, device, statement);
	for (size_t i = 0; i < certain.count && ret == 0; i++)
		ret = add_rule(shadow, &certain.items[i], statement);
	device_patterns_free(&certain);
	return ret;
}

static int add_line(struct shadow *shadow, uint32_t statement)
{
	const struct conf_statement *line = warnings_statement(shadow->run, statement);
	int ret;

	if (line->verb != CONF_ALLOW && line->verb != CONF_DENY)
		return 0;
	ret = find_leaves(shadow, line);
	for (size_t i = 0; i < shadow->leaf_count && ret == 0; i++)
		ret = add_device(shadow, shadow->leaves[i], statement);
	return ret;
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

int shadow_build(struct shadow *shadow, const struct warnings_who *const *whos, size_t count)
{
	int ret = 0;

	shadow->seen = calloc(shadow->run->input->conf->class_count + 1, sizeof(*shadow->seen));
	if (!shadow->seen)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < whos[i]->count && ret == 0; j++)
			ret = add_line(shadow, whos[i]->lines[j].statement);
	if (shadow->rule_count)
		qsort(shadow->rules, shadow->rule_count, sizeof(*shadow->rules), compare_rules);
	if (shadow->name_count)
		qsort(shadow->names, shadow->name_count, sizeof(*shadow->names), compare_names);
	return ret;
}

void shadow_free(struct shadow *shadow)
{
	free(shadow->rules);
	free(shadow->names);
	free(shadow->leaves);
	free(shadow->seen);
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

/* The end of the rules on a pattern. */
static size_t end_of(const struct shadow *shadow, const struct device_pattern *pattern)
{
	size_t low = 0, high = shadow->rule_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_patterns(&shadow->rules[middle].pattern, pattern) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The last one first: it is the one that decides. */
static void take_rules(const struct shadow *shadow, struct suspect *suspect,
		       const struct device_pattern *pattern, bool only_later)
{
	for (size_t i = end_of(shadow, pattern); i > 0; i--) {
		const struct shadow_rule *rule = &shadow->rules[i - 1];

		if (compare_patterns(&rule->pattern, pattern) != 0 ||
		    (only_later && rule->statement <= suspect->statement) ||
		    !take(shadow, suspect, rule->statement))
			return;
	}
}

static void take_pattern(const struct shadow *shadow, struct suspect *suspect,
			 const struct device_pattern *pattern)
{
	struct device_pattern every = { pattern->type, BPFDEV_ANY, BPFDEV_ANY, true };
	unsigned int ours = table_specificity(pattern), theirs = table_specificity(&every);

	take_rules(shadow, suspect, pattern, true);
	if (suspect->open && !pattern->each_major && ours <= theirs)
		take_rules(shadow, suspect, &every, ours == theirs);
}

/* Whether a name stands for all that @narrow, which has a glob or not, stands for at any time. */
static bool holds_name(const struct shadow_name *wide, const struct device_spec *narrow,
		       bool literal)
{
	int flags = narrow->kind == DEVICE_PATH ? FNM_PATHNAME | FNM_PERIOD : 0;

	if (wide->device->kind != narrow->kind || wide->device->block != narrow->block)
		return false;
	return strcmp(wide->device->text, narrow->text) == 0 ||
	       (literal && !wide->literal && fnmatch(wide->device->text, narrow->text, flags) == 0);
}

static void take_names(const struct shadow *shadow, struct suspect *suspect,
		       const struct device_spec *device)
{
	bool literal = is_literal(device->text);

	for (size_t i = shadow->name_count; i > 0 && suspect->open; i--) {
		const struct shadow_name *name = &shadow->names[i - 1];

		if (name->statement <= suspect->statement)
			return;
		if (holds_name(name, device, literal))
			take(shadow, suspect, name->statement);
	}
}

/* Whether other lines decide on all that a driver or path may come to stand for. */
static void take_device_of_the_moment(const struct shadow *shadow, struct suspect *suspect,
				      const struct device_spec *device)
{
	const struct device_pattern every = { device->block ? BPFDEV_BLOCK : BPFDEV_CHAR,
					      BPFDEV_ANY, BPFDEV_ANY, true };

	take_names(shadow, suspect, device);
	if (suspect->open && device->kind == DEVICE_DRIVER)
		take_rules(shadow, suspect, &every, true);
}

/* 1: other lines decide on all of the device; 0: they do not; or a negative errno. */
static int is_device_covered(const struct shadow *shadow, struct suspect *suspect,
			     const struct device_spec *device)
{
	struct device_patterns certain = { 0 };
	int ret = find_certain(shadow->run, device, &certain);

	suspect->open = suspect->line->access;
	if (ret == 0 && is_of_the_moment(device, &certain)) {
		take_device_of_the_moment(shadow, suspect, device);
	} else if (ret == 0) {
		for (size_t i = 0; i < certain.count && (i == 0 || !suspect->open); i++) {
			suspect->open = suspect->line->access;
			take_pattern(shadow, suspect, &certain.items[i]);
		}
	}
	device_patterns_free(&certain);
	return ret < 0 ? ret : suspect->open == 0;
}

int shadow_is_covered(struct shadow *shadow, struct suspect *suspect)
{
	int ret = find_leaves(shadow, suspect->line);

	if (ret < 0)
		return ret;
	ret = shadow->leaf_count != 0;
	for (size_t i = 0; i < shadow->leaf_count && ret == 1; i++)
		ret = is_device_covered(shadow, suspect, shadow->leaves[i]);
	return ret;
}
