// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a service's name to the lines of its stack, includes resolved, and all ways through them. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command/base/memory.h"
#include "command/pam/stack.h"

/* What is read, and how deep in includes and substacks one is. */
struct reading {
	const struct pam_files *files;
	const char *service, *type;
	struct pam_stack *stack;
};

/* Where a file was asked for. */
struct depth {
	unsigned int includes, level;
	bool whole; /* lines of all types are asked for, so that those of others are no mistake */
};

static int read_file(struct reading *reading, FILE *file, const char *path, struct depth depth);

/* Keeps @path, which is the stack's from now on. */
static const char *keep_path(struct pam_stack *stack, char *path)
{
	stack->files = xgrow(stack->files, stack->file_count, &stack->file_capacity,
			     sizeof(*stack->files));
	return stack->files[stack->file_count++] = path;
}

static void free_line(struct pam_stack_line *line)
{
	free(line->arguments);
	free(line->text);
}

/* Appends a line, which is the stack's from now on. Returns 0 or -E2BIG. */
static int add(struct pam_stack *stack, struct pam_stack_line *line)
{
	if (stack->count == PAM_STACK_LINES_MAX) {
		free_line(line);
		return -E2BIG;
	}
	stack->lines = xgrow(stack->lines, stack->count, &stack->capacity, sizeof(*stack->lines));
	stack->lines[stack->count++] = *line;
	return 0;
}

static void read_arguments(struct pam_stack_line *line, char *rest)
{
	size_t capacity = 0;
	char *word;

	while ((word = pam_text_word(&rest))) {
		line->arguments = xgrow(line->arguments, line->argument_count, &capacity,
					sizeof(*line->arguments));
		line->arguments[line->argument_count++] = word;
	}
}

/*
 * Reads what another file has for this stack. Returns 1; 0: it cannot be read, so that the line
 * which asks for it fails; or a negative errno.
 */
static int include(struct reading *reading, const char *name, struct depth depth)
{
	FILE *file = NULL;
	char *path;
	int ret;

	if (name && ++depth.includes < PAM_STACK_DEPTH)
		file = pam_files_open(reading->files, name, &path);
	if (!file)
		return 0;
	ret = read_file(reading, file, keep_path(reading->stack, path), depth);
	fclose(file);
	return ret < 0 ? ret : 1;
}

/* A line with "include" or "substack". Returns as include(). */
static int read_include(struct reading *reading, struct pam_stack_line *line, const char *name,
			struct depth depth)
{
	struct pam_stack_line mark = *line;
	int ret;

	depth.whole = false;
	if (strcasecmp(line->control, "substack") != 0)
		return include(reading, name, depth);
	mark.kind = PAM_STACK_SUBSTACK;
	mark.text = NULL; /* the line's own, should it fail */
	mark.control = mark.module = "";
	ret = add(reading->stack, &mark);
	depth.level++;
	return ret < 0 ? ret : include(reading, name, depth);
}

/* All behind the type. Returns 1: the line is complete; 0: it stands for others; or an errno. */
static int read_rest(struct reading *reading, struct pam_stack_line *line, char *rest,
		     struct depth depth)
{
	const char *word = pam_text_word(&rest);

	line->control = word ? word : "";
	line->module = "";
	if (!word)
		line->kind = PAM_STACK_FAIL;
	word = pam_text_word(&rest);
	if (strcasecmp(line->control, "include") == 0 ||
	    strcasecmp(line->control, "substack") == 0) {
		int ret = read_include(reading, line, word, depth);

		line->kind = PAM_STACK_FAIL;
		pam_text_control("required", line->actions);
		return ret < 0 ? ret : !ret;
	}
	pam_text_control(line->control, line->actions);
	if (!word)
		line->kind = PAM_STACK_FAIL;
	if (line->kind == PAM_STACK_FAIL)
		return 1;
	line->module = word;
	read_arguments(line, rest);
	return 1;
}

/* A line of which even the type is wrong counts as one of auth, or of what is asked for. */
static bool is_asked_for(const struct reading *reading, struct pam_stack_line *line,
			 const char *type, struct depth depth)
{
	static const char *const types[] = { "auth", "account", "password", "session" };

	/* Only says that nobody need hear of a module that is not there. */
	if (type && *type == '-')
		type++;
	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(type, types[i]) == 0)
			return strcasecmp(type, reading->type) == 0;
	line->kind = PAM_STACK_FAIL;
	return !depth.whole || strcasecmp(reading->type, "auth") == 0;
}

/* Takes one line of a file. Returns 1 if @line is to be added; 0: not; or a negative errno. */
static int read_line(struct reading *reading, struct pam_stack_line *line, struct depth depth)
{
	char *rest = line->text, *word;
	int ret;

	if (reading->files->single && line->file == reading->stack->files[0] &&
	    (!(word = pam_text_word(&rest)) || strcasecmp(word, reading->service) != 0))
		return 0;
	word = pam_text_word(&rest);
	/* Debian's own: lines of all types, or of those that are asked for. */
	if (word && strcasecmp(word, "@include") == 0) {
		ret = include(reading, pam_text_word(&rest), depth);
		line->kind = PAM_STACK_FAIL;
		line->control = line->module = "";
		pam_text_control("required", line->actions);
		return ret < 0 ? ret : !ret;
	}
	return is_asked_for(reading, line, word, depth) ? read_rest(reading, line, rest, depth) : 0;
}

