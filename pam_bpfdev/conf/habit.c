// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What people write in a line by habit: only for messages, nothing of it is understood. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/habit.h"
#include "device/device.h"

#define NO_NEGATION                                                                                \
	"nothing is negated here, and all conditions must hold: write lines for the cases that "   \
	"are meant"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define QUOTE(word) reason_quote((char[80]) { 0 }, 80, word, strlen(word))

struct pair {
	const char *word, *meant;
};

/* Upper and lower case are the same. NULL: it is none of them. */
static const char *find(const struct pair *pairs, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(word, pairs[i].word) == 0)
			return pairs[i].meant;
	return NULL;
}

const char *habit_verb(const char *word)
{
	/* "+" and "-" are those of access.conf(5). */
	static const struct pair verbs[] = {
		{ "allow", "allow" },	 { "deny", "deny" },	 { "exempt", "exempt" },
		{ "audit", "audit" },	 { "permit", "allow" },	 { "permits", "allow" },
		{ "grant", "allow" },	 { "accept", "allow" },	 { "allows", "allow" },
		{ "allowed", "allow" },	 { "yes", "allow" },	 { "can", "allow" },
		{ "may", "allow" },	 { "+", "allow" },	 { "block", "deny" },
		{ "reject", "deny" },	 { "forbid", "deny" },	 { "refuse", "deny" },
		{ "drop", "deny" },	 { "prohibit", "deny" }, { "denies", "deny" },
		{ "denied", "deny" },	 { "disallow", "deny" }, { "no", "deny" },
		{ "not", "deny" },	 { "cannot", "deny" },	 { "-", "deny" },
		{ "ignore", "exempt" },	 { "except", "exempt" }, { "skip", "exempt" },
		{ "log", "audit" },	 { "logonly", "audit" }, { "permissive", "audit" },
		{ "complain", "audit" },
	};

	return find(verbs, COUNT(verbs), word);
}

const char *habit_line(const char *first)
{
	static const char comment[] = "a comment begins with \"#\"",
			  include[] = "no file includes another; those of bpfdev.d that end in "
				      ".conf are all read";
	static const struct pair lines[] = {
		{ "include", include },	 { "@include", include }, { "source", include },
		{ "!include", include }, { "rem", comment },	  { "/*", comment },
	};

	if (*first == ';' || strncmp(first, "//", 2) == 0 || strncmp(first, "--", 2) == 0)
		return comment;
	return find(lines, COUNT(lines), first);
}

/* "RW", "r,w", "r+w", "rwx": the letters in their order; false if there are others. */
static bool collect_letters(const char *word, char *out)
{
	static const char letters[] = "rwm";
	size_t used = 0;

	if (word[strspn(word, "rwmxRWMX,+/|-")])
		return false;
	for (size_t i = 0; i < strlen(letters); i++) {
		const char either[] = { letters[i], (char)(letters[i] - 'a' + 'A'), '\0' };

		if (strpbrk(word, either))
			out[used++] = letters[i];
	}
	out[used] = '\0';
	return used;
}

bool habit_access(const char *word, char *out)
{
	static const struct pair accesses[] = {
		{ "read", "r" },	{ "ro", "r" },	       { "readonly", "r" },
		{ "read-only", "r" },	{ "write", "w" },      { "wo", "w" },
		{ "mknod", "m" },	{ "readwrite", "rw" }, { "read-write", "rw" },
		{ "read,write", "rw" }, { "*", "rwm" },	       { "all", "rwm" },
		{ "any", "rwm" },	{ "full", "rwm" },
	};
	const char *meant = find(accesses, COUNT(accesses), word);

	if (meant)
		snprintf(out, sizeof("rwm"), "%s", meant);
	return meant || collect_letters(word, out);
}

