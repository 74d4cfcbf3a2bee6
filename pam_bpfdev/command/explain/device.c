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

/* Letters to bits; 0: they are none. */
static uint32_t parse_access(const char *text)
{
	uint32_t access = 0;

	for (; *text; text++) {
		if (*text == 'r')
			access |= BPFDEV_READ;
		else if (*text == 'w')
			access |= BPFDEV_WRITE;
		else if (*text == 'm')
			access |= BPFDEV_MKNOD;
		else
			return 0;
	}
	return access;
}

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
	explain->access = parse_access(explain->words[next]);
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

/* "/dev/video0", but not "/dev/video*", which may be several, nor "char-cpu/msr". */
static bool is_one_path(const char *word)
{
	if (strncmp(word, "/dev/", 5) == 0)
		return !strpbrk(word, "*?[");
	return *word != '@' && strncmp(word, "char-", 5) != 0 && strncmp(word, "block-", 6) != 0 &&
	       strchr(word, '/');
}

/* "c 1:3" may come as one word of the shell or as two. Returns the number of the next word. */
static size_t take_words(struct explain *explain, const char **first, const char **numbers)
{
	const char *word = explain->words[1];
	size_t length = strcspn(word, " ");

	*numbers = NULL;
	if (strlen(word) == 1 && strchr("abc", *word) && explain->word_count > 2) {
		*first = word;
		*numbers = explain->words[2];
		snprintf(explain->device, sizeof(explain->device), "%s %s", word, *numbers);
		return 3;
	}
	snprintf(explain->device, sizeof(explain->device), "%s", word);
	snprintf(explain->split, sizeof(explain->split), "%s", word);
	*first = word;
	if (length < sizeof(explain->split) && word[length]) {
		explain->split[length] = '\0';
		*first = explain->split;
		*numbers = word + length + strspn(word + length, " ");
	}
	return 2;
}

int explain_parse_device(struct explain *explain, struct device_spec *spec)
{
	const char *first, *numbers;
	size_t next = take_words(explain, &first, &numbers);
	struct reason why;
	int used, status;

	status = take_access(explain, next);
	if (status != COMMAND_YES)
		return status;
	if (!numbers && is_one_path(first))
		return take_path(explain, first);
	if (device_parse(first, numbers, spec, &used, &why) < 0) {
		output_error("%s", why.text);
		return COMMAND_USAGE;
	}
	if (numbers && used < 2) {
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
