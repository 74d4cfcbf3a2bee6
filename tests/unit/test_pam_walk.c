// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Ways through stacks: held against a plain copy of what libpam does with one run. */
#include "check.h"

#include "command/pam/stack.h"
#include "dice.h"
#include "pam_root.h"

#define MODULE "pam_bpfdev.so"

static void check_ways(const char *text, bool passes, unsigned int leads_by, bool forgiven,
		       int line)
{
	struct pam_stack stack;
	struct pam_ways ways;
	unsigned int by;

	pam_put("/etc/pam.d/s", text);
	assert_int_equal(pam_stack_load(pam_root, "s", "session", &stack), 0);
	ways = pam_stack_walk(&stack, MODULE);
	by = ways.around && ways.leads_by < stack.count ? stack.lines[ways.leads_by].number : 0;
	if (ways.passes != passes || ways.around != (leads_by > 0) || by != leads_by ||
	    ways.forgiven != forgiven) {
		print_error("%spasses %d, around %d by line %u, forgiven %d\n", text, ways.passes,
			    ways.around, by, ways.forgiven);
		_fail(__FILE__, line);
	}
	pam_stack_free(&stack);
}

#define expect_closed(text) check_ways(text, true, 0, false, __LINE__)
#define expect_around(text, line) check_ways(text, true, line, false, __LINE__)
#define expect_forgiven(text) check_ways(text, true, 0, true, __LINE__)
#define expect_refused(text) check_ways(text, false, 0, false, __LINE__)

static void controls_that_refuse(void **state)
{
	(void)state;
	expect_closed("session required pam_bpfdev.so\n");
	expect_closed("session requisite pam_bpfdev.so\nsession optional pam_a.so\n");
	expect_closed("session [success=ok default=die] pam_bpfdev.so\n");
	expect_closed("session [success=ok ignore=ignore session_err=bad default=ignore] "
		      "pam_bpfdev.so\nsession required pam_a.so\n");
	expect_closed("session required pam_a.so\nsession required /lib/security/pam_bpfdev.so\n");
}

static void controls_that_forgive(void **state)
{
	(void)state;
	expect_forgiven("session required pam_a.so\nsession optional pam_bpfdev.so\n");
	expect_forgiven("session sufficient pam_bpfdev.so\nsession required pam_a.so\n");
	expect_forgiven("session required pam_a.so\n"
			"session [success=ok default=ignore] pam_bpfdev.so\n");
	/* Alone it is all that is asked, and then nobody said yes. */
	expect_closed("session optional pam_bpfdev.so\n");
	/* What a later line takes back. */
	expect_forgiven("session required pam_bpfdev.so\n"
			"session [default=reset] pam_a.so\nsession required pam_b.so\n");
	/* Two lines: the one that refuses counts. */
	expect_closed("session optional pam_bpfdev.so\nsession required pam_bpfdev.so\n");
}

static void lines_that_lead_past_it(void **state)
{
	(void)state;
	expect_around("session sufficient pam_a.so\nsession required pam_bpfdev.so\n", 1);
	expect_around("session required pam_b.so\nsession [success=done default=ignore] pam_a.so\n"
		      "session required pam_bpfdev.so\n",
		      2);
	expect_around("session [success=1 default=ignore] pam_succeed_if.so\n"
		      "session required pam_bpfdev.so\nsession required pam_a.so\n",
		      1);
	expect_around("session [success=2 default=ignore] pam_succeed_if.so\n"
		      "session required pam_a.so\nsession required pam_bpfdev.so\n"
		      "session required pam_permit.so\n",
		      1);
	/* A jump that leads over all that is left is a mistake, which refuses. */
	expect_closed("session required pam_a.so\n"
		      "session [success=2 default=ignore] pam_succeed_if.so\n"
		      "session required pam_bpfdev.so\n");
	expect_closed("session [success=ok session_err=1 default=bad] pam_permit.so\n"
		      "session required pam_bpfdev.so\nsession required pam_a.so\n");
	expect_closed("session sufficient pam_deny.so\nsession required pam_bpfdev.so\n");
	expect_closed("session [success=1 default=ignore] pam_succeed_if.so\n"
		      "session required pam_a.so\nsession required pam_bpfdev.so\n");
	expect_closed("session required pam_bpfdev.so\nsession sufficient pam_a.so\n");
	/* Who is refused before does not come in. */
	expect_closed("session requisite pam_a.so\nsession required pam_bpfdev.so\n");
}

