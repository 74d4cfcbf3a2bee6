// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What libpam's pam_dispatch.c does with a stack, for all that modules could return at once: to
 * each line belong the states in which it can be reached. Jumps go forward only, so that one pass
 * over the lines finds them all.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "command/doctor/pam/walk.h"

/* What PAM thinks of the login so far. */
enum mood { MOOD_NONE, MOOD_YES, MOOD_FLAWED, MOOD_NO };

/* What became of the module that is looked at. */
enum outcome { OUTCOME_UNCALLED, OUTCOME_YES, OUTCOME_NO };

struct state {
	uint8_t mood, outcome;
	uint8_t saved[PAM_STACK_DEPTH]; /* the moods in which the substacks were entered */
	uint16_t leads_by;		/* the line that leads past the module; else the count */
};

struct states {
	struct state *items;
	size_t count, capacity;
};

struct walk {
	const struct pam_stack *stack;
	const char *module;
	struct states *reached; /* per line, and one more for the end */
};

static bool is_module(const struct walk *walk, size_t line)
{
	return strcmp(pam_stack_module(&walk->stack->lines[line]), walk->module) == 0;
}

static bool is_same(const struct state *a, const struct state *b)
{
	return a->mood == b->mood && a->outcome == b->outcome &&
	       memcmp(a->saved, b->saved, sizeof(a->saved)) == 0;
}

