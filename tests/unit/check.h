/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What every unit test needs: cmocka with its headers, skipping out loud, fragments of texts. */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Leaves a test that cannot run here. Where PAM_BPFDEV_REQUIRE is set, it had to run. */
static inline void cannot_run(const char *why)
{
	print_message("skipped: %s\n", why);
	if (getenv("PAM_BPFDEV_REQUIRE"))
		fail_msg("must run, but cannot: %s", why);
	skip();
}

#define assert_contains(text, fragment) check_contains((text), (fragment), __FILE__, __LINE__)

static inline void check_contains(const char *text, const char *fragment, const char *file,
				  int line)
{
	if (text && strstr(text, fragment))
		return;
	print_error("\"%s\" is not in \"%s\"\n", fragment, text ? text : "(nothing)");
	_fail(file, line);
}

/* cmocka's own has another name in each version. */
#define assert_between(value, least, most)                                                         \
	check_between((uintmax_t)(value), (least), (most), __FILE__, __LINE__)

static inline void check_between(uintmax_t value, uintmax_t least, uintmax_t most, const char *file,
				 int line)
{
	if (value >= least && value <= most)
		return;
	print_error("%ju is not between %ju and %ju\n", value, least, most);
	_fail(file, line);
}

#endif