static void what_debian_writes_leads_past_nothing(void **state)
{
	(void)state;
	expect_closed("session [default=1] pam_permit.so\nsession requisite pam_deny.so\n"
		      "session required pam_permit.so\nsession required pam_unix.so\n"
		      "session optional pam_systemd.so\nsession required pam_bpfdev.so\n");
	/* One more line in the place of pam_deny.so would be in for it. */
	expect_around("session [default=1] pam_permit.so\nsession required pam_bpfdev.so\n"
		      "session required pam_permit.so\n",
		      1);
}

static void substacks(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/inner", "session sufficient pam_a.so\nsession required pam_b.so\n");
	expect_closed("session substack inner\nsession required pam_bpfdev.so\n");
	expect_around("session include inner\nsession required pam_bpfdev.so\n", 1);
	/* One that is refused refuses all. */
	pam_put("/etc/pam.d/inner", "session requisite pam_bpfdev.so\nsession required pam_b.so\n");
	expect_closed("session substack inner\nsession required pam_a.so\n");
	/* What it says is taken back, and what was said before it is not. */
	pam_put("/etc/pam.d/inner",
		"session required pam_bpfdev.so\nsession [default=reset] pam_b.so\n");
	expect_forgiven("session required pam_a.so\nsession substack inner\n");
}

static void a_substack_is_jumped_over_as_one(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/inner", "session required pam_a.so\nsession required pam_bpfdev.so\n");
	expect_around("session [success=1 default=ignore] pam_c.so\nsession substack inner\n"
		      "session required pam_d.so\n",
		      1);
	pam_put("/etc/pam.d/inner", "session required pam_a.so\nsession required pam_b.so\n");
	expect_closed("session [success=1 default=ignore] pam_c.so\nsession substack inner\n"
		      "session required pam_bpfdev.so\n");
}

static void stacks_that_let_nobody_in(void **state)
{
	(void)state;
	expect_refused("");
	expect_refused("session required pam_deny.so\n");
	expect_refused("session required pam_bpfdev.so\nsession include missing\n");
}

static void stacks_without_the_module(void **state)
{
	struct pam_stack stack;
	struct pam_ways ways;

	(void)state;
	pam_put("/etc/pam.d/s", "session required pam_permit.so\n");
	assert_int_equal(pam_stack_load(pam_root, "s", "session", &stack), 0);
	ways = pam_stack_walk(&stack, MODULE);
	assert_true(ways.passes);
	assert_false(ways.forgiven);
	assert_int_equal(ways.leads_by, 1);
	pam_stack_free(&stack);
}

/* One run, as libpam's _pam_dispatch_aux() goes: with the lines' own @returns. */

#define LINES_MAX 6

enum impression { UNDEF, POSITIVE, NEGATIVE };

struct run {
	const struct pam_stack_line *lines;
	int count;
	const int *returns;
	bool called, content; /* the module was; and was so once */
};

struct substate {
	enum impression impression;
	int status;
};

static void run_module(struct run *run, int at)
{
	if (strcmp(run->lines[at].module, MODULE) != 0)
		return;
	run->called = true;
	run->content |= run->returns[at] == PAM_STACK_SUCCESS;
}

/* Passes over @lines lines of the level of line *@h. Returns whether there are as many. */
static bool jump(const struct run *run, int *h, int lines)
{
	const int level = (int)run->lines[*h].level;

	while (*h + 1 < run->count && (int)run->lines[*h + 1].level >= level && lines > 0) {
		do
			++*h;
		while (*h + 1 < run->count && (int)run->lines[*h + 1].level > level);
		lines--;
	}
	return lines == 0;
}

/* Returns what PAM returns. */
static int run_stack(struct run *run)
{
	enum { PERM_DENIED = 6 };
	struct substate substates[PAM_STACK_DEPTH] = { { UNDEF, PERM_DENIED } };
	struct substate now = substates[0];
	int previous = 0, level;

	for (int h = 0; h < run->count; previous = level, h++) {
		const struct pam_stack_line *line = &run->lines[h];
		int returned, action;

		level = (int)line->level;
		if (previous < level)
			substates[level] = now;
		if (line->kind == PAM_STACK_SUBSTACK)
			continue;
		run_module(run, h);
		returned = run->returns[h];
		action = line->actions[returned];
		switch (action) {
		case PAM_STACK_DO_RESET:
			now = substates[level];
			break;
		case PAM_STACK_DO_OK:
		case PAM_STACK_DO_DONE:
			if (now.impression == UNDEF ||
			    (now.impression == POSITIVE && now.status == PAM_STACK_SUCCESS))
				now = (struct substate) { POSITIVE, returned };
			if (now.impression == POSITIVE && action == PAM_STACK_DO_DONE)
				goto decision_made;
			break;
		case PAM_STACK_DO_BAD:
		case PAM_STACK_DO_DIE:
			if (now.impression != NEGATIVE)
				now = (struct substate) { NEGATIVE, returned == PAM_STACK_IGNORE
									    ? PERM_DENIED
									    : returned };
			if (action == PAM_STACK_DO_DIE)
				goto decision_made;
			break;
		case PAM_STACK_DO_IGNORE:
			break;
		default:
			if (!jump(run, &h, action))
				now = (struct substate) { NEGATIVE, PERM_DENIED };
		}
		continue;
	decision_made:
		while (h + 1 < run->count && (int)run->lines[h + 1].level >= level)
			h++;
	}
	return now.status == PAM_STACK_SUCCESS && now.impression != POSITIVE ? PERM_DENIED
									     : now.status;
}