/* A file that cannot be read to its end fails as a whole. */
static int add_failing(struct reading *reading, const struct pam_text *text, const char *path)
{
	struct pam_stack_line line = {
		.kind = PAM_STACK_FAIL,
		.file = path,
		.number = text->first,
		.control = "",
		.module = "",
	};

	pam_text_control("required", line.actions);
	return add(reading->stack, &line);
}

static int read_file(struct reading *reading, FILE *file, const char *path, struct depth depth)
{
	struct pam_text text = { .file = file };
	char *content;
	int ret;

	while ((ret = pam_text_next(&text, &content)) > 0) {
		struct pam_stack_line line = { .file = path, .text = content };

		line.number = text.first;
		line.level = depth.level;
		ret = read_line(reading, &line, depth);
		if (ret > 0)
			ret = add(reading->stack, &line);
		else
			free_line(&line);
		if (ret < 0)
			return ret;
	}
	return ret == -EPROTO ? add_failing(reading, &text, path) : ret;
}

int pam_stack_load(const char *root, const char *service, const char *type, struct pam_stack *stack)
{
	const struct pam_files files = pam_files_below(root);
	struct reading reading = { &files, service, type, stack };
	char *path;
	FILE *file;
	int ret;

	*stack = (struct pam_stack) { 0 };
	file = pam_files_open(&files, files.single ? "/etc/pam.conf" : service, &path);
	if (!file)
		return -ENOENT;
	ret = read_file(&reading, file, keep_path(stack, path), (struct depth) { .whole = true });
	fclose(file);
	return ret;
}

void pam_stack_free(struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		free_line(&stack->lines[i]);
	for (size_t i = 0; i < stack->file_count; i++)
		free(stack->files[i]);
	free(stack->lines);
	free(stack->files);
	*stack = (struct pam_stack) { 0 };
}

const char *pam_stack_module(const struct pam_stack_line *line)
{
	const char *slash = strrchr(line->module, '/');

	return slash ? slash + 1 : line->module;
}

size_t pam_stack_find(const struct pam_stack *stack, const char *name, size_t from)
{
	while (from < stack->count && strcmp(pam_stack_module(&stack->lines[from]), name) != 0)
		from++;
	return from;
}

/*
 * The ways: what libpam's pam_dispatch.c does with a stack, for all that modules could return at
 * once. To each line belong the states in which it can be reached. Jumps go forward only, so that
 * one pass over the lines finds them all.
 */

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

static void add_state(struct states *states, const struct state *state)
{
	for (size_t i = 0; i < states->count; i++)
		if (is_same(&states->items[i], state))
			return;
	states->items = xgrow(states->items, states->count, &states->capacity, sizeof(*state));
	states->items[states->count++] = *state;
}

/* Goes from line @from to @to, over what is between them. */
static void go(struct walk *walk, struct state state, size_t from, size_t to)
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
	add_state(&walk->reached[to], &state);
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
static void take(struct walk *walk, struct state state, size_t at, int value)
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
	go(walk, state, at, last + 1);
}

static bool may_return(const struct pam_stack_line *line, int value)
{
	const char *name = pam_stack_module(line);

	if (line->kind == PAM_STACK_FAIL)
		return value == PAM_STACK_PERM_DENIED;
	if (strcmp(name, "pam_permit.so") == 0)
		return value == PAM_STACK_SUCCESS;
	if (strcmp(name, "pam_deny.so") == 0)
		return value == PAM_STACK_SESSION_ERR;
	return value != PAM_STACK_INCOMPLETE;
}

/* The module itself: what it returns for a user who has rules. */
static void take_module(struct walk *walk, struct state state, size_t at)
{
	struct state refused = state;

	/* Of two such lines, one that says yes is enough: then there is a filter. */
	if (state.outcome != OUTCOME_YES)
		refused.outcome = OUTCOME_NO;
	take(walk, refused, at, PAM_STACK_SESSION_ERR);
	state.outcome = OUTCOME_YES;
	take(walk, state, at, PAM_STACK_SUCCESS);
}

static void step(struct walk *walk, const struct state *state, size_t at)
{
	const struct pam_stack_line *line = &walk->stack->lines[at];

	if (line->kind == PAM_STACK_SUBSTACK) {
		go(walk, *state, at, at + 1);
		return;
	}
	if (is_module(walk, at)) {
		take_module(walk, *state, at);
		return;
	}
	for (int value = 0; value < PAM_STACK_RETURNS; value++)
		if (may_return(line, value))
			take(walk, *state, at, value);
}

struct pam_ways pam_stack_walk(const struct pam_stack *stack, const char *module)
{
	struct walk walk = { stack, module, xcalloc(stack->count + 1, sizeof(struct states)) };
	struct state start = { .mood = MOOD_NONE, .leads_by = (uint16_t)stack->count };
	struct pam_ways ways = { .leads_by = stack->count };
	const struct states *end = &walk.reached[stack->count];

	add_state(&walk.reached[0], &start);
	for (size_t at = 0; at < stack->count; at++)
		for (size_t i = 0; i < walk.reached[at].count; i++)
			step(&walk, &walk.reached[at].items[i], at);
	for (size_t i = 0; i < end->count; i++) {
		const struct state *state = &end->items[i];

		if (state->mood != MOOD_YES)
			continue;
		ways.passes = true;
		ways.forgiven |= state->outcome == OUTCOME_NO;
		if (state->outcome != OUTCOME_UNCALLED)
			continue;
		ways.around = true;
		if (ways.leads_by == stack->count)
			ways.leads_by = state->leads_by;
	}
	for (size_t i = 0; i <= stack->count; i++)
		free(walk.reached[i].items);
	free(walk.reached);
	return ways;
}
