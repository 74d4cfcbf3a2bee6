// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A policy as a whole: its files, statements, classes and mistakes, and how to name them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "conf/parser.h"
#include "base/digest.h"

#ifndef PAM_BPFDEV_VENDORDIR
#define PAM_BPFDEV_VENDORDIR "/usr/share/pam_bpfdev"
#endif
#ifndef PAM_BPFDEV_CONFDIR
#define PAM_BPFDEV_CONFDIR "/etc/security"
#endif

#define SYSTEM                                                                                     \
	.vendor = PAM_BPFDEV_VENDORDIR, .main = PAM_BPFDEV_CONFDIR "/bpfdev.conf",                 \
	.dropins = PAM_BPFDEV_CONFDIR "/bpfdev.d"

const struct conf_paths conf_paths_system = { SYSTEM, .patient = true };
const struct conf_paths conf_paths_now = { SYSTEM };

struct conf_paths conf_paths_of(const char *main)
{
	return (struct conf_paths) {
		.vendor = conf_paths_system.vendor,
		.main = main,
		.main_required = true,
		.patient = true,
	};
}

void conf_add_error(struct conf *conf, const struct conf_place *place, const struct reason *what)
{
	if (conf->error_count < CONF_ERRORS_MAX)
		conf->errors[conf->error_count] = (struct conf_error) { *place, *what };
	conf->error_count++;
}

void conf_forget_errors(struct conf *conf)
{
	conf->error_count = 0;
}

int conf_mistake(struct conf_parser *parser, uint32_t column, const char *format, ...)
{
	struct conf_place place = { parser->file, parser->line, column };
	struct reason what;
	va_list args;
	char text[sizeof(what.text)];

	if (parser->silent)
		return 0;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	reason_set(&what, "%s", text);
	conf_add_error(parser->conf, &place, &what);
	return 0;
}

void conf_describe_error(const struct conf *conf, const struct conf_error *error,
			 struct reason *out)
{
	const struct conf_place *place = &error->place;

	if (place->file >= conf->file_count)
		*out = error->what;
	else if (!place->line)
		reason_set(out, "%s: %s", conf->files[place->file].path, error->what.text);
	else
		reason_set(out, "%s:%u:%u: %s", conf->files[place->file].path, place->line,
			   place->column, error->what.text);
}

void conf_describe_mistakes(const struct conf *conf, struct reason *out)
{
	struct reason first;

	conf_describe_error(conf, &conf->errors[0], &first);
	if (conf->error_count == 1)
		*out = first;
	else
		reason_set(out, "%.400s; and %zu more mistakes", first.text, conf->error_count - 1);
}

char *conf_describe_statement(const struct conf_statement *statement, char *out, size_t size)
{
	bool quoted = false;
	size_t used = 0;

	/* The blanks behind words are NUL bytes by now. */
	for (size_t i = 0; i < statement->length && used + 1 < size; i++) {
		char c = statement->text[i];

		if (c == '\0' || c == '\t')
			c = ' ';
		quoted = quoted != (c == '"');
		if (c != ' ' || quoted || (used && out[used - 1] != ' '))
			out[used++] = c;
	}
	out[used] = '\0';
	return out;
}

/* What would begin another form, end the word or be a mistake if it stood alone. */
static bool takes_quotes(const char *name)
{
	return name[strcspn(name, " \t#:,'()!=")] || !*name || *name == '@' || *name == '%' ||
	       strcmp(name, "*") == 0 || strcmp(name, "class") == 0;
}

char *conf_quote_name(const char *name, bool group, char *out, size_t size)
{
	const char *quote = takes_quotes(name) ? "\"" : "";

	snprintf(out, size, "%s%s%s%s", group ? "@" : "", quote, name, quote);
	return out;
}

const struct conf_class *conf_find_class(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->class_count; i++)
		if (strcmp(conf->classes[i].name, name) == 0)
			return &conf->classes[i];
	return NULL;
}

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
	size_t best = 3, letters = strlen(word);

	if (letters >= NAME_MAX_COMPARED)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(names[i]);
		size_t apart = length > letters ? length - letters : letters - length;
		size_t found = best;

		if (length < NAME_MAX_COMPARED && apart < best)
			found = distance(word, names[i]);

		/* Half of the letters changed is another word, not a slip. */
		if (found < best && found * 2 < length) {
			best = found;
			nearest = names[i];
		}
	}
	return nearest;
}

