/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The text of a policy, as statements: no users, groups or devices are looked up here. */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "device/device.h"
#include "base/reason.h"

#define CONF_FILE_MAX (1024 * 1024) /* bytes */
#define CONF_FILES_MAX 4094	    /* so that a file's number fits into a bpfdev source */

#define CONF_CLASSES_MAX 1024
#define CONF_GLOB_MAX 256 /* bytes of one glob of a condition, with a final NUL */

enum conf_who_kind {
	CONF_USER,	/* name */
	CONF_UID,	/* :uid */
	CONF_GROUP,	/* @group */
	CONF_UID_RANGE, /* min:max */
	CONF_GID_RANGE, /* @:gid, @min:max */
	CONF_ANYONE,	/* * */
};

struct conf_who {
	enum conf_who_kind kind;
	const char *name;   /* CONF_USER, CONF_GROUP */
	uint32_t low, high; /* inclusive; for CONF_UID both are the uid */
};

enum conf_verb { CONF_ALLOW, CONF_DENY, CONF_EXEMPT, CONF_AUDIT };

enum conf_origin { CONF_ORIGIN_ANY, CONF_ORIGIN_LOCAL, CONF_ORIGIN_REMOTE };

/* All that stand must hold. */
struct conf_when {
	enum conf_origin origin;
	const char *service; /* comma-separated globs, or NULL */
	const char *tty;     /* the same */
};

/* Where something stands. */
struct conf_place {
	uint32_t file;	 /* index into conf.files */
	uint32_t line;	 /* from 1 */
	uint32_t column; /* from 1, in bytes */
};

struct conf_statement {
	struct conf_place place; /* of the first word */
	uint32_t length;	 /* of @text, in bytes: NUL bytes stand in it */
	const char *text;	 /* of the line, from there to the last word; cut into words */
	struct conf_who who;
	enum conf_verb verb;
	uint32_t access;	   /* BPFDEV_READ ... */
	struct device_spec device; /* CONF_ALLOW, CONF_DENY */
	struct conf_when when;
};

struct conf_class {
	struct conf_place place;
	uint32_t
		before; /* the line of the same file with the definition that it replaced; 0: none */
	const char *name;
	struct device_spec *devices;
	size_t count;
};

struct conf_error {
	struct conf_place place; /* line 0: the file as a whole */
	struct reason what;
};

/* Kept errors are bounded; the others are only counted. */
#define CONF_ERRORS_MAX 100

struct conf_file {
	char *path;
	char *text; /* what the statements' strings point into; NULL: it could not be read */
	size_t length;
};

struct conf {
	struct conf_file *files;
	size_t file_count;
	struct conf_statement *statements; /* in the order of reading */
	size_t statement_count;
	struct conf_class *classes; /* one of each name: the last one read */
	size_t class_count;
	struct conf_error *errors;
	size_t error_count; /* all of them, also those that were not kept */
	/* Whom the lines are about that have a mistake behind their first field. */
	struct conf_who *mistaken;
	size_t mistaken_count;
	bool has_unread; /* the first field of a line has a mistake */
	char **names;	 /* those that were quoted */
	size_t name_count;
	uint64_t digest; /* of all text that was read */
};

struct conf_paths {
	const char *
		vendor; /* folder of files with class statements only; may be missing; NULL: none */
	const char *main;	/* the policy */
	const char *dropins;	/* folder of further policy files; may be missing; NULL: none */
	bool main_required;	/* a missing main file is a mistake */
	bool patient;		/* waits until nothing has changed for a second */
	uid_t owner;		/* who must own files and folders, beside root */
	const char *instead_of; /* main, or a drop-in that need not be there: its text is that of */
	const char *instead;	/* ... this file; NULL: all files have their own */
};

/* The paths of an installed system: the policy file may be missing. Patient. */
extern const struct conf_paths conf_paths_system;

/* The same as they are now: for who only looks. */
extern const struct conf_paths conf_paths_now;

/* The policy in the file @main, without drop-ins: what the argument conf= asks for. Patient. */
struct conf_paths conf_paths_of(const char *main);

/*
 * Reads the policy. Mistakes of any kind in the files do not end the reading: they are collected in
 * (*@conf)->errors, and a policy with errors must not be used. Free with conf_free().
 *
 * What changes while it is read is read again; where @paths are patient, also what has changed
 * within the last second, as it may be half written. What does not stand still within five seconds
 * is a mistake.
 * Returns 0, or -ENOMEM.
 */
int conf_load(const struct conf_paths *paths, struct conf **conf);

/*
 * Reads one policy from @length bytes of @text, called @name in places.
 * Returns as conf_load(). @classes_only: only class statements are understood.
 */
int conf_parse(const char *name, const char *text, size_t length, bool classes_only,
	       struct conf **conf);

/* NULL is fine. */
void conf_free(struct conf *conf);

/* The class called @name, or NULL. */
const struct conf_class *conf_find_class(const struct conf *conf, const char *name);

/* What is to be said of a policy with mistakes in one line: the first one, and how many there are. */
void conf_describe_mistakes(const struct conf *conf, struct reason *out);

/*
 * A user's or group's name as a line has it in its first field: "@students", or, where it would not
 * be taken for a name, with quotes: "@\"domain users\"". Cut to fit (@size bytes). Returns @out.
 */
char *conf_quote_name(const char *name, bool group, char *out, size_t size);

/* The statement as it was written, with single blanks, and cut to fit (@size bytes). Returns @out. */
char *conf_describe_statement(const struct conf_statement *statement, char *out, size_t size);

/*
 * The one of the @count @names that @word is a slip of the finger away from, or NULL.
 */
const char *conf_nearest(const char *word, const char *const *names, size_t count);

/* Adds a mistake at @place. */
void conf_add_error(struct conf *conf, const struct conf_place *place, const struct reason *what);

/* Forgets all mistakes: those that showed when it was decided for one user are no other's. */
void conf_forget_errors(struct conf *conf);

/* Writes "file:line:column: what" of an error to @out; "what" if its line is in no file of @conf, but suggested. */
void conf_describe_error(const struct conf *conf, const struct conf_error *error,
			 struct reason *out);

#endif
