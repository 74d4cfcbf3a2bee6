// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Preloaded: from allocation number FAIL_AT on (an environment variable), all fail. Without it,
 * the last line on standard error says how many there were.
 *
 * The end is exit code 77 if it was not the program that did not look at what it got, but
 * libsmartcols.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The handler, the kernel's way back from it, memcpy(), and who called that. */
#define FRAMES 4

/* glibc's, under names that nobody replaces. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static long asked, fail_at;

static void blame(int number)
{
	void *frames[FRAMES];
	int count = backtrace(frames, FRAMES);
	Dl_info place;

	for (int i = 0; i < count; i++)
		if (dladdr(frames[i], &place) && strstr(place.dli_fname, "/libsmartcols.so"))
			_exit(77);
	raise(number); /* once more, without a handler */
}

__attribute__((constructor)) static void arm(void)
{
	struct sigaction action = { .sa_handler = blame, .sa_flags = (int)SA_RESETHAND };
	const char *at = getenv("FAIL_AT");
	void *frames[FRAMES];

	backtrace(frames, FRAMES); /* loads what it needs */
	sigaction(SIGSEGV, &action, NULL);

	/* What glibc loads to look names up, it does without having looked whether there is memory. */
	getpwnam("root");
	getgrnam("root");
	getpwnam("no such user");
	setpwent();
	while (getpwent())
		;
	endpwent();
	setgrent();
	while (getgrent())
		;
	endgrent();
	asked = 0;
	fail_at = at ? atol(at) : 0;
}

__attribute__((destructor)) static void count(void)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%ld\n", asked);

	if (!fail_at && write(STDERR_FILENO, text, (size_t)length) < 0)
		_exit(99);
}

static int fails(void)
{
	asked++;
	if (!fail_at || asked < fail_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count_of, size_t size)
{
	return fails() ? NULL : __libc_calloc(count_of, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
