// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev devices: what is there, in the words that a policy has for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/asking/asking.h"
#include "command/base/memory.h"
#include "command/base/row.h"
#include "command/devices/devices.h"

struct request {
	struct command_options options; /* words: DEVICE... */
	struct asking asking;
	const char *user; /* --user, or NULL: nobody is asked about */
	struct asked asked;
	struct answer answer;
	struct founds founds;
};

static const struct command_option devices_options[] = {
	{ "user", 'u', "USER", "say what USER may do with each, in a login",
	  offsetof(struct request, user), NULL },
	{ 0 },
};

static void check(void *data, struct argp_state *state)
{
	const struct request *request = data;

	if (!request->user && asking_is_told(&request->asking))
		argp_error(state, "an option about a login needs --user=USER: whose it is");
}

static const struct command_set devices_set = { devices_options, 0, check };

/* What the user may do with the device, for audit only or not; without rules it is all. */
static uint32_t access_of(const struct request *request, const struct found *found)
{
	const struct table *table = request->answer.result.table;

	if (!table)
		return BPFDEV_ACCESS;
	return table_find(table, found->key.type, found->key.major, found->key.minor)->allow;
}

static json_t *json_words(const struct words *words)
{
	json_t *array = json_array();

	for (size_t i = 0; i < words->count; i++)
		row_append(array, output_string(words->items[i]));
	return array;
}

/* "char-tty" and "char-ttyS", of "tty,ttyS": the names that drivers of one major share. */
static void find_drivers(const struct found *found, struct words *drivers)
{
	char *copy = xstrdup(found->drivers), *rest = copy;

	*drivers = (struct words) { 0 };
	while (*found->drivers && rest)
		*xappend(drivers) =
			xasprintf("%s-%s", found->key.type == BPFDEV_BLOCK ? "block" : "char",
				  strsep(&rest, ","));
	free(copy);
}

static void free_words(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
}

static void tell_words(struct row *row, const char *key, const char *heading,
		       const struct words *words)
{
	char *text = xstrdup("");

	if (row_field(row, key, heading, SCOLS_FL_TRUNC)) {
		row_json(row, json_words(words));
		for (size_t i = 0; i < words->count; i++) {
			char *longer = xasprintf("%s%s%s", text, i ? " " : "", words->items[i]);

			free(text);
			text = longer;
		}
		if (*text)
			row_cell(row, "%s", text);
	}
	free(text);
}

/* The device, or with @last all up to that. */
static void tell_numbers(struct row *row, const struct found *found, const struct found *last)
{
	char numbers[NAMES_NUMBERS_SIZE];

	if (row_field(row, "device", "DEVICE", 0)) {
		names_numbers(found->key.type, found->key.major, found->key.minor, numbers);
		row_text(row, "%s", numbers);
		if (last != found)
			row_cell(row, "%s-%u", numbers, last->key.minor);
	}
	if (row_field(row, "type", NULL, 0))
		row_text(row, "%s", found->key.type == BPFDEV_BLOCK ? "block" : "char");
	if (row_field(row, "major", NULL, 0))
		row_number(row, found->key.major);
	if (row_field(row, "minor", NULL, 0))
		row_number(row, found->key.minor);
}

static void tell_access(struct row *row, const struct request *request, const struct found *found)
{
	char access[4];

	if (!request->user || !row_field(row, "access", "MAY", ROW_OPTIONAL))
		return;
	row_text(row, "%s", output_access(access_of(request, found), access));
	row_tone(row, access_of(request, found) & (BPFDEV_READ | BPFDEV_WRITE) ? OUTPUT_GOOD
									       : OUTPUT_BAD);
}

static void describe(struct row *row, const struct request *request, const struct found *found,
		     const struct found *last)
{
	struct words drivers;

	find_drivers(found, &drivers);
	if (row_field(row, "path", "PATH", 0)) {
		row_text(row, "/dev/%s", found->node);
		if (last != found)
			row_cell(row, "/dev/%s ... %s", found->node, last->node);
	}
	tell_access(row, request, found);
	tell_numbers(row, found, last);
	tell_words(row, "drivers", "DRIVER", &drivers);
	tell_words(row, "classes", "CLASSES", &found->classes);
	if (row_field(row, "usb", "USB", 0))
		row_text_or_null(row, found->usb);
	if (row_field(row, "name", "NAME", SCOLS_FL_TRUNC))
		row_text_or_null(row, found->name);
	tell_words(row, "tags", "TAGS", &found->tags);
	tell_words(row, "links", "LINKS", &found->links);
	free_words(&drivers);
}

static bool same_words(const struct words *a, const struct words *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return a->count == b->count;
}

/* "tty1" and "tty63", but not "tty63" and "ttyS0". */
static bool same_stem(const char *a, const char *b)
{
	size_t length = strlen(a), other = strlen(b);

	while (length && a[length - 1] >= '0' && a[length - 1] <= '9')
		length--;
	while (other && b[other - 1] >= '0' && b[other - 1] <= '9')
		other--;
	return length == other && strncmp(a, b, length) == 0;
}

/* Whether one stands behind the other, and nothing else is to be said of it. */
static bool follows(const struct request *request, const struct found *a, const struct found *b)
{
	return a->key.type == b->key.type && a->key.major == b->key.major &&
	       a->key.minor + 1 == b->key.minor && same_stem(a->node, b->node) && !a->usb &&
	       !b->usb && !a->links.count && !b->links.count &&
	       strcmp(a->drivers, b->drivers) == 0 && same_words(&a->classes, &b->classes) &&
	       same_words(&a->tags, &b->tags) && access_of(request, a) == access_of(request, b);
}

/* More than so many in a row are one line: consoles and the like. */
#define RUN 3

