// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What the words DEVICE and ACCESS of the command line mean. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "command/explain/explain.h"

#define BY_NUMBERS                                                                                 \
	"its numbers: c MAJOR:MINOR for a character device, b MAJOR:MINOR for a block device"

/* The word behind DEVICE, which is the last one. */
static int take_access(struct explain *explain, size_t next)
{
	explain->access = BPFDEV_READ | BPFDEV_WRITE;
	if (next == explain->word_count)
		return COMMAND_YES;
	if (next + 1 < explain->word_count) {
		output_error("\"%s\": one word too many; expected USER DEVICE [ACCESS]",
			     explain->words[next + 1]);
		return COMMAND_USAGE;
	}
	explain->access = device_parse_access(explain->words[next], NULL);
	if (explain->access)
		return COMMAND_YES;
	output_error("unknown access \"%s\"; expected letters of rwm", explain->words[next]);
	return COMMAND_USAGE;
}

static int add_pattern(struct device_patterns *patterns, const struct device_pattern *pattern)
{
	struct device_pattern *grown =
		array_grow(patterns->items, patterns->count, &patterns->capacity, sizeof(*grown));

	if (!grown) {
		output_error("out of memory");
		return COMMAND_FAILED;
	}
	patterns->items = grown;
	grown[patterns->count++] = *pattern;
	return COMMAND_YES;
}

/* Who asks about a path means what is there, wherever a policy would look. */
static int take_path(struct explain *explain, const char *path)
{
	struct device_pattern pattern = { 0 };
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
	pattern.type = S_ISBLK(st.st_mode) ? BPFDEV_BLOCK : BPFDEV_CHAR;
	pattern.major = major(st.st_rdev);
	pattern.minor = minor(st.st_rdev);
	explain->path = path;
	return add_pattern(&explain->patterns, &pattern);
}

/* "c 1:3" may come as one word of the shell or as two. Returns the number of the next word. */
static size_t take_words(struct explain *explain)
{
	bool two = device_is_type(explain->words[1]) && explain->word_count > 2;

	snprintf(explain->device, sizeof(explain->device), "%s%s%s", explain->words[1],
		 two ? " " : "", two ? explain->words[2] : "");
	snprintf(explain->split, sizeof(explain->split), "%s", explain->device);
	return two ? 3 : 2;
}

int explain_parse_device(struct explain *explain, struct device_spec *spec)
{
	const char *word = explain->words[1], *rest;
	int status = take_access(explain, take_words(explain));
	struct reason why;
	int ret;

	if (status != COMMAND_YES)
		return status;
	ret = device_parse_text(explain->split, spec, &rest, &why);
	/* "/dev/video0", but not "/dev/video*", which may be several. */
	if (strchr(word, '/') && !strchr(word, ' ') &&
	    (ret < 0 || (spec->kind == DEVICE_PATH && !strpbrk(word, "*?["))))
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

/* Several paths may lead to one device. */
static void sort_patterns(struct device_patterns *patterns)
{
	size_t kept = 0;

	if (patterns->count)
		qsort(patterns->items, patterns->count, sizeof(*patterns->items), compare_patterns);
	for (size_t i = 0; i < patterns->count; i++)
		if (!i || compare_patterns(&patterns->items[kept - 1], &patterns->items[i]) != 0)
			patterns->items[kept++] = patterns->items[i];
	patterns->count = kept;
}

int explain_resolve(struct explain *explain, const struct device_spec *spec)
{
	struct reason why;

	if (explain->path)
		return COMMAND_YES;
	if (spec->kind == DEVICE_CLASS && !conf_find_class(explain->asked.conf, spec->text)) {
		output_error("there is no class \"%s\" in the policy", spec->text);
		return COMMAND_FAILED;
	}
	if (policy_resolve(explain->asked.conf, &device_source_system, spec, &explain->patterns,
			   &why) < 0) {
		output_error("%s: %s", explain->device, why.text);
		return COMMAND_FAILED;
	}
	if (!explain->patterns.count) {
		output_error("%s stands for no device on this machine now; a device that is not "
			     "there can be named by " BY_NUMBERS,
			     explain->device);
		return COMMAND_FAILED;
	}
	sort_patterns(&explain->patterns);
	return COMMAND_YES;
}
