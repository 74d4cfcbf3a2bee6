/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Deny lines that take more than was meant. */
#include "check.h"

#include "warned.h"

static void deny_lines_without_any_that_allows(void **state)
{
	(void)state;
	expect("@students deny block-*\n", "1:1 only-deny");
	expect("@students deny block-*\n@students deny char-zorkctl remote\n", "1:1 only-deny");
	expect("@:2000 allow *\n@students deny block-*\n", "");
	expect("@students deny block-*\n* allow *\n", "");
	expect("@students deny block-*\n1000: allow *\n", "");
	expect("@students deny block-*\n@1990:2010 allow *\n", "");
	/* Everything is meant. */
	expect("@students deny *\n@students allow a *:* rw\n", "");
	expect("* allow *\n* deny block-*\n* deny char-zorkctl\n", "");
	expect("* deny block-*\n", "1:1 only-deny");
	expect("alice deny block-*\n* allow *\n", "");
	expect("greeter deny block-*\n* allow *\n", "1:1 only-deny");
	expect(":120 deny block-*\n* allow *\n", "1:1 only-deny");
	expect(":1042 deny block-*\n* allow *\n", "");
	expect("1000:1005 deny block-*\n2000:2005 allow *\n", "1:1 only-deny");
	expect_text("@students deny block-*\n",
		    "no line that counts for \"@students\" allows "
		    "anything, so this denies everything but the "
		    "baseline; expected also a line \"@students allow *\"");
}

static void whom_other_lines_allow_something_is_looked_up(void **state)
{
	(void)state;
	/* Carol is staff too, alice is not. */
	expect_text("@students deny block-*\n@staff allow *\n",
		    "no line that counts for alice, who is among \"@students\", allows anything");
	expect("@students deny block-*\n@staff allow *\nalice allow *\n", "3:1 outranks");
	expect("@students deny block-*\n@staff allow *\nalice exempt\n", "");
	expect("@students deny block-*\n@staff allow *\nalice exempt local\n", "");
	expect(":1000 deny block-*\n@staff allow *\n", "1:1 only-deny");
	expect(":1001 deny block-*\n@staff allow *\n", "");
	expect("alice deny block-*\n@staff allow *\n", "1:1 only-deny");
	expect("carol deny block-*\n@staff allow *\n", "");
	expect("carol deny block-*\n@staff allow *\n@students exempt\n@staff deny block-*\n",
	       "1:1 only-deny");
	expect("* deny block-*\n@staff allow c 1:*\n@students allow c 1:*\n", "1:1 only-deny");
	expect("* deny block-*\n@staff allow c 1:*\n@students allow c 1:*\n@carol allow c 1:*\n",
	       "");
	warned_database.lists = false;
	expect("@students deny block-*\n@staff allow *\n", "");
	expect("1000:1005 deny block-*\n2000:2005 allow *\n", "1:1 only-deny");
}

static void the_baseline_is_better_not_denied(void **state)
{
	(void)state;
	expect("* deny *\n", "1:8 baseline");
	expect("* allow *\n* deny char-mem\n", "2:8 baseline");
	expect("* allow *\n* deny c 1:3 m\n", "");
	expect("* allow *\n* deny c 1:3 r\n", "2:8 baseline");
	expect("* allow *\n* deny block-*\n* deny b 0:*\n* deny c 0:*\n", "");
	expect("* allow *\n* deny c 136:4\n", "2:8 baseline");
	expect("* allow *\n* deny c 136:4\n* allow c 136:4 rw\n", "");
	expect("alice allow *\nalice deny char-pts\n* deny char-*\n* allow c 1:*\n* allow c 5:*\n",
	       "1:1 outranks, 2:12 baseline, 3:8 baseline");
	expect("* deny *\n* allow c 1:* rw\n* allow c 5:0 rw\n* allow c 5:2 rw\n* allow char-pts\n",
	       "");
	expect("* allow c 1:3 rw\n* allow *\n* deny c 1:3\n", "1:1 shadowed, 3:8 baseline");
	expect("* allow *\n* deny c 1:3 r\n* allow c 1:3 w\n", "2:8 baseline");
	expect("* allow *\n* deny c 1:3 remote\n* allow c 1:3 local\n", "2:8 baseline");
	expect("* allow *\n* deny c 1:3 remote\n* allow c 1:3 remote\n", "");
	expect("* allow *\n* deny c 1:3\n1000: allow c 1:3\n", "");
	expect("* allow *\n* deny c 1:3\nalice allow c 1:3\n", "2:8 baseline");
	expect("alice deny *\nalice allow a *:*\n", "1:1 shadowed");
	expect("alise deny *\n", "1:1 no-user");
	expect_text("alice deny *\n",
		    "this denies /dev/null, /dev/zero, /dev/full and 5 more, which "
		    "every shell needs; expected also a line \"alice allow c 1:3 "
		    "rw\" and the like");
	expect_text("alice allow *\nalice deny c 5:0\n",
		    "this denies /dev/tty, which every shell needs; expected also a line \"alice "
		    "allow c 5:0 rw\", or not to deny it");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		warned_test(deny_lines_without_any_that_allows),
		warned_test(whom_other_lines_allow_something_is_looked_up),
		warned_test(the_baseline_is_better_not_denied),
	};

	return cmocka_run_group_tests(tests, warned_make_world, warned_remove_world);
}