/* All runs in which each line returns one of three values. */
static struct pam_ways run_all(const struct pam_stack *stack)
{
	static const int values[] = { PAM_STACK_SUCCESS, PAM_STACK_SESSION_ERR, PAM_STACK_IGNORE };
	struct pam_ways ways = { 0 };
	int returns[LINES_MAX], combinations = 1;

	for (size_t i = 0; i < stack->count; i++)
		combinations *= 3;
	for (int number = 0; number < combinations; number++) {
		struct run run = { stack->lines, (int)stack->count, returns, false, false };
		bool possible = true;
		int rest = number;

		for (size_t i = 0; i < stack->count; i++, rest /= 3) {
			returns[i] = values[rest % 3];
			if (strcmp(stack->lines[i].module, MODULE) == 0)
				possible &= rest % 3 != 2;
		}
		if (!possible || run_stack(&run) != PAM_STACK_SUCCESS)
			continue;
		ways.passes = true;
		ways.around |= !run.called;
		ways.forgiven |= run.called && !run.content;
	}
	return ways;
}

static int random_action(struct dice *dice)
{
	static const int actions[] = { PAM_STACK_DO_IGNORE,
				       PAM_STACK_DO_OK,
				       PAM_STACK_DO_DONE,
				       PAM_STACK_DO_BAD,
				       PAM_STACK_DO_DIE,
				       PAM_STACK_DO_RESET,
				       1,
				       2,
				       3 };

	return DICE_PICK(dice, actions);
}

static void random_line(struct dice *dice, struct pam_stack_line *line, unsigned int *level)
{
	*line = (struct pam_stack_line) { .module = "pam_a.so", .control = "", .level = *level };
	if (dice_percent(dice, 20)) {
		line->kind = PAM_STACK_SUBSTACK;
		line->module = "";
		++*level;
		return;
	}
	if (dice_percent(dice, 25))
		line->module = MODULE;
	for (int i = 0, otherwise = random_action(dice); i < PAM_STACK_RETURNS; i++)
		line->actions[i] = otherwise;
	line->actions[PAM_STACK_SUCCESS] =
		dice_percent(dice, 60) ? PAM_STACK_DO_OK : random_action(dice);
	line->actions[PAM_STACK_IGNORE] = random_action(dice);
	if (*level && dice_percent(dice, 30))
		*level -= 1 + dice_below(dice, *level);
}

static void as_one_run_after_the_other(void **state)
{
	struct dice dice = dice_from_seed(dice_run_seed());
	int count = (int)dice_environment("PAM_BPFDEV_STACKS", 4000), seen[3] = { 0 };

	(void)state;
	for (int i = 0; i < count; i++) {
		struct pam_stack_line lines[LINES_MAX];
		struct pam_stack stack = { .lines = lines,
					   .count = 1 + dice_below(&dice, LINES_MAX) };
		struct pam_ways ways, expected;
		unsigned int level = 0;

		for (size_t j = 0; j < stack.count; j++)
			random_line(&dice, &lines[j], &level);
		expected = run_all(&stack);
		ways = pam_stack_walk(&stack, MODULE);
		assert_int_equal(ways.passes, expected.passes);
		assert_int_equal(ways.around, expected.around);
		assert_int_equal(ways.forgiven, expected.forgiven);
		seen[0] += ways.passes;
		seen[1] += ways.around && ways.leads_by < stack.count;
		seen[2] += ways.forgiven;
	}
	/* Else the stacks were too dull to tell anything. */
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		assert_true(count < 1000 || seen[i] > count / 50);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		pam_test(controls_that_refuse),
		pam_test(controls_that_forgive),
		pam_test(lines_that_lead_past_it),
		pam_test(what_debian_writes_leads_past_nothing),
		pam_test(substacks),
		pam_test(a_substack_is_jumped_over_as_one),
		pam_test(stacks_that_let_nobody_in),
		pam_test(stacks_without_the_module),
		cmocka_unit_test(as_one_run_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