static int add(struct states *states, const struct state *state)
{
	struct state *grown;

	for (size_t i = 0; i < states->count; i++)
		if (is_same(&states->items[i], state))
			return 0;
	grown = array_grow(states->items, states->count, &states->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	states->items = grown;
	grown[states->count++] = *state;
	return 0;
}

/* Goes from line @from to @to, over what is between them. */
static int go(struct walk *walk, struct state state, size_t from, size_t to)
{
	const struct pam_stack_line *lines = walk->stack->lines;
	size_t count = walk->stack->count;
	unsigned int level = to < count ? lines[to].level : 0;

	for (size_t i = from + 1; i < to && state.outcome == OUTCOME_UNCALLED; i++)
		if (is_module(walk, i) && state.leads_by == count)
			state.leads_by = (uint16_t)from;
	if (to < count && lines[from].level < level)
		state.saved[level] = state.mood;
	/* What was saved further in counts no more: states that differ in it only are the same. */
	for (unsigned int i = level + 1; i < PAM_STACK_DEPTH; i++)
		state.saved[i] = MOOD_NONE;
	return add(&walk->reached[to], &state);
}

/* The last line of those from @line on that are in the same substack, or further in. */
static size_t substack_end(const struct pam_stack *stack, size_t line)
{
	unsigned int level = stack->lines[line].level;

	while (line + 1 < stack->count && stack->lines[line + 1].level >= level)
		line++;
	return line;
}

/* One line, or a substack with all that is in it, is one step. *@left: steps that were too many. */
static size_t jump(const struct pam_stack *stack, size_t line, int steps, int *left)
{
	unsigned int level = stack->lines[line].level;

	while (line + 1 < stack->count && stack->lines[line + 1].level >= level && steps > 0) {
		do
			line++;
		while (line + 1 < stack->count && stack->lines[line + 1].level > level);
		steps--;
	}
	*left = steps;
	return line;
}

/* A module was content, or its line says so of what it returned. */
static void nod(struct state *state, bool success)
{
	if (state->mood == MOOD_NONE || state->mood == MOOD_YES)
		state->mood = success ? MOOD_YES : MOOD_FLAWED;
}

/* The line's module returned @value. */
static int take(struct walk *walk, struct state state, size_t at, int value)
{
	const struct pam_stack_line *line = &walk->stack->lines[at];
	int action = line->actions[value], left = 0;
	size_t last = at;

	switch (action) {
	case PAM_STACK_DO_IGNORE:
		break;
	case PAM_STACK_DO_OK:
	case PAM_STACK_DO_DONE:
		nod(&state, value == PAM_STACK_SUCCESS);
		if (action == PAM_STACK_DO_DONE && state.mood != MOOD_NO)
			last = substack_end(walk->stack, at);
		break;
	case PAM_STACK_DO_RESET:
		state.mood = state.saved[line->level];
		break;
	case PAM_STACK_DO_BAD:
	case PAM_STACK_DO_DIE:
		state.mood = MOOD_NO;
		if (action == PAM_STACK_DO_DIE)
			last = substack_end(walk->stack, at);
		break;
	default:
		last = jump(walk->stack, at, action, &left);
		if (left)
			state.mood = MOOD_NO;
	}
	return go(walk, state, at, last + 1);
}

static bool may_return(const struct pam_stack_line *line, int value)
{
	const char *name = pam_stack_module(line);

	if (line->kind == PAM_STACK_FAIL)
		return value == 6; /* perm_denied */
	if (strcmp(name, "pam_permit.so") == 0)
		return value == PAM_STACK_SUCCESS;
	if (strcmp(name, "pam_deny.so") == 0)
		return value == PAM_STACK_SESSION_ERR;
	return value != PAM_STACK_INCOMPLETE;
}

/* The module itself: what it returns for a user who has rules. */
static int take_module(struct walk *walk, struct state state, size_t at)
{
	struct state refused = state;
	int ret;

	/* Of two such lines, one that says yes is enough: then there is a filter. */
	if (state.outcome != OUTCOME_YES)
		refused.outcome = OUTCOME_NO;
	ret = take(walk, refused, at, PAM_STACK_SESSION_ERR);
	state.outcome = OUTCOME_YES;
	return ret < 0 ? ret : take(walk, state, at, PAM_STACK_SUCCESS);
}

static int step(struct walk *walk, const struct state *state, size_t at)
{
	const struct pam_stack_line *line = &walk->stack->lines[at];
	int ret = 0;

	if (line->kind == PAM_STACK_SUBSTACK)
		return go(walk, *state, at, at + 1);
	if (is_module(walk, at))
		return take_module(walk, *state, at);
	for (int value = 0; value < PAM_STACK_RETURNS && ret == 0; value++)
		if (may_return(line, value))
			ret = take(walk, *state, at, value);
	return ret;
}

static int walk_all(struct walk *walk)
{
	struct state start = { .mood = MOOD_NONE, .leads_by = (uint16_t)walk->stack->count };
	int ret = add(&walk->reached[0], &start);

	for (size_t at = 0; at < walk->stack->count && ret == 0; at++)
		for (size_t i = 0; i < walk->reached[at].count && ret == 0; i++)
			ret = step(walk, &walk->reached[at].items[i], at);
	return ret;
}

static void look_at_end(const struct walk *walk, struct pam_ways *ways)
{
	const struct states *end = &walk->reached[walk->stack->count];

	*ways = (struct pam_ways) { .leads_by = walk->stack->count };
	for (size_t i = 0; i < end->count; i++) {
		const struct state *state = &end->items[i];

		if (state->mood != MOOD_YES)
			continue;
		ways->passes = true;
		if (state->outcome == OUTCOME_NO)
			ways->forgiven = true;
		if (state->outcome != OUTCOME_UNCALLED)
			continue;
		ways->around = true;
		if (ways->leads_by == walk->stack->count)
			ways->leads_by = state->leads_by;
	}
}

int pam_stack_walk(const struct pam_stack *stack, const char *module, struct pam_ways *ways)
{
	struct walk walk = { stack, module, calloc(stack->count + 1, sizeof(struct states)) };
	int ret = walk.reached ? walk_all(&walk) : -ENOMEM;

	if (ret == 0)
		look_at_end(&walk, ways);
	for (size_t i = 0; walk.reached && i <= stack->count; i++)
		free(walk.reached[i].items);
	free(walk.reached);
	return ret;
}
