// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From the words of a line to a statement or a class: each field, then what they come to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bpfdev.h"
#include "base/array.h"
#include "conf/habit.h"
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
	if (!exact && (*text < '0' || *text > '9'))
		return conf_mistake(parser, word->column,
				    "\"%s\": blanks stand between the fields, and no colons; "
				    "expected a name, or numbers as in 1000:1999",
				    QUOTE(word->text));
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

/* The words from number @first up to @end, with single blanks between, cut to fit. Returns @out. */
static char *join_words(const struct conf_parser *parser, size_t first, size_t end, char *out,
			size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = first; i < end && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
					 parser->words[i].text);
	return out;
}

/* The first field up to the verb, as it is written if that is one name with blanks in it. */
static char *quote_words(const struct conf_parser *parser, size_t end, char *out)
{
	char joined[QUOTE_MAX], *last = joined;
	bool group;

	join_words(parser, 0, end, joined, sizeof(joined));
	for (const char *c = joined; *c; c++)
		if (*c != '"' && *c != '\'')
			*last++ = *c;
	*last = '\0';
	group = *joined == '@' || *joined == '%';
	return conf_quote_name(joined + group, group, out, QUOTE_MAX);
}

/* Where the verb stands; parser->count: nowhere. */
static size_t place_of_verb(const struct conf_parser *parser)
{
	enum conf_verb verb;
	size_t i = 1;

	while (i < parser->count && !find_verb(parser->words[i].text, &verb))
		i++;
	return i;
}

/* ">=1000", "1000+", "1000-", "1000..1999": as it is written here to @out. Returns whether it is one. */
static bool parse_open_range(const char *name, bool group, char *out)
{
	const char *digits = "0123456789", *from = name + 2 * (strncmp(name, ">=", 2) == 0);
	size_t length = strspn(from, digits);
	const char *rest = from + length, *to = rest + 2;

	if (!length)
		return false;
	if ((from != name && !*rest) || strcmp(rest, "+") == 0 || strcmp(rest, "-") == 0 ||
	    strcmp(rest, "..") == 0)
		to = "";
	else if (strncmp(rest, "..", 2) != 0 || to[strspn(to, digits)])
		return false;
	snprintf(out, QUOTE_MAX, "%s%.*s:%s", group ? "@" : "", (int)length, from, to);
	return true;
}

/*
 * How other programs write whom a line is about: the way in which it is written here goes to @out.
 * @group: there is a "@" before @name. Returns what it is, or NULL: it is not known.
 */
static const char *translate(const char *name, bool group, char *out)
{
	size_t length = strlen(name);
	const char *digits = "0123456789", *dash = name + strspn(name, digits);

	if (dash > name && *dash == '-' && dash[1] && !dash[1 + strspn(dash + 1, digits)]) {
		snprintf(out, QUOTE_MAX, "%s%.*s:%s", group ? "@" : "", (int)(dash - name), name,
			 dash + 1);
		return "a range";
	}
	if (parse_open_range(name, group, out))
		return "a range";
	if (strncmp(name, "user=", 5) == 0) {
		conf_quote_name(name + 5, false, out, QUOTE_MAX);
		return "a user";
	}
	if (strncmp(name, "uid=", 4) == 0) {
		snprintf(out, QUOTE_MAX, ":%s", name + 4);
		return "a user";
	}
	if (strncmp(name, "gid=", 4) == 0)
		snprintf(out, QUOTE_MAX, "@:%s", name + 4);
	else if (strncmp(name, "group=", 6) == 0)
		conf_quote_name(name + 6, true, out, QUOTE_MAX);
	else if (*name == '(' && length > 2 && name[length - 1] == ')')
		snprintf(out, QUOTE_MAX, "@%.*s", (int)length - 2, name + 1);
	else if (*name == '%')
		conf_quote_name(name + 1, true, out, QUOTE_MAX);
	else
		return NULL;
	return "a group";
}

static int parse_name(struct conf_parser *parser, const struct conf_word *word, const char *name,
		      struct conf_who *who)
{
	char hint[QUOTE_MAX];
	const char *what;

