// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From words to statements and classes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"
#include "base/array.h"
#include "conf/parser.h"

static int parse_conditions(struct conf_parser *parser, size_t first, struct conf_when *when)
{
	for (size_t i = first; i < parser->count; i++)
		if (!conf_parse_when(parser, &parser->words[i], when))
			return 0;
	return 1;
}

/* "DEVICE [ACCESS] [WHEN...]" from the third word on. */
static int parse_rule(struct conf_parser *parser, struct conf_statement *statement)
{
	size_t next = 2;
	int used;

	if (parser->count < 3)
		return conf_mistake(parser, parser->end,
				    "device missing; expected *, c M:m, b M:m, a M:m, "
				    "char-NAME, "
				    "block-NAME, /dev/PATH or @class");
	if (!conf_parse_device(parser, next, &statement->device, &used))
		return 0;
	next += (size_t)used;
	statement->access = BPFDEV_ACCESS;
	if (next < parser->count && !conf_is_when(parser->words[next].text))
		if (!conf_parse_access(parser, &parser->words[next++], &statement->access))
			return 0;
	return parse_conditions(parser, next, &statement->when);
}

/* Returns 1, or 0: a mistake was added. */
static int parse_statement(struct conf_parser *parser, struct conf_statement *statement)
{
	*statement = (struct conf_statement) {
		.place = { parser->file, parser->line, parser->words[0].column },
		.text = parser->words[0].text,
		.length = parser->end - parser->words[0].column,
	};
	if (!conf_parse_who(parser, &parser->words[0], &statement->who))
		return 0;
	if (parser->count < 2)
		return conf_mistake(parser, parser->end,
				    "verb missing; expected allow, deny, exempt or audit");
	if (!conf_parse_verb(parser, 1, &statement->verb))
		return 0;
	if (statement->verb == CONF_ALLOW || statement->verb == CONF_DENY)
		return parse_rule(parser, statement);
	if (parser->count > 2 && !conf_is_when(parser->words[2].text))
		return conf_mistake(
			parser, parser->words[2].column,
			"exempt and audit are for all devices; expected a condition "
			"(local, remote, service=GLOB, tty=GLOB) or the end of the line");
	return parse_conditions(parser, 2, &statement->when);
}

static int add_statement(struct conf_parser *parser)
{
	struct conf *conf = parser->conf;
	struct conf_statement statement, *grown;

	if (!parse_statement(parser, &statement))
		return 0;
	grown = array_grow(conf->statements, conf->statement_count, &parser->statement_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	conf->statements = grown;
	grown[conf->statement_count++] = statement;
	return 0;
}

/* Returns 1 with the class's devices, 0: a mistake was added, or -ENOMEM. */
static int parse_class_devices(struct conf_parser *parser, struct conf_class *class)
{
	int used;

	class->devices = calloc(parser->count, sizeof(*class->devices));
	if (!class->devices)
		return -ENOMEM;
	for (size_t i = 2; i < parser->count; i += (size_t)used)
		if (!conf_parse_device(parser, i, &class->devices[class->count++], &used))
			return 0;
	return 1;
}

static int parse_class(struct conf_parser *parser, struct conf_class *class)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	const struct conf_word *name = &parser->words[1];

	if (parser->count < 2)
		return conf_mistake(parser, parser->end,
				    "name missing; expected class NAME DEVICE...");
	if (name->text[strspn(name->text, letters)])
		return conf_mistake(parser, name->column,
				    "a class's name is made of letters, digits, \"_\", \".\" and "
				    "\"-\", without \"@\"");
	if (parser->count < 3)
		return conf_mistake(parser, parser->end,
				    "device missing; expected class NAME DEVICE...");
	class->name = name->text;
	return parse_class_devices(parser, class);
}

/*
 * Takes @class over; one of the same name is replaced, wherever it was.
 * Returns 1, 0: a mistake was added, or -ENOMEM.
 */
static int store_class(struct conf_parser *parser, const struct conf_class *class)
{
	struct conf *conf = parser->conf;
	struct conf_class *grown;

	for (size_t i = 0; i < conf->class_count; i++) {
		if (strcmp(conf->classes[i].name, class->name) == 0) {
			free(conf->classes[i].devices);
			conf->classes[i] = *class;
			return 1;
		}
	}
	if (conf->class_count == CONF_CLASSES_MAX)
		return conf_mistake(parser, parser->words[0].column,
				    "more than %d classes in the policy", CONF_CLASSES_MAX);
	grown = array_grow(conf->classes, conf->class_count, &parser->class_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	conf->classes = grown;
	grown[conf->class_count++] = *class;
	return 1;
}

static int add_class(struct conf_parser *parser)
{
	struct conf_class class = {
		.place = { parser->file, parser->line, parser->words[0].column },
		.name = "",
	};
	int ret = parse_class(parser, &class);

	if (ret == 1)
		ret = store_class(parser, &class);
	if (ret != 1)
		free(class.devices);
	return ret < 0 ? ret : 0;
}

/* Returns 0, also if the line has a mistake, or -ENOMEM. */
static int parse_line(struct conf_parser *parser, char *line, size_t length)
{
	int ret = conf_split_line(parser, line, length);

	if (ret <= 0 || !parser->count)
		return ret < 0 ? ret : 0;
	if (strcmp(parser->words[0].text, "class") == 0)
		return add_class(parser);
	if (parser->classes_only)
		return conf_mistake(parser, parser->words[0].column,
				    "only class statements may stand in this folder; rules belong "
				    "into bpfdev.conf or bpfdev.d");
	return add_statement(parser);
}

int conf_parse_text(struct conf_parser *parser, char *text, size_t length)
{
	char *end = text + length, *newline;
	int ret;

	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		parser->line++;
		ret = parse_line(parser, text, (size_t)(newline - text));
		if (ret < 0)
			return ret;
	}
	return 0;
}
