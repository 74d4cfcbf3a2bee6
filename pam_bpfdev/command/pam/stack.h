/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The files of PAM, as Linux-PAM reads them: where they are, what their lines say, what stands in a
 * service's stack in the end, and which ways lead through it.
 */
#ifndef PAM_STACK_H
#define PAM_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What a module may return, in the order of pam.conf(5): success, open_err ... incomplete. */
#define PAM_STACK_RETURNS 32
#define PAM_STACK_SUCCESS 0
#define PAM_STACK_PERM_DENIED 6
#define PAM_STACK_SESSION_ERR 14
#define PAM_STACK_IGNORE 25
#define PAM_STACK_MODULE_UNKNOWN 28
#define PAM_STACK_INCOMPLETE 31

/* What is done then; above 0: jump over so many lines. */
enum pam_stack_action {
	PAM_STACK_DO_IGNORE = 0,
	PAM_STACK_DO_OK = -1,
	PAM_STACK_DO_DONE = -2,
	PAM_STACK_DO_BAD = -3,
	PAM_STACK_DO_DIE = -4,
	PAM_STACK_DO_RESET = -5,
	PAM_STACK_DO_UNSET = -6, /* while a line is read */
};

/* Includes deeper than this fail in Linux-PAM too. */
#define PAM_STACK_DEPTH 16
/* Lines of one stack; each file can include others twice, which adds up. */
#define PAM_STACK_LINES_MAX 4096

struct pam_files {
	const char *root; /* of the file system that is looked at; "": the machine's own */
	bool single;	  /* there are no folders, so /etc/pam.conf is all */
};

struct pam_files pam_files_below(const char *root);

/*
 * Opens the file of a service, or what a line includes: a path from the root, or a name in the
 * first of PAM's folders that has it. *@path, to be freed, is where it was found, without @files'
 * root. Returns NULL if there is none that can be read.
 */
FILE *pam_files_open(const struct pam_files *files, const char *name, char **path);

/* Whether PAM finds the module that a line names: a path, or a name in the folder of modules. */
bool pam_files_has_module(const char *root, const char *module);

/* Where in a file one is. */
struct pam_text {
	FILE *file;
	unsigned int read;  /* lines of the file so far */
	unsigned int first; /* the first one of what was assembled last */
};

/*
 * Reads the next line that says anything: without its comment, continued where it ends in a
 * backslash. Returns 1 with *@line, to be freed; 0: there are no more; -EPROTO: the file ends in
 * the middle of one; another negative errno.
 */
int pam_text_next(struct pam_text *text, char **line);

/*
 * The next word of *@rest, which is cut and moved on; what stands in brackets is one word, and they
 * go. NULL: there are no more.
 */
char *pam_text_word(char **rest);

/* What a line's @control comes to. "include" and "substack" are none of these: they set nothing. */
void pam_text_control(const char *control, int *actions);

enum pam_stack_kind {
	PAM_STACK_MODULE,
	PAM_STACK_FAIL,	   /* a line with a mistake: it fails when its turn comes */
	PAM_STACK_SUBSTACK /* where a substack begins: nothing is called */
};

struct pam_stack_line {
	enum pam_stack_kind kind;
	const char *file;    /* where it stands; the stack's */
	unsigned int number; /* of the line, or of the first one of those that it goes over */
	char *text;	     /* what the strings below point into */
	const char *control; /* as written, without brackets; "" where there is none */
	const char *module;  /* as written; "" unless PAM_STACK_MODULE */
	const char **arguments;
	size_t argument_count;
	int actions[PAM_STACK_RETURNS]; /* enum pam_stack_action, or a jump */
	unsigned int level;		/* how many substacks it is in */
};

struct pam_stack {
	struct pam_stack_line *lines;
	size_t count, capacity;
	char **files; /* the service's first, then what it includes */
	size_t file_count, file_capacity;
};

/*
 * Reads the lines of @type ("session", "auth") of @service from the PAM files below @root ("": the
 * machine's): /etc/pam.d before /usr/lib/pam.d, or /etc/pam.conf where there are no such folders.
 * Mistakes become lines that fail, as in Linux-PAM.
 * Returns 0; -ENOENT: no file is about the service; -E2BIG: more than PAM_STACK_LINES_MAX lines;
 * another negative errno. Free with pam_stack_free() in any case.
 */
int pam_stack_load(const char *root, const char *service, const char *type,
		   struct pam_stack *stack);

void pam_stack_free(struct pam_stack *stack);

/* The last part of the module's path: Linux-PAM takes names and paths from the root. */
const char *pam_stack_module(const struct pam_stack_line *line);

/* The first line with the module @name ("pam_unix.so") from line @from on, or stack->count. */
size_t pam_stack_find(const struct pam_stack *stack, const char *name, size_t from);

/* The names of services, without doubles, in the order of strcmp(3). */
struct pam_stack_names {
	char **items;
	size_t count, capacity;
};

/*
 * Lists the services that the PAM files below @root are about; copies that editors and package
 * managers left are none. Returns 0 or a negative errno. Free with pam_stack_names_free().
 */
int pam_stack_services(const char *root, struct pam_stack_names *names);

/* Adds a name at the end, unless it is there already. */
void pam_stack_names_add(struct pam_stack_names *names, const char *name);

void pam_stack_names_free(struct pam_stack_names *names);

struct pam_ways {
	bool passes;	 /* there is a way through on which PAM says yes */
	bool around;	 /* ... without the module having been called */
	size_t leads_by; /* if so: the line that first leads past it, or the stack's count */
	bool forgiven;	 /* ... although the module said no */
};

/*
 * Follows each way through @stack. Modules may return anything, but for pam_permit.so and
 * pam_deny.so; @module ("pam_bpfdev.so") says yes or no.
 */
struct pam_ways pam_stack_walk(const struct pam_stack *stack, const char *module);

#endif
