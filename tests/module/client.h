/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The client: one command a line on its input, its words separated by tabs; see client.c. */
#ifndef CLIENT_H
#define CLIENT_H

#include <security/pam_appl.h>

struct client {
	pam_handle_t *pamh;
	int status; /* of the last call to PAM, for pam_end() */
};

/* A command answers with one line that begins with "= ". */
#define ANSWER(...) (printf("= " __VA_ARGS__), putchar('\n'))

/* The arguments end in NULL; those that were not given are NULL too. */
typedef void command(struct client *client, char **arguments);

/* The name of what a stack of our module alone returned. */
const char *result_name(int result);

int write_word(const char *path, const char *word);
void answer_errno(int result);

/* client_process.c: what is done to and asked of the process itself */
command move, become, seccomp, try_open, try_mknod, show_environment;

/* client_bpf.c */
command attach_foreign;
/* The id of the only device program of the cgroup; 0: it has none; -1: more than one, or no answer. */
int program_of(const char *folder);

/* client_strain.c: opening under strain, in a child */
command count_allocations, strain;

#endif