	if (!*name)
		return conf_mistake(parser, word->column,
				    "group name missing; expected @group, @:gid or @min:max");
	what = translate(name, who->kind == CONF_GROUP, hint);
	if (what)
		return conf_mistake(parser, word->column, "\"%s\": %s is written \"%s\" here",
				    QUOTE(name), what, QUOTE(hint));
	if (*name == '!')
		return conf_mistake(parser, word->column,
				    "\"%s\": \"!\" does not negate here; write a line of its own: "
				    "\"%s exempt\"",
				    QUOTE(name), QUOTE(name + 1));
	if (strpbrk(name, "*?["))
		return conf_mistake(parser, word->column,
				    "\"%s\": names take no wildcards; expected a name, @group, "
				    ":uid, min:max or * for every regular account",
				    QUOTE(name));
	if (strpbrk(name, "\"'"))
		return conf_mistake(
			parser, word->column,
			"\"%s\": a name with blanks stands in double quotes as a whole: "
			"%s; other names in none",
			QUOTE(name), QUOTE(quote_words(parser, place_of_verb(parser), hint)));
	if (strchr(name, ','))
		return conf_mistake(parser, word->column,
				    "\"%s\": expected one name; write a line for each",
				    QUOTE(name));
	who->name = name;
	return 1;
}

/* "NAME" or @"NAME". Returns 1, 0: a mistake was added, or -ENOMEM. */
static int parse_quoted(struct conf_parser *parser, const struct conf_word *word, bool group,
			struct conf_who *who)
{
	struct conf *conf = parser->conf;
	const char *name = word->text + group + 1;
	size_t length = strlen(name) - 1;
	char **grown;

	if (!length)
		return conf_mistake(parser, word->column,
				    "the name is missing between the quotation marks");
	if (*name == '@')
		return conf_mistake(
			parser, word->column + group + 1,
			"the \"@\" of a group stands before the quotation mark: @\"%.*s\"",
			(int)length - 1, name + 1);
	grown = array_grow(conf->names, conf->name_count, &parser->name_capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	conf->names = grown;
	who->name = grown[conf->name_count] = strndup(name, length);
	if (!who->name)
		return -ENOMEM;
	conf->name_count++;
	return 1;
}

/* Returns 1, 0: a mistake was added, or -ENOMEM. */
static int field_who(struct conf_parser *parser, const struct conf_word *word, struct conf_who *who)
{
	bool group = word->text[0] == '@';
	const char *text = word->text + group;

	*who = (struct conf_who) { .kind = group ? CONF_GROUP : CONF_USER };
	if (strcmp(word->text, "*") == 0) {
		who->kind = CONF_ANYONE;
		return 1;
	}
	if (*text == '"')
		return parse_quoted(parser, word, group, who);
	if (!strchr(text, ':') || strpbrk(text, "\"'("))
		return parse_name(parser, word, text, who);
	who->kind = group ? CONF_GID_RANGE : *text == ':' ? CONF_UID : CONF_UID_RANGE;
	return parse_ids(parser, word, text, group ? "group id" : "user id", who);
}

/* "user alice", "group students": whether the word says what the next one is. */
static bool is_kind(const char *word, bool *group)
{
	*group = strcasecmp(word, "group") == 0 || strcasecmp(word, "groups") == 0;
	return *group || strcasecmp(word, "user") == 0 || strcasecmp(word, "users") == 0;
}

/* Whether what stands before the verb is more than one name, even if one could have blanks. */
static bool has_many(const struct conf_parser *parser, size_t verb)
{
	for (size_t i = 1; i < verb; i++)
		if (strchr("@%&,", parser->words[i].text[0]) ||
		    strcasecmp(parser->words[i].text, "and") == 0)
			return true;
	return strchr(parser->words[0].text, ',');
}

static int field_verb(struct conf_parser *parser, enum conf_verb *verb)
{
	const struct conf_word *word = &parser->words[1];
	size_t place = place_of_verb(parser);
	enum conf_verb first;
	const char *near;
	char hint[2 * QUOTE_MAX], rest[QUOTE_MAX];
	bool group;

	if (find_verb(word->text, verb))
		return 1;
	if (habit_line(parser->words[0].text))
		return conf_mistake(parser, parser->words[0].column, "\"%s\": %s",
				    QUOTE(parser->words[0].text),
				    habit_line(parser->words[0].text));
	if (find_verb(parser->words[0].text, &first)) {
		join_words(parser, 2, parser->count, rest, sizeof(rest));
		snprintf(hint, sizeof(hint), "%s %s%s%s", word->text, verbs[first],
			 *rest ? " " : "", rest);
		return conf_mistake(
			parser, word->column,
			"unknown verb \"%s\"; who the line is about comes first: \"%s\"",
			QUOTE(word->text), QUOTE(hint));
	}
	if (place + 1 == parser->count && find_verb(parser->words[place].text, &first) &&
	    (first == CONF_ALLOW || first == CONF_DENY))
		return conf_mistake(parser, parser->words[place].column,
				    "\"%s\" stands behind the device; expected it between whom the "
				    "line is about and the device",
				    verbs[first]);
	if (place < parser->count && has_many(parser, place))
		return conf_mistake(
			parser, word->column,
			"\"%s\" stands before the verb; expected one name, \"@\" before "
			"that of a group; write a line for each",
			QUOTE(word->text));
	if (place < parser->count && is_kind(parser->words[0].text, &group))
		return conf_mistake(
			parser, parser->words[0].column,
			"\"%s\" stands before the name; a %s is written %s",
			QUOTE(parser->words[0].text), group ? "group" : "user",
			QUOTE(conf_quote_name(join_words(parser, 1, place, rest, sizeof(rest)),
					      group, hint, sizeof(hint))));
	if (place < parser->count)
		return conf_mistake(parser, word->column,
				    "\"%s\" stands before the verb; a name with blanks stands in "
				    "double quotes: %s",
				    QUOTE(word->text), QUOTE(quote_words(parser, place, hint)));
	near = habit_verb(word->text);
	if (!near)
		near = conf_nearest(word->text, verbs, COUNT(verbs));
	return conf_mistake(parser, word->column,
			    "unknown verb \"%s\"; expected allow, deny, exempt or audit%s%s%s",
			    QUOTE(word->text), near ? " (did you mean \"" : "", near ? near : "",
			    near ? "\"?)" : "");
}

static int field_access(struct conf_parser *parser, const struct conf_word *word, uint32_t *access)
{
	char meant[sizeof("rwm")], hint[40] = "";
	struct reason why;
	const char *bad;

	*access = device_parse_access(word->text, &bad);
	if (*access)
		return 1;
	bad = *bad ? bad : word->text;
	if (habit_access(word->text, meant))
		snprintf(hint, sizeof(hint), " (did you mean \"%s\"?)", meant);
	else if (habit_condition(word->text, &why))
		return conf_mistake(parser, word->column, "bad access \"%s\"; %s",
				    QUOTE(word->text), why.text);
	return conf_mistake(
		parser, word->column + (uint32_t)(bad - word->text),
		"bad access \"%s\"; expected letters of \"rwm\" (read, write, mknod), or "
		"a condition: local, remote, service=..., tty=...%s",
		QUOTE(word->text), hint);
}

static bool is_when(const char *word)
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

static int field_when(struct conf_parser *parser, const struct conf_word *word,
		      struct conf_when *when)
{
	static const char *const conditions[] = { "local", "remote", "service=", "tty=" };
	struct reason meant;
	const char *near;

