// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The fields of a statement, one function each. */
#include <stdio.h>
#include <string.h>

#include "bpfdev.h"
#include "conf/parser.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Words in messages are cut to this, escaped. */
#define QUOTE_MAX 80

#define QUOTE(word) reason_quote((char[QUOTE_MAX]) { 0 }, QUOTE_MAX, word, strlen(word))

/* The highest id: (uid_t)-1 means "no id" to the kernel. */
#define ID_MAX 4294967294u

/* Reads decimal digits up to *@end. Returns 1, or 0: none, or more than ID_MAX. */
static int read_id(const char *text, const char **end, uint32_t *id)
{
	uint64_t value = 0;

	*end = text;
	for (; **end >= '0' && **end <= '9'; (*end)++) {
		value = value * 10 + (uint64_t)(**end - '0');
		if (value > ID_MAX)
			return 0;
	}
	*id = (uint32_t)value;
	return *end != text;
}

static int bad_id(struct conf_parser *parser, const struct conf_word *word, const char *text,
		  const char *kind)
{
	return conf_mistake(parser, word->column + (uint32_t)(text - word->text),
			    "bad %s \"%s\"; expected a number from 0 to %u", kind, QUOTE(text),
			    ID_MAX);
}

/* ":id", "min:max" or "min:"; @text is the word or, for groups, what stands behind the "@". */
static int parse_ids(struct conf_parser *parser, const struct conf_word *word, const char *text,
		     const char *kind, struct conf_who *who)
{
	bool exact = *text == ':';
	const char *end = text;

	who->low = 0;
	if (!exact && (!read_id(text, &end, &who->low) || *end != ':'))
		return bad_id(parser, word, text, kind);
	text = end + 1;
	who->high = ID_MAX;
	if ((exact || *text) && (!read_id(text, &end, &who->high) || *end))
		return bad_id(parser, word, text, kind);
	if (exact)
		who->low = who->high;
	if (who->low > who->high)
		return conf_mistake(parser, word->column,
				    "the range %u:%u is the wrong way round; expected %u:%u",
				    who->low, who->high, who->high, who->low);
	return 1;
}

static int parse_name(struct conf_parser *parser, const struct conf_word *word, const char *name,
		      struct conf_who *who)
{
	if (!*name)
		return conf_mistake(parser, word->column,
				    "group name missing; expected @group, @:gid or @min:max");
	if (*name == '%')
		return conf_mistake(parser, word->column, "\"%s\": a group is written \"@%s\" here",
				    QUOTE(name), QUOTE(name + 1));
	if (strpbrk(name, "*?["))
		return conf_mistake(parser, word->column,
				    "\"%s\": names take no wildcards; expected a name, @group, "
				    ":uid, min:max or * for every regular account",
				    QUOTE(name));
	if (strpbrk(name, "\"'"))
		return conf_mistake(parser, word->column,
				    "\"%s\": quotes are not taken off; write the name without",
				    QUOTE(name));
	if (strchr(name, ','))
		return conf_mistake(parser, word->column,
				    "\"%s\": expected one name; write a line for each",
				    QUOTE(name));
	who->name = name;
	return 1;
}

int conf_parse_who(struct conf_parser *parser, const struct conf_word *word, struct conf_who *who)
{
	bool group = word->text[0] == '@';
	const char *text = word->text + group;

	*who = (struct conf_who) { .kind = group ? CONF_GROUP : CONF_USER };
	if (strcmp(word->text, "*") == 0) {
		who->kind = CONF_ANYONE;
		return 1;
	}
	if (!strchr(text, ':'))
		return parse_name(parser, word, text, who);
	who->kind = group ? CONF_GID_RANGE : *text == ':' ? CONF_UID : CONF_UID_RANGE;
	return parse_ids(parser, word, text, group ? "group id" : "user id", who);
}

static const char *const verbs[] = {
	[CONF_ALLOW] = "allow",
	[CONF_DENY] = "deny",
	[CONF_EXEMPT] = "exempt",
	[CONF_AUDIT] = "audit",
};

static bool find_verb(const char *word, enum conf_verb *verb)
{
	for (size_t i = 0; i < COUNT(verbs); i++) {
		if (strcmp(word, verbs[i]) == 0) {
			*verb = (enum conf_verb)i;
			return true;
		}
	}
	return false;
}

int conf_parse_verb(struct conf_parser *parser, size_t at, enum conf_verb *verb)
{
	const struct conf_word *word = &parser->words[at];
	const char *near;

	if (find_verb(word->text, verb))
		return 1;
	if (at + 1 < parser->count && find_verb(word[1].text, verb))
		return conf_mistake(parser, word->column,
				    "\"%s\" stands before the verb; names cannot hold blanks here: "
				    "write :uid for such a user, @:gid for such a group",
				    QUOTE(word->text));
	near = conf_nearest(word->text, verbs, COUNT(verbs));
	return conf_mistake(parser, word->column,
			    "unknown verb \"%s\"; expected allow, deny, exempt or audit%s%s%s",
			    QUOTE(word->text), near ? " (did you mean \"" : "", near ? near : "",
			    near ? "\"?)" : "");
}

