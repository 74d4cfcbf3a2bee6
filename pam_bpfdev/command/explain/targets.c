// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From the words DEVICE and ACCESS to numbers, and from these to what tables say of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "command/base/memory.h"
#include "command/explain/explain.h"

#define BY_NUMBERS                                                                                 \
	"its numbers: c MAJOR:MINOR for a character device, b MAJOR:MINOR for a block device"

/* The word behind DEVICE, number @next, which is the last one. */
static int take_access(struct explain *explain, size_t next)
{
	const char *word = explain->options.words[next];

	explain->access = BPFDEV_READ | BPFDEV_WRITE;
	if (!word)
		return COMMAND_YES;
	if (explain->options.words[next + 1]) {
		output_error("\"%s\": one word too many; expected USER DEVICE [ACCESS]",
			     explain->options.words[next + 1]);
		return COMMAND_USAGE;
	}
	explain->access = device_parse_access(word, NULL);
	if (explain->access)
		return COMMAND_YES;
	output_error("unknown access \"%s\"; expected letters of rwm", word);
	return COMMAND_USAGE;
}

/* Who asks about a path means what is there, wherever a policy would look. */
static int take_path(struct explain *explain, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		output_error("%s: %s; a device that is not there can be named by " BY_NUMBERS, path,
			     strerror(errno));
		return COMMAND_FAILED;
	}
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
		output_error("%s is not a device; expected the path of a device, or " BY_NUMBERS,
			     path);
		return COMMAND_FAILED;
	}
	explain->path = path;
	*xappend(&explain->patterns) = (struct device_pattern) {
		.type = S_ISBLK(st.st_mode) ? BPFDEV_BLOCK : BPFDEV_CHAR,
		.major = major(st.st_rdev),
		.minor = minor(st.st_rdev),
	};
	return COMMAND_YES;
}

int explain_parse_device(struct explain *explain, struct device_spec *spec)
{
	const char *word = explain->options.words[1], *rest;
	size_t next =
		command_take_device(&explain->options, 1, explain->device, sizeof(explain->device));
	int status = take_access(explain, next);
	struct reason why;
	int ret;

	if (status != COMMAND_YES)
		return status;
	memcpy(explain->parsed, explain->device, sizeof(explain->parsed));
	ret = device_parse_text(explain->parsed, spec, &rest, &why);
	/* "/dev/video0", but not "/dev/video*", which may be several; nor a serial number. */
	if (strchr(word, '/') && !strchr(word, ' ') && strncmp(word, "usb:", 4) != 0 &&
	    (ret < 0 || (spec->kind == DEVICE_PATH && names_is_path(word))))
		return take_path(explain, word);
	if (ret < 0) {
		output_error("%s", why.text);
		return COMMAND_USAGE;
	}
	if (*rest) {
		output_error("unknown device \"%s\"; expected one device", explain->device);
		return COMMAND_USAGE;
	}
	explain->join = spec->kind == DEVICE_NUMBERS;
	return COMMAND_YES;
}

static int compare_patterns(const void *left, const void *right)
{
	const struct device_pattern *a = left, *b = right;
	struct bpfdev_key x = { a->type, a->major, a->minor }, y = { b->type, b->major, b->minor };

	return table_compare_keys(&x, &y);
}

int explain_resolve(struct explain *explain, const struct device_spec *spec)
{
	struct device_patterns *patterns = &explain->patterns;
	char misc[NAMES_MISC_SIZE];
	size_t kept = 0;
	struct reason why;

	if (explain->path)
		return COMMAND_YES;
	if (spec->kind == DEVICE_CLASS && !conf_find_class(explain->asked.conf, spec->text)) {
		output_error("there is no class \"%s\" in the policy", spec->text);
		return COMMAND_FAILED;
	}
	if (policy_resolve(explain->asked.conf, &device_source_system, spec, patterns, &why) < 0) {
		output_error("%s: %s", explain->device, why.text);
		return COMMAND_FAILED;
	}
	if (!patterns->count && spec->kind == DEVICE_DRIVER && spec->character &&
	    names_misc(explain->asked.conf, &device_source_system, spec->text, misc)) {
		output_error("%s is no driver but a device of char-misc; expected %s",
			     explain->device, misc);
		return COMMAND_FAILED;
	}
	if (!patterns->count) {
		output_error("%s stands for no device on this machine now; a device that is not "
			     "there can be named by " BY_NUMBERS,
			     explain->device);
		return COMMAND_FAILED;
	}
	/* Several paths may lead to one device. */
	qsort(patterns->items, patterns->count, sizeof(*patterns->items), compare_patterns);
	for (size_t i = 0; i < patterns->count; i++)
		if (!i || compare_patterns(&patterns->items[kept - 1], &patterns->items[i]) != 0)
			patterns->items[kept++] = patterns->items[i];
	patterns->count = kept;
	return COMMAND_YES;
}

/* The devices at which to ask the tables on the way to the targets of one pattern. */
struct points {
	struct bpfdev_key *items;
	size_t count, capacity;
};

/* A wildcard and a number have the number in common, two that are the same themselves. */
static bool meet(uint32_t a, uint32_t b, uint32_t *common)
{
	*common = a == BPFDEV_ANY ? b : a;
	return a == BPFDEV_ANY || b == BPFDEV_ANY || a == b;
}