	if (strcmp(word->text, "local") == 0)
		return parse_origin(parser, word, CONF_ORIGIN_LOCAL, when);
	if (strcmp(word->text, "remote") == 0)
		return parse_origin(parser, word, CONF_ORIGIN_REMOTE, when);
	if (strncmp(word->text, "service=", 8) == 0)
		return parse_globs(parser, word, word->text + 8, &when->service);
	if (strncmp(word->text, "tty=", 4) == 0)
		return parse_globs(parser, word, word->text + 4, &when->tty);
	if (habit_condition(word->text, &meant))
		return conf_mistake(parser, word->column, "unknown condition \"%s\"; %s",
				    QUOTE(word->text), meant.text);
	near = nearest_condition(word->text, conditions, COUNT(conditions));
	return conf_mistake(parser, word->column,
			    "unknown condition \"%s\"; expected local, remote, service=GLOB or "
			    "tty=GLOB%s%s%s",
			    QUOTE(word->text), near ? " (did you mean \"" : "", near ? near : "",
			    near ? "\"?)" : "");
}

static int field_device(struct conf_parser *parser, size_t first, struct device_spec *spec,
			int *used)
{
	const struct conf_word *word = &parser->words[first];
	const struct conf_word *next = first + 1 < parser->count ? word + 1 : NULL;
	const struct conf_class *class;
	struct reason why;
	uint32_t column = word->column;

	if (device_parse(word->text, next ? next->text : NULL, spec, used, &why) < 0) {
		if (*used == 2)
			column = next ? next->column : parser->end;
		class = *used == 2 ? NULL : conf_class_meant(parser->conf, word->text);
		if (class)
			return conf_mistake(parser, column,
					    "unknown device \"%s\"; the class is written \"@%s\"",
					    QUOTE(word->text), class->name);
		return conf_mistake(parser, column, "%s", why.text);
	}
	spec->column = word->column;
	return 1;
}

static int parse_conditions(struct conf_parser *parser, size_t first, struct conf_when *when)
{
	for (size_t i = first; i < parser->count; i++)
		if (!field_when(parser, &parser->words[i], when))
			return 0;
	return 1;
}

/* "DEVICE [ACCESS] [WHEN...]" from the third word on. */
static int parse_rule(struct conf_parser *parser, struct conf_statement *statement)
{
	size_t next = 2;
	int used;

	if (parser->count < 3)
		return conf_mistake(parser, parser->end, "device missing; expected " DEVICE_FORMS);
	if (!field_device(parser, next, &statement->device, &used))
		return 0;
	next += (size_t)used;
	statement->access = BPFDEV_ACCESS;
	if (next < parser->count && !is_when(parser->words[next].text))
		if (!field_access(parser, &parser->words[next++], &statement->access))
			return 0;
	return parse_conditions(parser, next, &statement->when);
}

/* Returns 1, 0: a mistake was added, or -ENOMEM. */
static int parse_statement(struct conf_parser *parser, struct conf_statement *statement)
{
	int ret;

	*statement = (struct conf_statement) {
		.place = { parser->file, parser->line, parser->words[0].column },
		.text = parser->words[0].text,
		.length = parser->end - parser->words[0].column,
	};
	ret = field_who(parser, &parser->words[0], &statement->who);
	if (ret <= 0)
		return ret;
	if (parser->count < 2)
		return conf_mistake(parser, parser->end,
				    "verb missing; expected allow, deny, exempt or audit");
	if (!field_verb(parser, &statement->verb))
		return 0;
	if (statement->verb == CONF_ALLOW || statement->verb == CONF_DENY)
		return parse_rule(parser, statement);
	if (parser->count > 2 && !is_when(parser->words[2].text))
		return conf_mistake(
			parser, parser->words[2].column,
			"exempt and audit are for all devices; expected a condition "
			"(local, remote, service=GLOB, tty=GLOB) or the end of the line");
	return parse_conditions(parser, 2, &statement->when);
}

/*
 * Notes whom a line with a mistake is about, if its first field has none: for others, the mistake
 * may be nothing. Returns 0 or -ENOMEM.
 */
static int note_mistaken(struct conf_parser *parser)
{
	struct conf *conf = parser->conf;
	struct conf_who who, *grown;
	int ret;

	parser->silent = true;
	ret = parser->count ? field_who(parser, &parser->words[0], &who) : 0;
	parser->silent = false;
	if (ret < 0)
		return ret;
	conf->has_unread = conf->has_unread || !ret;
	if (!ret)
		return 0;
	grown = array_grow(conf->mistaken, conf->mistaken_count, &parser->mistaken_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	conf->mistaken = grown;
	grown[conf->mistaken_count++] = who;
	return 0;
}

static int add_statement(struct conf_parser *parser)
{
	struct conf *conf = parser->conf;
	struct conf_statement statement, *grown;
	int ret = parse_statement(parser, &statement);

	if (ret <= 0)
		return ret < 0 ? ret : note_mistaken(parser);
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
		if (!field_device(parser, i, &class->devices[class->count++], &used))
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
			struct conf_place before = conf->classes[i].place;

			free(conf->classes[i].devices);
			conf->classes[i] = *class;
			if (before.file == class->place.file)
				conf->classes[i].before = before.line;
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
	bool class = parser->count && strcmp(parser->words[0].text, "class") == 0;

	if (ret < 0)
		return ret;
	if (!ret)
		return class ? 0 : note_mistaken(parser);
	if (!parser->count)
		return 0;
	if (class)
		return add_class(parser);
	if (!parser->classes_only)
		return add_statement(parser);
	conf_mistake(parser, parser->words[0].column,
		     "only class statements may stand in this folder; rules belong into "
		     "bpfdev.conf or bpfdev.d");
	return note_mistaken(parser);
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
