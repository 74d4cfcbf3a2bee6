// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Names in a policy: which one was meant, and whether classes hold together. */
#include <stdlib.h>
#include <string.h>

#include "conf_parser.h"

#define NAME_MAX_COMPARED 32
/* A class in a class in a class is fine; deeper than this it contains itself. */
#define CLASS_DEPTH_MAX 16

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein distance of two words of less than NAME_MAX_COMPARED bytes. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_COMPARED], width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= width; j++) {
			size_t above = row[j];

			row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[width];
}

const char *conf_nearest(const char *word, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t best = 3;

	if (strlen(word) >= NAME_MAX_COMPARED)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(names[i]);
		size_t found = length < NAME_MAX_COMPARED ? distance(word, names[i]) : best;

		/* Half of the letters changed is another word, not a slip. */
		if (found < best && found * 2 < length) {
			best = found;
			nearest = names[i];
		}
	}
	return nearest;
}

static const char *nearest_class(const struct conf *conf, const char *name)
{
	const char **names = calloc(conf->class_count + 1, sizeof(*names));
	const char *near;

	if (!names)
		return NULL; /* only the hint is lost */
	for (size_t i = 0; i < conf->class_count; i++)
		names[i] = conf->classes[i].name;
	near = conf_nearest(name, names, conf->class_count);
	free(names);
	return near;
}

static void add_class_mistake(struct conf *conf, const struct conf_place *line,
			      const struct device_spec *device, const char *what)
{
	struct conf_place place = { line->file, line->line, device->column };
	const char *near = nearest_class(conf, device->text);
	char name[80];
	struct reason why;

	reason_quote(name, sizeof(name), device->text, strlen(device->text));
	reason_set(&why, "%s \"@%s\"; expected the name of a class statement%s%s%s", what, name,
		   near ? " (did you mean \"@" : "", near ? near : "", near ? "\"?)" : "");
	conf_add_error(conf, &place, &why);
}

/* Whether @class leads back to @start, by way of at most @depth further classes. */
static bool leads_to(const struct conf *conf, const struct conf_class *class,
		     const struct conf_class *start, int depth)
{
	if (depth == 0)
		return true;
	for (size_t i = 0; i < class->count; i++) {
		const struct conf_class *next;

		if (class->devices[i].kind != DEVICE_CLASS)
			continue;
		next = conf_find_class(conf, class->devices[i].text);
		if (next && (next == start || leads_to(conf, next, start, depth - 1)))
			return true;
	}
	return false;
}

static void check_use(struct conf *conf, const struct conf_place *line,
		      const struct device_spec *device, const struct conf_class *within)
{
	const struct conf_class *class;

	if (device->kind != DEVICE_CLASS)
		return;
	class = conf_find_class(conf, device->text);
	if (!class)
		add_class_mistake(conf, line, device, "unknown class");
	else if (within && (class == within || leads_to(conf, class, within, CLASS_DEPTH_MAX)))
		add_class_mistake(conf, line, device, "class that contains itself:");
}

int conf_check_classes(struct conf *conf)
{
	for (size_t i = 0; i < conf->class_count; i++)
		for (size_t j = 0; j < conf->classes[i].count; j++)
			check_use(conf, &conf->classes[i].place, &conf->classes[i].devices[j],
				  &conf->classes[i]);
	for (size_t i = 0; i < conf->statement_count; i++)
		check_use(conf, &conf->statements[i].place, &conf->statements[i].device, NULL);
	return 0;
}
