// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A policy as a whole: its files, statements, classes and mistakes. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "conf/parser.h"
#include "base/digest.h"

#ifndef PAM_BPFDEV_VENDORDIR
#define PAM_BPFDEV_VENDORDIR "/usr/share/pam_bpfdev"
#endif
#ifndef PAM_BPFDEV_CONFDIR
#define PAM_BPFDEV_CONFDIR "/etc/security"
#endif

const struct conf_paths conf_paths_system = {
	.vendor = PAM_BPFDEV_VENDORDIR,
	.main = PAM_BPFDEV_CONFDIR "/bpfdev.conf",
	.dropins = PAM_BPFDEV_CONFDIR "/bpfdev.d",
	.main_required = false,
	.owner = 0,
};

struct conf_paths conf_paths_of(const char *main)
{
	return (struct conf_paths) {
		.vendor = conf_paths_system.vendor,
		.main = main,
		.main_required = true,
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
	const char *path = conf->files[error->place.file].path;

	if (!error->place.line)
		reason_set(out, "%s: %s", path, error->what.text);
	else
		reason_set(out, "%s:%u:%u: %s", path, error->place.line, error->place.column,
			   error->what.text);
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
	size_t used = 0;

	/* The blanks behind words are NUL bytes by now. */
	for (size_t i = 0; i < statement->length && used + 1 < size; i++) {
		char c = statement->text[i];

		if (c == '\0' || c == '\t')
			c = ' ';
		if (c != ' ' || (used && out[used - 1] != ' '))
			out[used++] = c;
	}
	out[used] = '\0';
	return out;
}

const struct conf_class *conf_find_class(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->class_count; i++)
		if (strcmp(conf->classes[i].name, name) == 0)
			return &conf->classes[i];
	return NULL;
}

static struct conf *conf_new(void)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return NULL;
	conf->digest = DIGEST_START;
	conf->errors = calloc(CONF_ERRORS_MAX, sizeof(*conf->errors));
	conf->files = calloc(CONF_FILES_MAX, sizeof(*conf->files));
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
	free(conf);
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
		ret = conf_check_classes(parser->conf);
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
