// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Preloaded: allocations that fail on demand. The C library's own calls come here too. It is also a
 * PAM module, to stand behind the one that is tested: there it ends all strain, so that what libpam
 * does afterwards goes well.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include <security/pam_modules.h>

/* glibc's, under names that nobody replaces. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void failing_arm(long first, long last);
void failing_end(void);
long failing_count(void);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

static long asked, first_failing, last_failing;

/* From now on, the allocations number @first to @last fail; 0, 0: none. */
void failing_arm(long first, long last)
{
	if (first)
		asked = 0;
	first_failing = first;
	last_failing = last;
}

/* How many were asked for since. */
long failing_count(void)
{
	return asked;
}

static bool fails(void)
{
	asked++;
	if (asked < first_failing || asked > last_failing)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

static void loosen(int resource)
{
	struct rlimit limit;

	getrlimit(resource, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

/* No strain of any kind any more. */
void failing_end(void)
{
	failing_arm(0, 0);
	loosen(RLIMIT_NOFILE);
	loosen(RLIMIT_AS);
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	failing_end();
	return PAM_IGNORE;
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}
