/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev edit and bpfdev install. */
#ifndef EDIT_H
#define EDIT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "command/base/command.h"

/* The folder of a copy is called so, and six letters more. */
#define PLACE_FOLDER ".bpfdev-edit."

/* A file of the policy that is to be replaced, and the copy that is to replace it. */
struct place {
	char *path;   /* as messages and the policy's places have it */
	char *folder; /* that it is in */
	char *name;   /* below that */
	int dir_fd;   /* the folder, which is locked */
	bool exists;
	struct stat before; /* of the file, if it exists */
	char *text;	    /* of the file, "" if there is none */
	size_t length;
	struct conf_paths paths; /* of the policy that it is a part of */
	char *staging;		 /* folder of the copy; NULL: there is none yet */
	char *copy;		 /* its path */
};

/*
 * Finds the file at @path (NULL: the policy's main file), locks its folder against others who edit,
 * and reads it. Returns whether that went well, having said why not. place_close() in any case.
 */
bool place_open(struct place *place, const char *path);

/* Unlocks. A copy that is there stays. */
void place_close(struct place *place);

/* Makes the copy, with @length bytes of @text. Returns whether that went well, or says why not. */
bool place_make_copy(struct place *place, const char *text, size_t length);

/* Reads the copy into *@text, to be freed. Returns whether that went well, or says why not. */
bool place_read_copy(const struct place *place, char **text, size_t *length);

/*
 * Puts the copy in the place of the file, in one step: root's, mode 0600, and on disk. It must
 * still have the @length bytes of @text that were checked, and the file must be as it was.
 * Returns whether that went well, or says why not.
 */
bool place_install(struct place *place, const char *text, size_t length);

/* Removes the copy and its folder. */
void place_drop_copy(struct place *place);

/* The policy with the copy in the file's place. Free it. */
struct conf *place_load(const struct place *place, bool with_copy);

/*
 * Prints whose rules become others if @after takes the place of @before (either may be NULL: it has
 * mistakes), and how many sessions are open. Returns how many that are.
 */
size_t changes_print(const struct place *place, const struct output *output, struct conf *before,
		     struct conf *after);

/* Runs the editor of whoever asks on the copy. Returns whether it ended well, or says why not. */
bool editor_run(const char *copy);

/* Runs this very program with a subcommand. Returns its exit status, or a negative errno. */
int editor_run_own(const char *subcommand);

/*
 * From now on SIGINT, SIGTERM and SIGHUP end questions and editors, and not this program, which has
 * to say where the copy is.
 */
void editor_catch_signals(void);

/* Asks until one of @letters comes. Returns it, or 0: there is nobody to answer. */
char editor_ask(const char *question, const char *letters);

#endif