/* Adds what both the pattern and a key of a table have. */
static void add_meeting(struct points *points, const struct device_pattern *pattern,
			const struct bpfdev_key *key)
{
	uint32_t major, minor;

	if (key->type == pattern->type && meet(pattern->major, key->major, &major) &&
	    meet(pattern->minor, key->minor, &minor))
		*xappend(points) = (struct bpfdev_key) { key->type, major, minor };
}

/* Adds wherever the table may begin to say something else of the pattern's devices. */
static void add_points(struct points *points, const struct device_pattern *pattern,
		       const struct table *table)
{
	uint32_t type = pattern->type;

	if (!table)
		return;
	for (uint32_t i = 0; i < table->rule_count; i++)
		add_meeting(points, pattern, &table->rules[i].key);
	for (uint32_t major = 0; major < BPFDEV_INDEXED_MAJORS; major++)
		if (table->index.slot[type][major] != BPFDEV_DEFAULT_SLOT(type))
			add_meeting(points, pattern,
				    &(struct bpfdev_key) { type, major, BPFDEV_ANY });
}

static int compare_points(const void *a, const void *b)
{
	return table_compare_keys(a, b);
}

static const struct bpfdev_entry *find(const struct table *table, const struct bpfdev_key *key)
{
	return table ? table_find(table, key->type, key->major, key->minor) : NULL;
}

static struct target make_target(const struct table *table, const struct table *other,
				 const struct bpfdev_key *key)
{
	return (struct target) {
		.row = {
			.type = key->type,
			.major_low = key->major,
			.major_high = key->major,
			.minor_low = key->minor,
			.minor_high = key->minor,
			.entry = find(table, key),
		},
		.other = find(other, key),
	};
}

static bool is_same(const struct target *a, const struct target *b)
{
	return table_view_is_same(a->row.entry, b->row.entry) &&
	       table_view_is_same(a->other, b->other);
}

/*
 * Whether the target, found for the sake of a pattern of all majors, is a major that says nothing
 * else than all of them: most have a place in the table only because of some minor. Where "*:m" has
 * a say, such a major does say that those do not count for it.
 */
static bool is_idle(const struct target *target, const struct target *general)
{
	const struct table_view_row *row = &target->row;

	if (general->row.major_low != BPFDEV_ANY || row->major_low == BPFDEV_ANY ||
	    row->minor_low != general->row.minor_low || !is_same(target, general))
		return false;
	return row->minor_low != BPFDEV_ANY || !general->row.entry ||
	       !(general->row.entry->flags & BPFDEV_MINORS_OF_ANY);
}

/* Makes the last target end where @next does, if that goes on with it. */
static bool join(struct target *target, const struct target *next)
{
	struct table_view_row *last = &target->row;
	const struct table_view_row *row = &next->row;

	if (last->type != row->type || !is_same(target, next))
		return false;
	if (last->major_low == last->major_high && last->major_low == row->major_low &&
	    last->minor_high + 1 == row->minor_low && row->minor_low != BPFDEV_ANY) {
		last->minor_high = row->minor_high;
		return true;
	}
	if (last->minor_low == last->minor_high && last->minor_low == row->minor_low &&
	    last->major_high + 1 == row->major_low && row->major_low != BPFDEV_ANY) {
		last->major_high = row->major_high;
		return true;
	}
	return false;
}

void explain_targets(const struct explain *explain, const struct table *table,
		     const struct table *other, struct targets *targets)
{
	struct points points = { 0 };

	*targets = (struct targets) { 0 };
	for (size_t i = 0; i < explain->patterns.count; i++) {
		const struct device_pattern *pattern = &explain->patterns.items[i];
		const struct bpfdev_key whole = { pattern->type, pattern->major, pattern->minor };
		struct target general = make_target(table, other, &whole);
		size_t before = targets->count;

		points.count = 0;
		if (pattern->major == BPFDEV_ANY || pattern->minor == BPFDEV_ANY) {
			add_points(&points, pattern, table);
			add_points(&points, pattern, other);
		}
		*xappend(&points) = whole;
		qsort(points.items, points.count, sizeof(*points.items), compare_points);
		for (size_t j = 0; j < points.count; j++) {
			struct target target = make_target(table, other, &points.items[j]);
			bool again = j && !compare_points(&points.items[j - 1], &points.items[j]);
			bool may_join = targets->count > (explain->join ? 0 : before);

			if (!again && !is_idle(&target, &general) &&
			    !(may_join && join(&targets->items[targets->count - 1], &target)))
				*xappend(targets) = target;
		}
	}
	free(points.items);
}

uint32_t explain_refused(const struct bpfdev_entry *entry, uint32_t access)
{
	return entry ? access & ~(uint32_t)entry->allow : 0;
}

bool explain_any_refused(const struct targets *targets, uint32_t access)
{
	for (size_t i = 0; i < targets->count; i++)
		if (explain_refused(targets->items[i].row.entry, access))
			return true;
	return false;
}

const char *explain_path(const struct explain *explain, const struct table_view_row *row,
			 char *path)
{
	*path = '\0';
	if (explain->path)
		return explain->path;
	if (row->minor_low == row->minor_high && row->major_low == row->major_high)
		names_path(explain->names, row->type, row->major_low, row->minor_low, path);
	return path;
}

const char *explain_usb(const struct explain *explain, const struct table_view_row *row, char *out)
{
	*out = '\0';
	if (row->minor_low == row->minor_high && row->major_low == row->major_high)
		names_usb(explain->names, row->type, row->major_low, row->minor_low, out);
	return out;
}
