// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The devices that have a node, and what a policy can call them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "command/base/command.h"
#include "command/base/memory.h"
#include "command/devices/devices.h"
#include "policy/policy.h"

static bool covers(const struct device_patterns *patterns, const struct bpfdev_key *key)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const struct device_pattern *pattern = &patterns->items[i];

		if (pattern->type == key->type &&
		    (pattern->major == BPFDEV_ANY || pattern->major == key->major) &&
		    (pattern->minor == BPFDEV_ANY || pattern->minor == key->minor))
			return true;
	}
	return false;
}

/* Takes @word over. */
static void add_word(struct words *words, char *word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->items[i], word) == 0) {
			free(word);
			return;
		}
	}
	*xappend(words) = word;
}

static void free_words(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
}

static void add_known(const struct device_source *devices, struct found *found)
{
	const struct bpfdev_key *key = &found->key;
	char usb[DEVICE_SERIAL_SIZE];
	struct device_known known;

	xcheck(device_know(devices, key->type, key->major, key->minor, &known));
	if (device_known_usb(&known, usb))
		found->usb = xstrdup(usb);
	if (*known.name)
		found->name = xstrdup(known.name);
	for (size_t i = 0; i < known.links.count; i++)
		add_word(&found->links, names_write_path(known.links.items[i]));
	for (size_t i = 0; i < known.tags.count; i++)
		add_word(&found->tags, xasprintf("tag:%s", known.tags.items[i]));
	device_known_free(&known);
}

static struct found *find(struct founds *founds, const struct bpfdev_key *key)
{
	for (size_t i = 0; i < founds->count; i++)
		if (table_compare_keys(&founds->items[i].key, key) == 0)
			return &founds->items[i];
	return NULL;
}

/* The nodes are sorted, of those with the same numbers the shortest path stands first. */
static void add_nodes(const struct device_source *devices, const struct device_patterns *wanted,
		      struct founds *founds)
{
	struct names *names = names_new(devices);
	char drivers[NAMES_DRIVERS_SIZE];

	for (size_t i = 0; i < founds->nodes.count; i++) {
		const struct names_node *node = &founds->nodes.items[i];
		struct bpfdev_key key = { node->type, node->major, node->minor };
		struct found *last = founds->count ? &founds->items[founds->count - 1] : NULL;

		if ((last && table_compare_keys(&last->key, &key) == 0) ||
		    (wanted && !covers(wanted, &key)))
			continue;
		names_drivers(names, key.type, key.major, drivers);
		last = xappend(founds);
		*last = (struct found) { .key = key,
					 .node = node->path,
					 .drivers = xstrdup(drivers) };
		add_known(devices, last);
	}
	names_free(names);
}

/* Links that are there in folders of their own: where there is no udev, these are all. */
static void add_links(const struct device_source *devices, struct founds *founds)
{
	for (size_t i = 0; i < founds->nodes.link_count; i++) {
		char *path = names_write_path(founds->nodes.links[i]);
		struct device_patterns patterns = { 0 };
		struct device_spec spec;
		int used;

		if (device_parse(path, NULL, &spec, &used, NULL) == 0)
			xcheck(device_resolve(devices, &spec, &patterns, NULL));
		for (size_t j = 0; j < patterns.count; j++) {
			struct bpfdev_key key = { patterns.items[j].type, patterns.items[j].major,
						  patterns.items[j].minor };
			struct found *found = find(founds, &key);

			if (found)
				add_word(&found->links, xstrdup(path));
		}
		device_patterns_free(&patterns);
		free(path);
	}
}

static void add_classes(const struct device_source *devices, const struct conf *conf,
			struct founds *founds)
{
	for (size_t i = 0; i < conf->class_count; i++) {
		struct device_spec spec = { .kind = DEVICE_CLASS, .text = conf->classes[i].name };
		struct device_patterns patterns = { 0 };

		/* One of which it cannot be told what it stands for now is nobody's. */
		xcheck(policy_resolve(conf, devices, &spec, &patterns, NULL));
		for (size_t j = 0; j < founds->count; j++)
			if (covers(&patterns, &founds->items[j].key))
				add_word(&founds->items[j].classes, xasprintf("@%s", spec.text));
		device_patterns_free(&patterns);
	}
}

void founds_find(const struct device_source *devices, const struct conf *conf,
		 const struct device_patterns *wanted, struct founds *founds)
{
	struct device_source source = *devices;
	struct device_cache cache = { 0 };

	*founds = (struct founds) { 0 };
	source.cache = &cache;
	names_nodes_find(source.dev, &founds->nodes);
	add_nodes(&source, wanted, founds);
	add_links(&source, founds);
	add_classes(&source, conf, founds);
	device_cache_free(&cache);
}

void founds_free(struct founds *founds)
{
	for (size_t i = 0; i < founds->count; i++) {
		struct found *found = &founds->items[i];

		free(found->drivers);
		free(found->usb);
		free(found->name);
		free_words(&found->classes);
		free_words(&found->links);
		free_words(&found->tags);
	}
	free(founds->items);
	names_nodes_free(&founds->nodes);
}

static void want_node(const struct stat *st, struct device_patterns *wanted)
{
	*xappend(wanted) = (struct device_pattern) {
		.type = S_ISBLK(st->st_mode) ? BPFDEV_BLOCK : BPFDEV_CHAR,
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
	};
}

static void want_folder(const char *path, struct device_patterns *wanted)
{
	struct names_nodes nodes = { 0 };

	names_nodes_find(path, &nodes);
	for (size_t i = 0; i < nodes.count; i++)
		*xappend(wanted) = (struct device_pattern) {
			.type = nodes.items[i].type,
			.major = nodes.items[i].major,
			.minor = nodes.items[i].minor,
		};
	names_nodes_free(&nodes);
}

/* Who names a path means what is there, wherever a policy would look. */
static int want_path(const char *path, struct device_patterns *wanted)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		output_error("%s: %s", path, strerror(errno));
		return COMMAND_FAILED;
	}
	if (S_ISDIR(st.st_mode)) {
		want_folder(path, wanted);
	} else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
		want_node(&st, wanted);
	} else {
		output_error("%s is not a device; expected a device, or a folder of such", path);
		return COMMAND_FAILED;
	}
	return COMMAND_YES;
}

/* @text is cut by parsing. */
static int want_device(const struct device_source *devices, const struct conf *conf, char *text,
		       struct device_patterns *wanted)
{
	struct device_spec spec;
	struct reason why;
	const char *rest;
	int ret = device_parse_text(text, &spec, &rest, &why);

	if (ret == 0 && *rest)
		reason_set(&why, "\"%s %s\" is more than a device; expected one", text, rest);
	if (ret < 0 || *rest) {
		output_error("%s", why.text);
		return COMMAND_USAGE;
	}
	if (spec.kind == DEVICE_CLASS && !conf_find_class(conf, spec.text)) {
		output_error("there is no class \"%s\" in the policy", spec.text);
		return COMMAND_FAILED;
	}
	if (xcheck(policy_resolve(conf, devices, &spec, wanted, &why)) == 0)
		return COMMAND_YES;
	output_error("%s: %s", text, why.text);
	return COMMAND_FAILED;
}

int founds_want(const struct device_source *devices, const struct conf *conf, const char *text,
		struct device_patterns *wanted)
{
	char *parsed;
	int status;

	if ((*text == '/' || *text == '.') && names_is_path(text))
		return want_path(text, wanted);
	parsed = xstrdup(text);
	status = want_device(devices, conf, parsed, wanted);
	free(parsed);
	return status;
}
