// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Opening a session with too little of something, in a child each time. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

/* They come with failing.c, which is preloaded for this. */
static long failing_count(void)
{
	long (*count)(void) = dlsym(RTLD_DEFAULT, "failing_count");

	return count ? count() : -1;
}

static void failing_arm(long first, long last)
{
	void (*arm)(long, long) = dlsym(RTLD_DEFAULT, "failing_arm");

	if (arm)
		arm(first, last);
}

static void failing_end(void)
{
	void (*end)(void) = dlsym(RTLD_DEFAULT, "failing_end");

	if (end)
		end();
}

/*
 * glibc ends a process that lacks the memory for a library's thread-local data at their first use,
 * which no module can help. That of libelf, which came with the module, is for errors.
 */
static void touch_thread_local_data(void)
{
	void *library = dlopen("libelf.so.1", RTLD_NOLOAD | RTLD_NOW);
	int (*elf_errno)(void) = library ? dlsym(library, "elf_errno") : NULL;

	if (elf_errno)
		elf_errno();
}

/* How many times opening asks for memory. */
void count_allocations(struct client *client, char **arguments)
{
	long count;

	(void)arguments;
	failing_arm(INT64_MAX, INT64_MAX);
	pam_open_session(client->pamh, PAM_SILENT);
	count = failing_count();
	pam_close_session(client->pamh, PAM_SILENT);
	touch_thread_local_data();
	ANSWER("%ld", count);
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* Allows @more than what is in use. failing.c, as the last module of the stack, loosens it again. */
static void tighten(int resource, long used, long more)
{
	struct rlimit limit;

	getrlimit(resource, &limit);
	limit.rlim_cur = (rlim_t)(used + more);
	setrlimit(resource, &limit);
}

static long address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (file && fscanf(file, "%ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

/* The lowest descriptor that is free: with no more than so many, open(2) fails. */
static long next_descriptor(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	close(fd);
	return fd;
}

static int open_under(struct client *client, const char *what, long amount)
{
	int result;

	if (strcmp(what, "descriptors") == 0)
		tighten(RLIMIT_NOFILE, next_descriptor(), amount);
	else if (strcmp(what, "space") == 0)
		tighten(RLIMIT_AS, address_space(), amount);
	else
		failing_arm(amount, strcmp(what, "allocation") == 0 ? amount : INT64_MAX);
	result = pam_open_session(client->pamh, PAM_SILENT);
	failing_end(); /* libpam may not have come so far as to call the last module */
	return result;
}

/* Opens under strain and closes without; says what came of it. */
static void try_under(struct client *client, const char *what, long amount, const char *scope,
		      const char *manager)
{
	int descriptors = count_descriptors(), before = program_of(manager);
	int result = open_under(client, what, amount);

	ANSWER("%s scope=%d manager=%s descriptors=%+d", result_name(result),
	       program_of(scope) != 0, program_of(manager) == before ? "same" : "changed",
	       count_descriptors() - descriptors);
	pam_close_session(client->pamh, PAM_SILENT);
}

/*
 * strain allocation|allocations|descriptors|space N SCOPE MANAGER: in a child that is alone in
 * SCOPE. The N-th allocation fails, or the N-th and all later ones; or there are only N
 * descriptors, or bytes of address space, more.
 */
void strain(struct client *client, char **arguments)
{
	int status = 0;
	char procs[4096];
	pid_t child;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", arguments[2]);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		write_word(procs, "0");
		try_under(client, arguments[0], atol(arguments[1]), arguments[2], arguments[3]);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (status)
		ANSWER("killed by signal %d", WTERMSIG(status));
}