bool habit_is_device(const char *word)
{
	static const char *const begins[] = { "@", "/dev/", "char-", "block-", "usb:", "tag:" };

	for (size_t i = 0; i < COUNT(begins); i++)
		if (strncmp(word, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

static const char *origin_of(const char *word)
{
	static const struct pair origins[] = {
		{ "local", "local" },	  { "remote", "remote" }, { "console", "local" },
		{ "seat", "local" },	  { "seat0", "local" },	  { "network", "remote" },
		{ "localhost", "local" },
	};

	return find(origins, COUNT(origins), word);
}

/* Not of the file system: PAM's services have few names, as a rule. */
static const char *service_of(const char *word)
{
	static const struct pair services[] = {
		{ "ssh", "sshd" },	  { "sshd", "sshd" },  { "login", "login" },
		{ "gdm", "gdm-*" },	  { "gdm3", "gdm-*" }, { "gdm-password", "gdm-password" },
		{ "lightdm", "lightdm" }, { "sddm", "sddm" },  { "xdm", "xdm" },
		{ "cron", "cron" },	  { "su", "su*" },     { "sudo", "sudo*" },
		{ "xrdp", "xrdp-*" },
	};

	return find(services, COUNT(services), word);
}

static bool is_terminal(const char *word)
{
	return strncmp(word, "tty", 3) == 0 || strncmp(word, "pts/", 4) == 0 || *word == ':';
}

/* "KEY=VALUE", where KEY is none that is known. */
static bool assigned(const char *word, const char *value, struct reason *meant)
{
	static const char *const hosts[] = { "host=", "rhost=", "ip=", "addr=", "net=", "from=" };
	static const char *const whos[] = { "user=", "uid=", "group=", "gid=" };

	if (value - word > 1 && value[-2] == '!') {
		reason_set(meant, NO_NEGATION);
		return true;
	}
	if (origin_of(value)) {
		reason_set(meant, "that is written \"%s\", without more", origin_of(value));
		return true;
	}
	for (size_t i = 0; i < COUNT(hosts); i++)
		if (strncmp(word, hosts[i], strlen(hosts[i])) == 0) {
			reason_set(meant, "no condition names a host; remote is all of them");
			return true;
		}
	for (size_t i = 0; i < COUNT(whos); i++)
		if (strncmp(word, whos[i], strlen(whos[i])) == 0) {
			reason_set(meant, "whom the line is about is its first field");
			return true;
		}
	return false;
}

bool habit_condition(const char *word, struct reason *meant)
{
	static const struct pair fillers[] = {
		{ "if", "" },  { "when", "" }, { "where", "" }, { "only", "" }, { "on", "" },
		{ "for", "" }, { "from", "" }, { "via", "" },	{ "and", "" },	{ "in", "" },
	};
	const char *equals = strchr(word, '=');

	if (equals)
		return assigned(word, equals + 1, meant);
	if (strchr("!-", *word) || strcasecmp(word, "not") == 0 || strcasecmp(word, "or") == 0)
		reason_set(meant, NO_NEGATION);
	else if (strcmp(word, "\\") == 0)
		reason_set(meant, "a line cannot be continued on the next one");
	else if (strcasecmp(word, "local,remote") == 0 || strcasecmp(word, "remote,local") == 0)
		reason_set(meant, "no session is both; leave it out");
	else if (find(fillers, COUNT(fillers), word))
		reason_set(meant, "conditions stand there without such words");
	else if (origin_of(word))
		reason_set(meant, "that is written \"%s\"", origin_of(word));
	else if (service_of(word))
		reason_set(meant, "a PAM service is written \"service=%s\"", service_of(word));
	else if (is_terminal(word))
		reason_set(meant, "a terminal is written \"tty=%s\"", QUOTE(word));
	else if (habit_is_device(word))
		reason_set(meant,
			   "a line is about one device; write a line for each, or name a class");
	else if (strchr(word, ','))
		reason_set(meant, "blanks stand between the access and the conditions");
	else
		return false;
	return true;
}
