/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The text of PAM files: a part of doctor_pam_stack.h, for nobody else. */
#ifndef DOCTOR_PAM_LINE_H
#define DOCTOR_PAM_LINE_H

#include <stdio.h>

#include "command/doctor/pam/stack.h"

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

/*
 * What a line's @control comes to. "include" and "substack" are none of these: they set nothing.
 */
void pam_text_control(const char *control, int *actions);

#endif