const struct conf_class *conf_class_meant(const struct conf *conf, const char *word)
{
	static const char *const others[][2] = {
		{ "camera", "webcam" },	       { "cameras", "webcam" },
		{ "cam", "webcam" },	       { "video", "webcam" },
		{ "audio", "sound" },	       { "speaker", "sound" },
		{ "microphone", "sound" },     { "mic", "sound" },
		{ "disk", "storage" },	       { "disks", "storage" },
		{ "block", "storage" },	       { "graphics", "gpu" },
		{ "keyboard", "input" },       { "mouse", "input" },
		{ "cdrom", "optical" },	       { "cd", "optical" },
		{ "dvd", "optical" },	       { "usb-storage", "storage" },
		{ "usbstick", "usb-storage" }, { "stick", "usb-storage" },
		{ "sticks", "usb-storage" },   { "usb-stick", "storage" },
		{ "nvidia", "gpu" },	       { "drm", "gpu" },
	};
	const struct conf_class *found = conf_find_class(conf, word);
	const char **names, *near;

	for (size_t i = 0; !found && i < conf->class_count; i++)
		if (strcasecmp(word, conf->classes[i].name) == 0)
			found = &conf->classes[i];

	for (size_t i = 0; !found && i < sizeof(others) / sizeof(others[0]); i++)
		if (strcasecmp(word, others[i][0]) == 0)
			found = conf_find_class(conf, others[i][1]);
	names = found ? NULL : calloc(conf->class_count + 1, sizeof(*names));
	if (!names)
		return found; /* only a hint is lost */
	for (size_t i = 0; i < conf->class_count; i++)
		names[i] = conf->classes[i].name;
	near = conf_nearest(word, names, conf->class_count);
	free(names);
	return near ? conf_find_class(conf, near) : NULL;
}

static void add_class_mistake(struct conf *conf, const struct conf_place *line,
			      const struct device_spec *device, const char *what, bool hint)
{
	struct conf_place place = { line->file, line->line, device->column };
	const struct conf_class *meant = hint ? conf_class_meant(conf, device->text) : NULL;
	const char *near = meant ? meant->name : NULL;
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

/* Checks that all classes that are used exist and that none contains itself. 0 or -ENOMEM. */
static int check_classes(struct conf *conf)
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

static struct conf *conf_new(void)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return NULL;
	conf->digest = DIGEST_START;
	/* Not cleared: most of it is never touched, and memory that is touched costs a login its time. */
	conf->errors = malloc(CONF_ERRORS_MAX * sizeof(*conf->errors));
	conf->files = malloc(CONF_FILES_MAX * sizeof(*conf->files));
	if (conf->errors && conf->files)
		return conf;
	conf_free(conf);
	return NULL;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->file_count; i++) {
		free(conf->files[i].path);
		free(conf->files[i].text);
	}
	for (size_t i = 0; i < conf->class_count; i++)
		free(conf->classes[i].devices);
	free(conf->files);
	free(conf->statements);
	free(conf->classes);
	free(conf->errors);
	free(conf->mistaken);
	for (size_t i = 0; i < conf->name_count; i++)
		free(conf->names[i]);
	free(conf->names);
	free(conf);
}

int conf_start_again(struct conf_parser *parser)
{
	conf_free(parser->conf);
	parser->conf = conf_new();
	parser->statement_capacity = parser->class_capacity = parser->mistaken_capacity = 0;
	parser->name_capacity = 0;
	return parser->conf ? 0 : -ENOMEM;
}

/* Said of the last file that still counts; the text of the one too many is dropped. */
static int too_many_files(struct conf_parser *parser, char *text)
{
	free(text);
	parser->line = 0;
	return conf_mistake(parser, 0, "more files than %d in the policy; put the rules into fewer",
			    CONF_FILES_MAX);
}

int conf_add_file(struct conf_parser *parser, const char *path, char *text, size_t length)
{
	struct conf *conf = parser->conf;
	struct conf_file *file = &conf->files[conf->file_count];

	if (conf->file_count == CONF_FILES_MAX)
		return too_many_files(parser, text);
	file->path = strdup(path);
	file->text = text;
	file->length = length;
	parser->file = conf->file_count++;
	parser->line = 0;
	parser->said_crlf = false;
	if (!file->path)
		return -ENOMEM;
	conf->digest = digest_add(conf->digest, path, strlen(path) + 1);
	if (!text)
		return 0;
	conf->digest = digest_add(conf->digest, text, length + 1);
	if (length > CONF_FILE_MAX) {
		conf_mistake(parser, 0, "the file is larger than 1 MiB; split it into drop-ins");
		return 0;
	}
	return conf_parse_text(parser, text, length);
}

/* Ends the reading of a policy, whether it went well (@ret 0) or not. */
static int finish(struct conf_parser *parser, int ret, struct conf **conf)
{
	free(parser->words);
	if (ret == 0)
		ret = check_classes(parser->conf);
	if (ret < 0) {
		conf_free(parser->conf);
		return ret;
	}
	*conf = parser->conf;
	return 0;
}

int conf_load(const struct conf_paths *paths, struct conf **conf)
{
	struct conf_parser parser = { .conf = conf_new() };

	if (!parser.conf)
		return -ENOMEM;
	return finish(&parser, conf_read_files(paths, &parser), conf);
}

int conf_parse(const char *name, const char *text, size_t length, bool classes_only,
	       struct conf **conf)
{
	struct conf_parser parser = { .conf = conf_new(), .classes_only = classes_only };
	char *copy = malloc(length + 1);

	if (!parser.conf || !copy) {
		conf_free(parser.conf);
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	return finish(&parser, conf_add_file(&parser, name, copy, length), conf);
}