static size_t length_of_run(const struct request *request, size_t first)
{
	const struct founds *founds = &request->founds;
	size_t next = first + 1;

	while (next < founds->count &&
	       follows(request, &founds->items[next - 1], &founds->items[next]))
		next++;
	return next - first > RUN ? next - first : 1;
}

static void print_table(const struct request *request)
{
	static const char *const columns[] = { "USB", "NAME", "TAGS", "LINKS" };
	const struct founds *founds = &request->founds;
	struct row_table table = row_table(&request->options.output);
	bool filled[4] = { false };

	for (size_t i = 0; i < founds->count; i += length_of_run(request, i)) {
		const struct found *found = &founds->items[i];
		struct row row = row_line(&table);

		describe(&row, request, found, found + length_of_run(request, i) - 1);
		filled[0] |= found->usb != NULL;
		filled[1] |= found->name != NULL;
		filled[2] |= found->tags.count > 0;
		filled[3] |= found->links.count > 0;
	}
	for (size_t i = 0; i < 4; i++)
		if (!filled[i])
			row_table_hide(&table, columns[i]);
	row_table_print(&table);
}

static void print_words(const struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		output_line("  %s", words->items[i]);
}

/* Every name of one device, a line each: one of them goes into the policy. */
static void print_names(const struct request *request, const struct found *found)
{
	char numbers[NAMES_NUMBERS_SIZE], access[4];
	struct words drivers;

	output_line("/dev/%s%s%s%s", found->node, found->name ? " (" : "",
		    found->name ? found->name : "", found->name ? ")" : "");
	if (request->user)
		output_line("  %s may: %s", request->asked.subject.name,
			    output_access(access_of(request, found), access));
	output_line("  %s",
		    names_numbers(found->key.type, found->key.major, found->key.minor, numbers));
	find_drivers(found, &drivers);
	print_words(&drivers);
	free_words(&drivers);
	print_words(&found->classes);
	if (found->usb)
		output_line("  %s", found->usb);
	print_words(&found->links);
	print_words(&found->tags);
}

static int print_json(const struct request *request)
{
	json_t *object = json_object(), *devices = json_array();

	for (size_t i = 0; i < request->founds.count; i++) {
		const struct found *found = &request->founds.items[i];
		struct row row = row_object();

		describe(&row, request, found, found);
		row_append(devices, row.object);
	}
	row_put(object, "user",
		request->user ? output_string(request->asked.subject.name) : json_null());
	row_put(object, "devices", devices);
	return output_json(object) < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static void print_text(const struct request *request)
{
	if (!request->options.word_count) {
		if (request->user) {
			asking_print_head(&request->asking, &request->asked,
					  &request->answer.survey);
			output_line("%s", "");
		}
		print_table(request);
		return;
	}
	for (size_t i = 0; i < request->founds.count; i++) {
		if (i)
			output_line("%s", "");
		print_names(request, &request->founds.items[i]);
	}
}

/* Sets what the policy says of the user; without one, the policy is there for its classes only. */
static int load(struct request *request)
{
	struct conf_paths paths = request->options.paths;
	int status = COMMAND_YES;

	if (!request->user) {
		paths.patient = false;
		xcheck(conf_load(&paths, &request->asked.conf));
		return COMMAND_YES;
	}
	status = asking_find_user(request->user, &request->asked);
	if (status == COMMAND_YES)
		status = asking_load(&request->options, &request->asked);
	if (status == COMMAND_YES)
		status = asking_decide(&request->asking, &request->asked, &request->answer);
	return status;
}

/* Sets @wanted from the words. */
static int find_wanted(struct request *request, struct device_patterns *wanted)
{
	const struct command_options *options = &request->options;
	char device[1100];
	int status = COMMAND_YES;

	for (size_t at = 0; status == COMMAND_YES && options->words[at];) {
		at = command_take_device(options, at, device, sizeof(device));
		status = founds_want(&device_source_system, request->asked.conf, device, wanted);
	}
	return status;
}

static int show(struct request *request)
{
	struct device_patterns wanted = { 0 };
	int status = load(request);

	if (status == COMMAND_YES)
		status = find_wanted(request, &wanted);
	if (status != COMMAND_YES) {
		device_patterns_free(&wanted);
		return status;
	}
	founds_find(&device_source_system, request->asked.conf,
		    request->options.word_count ? &wanted : NULL, &request->founds);
	device_patterns_free(&wanted);
	if (request->options.output.json)
		status = print_json(request);
	else
		print_text(request);
	if (status == COMMAND_YES && !request->founds.count) {
		output_error("no such device is there now");
		return COMMAND_NO;
	}
	return status;
}

static int run(void *data)
{
	struct request *request = data;
	int status = show(request);

	founds_free(&request->founds);
	answer_free(&request->answer);
	asking_close(&request->asked);
	return status;
}

const struct command command_devices = {
	.name = "devices",
	.summary = "the devices that are there, as a policy can name them",
	.arguments = "[DEVICE...]",
	.doc = "Lists the devices of this machine with the names that a line of the policy can have "
	       "for them: path, numbers, driver, classes, what a USB device says that it is, links "
	       "and tags of udev. DEVICE: the path of a device or folder, or what a policy takes "
	       "(\"c M:m\", char-NAME, @class, /dev/GLOB, usb:VENDOR:PRODUCT[:SERIAL], tag:NAME): "
	       "only these, with every name on a line of its own.\v"
	       "Exit status: 0; 1 no such device is there; 2 the policy has mistakes (with --user), "
	       "3 it could not be found out. Without root, USER is oneself.",
	.words_max = 5,
	.sets = { { &command_output_set, 0 },
		  { &command_conf_set, 0 },
		  { &asking_set, offsetof(struct request, asking) },
		  { &devices_set, 0 } },
	.size = sizeof(struct request),
	.run = run,
};