int conf_parse_access(struct conf_parser *parser, const struct conf_word *word, uint32_t *access)
{
	*access = 0;
	for (const char *c = word->text; *c; c++) {
		switch (*c) {
		case 'r':
			*access |= BPFDEV_READ;
			break;
		case 'w':
			*access |= BPFDEV_WRITE;
			break;
		case 'm':
			*access |= BPFDEV_MKNOD;
			break;
		default:
			return conf_mistake(parser, word->column + (uint32_t)(c - word->text),
					    "bad access \"%s\"; expected letters of \"rwm\" (read, "
					    "write, mknod), or a condition: local, remote, "
					    "service=..., tty=...",
					    QUOTE(word->text));
		}
	}
	return 1;
}

bool conf_is_when(const char *word)
{
	return strcmp(word, "local") == 0 || strcmp(word, "remote") == 0 || strchr(word, '=');
}

static int parse_origin(struct conf_parser *parser, const struct conf_word *word,
			enum conf_origin origin, struct conf_when *when)
{
	if (when->origin == origin)
		return conf_mistake(parser, word->column, "\"%s\" stands twice", word->text);
	if (when->origin != CONF_ORIGIN_ANY)
		return conf_mistake(parser, word->column,
				    "local and remote on one line: no session is both; leave both "
				    "out, or write two lines");
	when->origin = origin;
	return 1;
}

/* The globs of "service=" or "tty=": comma-separated, none of them empty. */
static int parse_globs(struct conf_parser *parser, const struct conf_word *word, const char *globs,
		       const char **field)
{
	struct reason why;

	if (*field)
		return conf_mistake(parser, word->column,
				    "\"%.*s\" stands twice; separate the names by commas",
				    (int)(globs - word->text), word->text);
	for (const char *item = globs;; item++) {
		size_t length = strcspn(item, ",");

		if (!length)
			return conf_mistake(parser, word->column + (uint32_t)(item - word->text),
					    "a name is missing; expected %.*sNAME[,NAME]",
					    (int)(globs - word->text), word->text);
		if (length >= CONF_GLOB_MAX)
			return conf_mistake(parser, word->column + (uint32_t)(item - word->text),
					    "the name is too long; expected less than %d bytes",
					    CONF_GLOB_MAX);
		if (*item == '!')
			return conf_mistake(
				parser, word->column + (uint32_t)(item - word->text),
				"\"!\" does not negate here; write an exempt line, or the "
				"names that are meant");
		item += length;
		if (!*item)
			break;
	}
	if (device_check_glob(globs, &why) < 0)
		return conf_mistake(parser, word->column + (uint32_t)(globs - word->text), "%s",
				    why.text);
	*field = globs;
	return 1;
}

/* Only what stands up to the "=" is compared. */
static const char *nearest_condition(const char *word, const char *const *names, size_t count)
{
	char name[32];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "=") + 1, word);
	return conf_nearest(name, names, count);
}

int conf_parse_when(struct conf_parser *parser, const struct conf_word *word,
		    struct conf_when *when)
{
	static const char *const conditions[] = { "local", "remote", "service=", "tty=" };
	const char *near;

	if (strcmp(word->text, "local") == 0)
		return parse_origin(parser, word, CONF_ORIGIN_LOCAL, when);
	if (strcmp(word->text, "remote") == 0)
		return parse_origin(parser, word, CONF_ORIGIN_REMOTE, when);
	if (strncmp(word->text, "service=", 8) == 0)
		return parse_globs(parser, word, word->text + 8, &when->service);
	if (strncmp(word->text, "tty=", 4) == 0)
		return parse_globs(parser, word, word->text + 4, &when->tty);
	near = nearest_condition(word->text, conditions, COUNT(conditions));
	return conf_mistake(parser, word->column,
			    "unknown condition \"%s\"; expected local, remote, service=GLOB or "
			    "tty=GLOB%s%s%s",
			    QUOTE(word->text), near ? " (did you mean \"" : "", near ? near : "",
			    near ? "\"?)" : "");
}

int conf_parse_device(struct conf_parser *parser, size_t first, struct device_spec *spec, int *used)
{
	const struct conf_word *word = &parser->words[first];
	const struct conf_word *next = first + 1 < parser->count ? word + 1 : NULL;
	struct reason why;
	uint32_t column = word->column;

	if (device_parse(word->text, next ? next->text : NULL, spec, used, &why) < 0) {
		if (*used == 2)
			column = next ? next->column : parser->end;
		return conf_mistake(parser, column, "%s", why.text);
	}
	spec->column = word->column;
	return 1;
}
