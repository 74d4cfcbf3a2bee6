// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Names in a policy: which one was meant, and whether classes hold together. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/parser.h"

#define NAME_MAX_COMPARED 32

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Whether the letters before @i and @j are the same two, the other way round. */
static bool is_swapped(const char *a, size_t i, const char *b, size_t j)
{
	return i && j && a[i] == b[j - 1] && a[i - 1] == b[j];
}

/*
 * How many letters were left out, put in, mistaken or swapped between two words of less than
 * NAME_MAX_COMPARED bytes (optimal string alignment).
 */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_COMPARED] = { 0 }, width = strlen(b);
	size_t *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		spare = before;
		before = last;
		last = row;
		row = spare;
		row[0] = i + 1;
		for (size_t j = 0; j < width; j++) {
			row[j + 1] =
				smallest(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] != b[j]));
			if (is_swapped(a, i, b, j) && before[j - 1] + 1 < row[j + 1])
				row[j + 1] = before[j - 1] + 1;
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
			      const struct device_spec *device, const char *what, bool hint)
{
	struct conf_place place = { line->file, line->line, device->column };
	const char *near = hint ? nearest_class(conf, device->text) : NULL;
	char name[80];
	struct reason why;

	reason_quote(name, sizeof(name), device->text, strlen(device->text));
	reason_set(&why, "%s \"@%s\"; expected %s%s%s%s", what, name,
		   hint ? "the name of a class statement" : "a device, or a class of devices",
		   near ? " (did you mean \"@" : "", near ? near : "", near ? "\"?)" : "");
	conf_add_error(conf, &place, &why);
}

/* Per class: how deep it nests, once that is known. */
enum { DEPTH_UNKNOWN, DEPTH_MAX = 16, DEPTH_BEING_LOOKED_AT };

struct nesting {
	struct conf *conf;
	unsigned char *depths;
};

static unsigned char depth_of(struct nesting *nesting, size_t i);

/* How deep a class nests for this one of its devices; 0: it is no class. Adds mistakes. */
static unsigned char depth_below(struct nesting *nesting, const struct conf_class *class,
				 const struct device_spec *device)
{
	struct conf *conf = nesting->conf;
	const struct conf_class *inner;
	unsigned char depth;

	if (device->kind != DEVICE_CLASS)
		return 0;
	inner = conf_find_class(conf, device->text);
	if (!inner) {
		add_class_mistake(conf, &class->place, device, "unknown class", true);
		return 0;
	}
	depth = depth_of(nesting, (size_t)(inner - conf->classes));
	if (depth == DEPTH_BEING_LOOKED_AT)
		add_class_mistake(conf, &class->place, device,
				  "class that contains itself:", false);
	else if (depth == DEPTH_MAX)
		add_class_mistake(conf, &class->place, device,
				  "classes nested more than 16 deep, from", false);
	return depth < DEPTH_MAX ? depth : 0;
}

/* Looks at each class once, whatever classes hold it. */
static unsigned char depth_of(struct nesting *nesting, size_t i)
{
	const struct conf_class *class = &nesting->conf->classes[i];
	unsigned char deepest = 0;

	if (nesting->depths[i] != DEPTH_UNKNOWN)
		return nesting->depths[i];
	nesting->depths[i] = DEPTH_BEING_LOOKED_AT;
	for (size_t j = 0; j < class->count; j++) {
		unsigned char depth = depth_below(nesting, class, &class->devices[j]);

		if (depth > deepest)
			deepest = depth;
	}
	nesting->depths[i] = deepest + 1;
	return nesting->depths[i];
}

int conf_check_classes(struct conf *conf)
{
	struct nesting nesting = { conf, calloc(conf->class_count + 1, 1) };

	if (!nesting.depths)
		return -ENOMEM;
	for (size_t i = 0; i < conf->class_count; i++)
		depth_of(&nesting, i);
	free(nesting.depths);
	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];

		if (statement->device.kind == DEVICE_CLASS &&
		    !conf_find_class(conf, statement->device.text))
			add_class_mistake(conf, &statement->place, &statement->device,
					  "unknown class", true);
	}
	return 0;
}
