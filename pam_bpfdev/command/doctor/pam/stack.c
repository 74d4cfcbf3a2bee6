// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a service's name to the lines of its stack, includes resolved. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "command/doctor/pam/files.h"
#include "command/doctor/pam/line.h"

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

static char *keep_path(struct pam_stack *stack, const char *path)
{
	char **grown =
		array_grow(stack->files, stack->file_count, &stack->file_capacity, sizeof(*grown));
	char *copy = grown ? strdup(path) : NULL;

	if (grown)
		stack->files = grown;
	if (copy)
		stack->files[stack->file_count++] = copy;
	return copy;
}

/* Appends a line, which is the stack's from now on. Returns 0 or a negative errno. */
static int add(struct pam_stack *stack, const struct pam_stack_line *line)
{
	struct pam_stack_line *grown;

	if (stack->count == PAM_STACK_LINES_MAX)
		return -E2BIG;
	grown = array_grow(stack->lines, stack->count, &stack->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	stack->lines = grown;
	grown[stack->count++] = *line;
	return 0;
}

static int read_arguments(struct pam_stack_line *line, char *rest)
{
	size_t capacity = 0;
	char *word;

	while ((word = pam_text_word(&rest))) {
		const char **grown = array_grow(line->arguments, line->argument_count, &capacity,
						sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		line->arguments = grown;
		line->arguments[line->argument_count++] = word;
	}
	return 0;
}

/*
 * Reads what another file has for this stack. Returns 1; 0: it cannot be read, so that the line
 * which asks for it fails; or a negative errno.
 */
static int include(struct reading *reading, const char *name, struct depth depth)
{
	char *path = NULL;
	FILE *file = NULL;
	int ret = 0;

	if (name && ++depth.includes < PAM_STACK_DEPTH)
		ret = pam_files_open(reading->files, name, &file, &path);
	if (ret == 0 && file) {
		const char *kept = keep_path(reading->stack, path);

		ret = kept ? read_file(reading, file, kept, depth) : -ENOMEM;
		ret = ret == 0 ? 1 : ret;
	}
	if (file)
		fclose(file);
	free(path);
	return ret == -ENOENT ? 0 : ret;
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
	int ret;

	line->control = word ? word : "";
	line->module = "";
	if (!word)
		line->kind = PAM_STACK_FAIL;
	word = pam_text_word(&rest);
	if (strcasecmp(line->control, "include") == 0 ||
	    strcasecmp(line->control, "substack") == 0) {
		ret = read_include(reading, line, word, depth);
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
	ret = read_arguments(line, rest);
	return ret < 0 ? ret : 1;
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

static void free_line(struct pam_stack_line *line)
{
	free(line->arguments);
	free(line->text);
}

/* The same as add(); what cannot be added is freed. */
static int add_read(struct pam_stack *stack, struct pam_stack_line *line)
{
	int ret = add(stack, line);

	if (ret < 0)
		free_line(line);
	return ret;
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
			ret = add_read(reading->stack, &line);
		else
			free_line(&line);
		if (ret < 0)
			return ret;
	}
	return ret == -EPROTO ? add_failing(reading, &text, path) : ret;
}

int pam_stack_load(const char *root, const char *service, const char *type, struct pam_stack *stack)
{
	struct pam_files files = { root, pam_files_is_single(root) };
	struct reading reading = { &files, service, type, stack };
	struct depth depth = { .whole = true };
	char *path = NULL;
	FILE *file;
	int ret;

	*stack = (struct pam_stack) { 0 };
	ret = pam_files_open(&files, files.single ? "/etc/pam.conf" : service, &file, &path);
	if (ret < 0)
		return ret;
	ret = keep_path(stack, path) ? 0 : -ENOMEM;
	free(path);
	if (ret == 0)
		ret = read_file(&reading, file, stack->files[0], depth);
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
